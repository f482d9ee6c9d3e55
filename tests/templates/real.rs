//! The real programs read what the templates make. Where one isn't installed, that is said.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use crate::rendered;

/// Without line feeds, all that breaks config files.
const PASSWORD: &str = r##"'q' "d" `b` $HOME ${x} $(id) \ \\ \n \' & | # ; , = ! ? * % ~ < > ( ) [ ] { } {{ 7 }} {% x %} <?= 1 ?> */ //"##;

/// What a program says; `None`: it isn't installed.
fn run(program: &str, arguments: &[&str], file: &Path) -> Option<Output> {
    match Command::new(program).args(arguments).arg(file).output() {
        Ok(output) => Some(output),
        Err(_) => {
            // past the capturing of the test harness: nobody reads what a passed test prints
            let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
            None
        }
    }
}

fn accepted(program: &str, arguments: &[&str], file: &Path) {
    if let Some(output) = run(program, arguments, file) {
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn php_fpm_takes_its_file() {
    for variables in [
        &["PHP_FPM_PM=dynamic", "PHP_FPM_PING_PATH=/ping", "PHP_FPM_STATUS_PATH=/status"][..],
        &["PHP_FPM_PM=static", "PHP_FPM_LISTEN=127.0.0.1:9000"],
        &["PHP_FPM_PM=ondemand", "PHP_FPM_LISTEN=[::1]:9000", "PHP_FPM_REQUEST_TERMINATE_TIMEOUT=5m"],
    ] {
        let scratch = rendered("templates/php-fpm/php-fpm.toml", variables);
        let conf = scratch.rendered("/etc/php/8.2/fpm/php-fpm.conf");
        // the user of the tests may lack the users that it names, and the right to a log
        let text = std::fs::read_to_string(&conf).unwrap().replace("/proc/self/fd/2", "/dev/null");
        std::fs::write(&conf, text).unwrap();
        accepted("php-fpm8.2", &["--test", "--fpm-config"], &conf);
    }
}

#[test]
fn php_takes_its_settings() {
    let scratch = rendered("templates/php/php.toml", &["PHP_MEMORY_LIMIT=64M", "PHP_DISPLAY_ERRORS=yes"]);
    let ini = scratch.rendered("/etc/php/8.2/fpm/conf.d/90-castoff.ini");
    let read = "echo json_encode([ini_get('memory_limit'), ini_get('post_max_size'), \
                ini_get('display_errors'), ini_get('date.timezone')]);";
    let Some(output) = run("php", &["-r", read, "-c"], &ini) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), r#"["64M","8M","1","UTC"]"#);
}

#[test]
fn php_reads_the_password_back() {
    let password = |name: &str| format!("{name}={PASSWORD}");
    let wordpress = rendered(
        "templates/wordpress/wordpress.toml",
        &["WORDPRESS_DB_USER=u", &password("WORDPRESS_DB_PASSWORD")],
    );
    let drupal = rendered("templates/drupal/drupal.toml", &["DB_USER=u", &password("DB_PASSWORD")]);
    for (file, read) in [
        (
            wordpress.rendered("/var/www/html/wp-config.php"),
            "eval(substr(explode('require_once', file_get_contents($argv[1]))[0], 5)); echo DB_PASSWORD;",
        ),
        (
            drupal.rendered("/var/www/html/sites/default/settings.php"),
            "$app_root = $site_path = ''; include $argv[1]; echo $databases['default']['default']['password'];",
        ),
    ] {
        let Some(output) = run("php", &["-r", read], &file) else { return };
        assert_eq!(String::from_utf8_lossy(&output.stdout), PASSWORD, "{}", file.display());
    }
}

/// PEAR's DB, which CiviCRM connects with, takes a DSN apart like this.
#[test]
fn php_takes_the_password_out_of_civicrms_dsn() {
    let password = format!("DB_PASSWORD={PASSWORD}");
    let scratch = rendered(
        "templates/civicrm/civicrm.toml",
        &["DB_USER=u@x", &password, "CIVICRM_BASE_URL=https://a.example/", "DB_HOST=fd00::1"],
    );
    let read = "eval(substr(explode('set_include_path', file_get_contents($argv[1]))[0], 5)); \
                foreach ([CIVICRM_DSN, CIVICRM_UF_DSN] as $dsn) { $u = parse_url($dsn); \
                echo rawurldecode($u['user']), ' ', $u['host'], ' ', $u['port'], $u['path'], ' ', \
                rawurldecode($u['pass']), \"\\n\"; }";
    let file = scratch.rendered("/var/www/html/sites/default/civicrm.settings.php");
    let Some(output) = run("php", &["-r", read], &file) else { return };
    let expected = format!("u@x [fd00::1] 3306/civicrm {PASSWORD}\nu@x [fd00::1] 3306/drupal {PASSWORD}\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let Some(output) = run("php", &["-l"], &file) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn msmtp_takes_its_file() {
    let password = format!("SMTP_PASSWORD={PASSWORD}");
    let variables = ["SMTP_HOST=mail.example.com", "SMTP_FROM=a@example.com", "SMTP_USER=u", &password];
    let scratch = rendered("templates/mail/msmtp.toml", &variables);
    let msmtprc = scratch.rendered("/etc/msmtprc");
    // of a file that isn't the system's own, msmtp wants this
    std::fs::set_permissions(&msmtprc, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let file = format!("--file={}", msmtprc.display());
    let Some(output) = run("msmtp", &[&file], Path::new("--pretend")) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    for line in ["host = mail.example.com", "port = 587", "user = u", "password = *", "tls_starttls = on"] {
        assert!(said.lines().any(|found| found == line), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn nginx_takes_its_file() {
    for variables in [
        // a test of nginx's binds, though it forgives an address in use
        &["NGINX_FASTCGI_PASS=127.0.0.1:9000", "NGINX_LISTEN=8080"][..],
        &["NGINX_FASTCGI_PASS=unix:/run/php.sock", "NGINX_LISTEN=8080", "NGINX_REAL_IP_FROM=10.0.0.0/8"],
        &[
            "NGINX_RESOLVER=127.0.0.11",
            "NGINX_LISTEN=127.0.0.1:8080",
            "NGINX_SERVER_NAME=example.com,*.example.org",
        ],
    ] {
        let scratch = rendered("templates/nginx/nginx.toml", variables);
        let conf = scratch.rendered("/etc/nginx/nginx.conf");
        // what only root may open
        let text = std::fs::read_to_string(&conf).unwrap();
        let pid = format!("pid {};", conf.with_extension("pid").display());
        let text = text.replace("pid /run/nginx.pid;", &pid).replace("/dev/stdout", "/dev/null");
        std::fs::write(&conf, text).unwrap();
        accepted("nginx", &["-q", "-t", "-c"], &conf);
    }
}

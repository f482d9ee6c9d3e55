//! What the templates make of variables.

use crate::rendered;

const PHP_FPM: &str = "templates/php-fpm/php-fpm.toml";
const PHP_FPM_CONF: &str = "/etc/php/8.2/fpm/php-fpm.conf";
const PHP_INI: &str = "/etc/php/8.2/fpm/conf.d/90-castoff.ini";
const NGINX: &str = "templates/nginx/nginx.toml";
const NGINX_CONF: &str = "/etc/nginx/nginx.conf";
const SSMTP: &str = "templates/mail/ssmtp.toml";
const MSMTP: &str = "templates/mail/msmtp.toml";
const DRUPAL: &str = "templates/drupal/drupal.toml";
const SETTINGS: &str = "/var/www/html/sites/default/settings.php";
const DRUPAL_LEAST: [&str; 3] = ["DB_USER=u", "DB_PASSWORD=p", "DRUPAL_HASH_SALT=s"];

/// Lines that must be in a file made by a spec from variables, and parts that must not.
type Case<'a> = (&'a str, &'a [&'a str], &'a str, &'a [&'a str], &'a [&'a str]);

const CASES: &[Case<'_>] = &[
    (
        PHP_FPM,
        &[],
        PHP_FPM_CONF,
        &[
            "process_control_timeout = 5",
            "clear_env = yes",
            "catch_workers_output = yes",
            "decorate_workers_output = no",
            "pm.start_servers = 2",
            "pm.min_spare_servers = 1",
            "pm.max_spare_servers = 3",
            "access.log = /proc/self/fd/2",
        ],
        &["ping.path", "listen.owner"],
    ),
    // a memory for one child only: the rest follows
    (
        PHP_FPM,
        &["PHP_MEMORY_LIMIT=100000G"],
        PHP_FPM_CONF,
        &["pm.max_children = 1", "pm.start_servers = 1", "pm.max_spare_servers = 1"],
        &[],
    ),
    (PHP_FPM, &["PHP_MEMORY_LIMIT=-1"], PHP_FPM_CONF, &["pm.max_children = 5"], &[]),
    (
        PHP_FPM,
        &["PHP_FPM_PM_MIN_SPARE_SERVERS=8", "PHP_FPM_PM_MAX_CHILDREN=9"],
        PHP_FPM_CONF,
        &["pm.start_servers = 8", "pm.max_spare_servers = 8"],
        &[],
    ),
    (
        PHP_FPM,
        &["PHP_FPM_PM=static", "PHP_FPM_LISTEN=/run/php.sock", "PHP_FPM_ACCESS_LOG=no"],
        PHP_FPM_CONF,
        &["pm = \"static\"", "listen.mode = 0660"],
        &["spare", "access.log"],
    ),
    (
        PHP_FPM,
        &["PHP_FPM_PM=ondemand", "PHP_FPM_PM_PROCESS_IDLE_TIMEOUT=1m30s"],
        PHP_FPM_CONF,
        &["pm.process_idle_timeout = 90"],
        &["spare"],
    ),
    (
        PHP_FPM,
        &[],
        PHP_INI,
        &[
            "memory_limit = \"128M\"",
            "max_execution_time = 30",
            "upload_max_filesize = \"2M\"",
            "post_max_size = \"8M\"",
            "max_input_vars = 1000",
            "display_errors = Off",
        ],
        &[],
    ),
    (
        NGINX,
        &[],
        NGINX_CONF,
        &["listen 80;", "server_name _;", "client_max_body_size 8M;", "fastcgi_pass php-fpm:9000;"],
        &["resolver", "real_ip"],
    ),
    (
        NGINX,
        &[
            "PHP_POST_MAX_SIZE=64M",
            "NGINX_LISTEN=8080,[::]:8080",
            "NGINX_SERVER_NAME=example.com,www.example.com",
            "NGINX_RESOLVER=127.0.0.11",
            "NGINX_REAL_IP_FROM=10.0.0.0/8,::1",
            "NGINX_ACCESS_LOG=off",
        ],
        NGINX_CONF,
        &[
            "listen 8080;",
            "listen \"[::]:8080\";",
            "server_name example.com www.example.com;",
            "client_max_body_size 64M;",
            "set $php_fpm php-fpm:9000;",
            "set_real_ip_from ::1;",
            "access_log off;",
        ],
        &["/dev/stdout"],
    ),
    (
        SSMTP,
        &["SMTP_HOST=mail.example.com", "SMTP_HELO_NAME=www.example.com"],
        "/etc/ssmtp/ssmtp.conf",
        &["mailhub=mail.example.com:25", "hostname=www.example.com", "UseTLS=NO", "FromLineOverride=YES"],
        &["AuthUser", "root=", "rewriteDomain"],
    ),
    // a password is not sent in the clear unless told so
    (
        SSMTP,
        &["SMTP_HOST=mail.example.com", "SMTP_USER=u", "SMTP_PASSWORD=p"],
        "/etc/ssmtp/ssmtp.conf",
        &["mailhub=mail.example.com:587", "UseTLS=YES", "UseSTARTTLS=YES", "AuthPass=p", "AuthMethod=LOGIN"],
        &[],
    ),
    (
        MSMTP,
        &["SMTP_HOST=mail.example.com", "SMTP_FROM=a@example.com", "SMTP_ENCRYPTION=tls"],
        "/etc/msmtprc",
        &["port 465", "tls on", "tls_starttls off", "auth off"],
        &["password"],
    ),
    (
        DRUPAL,
        &DRUPAL_LEAST,
        SETTINGS,
        &["'port' => 3306,", "$settings['config_sync_directory'] = '../config/sync';"],
        &["reverse_proxy", "file_private_path"],
    ),
    (
        DRUPAL,
        &[
            "DB_USER=u",
            "DB_PASSWORD=p",
            "DRUPAL_HASH_SALT=s",
            "DB_DRIVER=pgsql",
            "DRUPAL_TRUSTED_HOST_PATTERNS=^example\\.com$",
            "DRUPAL_REVERSE_PROXY_ADDRESSES=10.0.0.1,10.0.0.2",
        ],
        SETTINGS,
        &[
            "'port' => 5432,",
            "$settings['trusted_host_patterns'] = ['^example\\\\.com$'];",
            "$settings['reverse_proxy_addresses'] = ['10.0.0.1', '10.0.0.2'];",
        ],
        &["init_commands"],
    ),
    (
        "examples/wordpress/php-fpm.toml",
        &["WORDPRESS_DB_USER=u", "WORDPRESS_DB_PASSWORD=it's", "WORDPRESS_CONFIG_EXTRA=define('A', 1);"],
        "/usr/share/wordpress/wp-config.php",
        &[
            "define( 'DB_HOST', 'mysql' );",
            "define( 'DB_PASSWORD', 'it\\'s' );",
            "define( 'DB_COLLATE', '' );",
            "$table_prefix = 'wp_';",
            "define( 'WP_DEBUG', false );",
            "define( 'WP_CONTENT_DIR', '/var/lib/wordpress/wp-content' );",
            "define('A', 1);",
        ],
        &[],
    ),
    (
        "examples/wordpress/nginx.toml",
        &[],
        NGINX_CONF,
        &["resolver 127.0.0.11 valid=10s;", "root /usr/share/wordpress;"],
        &[],
    ),
    (
        "examples/quickstart/castoff.toml",
        &["WORDPRESS_DB_USER=u", "WORDPRESS_DB_PASSWORD=p"],
        "/etc/ssmtp/ssmtp.conf",
        &["mailhub=localhost:25"],
        &[],
    ),
];

#[test]
fn variables_reach_their_places() {
    for (spec, variables, dest, lines, absent) in CASES {
        let scratch = rendered(spec, variables);
        let text = std::fs::read_to_string(scratch.rendered(dest)).unwrap();
        for line in *lines {
            assert!(text.lines().any(|found| found.trim() == *line), "{spec} {variables:?}: {line}\n{text}");
        }
        for part in *absent {
            assert!(!text.contains(part), "{spec} {variables:?}: {part}\n{text}");
        }
    }
}

#[test]
fn without_a_mail_server_no_mail_is_configured() {
    for (spec, dest) in [(SSMTP, "/etc/ssmtp/ssmtp.conf"), (MSMTP, "/etc/msmtprc")] {
        assert!(!rendered(spec, &[]).rendered(dest).exists(), "{spec}");
    }
}

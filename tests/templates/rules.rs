//! What the ready-made specs refuse.

use crate::{Scratch, render};

const PHP_FPM: &str = "templates/php-fpm/php-fpm.toml";
const NGINX: &str = "templates/nginx/nginx.toml";
const WORDPRESS: &str = "examples/wordpress/php-fpm.toml";
const MSMTP: &str = "templates/mail/msmtp.toml";

#[test]
fn each_rule_holds() {
    let wordpress = |more| vec!["WORDPRESS_DB_USER=u", "WORDPRESS_DB_PASSWORD=p", more];
    for (spec, variables, said) in [
        (PHP_FPM, vec!["PHP_POST_MAX_SIZE=1M"], "an upload can't be larger"),
        (PHP_FPM, vec!["PHP_MEMORY_LIMIT=128MB"], "PHP_MEMORY_LIMIT"),
        (PHP_FPM, vec!["PHP_MEMORY_LIMIT=1M"], "less than 2M"),
        (PHP_FPM, vec!["PHP_MAX_EXECUTION_TIME=abc"], "PHP_MAX_EXECUTION_TIME"),
        (PHP_FPM, vec!["PHP_FPM_PM=sometimes"], "PHP_FPM_PM"),
        (PHP_FPM, vec!["PHP_FPM_LISTEN=not a place"], "PHP_FPM_LISTEN"),
        (
            PHP_FPM,
            vec!["PHP_FPM_PM_MIN_SPARE_SERVERS=3", "PHP_FPM_PM_START_SERVERS=2"],
            "MIN_SPARE_SERVERS <= PHP_FPM_PM_START_SERVERS",
        ),
        (
            PHP_FPM,
            vec!["PHP_FPM_PM_START_SERVERS=9", "PHP_FPM_PM_MAX_SPARE_SERVERS=5"],
            "START_SERVERS <= PHP_FPM_PM_MAX_SPARE_SERVERS",
        ),
        (
            PHP_FPM,
            vec!["PHP_FPM_PM_MAX_SPARE_SERVERS=9", "PHP_FPM_PM_MAX_CHILDREN=5"],
            "MAX_SPARE_SERVERS <= PHP_FPM_PM_MAX_CHILDREN",
        ),
        (NGINX, vec!["NGINX_CLIENT_MAX_BODY_SIZE=1M"], "nginx would refuse what PHP allows"),
        (
            NGINX,
            vec!["PHP_POST_MAX_SIZE=0", "NGINX_CLIENT_MAX_BODY_SIZE=1G"],
            "nginx would refuse what PHP allows",
        ),
        (NGINX, vec!["NGINX_FASTCGI_PASS=php-fpm"], "NGINX_FASTCGI_PASS"),
        (WORDPRESS, wordpress("WORDPRESS_TABLE_PREFIX=wp-"), "WORDPRESS_TABLE_PREFIX"),
        (WORDPRESS, wordpress("WORDPRESS_DB_PASWORD=p"), "WORDPRESS_DB_PASWORD"),
        (WORDPRESS, wordpress("SMTP_USER=u"), "SMTP_PASSWORD"),
        (WORDPRESS, wordpress("SMTP_PASSWORD=p"), "SMTP_USER isn't"),
        (MSMTP, vec!["SMTP_HOST=mail.example.com"], "SMTP_FROM"),
    ] {
        let output = render(&Scratch::new(), spec, &variables);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{spec} {variables:?}: {stderr}");
        assert!(stderr.contains(said), "{spec} {variables:?}: {stderr}");
    }
}

#[test]
fn what_a_mode_does_not_use_does_not_matter() {
    for (spec, variables) in [
        (PHP_FPM, ["PHP_FPM_PM=static", "PHP_FPM_PM_MIN_SPARE_SERVERS=9", "PHP_FPM_PM_MAX_CHILDREN=5"]),
        (PHP_FPM, ["PHP_FPM_PM=ondemand", "PHP_FPM_PM_START_SERVERS=9", "PHP_FPM_PM_MAX_CHILDREN=5"]),
        (PHP_FPM, ["PHP_POST_MAX_SIZE=0", "PHP_UPLOAD_MAX_FILESIZE=1G", "PHP_MEMORY_LIMIT=-1"]),
        (NGINX, ["PHP_POST_MAX_SIZE=0", "NGINX_CLIENT_MAX_BODY_SIZE=0", "PHP_UPLOAD_MAX_FILESIZE=1G"]),
    ] {
        let output = render(&Scratch::new(), spec, &variables);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{spec} {variables:?}: {stderr}");
    }
}

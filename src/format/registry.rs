//! The list of formats: a format is one file and one line here.

use super::literal::Literal;
use super::skeleton::{Filling, Skeleton};
use crate::wildcard;

/// A config format: how it is named, recognised, and filled.
#[derive(Debug)]
pub struct Format {
    /// What a spec calls it.
    pub name: &'static str,
    /// Destinations that are surely of this format: a file name, `*.ext`, or the end of
    /// a path (`php/*/fpm/pool.d/*.conf`). `*` matches within one component. The entry
    /// with the most literal characters wins over all formats.
    pub destinations: &'static [&'static str],
    /// Fills the holes of a skeleton with the values, in order: one answer each.
    pub fill: fn(&Skeleton, &[Literal]) -> Vec<Filling>,
}

/// All formats, by name.
pub static FORMATS: &[&Format] = &[
    &super::apache::APACHE,
    &super::dotenv::DOTENV,
    &super::html::HTML,
    &super::json::JSON,
    &super::msmtp::MSMTP,
    &super::mycnf::MYCNF,
    &super::nginx::NGINX,
    &super::php::PHP,
    &super::php_fpm::PHP_FPM,
    &super::php_ini::PHP_INI,
    &super::plain::PLAIN,
    &super::postfix::POSTFIX,
    &super::properties::PROPERTIES,
    &super::redis::REDIS,
    &super::shell::SHELL,
    &super::sql::SQL_MARIADB,
    &super::sql::SQL_POSTGRES,
    &super::ssmtp::SSMTP,
    &super::supervisord::SUPERVISORD,
    &super::systemd_env::SYSTEMD_ENV,
    &super::toml::TOML,
    &super::xml::XML,
    &super::yaml::YAML,
];

/// The format that a spec calls `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

/// The format that a destination surely has; `None` where only a person can say
/// (`site.conf` may be of nginx, php-fpm, or anything).
#[must_use]
pub fn infer(dest: &str) -> Option<&'static Format> {
    let mut best: Option<(usize, &'static Format)> = None;
    for &format in FORMATS {
        for pattern in format.destinations.iter().filter(|pattern| ends_with(dest, pattern)) {
            let literal = pattern.chars().filter(|&c| c != '*').count();
            if best.is_none_or(|(most, _)| literal > most) {
                best = Some((literal, format));
            }
        }
    }
    best.map(|(_, format)| format)
}

/// Whether the last components of `path` match those of `pattern`.
fn ends_with(path: &str, pattern: &str) -> bool {
    let mut components = path.rsplit('/');
    !wildcard::ends_differ(pattern, path)
        && pattern
            .rsplit('/')
            .all(|part| components.next().is_some_and(|component| wildcard::matches(part, component)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_inferred_only_where_the_path_is_sure() {
        let table = [
            ("/var/www/html/wp-config.php", Some("php")),
            ("settings.php", Some("php")),
            ("/etc/php/8.2/fpm/php.ini", Some("php-ini")),
            ("/etc/php/8.2/fpm/conf.d/99-castoff.ini", Some("php-ini")),
            ("/usr/local/etc/php/conf.d/uploads.ini", Some("php-ini")),
            ("/var/www/html/.user.ini", Some("php-ini")),
            ("/etc/supervisor/conf.d/x.ini", None),
            ("/etc/app.ini", None),
            ("/etc/redis/redis.conf", Some("redis")),
            ("/usr/local/etc/redis/redis.conf", Some("redis")),
            ("/etc/postfix/main.cf", Some("postfix")),
            ("/etc/postfix/master.cf", None),
            ("/etc/supervisor/supervisord.conf", Some("supervisord")),
            ("/etc/supervisor/conf.d/app.conf", Some("supervisord")),
            ("/docker-entrypoint-initdb.d/init.sql", None),
            ("/etc/php/8.2/fpm/php-fpm.conf", Some("php-fpm")),
            ("/usr/local/etc/php-fpm.d/zz-site.conf", Some("php-fpm")),
            ("/etc/php/8.2/fpm/pool.d/www.conf", Some("php-fpm")),
            ("/etc/nginx/nginx.conf", Some("nginx")),
            ("/etc/nginx/conf.d/default.conf", Some("nginx")),
            ("/etc/nginx/sites-enabled/site", Some("nginx")),
            ("/etc/nginx/sites-available/example.org.conf", Some("nginx")),
            ("/etc/apache2/conf.d/default.conf", Some("apache")),
            ("/etc/apache2/sites-available/000-default.conf", Some("apache")),
            ("/usr/local/apache2/conf/httpd.conf", Some("apache")),
            ("/var/www/html/.htaccess", Some("apache")),
            ("/opt/tomcat/conf/server.xml", Some("xml")),
            ("/srv/index.html", Some("html")),
            ("/opt/app/application.properties", Some("properties")),
            ("/etc/site.conf", None),
            ("/etc/nginx/sites-enabled", None),
            ("/etc/traefik/traefik.toml", Some("toml")),
            ("/etc/prometheus/prometheus.yml", Some("yaml")),
            ("/etc/mysql/mariadb.conf.d/99-site.cnf", Some("mycnf")),
            ("/home/app/.my.cnf", Some("mycnf")),
            ("/etc/ssl/openssl.cnf", None),
            ("php", None),
            ("/srv/xphp.ini", None),
            ("", None),
        ];
        for (dest, name) in table {
            assert_eq!(infer(dest).map(|format| format.name), name, "{dest}");
        }
    }

    #[test]
    fn a_format_is_found_by_its_own_name_only() {
        for format in FORMATS {
            assert_eq!(by_name(format.name).map(|found| found.name), Some(format.name));
        }
        assert!(by_name("PHP").is_none());
        assert!(by_name("").is_none());
    }

    #[test]
    fn a_star_stays_within_one_component() {
        assert!(ends_with("/etc/nginx/sites-x/y", "nginx/sites-*/*"));
        assert!(!ends_with("/etc/nginx/sites-x/y/z", "nginx/sites-*/*"));
    }
}

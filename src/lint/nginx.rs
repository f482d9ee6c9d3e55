//! Traps of nginx, together with the php behind it.

use super::Scene;
use super::settings::{of_ini, of_nginx, php_size};
use crate::diagnostic::Diagnostic;
use crate::size;

/// `client_max_body_size` where it isn't set (nginx's manual, ngx_http_core_module).
const DEFAULT_BODY_SIZE: i64 = 1 << 20;

pub(super) fn lint(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let php = scene.files.iter().filter(|file| matches!(file.format, "php-fpm" | "php-ini"));
    let posts = php.flat_map(of_ini).filter(|setting| setting.name.contains("post_max_size"));
    let Some(post) = posts.filter_map(|setting| php_size(setting.value)).map(|(bytes, _)| bytes).max() else {
        return Vec::new();
    };
    let serves_php =
        |file: &&super::File<'_>| file.format == "nginx" && !of_nginx(file, "fastcgi_pass").is_empty();
    let mut found = Vec::new();
    for file in scene.files.iter().filter(serves_php) {
        let sizes = of_nginx(file, "client_max_body_size");
        let least = sizes.iter().filter_map(|(value, line)| Some((php_size(value)?.0, *line))).min();
        let (bytes, label) = match least {
            Some((bytes, line)) => (bytes, format!("line {line} of this file")),
            None => (DEFAULT_BODY_SIZE, "nginx's default".to_owned()),
        };
        // 0 switches the check off
        if bytes > 0 && bytes < post {
            found.push(
                Diagnostic::warning(format!(
                    "`client_max_body_size` ({}) is below php's `post_max_size` ({})",
                    size::format(bytes),
                    size::format(post)
                ))
                .at(file.place, label)
                .note("nginx answers 413 to requests that php would take")
                .help("print the same variable in both"),
            );
        }
    }
    found
}

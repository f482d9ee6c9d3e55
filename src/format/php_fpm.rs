//! php-fpm's own files: `php-fpm.conf` and the pools.
//!
//! The scanner is that of php-ini, and so are its contexts. Beyond them, php-fpm
//!
//! | does this | so this is refused | source |
//! |---|---|---|
//! | reads each line by itself, as a C string | line feeds and NUL, everywhere | fpm_conf.c; measured |
//! | replaces `$pool` in every value, quoted or not | `$pool`; the start of it at the end of a value that text follows | measured |
//! | takes `env[X] = $Y` from its own environment, after unquoting | `$` at the start of an `env[…]` | measured |
//! | refuses an empty `env[…]`, `php_value[…]` … | the empty value there | measured |
//! | reads `[global]` in any case of letters | that name of a pool | fpm_conf.c |
//! | knows no `#` comment | a hole there, as in a name | measured |
//!
//! A carriage return within quotes is kept. Lines of 64 kB and more are read whole.

use super::registry::Format;
use super::skeleton::fill_with;
use super::zend_ini::{Dialect, encode, lex};

/// The settings of php-fpm.
pub(super) static PHP_FPM: Format = Format {
    name: "php-fpm",
    destinations: &["php-fpm.conf", "php-fpm.d/*.conf", "fpm/pool.d/*.conf", "php/*/fpm/pool.d/*.conf"],
    fill: |skeleton, values| {
        let dialect = Dialect::Fpm;
        fill_with(
            skeleton,
            values,
            |skeleton| lex(skeleton, dialect),
            |place, value| encode(place, value, dialect),
        )
    },
};

#[cfg(test)]
mod tests {
    use super::super::literal::Literal;
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::PHP_FPM;

    #[test]
    fn a_value_is_one_line_without_nul() {
        check(
            &PHP_FPM,
            &[
                ("listen = /run/php/@.sock", text("site"), File("listen = /run/php/site.sock")),
                ("pm = @", text("static"), File("pm = \"static\"")),
                (
                    "php_admin_flag[log_errors] = @",
                    Literal::Bool(true),
                    File("php_admin_flag[log_errors] = On"),
                ),
                ("env[X] = @", text("a\nb"), BadValue),
                ("env[X] = \"@\"", text("a\0b"), BadValue),
                ("env[X] = @", text("a\rb"), File("env[X] = \"a\rb\"")),
                ("; @", text("a\0b"), BadValue),
                ("# @", text("a"), BadTemplate),
                ("[@]", text("www"), File("['www']")),
                ("[@]", text("Global"), BadValue),
                ("php_admin_value[error_reporting] = @", text("E_ALL"), BadValue),
                ("env[error_reporting] = @", text("E_ALL"), File("env[error_reporting] = \"E_ALL\"")),
            ],
        );
    }

    #[test]
    fn what_php_fpm_replaces_is_refused() {
        check(
            &PHP_FPM,
            &[
                ("env[X] = @", text("a$b"), File("env[X] = \"a\\$b\"")),
                ("env[X] = @", text("a$pool"), BadValue),
                ("env[X] = '@ol'", text("a$po"), BadValue),
                ("env[X] = \"a\\$po@\"", text("ol"), BadTemplate),
                ("env[X] = @", text("a$"), File("env[X] = \"a\\$\"")),
                ("env[X] = @", text("$HOME"), BadValue),
                ("env[X] = \"@\"", text("$HOME"), BadValue),
                ("env[X] = x@", text("$HOME"), File("env[X] = x'$HOME'")),
                ("php_value[x] = @", text("$HOME"), File("php_value[x] = \"\\$HOME\"")),
                ("env[X] = @", text(""), BadValue),
                ("env[X] = \"@\"", text(""), BadValue),
                ("env[X] = x@", text(""), File("env[X] = x\"\"")),
            ],
        );
    }
}

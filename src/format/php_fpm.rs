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

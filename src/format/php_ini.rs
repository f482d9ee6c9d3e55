//! `php.ini`, the files scanned beside it, and `.user.ini`.
//!
//! | context | recognised by | encoding | refuses | source |
//! |---|---|---|---|---|
//! | whole value | all there is after `=` | `"…"` with `\` before `\` `"` `$`; digits; `On`/`Off` | `none`, lists, maps; a word for `error_reporting` | zend_ini_scanner.l; read back |
//! | part of a value | beside bare or quoted text: `/run/{{ X }}.sock` | bare where it is plain and its neighbour can't be a constant, else `'…'`, with `"'"` for `'` | a `'` beside white space, which `"` swallows; beside operators and keywords: every value | measured: adjacent pieces are joined |
//! | `"…"` | | `\` before `\` `"` `$`; a `"` at the end of a line as `"'"'"` | a hole after `$`, `\` or in `${…}` | measured: `\"` ends a string at the end of a line |
//! | `'…'` | | as it is | `'` (there is no escape); an empty value where text follows | measured: a value ends at `''` |
//! | `; …` | | as it is | line breaks, NUL | scanner |
//! | `[…]` | the whole name | `'…'` | all but letters, digits, `.` `-` `_` | scanner: a bare name may be a constant |
//! | a name | before `=`; also after `#`, which begins no comment | – | every value | – |
//!
//! NUL and line breaks come through both kinds of quotes.

use super::registry::Format;
use super::skeleton::fill_with;
use super::zend_ini::{Dialect, encode, lex};

/// PHP's own settings.
pub(super) static PHP_INI: Format = Format {
    name: "php-ini",
    destinations: &[
        "php.ini",
        "php-cli.ini",
        ".user.ini",
        "php/conf.d/*.ini",
        "php/*/*/conf.d/*.ini",
        "php/*/conf.d/*.ini",
        "php.d/*.ini",
    ],
    fill: |skeleton, values| {
        let dialect = Dialect::Php;
        fill_with(
            skeleton,
            values,
            |skeleton| lex(skeleton, dialect),
            |place, value| encode(place, value, dialect),
        )
    },
};

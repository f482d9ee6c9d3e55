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

#[cfg(test)]
mod tests {
    use super::super::literal::Literal;
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::PHP_INI;

    #[test]
    fn a_whole_value_takes_everything() {
        check(
            &PHP_INI,
            &[
                ("a = @", text("x"), File("a = \"x\"")),
                ("a=@ ; c", text("\\\"$;"), File("a=\"\\\\\\\"\\$;\" ; c")),
                ("a = @", text("x\"\ny"), File("a = \"x\"'\"'\"\ny\"")),
                ("a = @", text(""), File("a = \"\"")),
                ("a = @", Literal::Bool(true), File("a = On")),
                ("a = @", Literal::Bool(false), File("a = Off")),
                ("a = @", Literal::Int(-5), File("a = -5")),
                ("a = @", Literal::Float(1.0), File("a = 1.0")),
                ("a = @", Literal::None, BadValue),
                ("a = @", Literal::List(vec![text("x")]), BadValue),
                ("error_reporting = @", text("E_ALL"), BadValue),
                ("error_reporting = @", Literal::Int(32767), File("error_reporting = 32767")),
            ],
        );
    }

    #[test]
    fn a_part_of_a_value_joins_its_neighbours() {
        check(
            &PHP_INI,
            &[
                ("a = /run/@.sock", text("site"), File("a = /run/site.sock")),
                ("a = /run/@.sock", text("a b"), File("a = /run/'a b'.sock")),
                ("a = /run/@.sock", text("it's"), File("a = /run/'it'\"'\"'s'.sock")),
                ("a = /run/@.sock", text(""), File("a = /run/\"\".sock")),
                ("a = foo@", text("x"), File("a = foo'x'")),
                ("a = @:@", text("x"), File("a = x:x")),
                ("a = @@", text("x"), File("a = 'x''x'")),
                ("a = -t @", text("x"), File("a = -t 'x'")),
                ("a = -t @", text("'x"), BadValue),
                ("a = -t @", text(""), BadValue),
                ("a = \"x\"@", text("y"), File("a = \"x\"'y'")),
                ("a = on@", text("x"), BadTemplate),
                ("a = E_ALL & ~@", text("x"), BadTemplate),
                ("a = (@)", text("x"), BadTemplate),
                ("a = x=@", text("x"), BadTemplate),
                ("a = $@", text("x"), BadTemplate),
                ("a = $\\@", text("x"), BadTemplate),
                ("a = ${@}", text("x"), BadTemplate),
                ("a = ''@", text("x"), BadTemplate),
            ],
        );
    }

    #[test]
    fn quotes_take_escaped_content() {
        check(
            &PHP_INI,
            &[
                ("a = \"x@y\"", text("\"\\$"), File("a = \"x\\\"\\\\\\$y\"")),
                ("a = \"@\ny\"", text("\""), File("a = \"\"'\"'\"\ny\"")),
                ("a = \"$@\"", text("x"), BadTemplate),
                ("a = \"\\@\"", text("x"), BadTemplate),
                ("a = \"\\\"@\"", text("x"), BadTemplate),
                ("a = \"${@}\"", text("x"), BadTemplate),
                ("a = \"x\\\"\nb = @", text("y"), File("a = \"x\\\"\nb = \"y\"")),
                ("a = '@'", text("\\$\""), File("a = '\\$\"'")),
                ("a = '@'", text("'"), BadValue),
                ("a = '@'", text(""), File("a = ''")),
                ("a = '@'x", text(""), BadValue),
            ],
        );
    }

    #[test]
    fn names_are_the_templates_own() {
        check(
            &PHP_INI,
            &[
                ("@ = x", text("a"), BadTemplate),
                ("a[@] = x", text("a"), BadTemplate),
                ("# @", text("a"), BadTemplate),
                ("[@]", text("www"), File("['www']")),
                ("[@]", text("a]"), BadValue),
                ("[@]", text(""), BadValue),
                ("[PATH=@]", text("x"), BadTemplate),
                ("; @", text("a = \"b"), File("; a = \"b")),
                ("; @", text("a\nb = c"), BadValue),
                ("; @", text("a\rb = c"), BadValue),
            ],
        );
    }
}

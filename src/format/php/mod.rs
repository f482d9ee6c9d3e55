//! PHP source: where in it a value stands, and how the value is written there.
//!
//! | context | recognised by | encoding | refuses | source |
//! |---|---|---|---|---|
//! | expression | code, after an operator, `(`, `,`, `=`, `return`, a cast | a whole literal: `'…'` (`"…"` with escapes where control characters are in it), digits, `true`, `null`, `[…]` | whole numbers beyond 64 bits; places where a literal would name, call or begin something | manual: language.types; read back |
//! | single-quoted | `'…'` | `\` before `\` and `'` | `none`, lists, maps | manual: single quoted |
//! | double-quoted | `"…"` | `\` before `\` `"` `$`; a last `{` as `\x7b` | the same; a hole inside or right after an interpolation | zend_language_scanner.l; read back |
//! | heredoc | `<<<X` | as double-quoted, line breaks as `\n`, the first character of a line by its code | the same; less indented than the end | manual: heredoc (7.3) |
//! | nowdoc | `<<<'X'` | as it is | a line that could be the end, line breaks where an indentation is removed | manual: nowdoc |
//! | line comment | `//`, `#` | as it is | line breaks, `?>` | manual: comments |
//! | block comment | `/* */` | as it is | `*/` | manual: comments |
//! | anything else | HTML, backticks, interpolations, names, statements | – | every value | – |
//!
//! A refused hole ends the rendering, so a lexer may go on after one as it likes.

mod encode;
mod lex;
mod strings;

use super::registry::Format;
use super::skeleton::fill_with;

/// PHP source, 7.3 and later.
pub(super) static PHP: Format = Format {
    name: "php",
    destinations: &["*.php"],
    fill: |skeleton, values| fill_with(skeleton, values, lex::lex, encode::encode),
};

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Context {
    /// An operand. `apart`: no operator beside it could join a number or its sign.
    Expression { apart: bool },
    /// Inside `'…'`.
    SingleQuoted,
    /// Inside `"…"`.
    DoubleQuoted,
    /// Inside a heredoc. `line_start`: only white space before it in its line.
    Heredoc { line_start: bool },
    /// Inside a nowdoc.
    Nowdoc { label: String, line_start: bool, indented: bool, alone: bool },
    /// After `//` or `#`. `before`, `after`: a `?` or a value right before, a `>` or one right after.
    LineComment { before: bool, after: bool },
    /// Inside `/* */`. `before`, `after`: a `*` or a value right before, a `/` or one right after.
    BlockComment { before: bool, after: bool },
}

/// Characters that continue a name (`LABEL` of the scanner: any byte from 0x80 on counts).
fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::super::literal::Literal;
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::PHP;

    #[test]
    fn an_expression_takes_a_whole_literal() {
        check(
            &PHP,
            &[
                ("<?php $a = @;", text("it's \\"), File("<?php $a = 'it\\'s \\\\';")),
                ("<?php $a = @;", text("\0$x"), File("<?php $a = \"\\x00\\$x\";")),
                ("<?php $a = @;", Literal::None, File("<?php $a = null;")),
                ("<?php $a = @;", Literal::Bool(true), File("<?php $a = true;")),
                ("<?php $a = @;", Literal::Int(-5), File("<?php $a = -5;")),
                ("<?php $a = @;", Literal::Float(1.0), File("<?php $a = 1.0;")),
                ("<?php $a = @;", Literal::Int(i64::MIN.into()), File("<?php $a = \\PHP_INT_MIN;")),
                ("<?php $a = @;", Literal::Int(1 << 63), BadValue),
                ("<?php $a = @;", Literal::Float(f64::NAN), BadValue),
                (
                    "<?php f(@, @)",
                    Literal::List(vec![text("a"), Literal::Int(1)]),
                    File("<?php f(['a', 1], ['a', 1])"),
                ),
                ("<?php $a = -@;", Literal::Int(-5), File("<?php $a = -(-5);")),
                ("<?php $a = @.'b';", Literal::Int(5), File("<?php $a = (5).'b';")),
                ("<?php $a = (int) @;", text("5"), File("<?php $a = (int) '5';")),
                ("<?php return @;", Literal::Int(5), File("<?php return 5;")),
                ("<?= @ ?>", text("x"), File("<?= 'x' ?>")),
                ("<?php #[A(@)] class B {}", text("x"), File("<?php #[A('x')] class B {}")),
                ("<?php f(\n  @ // c\n);", text("x"), File("<?php f(\n  'x' // c\n);")),
            ],
        );
    }

    #[test]
    fn no_literal_stands_where_it_would_be_more_than_a_value() {
        for template in [
            "<p>@</p>",
            "<? $a = @;",
            "<?xml version=\"1\"?><?php $a = @;",
            "<?php @;",
            "<?php { @ }",
            "<?php $a = foo@;",
            "<?php $a = @foo;",
            "<?php $a = $@;",
            "<?php $a->@ = 1;",
            "<?php A::@;",
            "<?php function @() {}",
            "<?php new @;",
            "<?php $a = @();",
            "<?php $a = @ /* c */ ();",
            "<?php $a = @::B;",
            "<?php f(@ = 1);",
            "<?php $a = 'a'@;",
            "<?php $a = @'a';",
            "<?php $a = 1@;",
            "<?php $a = 1.@;",
            "<?php $a = @@;",
            "<?php $a = <<<@\nx\n@;\n",
            "<?php $a = `ls @`;",
            "<?php __halt_compiler(); $a = @;",
        ] {
            check(&PHP, &[(template, text("x"), BadTemplate), (template, Literal::Int(1), BadTemplate)]);
        }
    }

    #[test]
    fn quotes_take_escaped_content() {
        check(
            &PHP,
            &[
                ("<?php $a = 'x@y';", text("'\\"), File("<?php $a = 'x\\'\\\\y';")),
                ("<?php $a = \"@\";", text("\"$a\\{\r"), File("<?php $a = \"\\\"\\$a\\\\{\\r\";")),
                ("<?php $a = \"@$b\";", text("x{"), File("<?php $a = \"x\\x7b$b\";")),
                ("<?php $a = \"{$b}@\";", text("[0]"), File("<?php $a = \"{$b}[0]\";")),
                ("<?php $a = \"@\";", Literal::Int(5), File("<?php $a = \"5\";")),
                ("<?php $a = '@';", Literal::None, BadValue),
                ("<?php $a = '@';", Literal::List(vec![]), BadValue),
                ("<?php $a = '\\@';", text("x"), BadTemplate),
                ("<?php $a = \"\\@\";", text("x"), BadTemplate),
                ("<?php $a = \"\\x4@\";", text("1"), BadTemplate),
                ("<?php $a = \"\\1@\";", text("1"), BadTemplate),
                ("<?php $a = \"\\u{@}\";", text("41"), BadTemplate),
                ("<?php $a = \"$@\";", text("b"), BadTemplate),
                ("<?php $a = \"$b@\";", text("c"), BadTemplate),
                ("<?php $a = \"$b->@\";", text("c"), BadTemplate),
                ("<?php $a = \"$b?-@\";", text(">c"), BadTemplate),
                ("<?php $a = \"$b[@]\";", text("0"), BadTemplate),
                ("<?php $a = \"{$b['@']}\";", text("0"), BadTemplate),
                ("<?php $a = \"${@}\";", text("b"), BadTemplate),
                ("<?php $a = \"{@$b}\";", text(""), BadTemplate),
            ],
        );
    }

    #[test]
    fn heredocs_and_nowdocs_keep_their_end() {
        check(
            &PHP,
            &[
                ("<?php $a = <<<E\nx @\nE;", text("a\nE;\n$b"), File("<?php $a = <<<E\nx a\\nE;\\n\\$b\nE;")),
                ("<?php $a = <<<E\n@\nE;", text("E;"), File("<?php $a = <<<E\n\\x45;\nE;")),
                ("<?php $a = <<<E\n  @\n  E;", text(" x"), File("<?php $a = <<<E\n  \\x20x\n  E;")),
                ("<?php $a = <<<E\n @\n  E;", text("x"), BadTemplate),
                ("<?php $a = <<<E\n@E\nE;", text("x"), BadTemplate),
                ("<?php $a = <<<E\nE@\nE;", text("x"), BadTemplate),
                ("<?php $a = <<<'E'\n@\nE;", text("$a\nb"), File("<?php $a = <<<'E'\n$a\nb\nE;")),
                ("<?php $a = <<<'E'\n@\nE;", text("x\n  E;"), BadValue),
                ("<?php $a = <<<'E'\n@\nE;", text("E"), BadValue),
                ("<?php $a = <<<'E'\n@\nE;", text("x\r"), BadValue),
                ("<?php $a = <<<'E'\n  @\n  E;", text("a\nb"), BadValue),
            ],
        );
    }

    #[test]
    fn comments_keep_their_end() {
        check(
            &PHP,
            &[
                ("<?php // @\n", text("'\"*/"), File("<?php // '\"*/\n")),
                ("<?php // @\n", text("a\nb"), BadValue),
                ("<?php // @\n", text("a\rb"), BadValue),
                ("<?php # @\n", text("?>"), BadValue),
                ("<?php // @>\n", text("?"), BadValue),
                ("<?php // ?@>\n", text(""), BadValue),
                ("<?php #@\n", text("[A]"), BadTemplate),
                ("<?php /* @ */", text("?>\n"), File("<?php /* ?>\n */")),
                ("<?php /* @ */", text("*/"), BadValue),
                ("<?php /*@*/", text("/"), BadValue),
                ("<?php /* @/ */", text("*"), BadValue),
                ("<?php /* *@/ */", text(""), BadValue),
            ],
        );
    }
}

//! TOML 1.0: where in it a value stands, and how the value is written there.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | bare, where a value is due | a whole literal of its own type: `"…"`, digits, `true`, `[…]`, `{…}` | `none`; whole numbers beyond 64 bits | toml.io v1.0: integer, float, array, inline table; read back |
//! | key | bare, a whole part of a key or of a table's name | bare if of letters, digits, `_` and `-`, else `"…"` | all but text | v1.0: keys |
//! | part of a bare key | beside bare text | as it is | all but letters, digits, `_` and `-`; empty | v1.0: keys |
//! | basic string | `"…"`, `"""…"""`, of a value or a key | `"`, `\`, control characters escaped; a line feed before an empty value right after `"""` (readers drop the first); a leading space after an escaped line end as `\u0020` | `none`, lists, maps; empty where quotes on both sides would meet, or after an escaped line end | v1.0: string; read back |
//! | literal string | `'…'`, `'''…'''` | as it is; a line feed first right after `'''`, where readers drop one | `'` (of several lines: where it could close), control characters but tab, carriage return; line feed in `'…'` | v1.0: string; tomllib turns CRLF into LF [measured] |
//! | comment | `#` | as it is | control characters but tab | v1.0: comment |
//! | within an escape, beside other text, where nothing is due | the grammar | – | all | – |
//!
//! Where the text isn't TOML the lexer is sure of nothing any more, and every later hole is refused.

mod encode;
mod lex;

use super::registry::Format;
use super::skeleton::fill_with;

/// TOML documents.
pub(super) static TOML: Format = Format {
    name: "toml",
    destinations: &["*.toml"],
    fill: |skeleton, values| fill_with(skeleton, values, lex::lex, encode::encode),
};

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    /// Where a whole value is due.
    Value,
    /// A whole part of a key.
    Key,
    /// Beside the bare text of a key.
    KeyPart,
    /// Inside `"…"` or `"""…"""`.
    Basic(Beside),
    /// Inside `'…'` or, of several lines, `'''…'''`.
    Literal { multi_line: bool, beside: Beside },
    /// After `#`.
    Comment,
}

/// What a string's own text says about the place of a hole in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beside {
    before: Before,
    /// A quote, or another value, comes next.
    quote_after: bool,
}

/// What stands right before a hole in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// The opening `"""` or `'''`: a line feed there is dropped.
    Opening,
    /// A quote that belongs to the text.
    Quote,
    /// An escaped line end: blanks and line feeds there are dropped.
    Trimmed,
    /// Anything else.
    Text,
}

#[cfg(test)]
mod tests {
    use super::super::literal::Literal;
    use super::super::skeleton::Skeleton;
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::TOML;

    #[test]
    fn a_bare_hole_takes_a_whole_literal() {
        let map = Literal::Map(vec![("a b".into(), Literal::Int(1)), ("c".into(), text("d"))]);
        check(
            &TOML,
            &[
                ("a = @", text("x"), File("a = \"x\"")),
                ("a = @ # c\n", text("\"\\\n\0"), File("a = \"\\\"\\\\\\n\\u0000\" # c\n")),
                ("a.b = @\r\nc = @", text("é"), File("a.b = \"é\"\r\nc = \"é\"")),
                ("a = @", Literal::Int(i64::MIN.into()), File("a = -9223372036854775808")),
                ("a = @", Literal::Int(1 << 63), BadValue),
                ("a = @", Literal::Float(1.0), File("a = 1.0")),
                ("a = @", Literal::Float(1e300), File("a = 1e300")),
                ("a = @", Literal::Float(f64::NEG_INFINITY), File("a = -inf")),
                ("a = @", Literal::Bool(true), File("a = true")),
                ("a = @", Literal::None, BadValue),
                ("a = @", Literal::List(vec![Literal::None]), BadValue),
                ("a = @", map, File("a = {\"a b\" = 1, c = \"d\"}")),
                ("a = [ @,\n # c\n @ ]\nb = @", Literal::Int(1), File("a = [ 1,\n # c\n 1 ]\nb = 1")),
                ("a = {b = @, \"c\" = [@]}", text("x"), File("a = {b = \"x\", \"c\" = [\"x\"]}")),
                ("d = 1979-05-27 07:32:00Z\na = @", text("x"), File("d = 1979-05-27 07:32:00Z\na = \"x\"")),
            ],
        );
    }

    #[test]
    fn keys_are_bare_or_quoted() {
        check(
            &TOML,
            &[
                ("@ = 1", text("a-b"), File("a-b = 1")),
                ("@ = 1", text("a.b"), File("\"a.b\" = 1")),
                ("@ = 1", text(""), File("\"\" = 1")),
                ("a . @ = 1", text("é"), File("a . \"é\" = 1")),
                ("@ = 1", Literal::Int(1), BadValue),
                ("a_@ = 1", text("b"), File("a_b = 1")),
                ("a_@ = 1", text("b.c"), BadValue),
                ("@@ = 1", text(""), BadValue),
                ("\"a @\" = 1", text("\""), File("\"a \\\"\" = 1")),
                ("'a @' = 1", text("'"), BadValue),
                ("[a.@]\nb = @", text("x y"), File("[a.\"x y\"]\nb = \"x y\"")),
                ("[[ @ ]] # @\n", text("x"), File("[[ x ]] # x\n")),
                ("a = { @ = 1 }", text("]"), File("a = { \"]\" = 1 }")),
            ],
        );
    }

    #[test]
    fn strings_take_their_own_escapes() {
        check(
            &TOML,
            &[
                ("a = \"b @ c\"", text("\"\\\t\x7f"), File("a = \"b \\\"\\\\\\t\\u007f c\"")),
                ("a = \"@\"", Literal::Int(5), File("a = \"5\"")),
                ("a = \"@\"", Literal::List(vec![]), BadValue),
                ("a = \"\"\"@\"\"\"", text("\n"), File("a = \"\"\"\\n\"\"\"")),
                ("a = \"\"\"@\nb\"\"\"", text(""), File("a = \"\"\"\n\nb\"\"\"")),
                ("a = \"\"\"x\\\n  @\"\"\"", text(" b"), File("a = \"\"\"x\\\n  \\u0020b\"\"\"")),
                ("a = \"\"\"x\\\n  @ y\"\"\"", text(""), BadValue),
                ("a = \"\"\"b\"\"@\"\"\"\nc = @", text("d"), File("a = \"\"\"b\"\"d\"\"\"\nc = \"d\"")),
                ("a = \"\"\"b\"\"@\"c\"\"\"", text(""), BadValue),
                ("a = \"\"\"@\"\"\"\"\"\nb = @", text("x"), File("a = \"\"\"x\"\"\"\"\"\nb = \"x\"")),
                ("a = '@'", text("\\\""), File("a = '\\\"'")),
                ("a = '@'", text("'"), BadValue),
                ("a = '@'", text("a\nb"), BadValue),
                ("a = '''@'''", text("\nb"), File("a = '''\n\nb'''")),
                ("a = '''@ '''", text("it's"), File("a = '''it's '''")),
                ("a = '''@'''", text("its'"), BadValue),
                ("a = '''@ '''", text("'''"), BadValue),
                ("a = ''''@ '''", text("''"), BadValue),
                ("a = '''@ '''", text("\r\n"), BadValue),
                ("a = 1 # @\n", text("a\tb"), File("a = 1 # a\tb\n")),
                ("# @\n", text("a\nb"), BadValue),
                ("# @\n", text("a\rb"), BadValue),
            ],
        );
    }

    #[test]
    fn no_value_stands_where_the_lexer_is_not_sure() {
        for template in [
            "a = 1@",
            "a = @1",
            "a = @@",
            "a = @\"b\"",
            "a = \"b\"@",
            "@",
            "@ \n",
            "a @ = 1",
            "a = 1 @",
            "a = [1 @]",
            "a = \"\\@\"",
            "a = \"\\u00@1\"",
            "a = \"\"\"\\ @\n\"\"\"",
            "a = \"b\n@\"",
            "a = 'b\n@'",
            "[a] @",
            "[a]b = @",
            "[[a] ]\nb = @",
            "a = \n@",
            "a = }\nb = @",
            "= @",
            "a = \"\"\"@",
            "a = [\n@",
            "a = %\nb = @",
        ] {
            check(&TOML, &[(template, text("v"), BadTemplate)]);
        }
    }

    const PIECES: &[&str] = &[
        "@", "@", "a", "=", " = ", ".", "\n", "\nb = ", "\"", "\"\"\"", "'", "'''", "[", "]", "[[", "{", "}",
        ", ", "#", " ", "\\", "\\u", "1", "\r\n", "%",
    ];

    proptest::proptest! {
        #[test]
        fn every_hole_has_one_answer(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)
        ) {
            let mut skeleton = Skeleton::default();
            for piece in pieces {
                match piece {
                    "@" => skeleton.push_hole(),
                    text => skeleton.push_text(text),
                }
            }
            let values = vec![text("v"); skeleton.holes()];
            proptest::prop_assert_eq!((TOML.fill)(&skeleton, &values).len(), values.len());
        }
    }
}

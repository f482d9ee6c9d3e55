//! JSON (RFC 8259), with the comments of JSONC passed over.
//!
//! The lexer follows the grammar, so it knows whether a key or a value is due. Where the
//! text isn't JSON it is sure of nothing any more, and every later hole is refused.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | bare, where a value is due | a whole literal of its own type | whole numbers beyond 64 bits (readers round them), numbers that aren't finite | RFC 8259 §3, §6; php and JavaScript round larger ones [measured] |
//! | key | bare, where a key is due | a string | all but text | RFC 8259 §4 |
//! | string | between `"`, of a value or a key | escaped `"`, `\`, control characters, U+2028 and U+2029 (line ends for older JavaScript) | none, lists, maps | RFC 8259 §7 |
//! | within an escape | after `\` or inside `\uXXXX` | – | all | RFC 8259 §7 |
//! | comment | `//`, `/* */` | – | all: JSON has no comments | RFC 8259 |
//! | beside other text, or where nothing is due | the grammar | – | all | RFC 8259 |

use std::fmt::Write as _;

use super::literal::{Literal, separate};
use super::registry::Format;
use super::skeleton::{Cursor, Filling, Refusal, Skeleton, Unit, fill_with};

/// JSON documents.
pub(super) static JSON: Format = Format { name: "json", destinations: &["*.json"], fill };

#[derive(Clone, Copy)]
enum Context {
    Value,
    Key,
    String,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, |skeleton| Lexer::new(skeleton).run(), encode)
}

/// What the grammar allows next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Value,
    Key,
    Colon,
    Separator,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    Array,
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    nesting: Vec<Inside>,
    due: Due,
    lost: bool,
    holes: Vec<Result<Context, Refusal>>,
}

impl<'a> Lexer<'a> {
    fn new(skeleton: &'a Skeleton) -> Self {
        Self {
            cursor: skeleton.cursor(),
            nesting: Vec::new(),
            due: Due::Value,
            lost: false,
            holes: Vec::with_capacity(skeleton.holes()),
        }
    }

    fn run(mut self) -> Vec<Result<Context, Refusal>> {
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => self.bare_hole(),
                Unit::Char(_) if self.lost => {}
                Unit::Char(c) => self.structure(c),
            }
        }
        self.holes
    }

    fn bare_hole(&mut self) {
        let context = match self.due {
            _ if self.lost || self.touches_text() => Err(not_json()),
            Due::Value => Ok(Context::Value),
            Due::Key => Ok(Context::Key),
            Due::Colon | Due::Separator => Err(not_json()),
        };
        self.lost |= context.is_err();
        self.holes.push(context);
        self.completed();
    }

    /// Whether text follows that would become part of the value: `{{ x }}1`.
    fn touches_text(&self) -> bool {
        !matches!(
            self.cursor.peek(0),
            None | Some(Unit::Char(' ' | '\t' | '\r' | '\n' | ',' | ':' | ']' | '}' | '/'))
        )
    }

    /// A key or a value has been read.
    fn completed(&mut self) {
        self.due = if self.due == Due::Key { Due::Colon } else { Due::Separator };
    }

    fn structure(&mut self, c: char) {
        match (c, self.due, self.nesting.last()) {
            (' ' | '\t' | '\r' | '\n', _, _) => {}
            ('/', _, _) if self.cursor.starts_with("/") => self.comment("\n"),
            ('/', _, _) if self.cursor.starts_with("*") => self.comment("*/"),
            ('"', Due::Value | Due::Key, _) => self.string(),
            ('{', Due::Value, _) => self.open(Inside::Object, Due::Key),
            ('[', Due::Value, _) => self.open(Inside::Array, Due::Value),
            ('}', Due::Key | Due::Separator, Some(Inside::Object)) => self.close(),
            (']', Due::Value | Due::Separator, Some(Inside::Array)) => self.close(),
            (':', Due::Colon, _) => self.due = Due::Value,
            (',', Due::Separator, Some(Inside::Object)) => self.due = Due::Key,
            (',', Due::Separator, Some(Inside::Array)) => self.due = Due::Value,
            ('a'..='z' | '0'..='9' | '-', Due::Value, _) => self.word(),
            _ => self.lost = true,
        }
    }

    fn open(&mut self, inside: Inside, due: Due) {
        self.nesting.push(inside);
        self.due = due;
    }

    fn close(&mut self) {
        self.nesting.pop();
        self.due = Due::Separator;
    }

    /// The rest of a number, `true`, `false` or `null`. A hole that touches it finds that
    /// no value is due.
    fn word(&mut self) {
        while let Some(Unit::Char('a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '-' | '.')) = self.cursor.peek(0)
        {
            self.cursor.advance(1);
        }
        self.completed();
    }

    fn comment(&mut self, end: &str) {
        self.cursor.advance(1);
        while !self.cursor.starts_with(end) {
            match self.cursor.next() {
                Some(Unit::Hole) => self.holes.push(Err(Refusal::template(
                    "a comment in a json file",
                    "JSON has no comments, and readers differ in where one ends",
                    "move it out of the comment",
                ))),
                Some(Unit::Char(_)) => {}
                None => return,
            }
        }
        self.cursor.advance(end.len());
    }

    fn string(&mut self) {
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => self.holes.push(Ok(Context::String)),
                Unit::Char('"') => return self.completed(),
                Unit::Char('\\') => self.escape(),
                Unit::Char(_) => {}
            }
        }
    }

    /// What follows a backslash: one character, or `u` and four digits.
    fn escape(&mut self) {
        let length = if self.cursor.starts_with("u") { 5 } else { 1 };
        for _ in 0..length {
            match self.cursor.peek(0) {
                Some(Unit::Hole) => self.holes.push(Err(Refusal::template(
                    "an escape in a json string",
                    "the value would become part of the escape",
                    r"write \\ for a backslash",
                ))),
                Some(Unit::Char('"')) if length == 5 => return self.lost = true,
                Some(Unit::Char(_)) => {}
                None => return,
            }
            self.cursor.advance(1);
        }
    }
}

fn not_json() -> Refusal {
    Refusal::template(
        "a json file",
        "no value is due there, or the text before it isn't JSON",
        r#"give it a place of its own, or write "…{{ x }}…" to join it to other text"#,
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    let mut out = String::new();
    match (context, value) {
        (Context::Key, Literal::Text(text)) => quote(text, &mut out),
        (Context::Key, _) => {
            return Err(Refusal::value("a json key", format!("a key is text, not {}", value.kind()), ""));
        }
        (Context::Value, _) => whole(value, &mut out)?,
        (Context::String, _) => match value.as_text() {
            Some(text) => escape(&text, &mut out),
            None => return Err(no_text(value)),
        },
    }
    Ok(out)
}

fn no_text(value: &Literal) -> Refusal {
    Refusal::value(
        "a json string",
        format!("{} has no text", value.kind()),
        "leave the quotes out, for a whole literal",
    )
}

fn whole(value: &Literal, out: &mut String) -> Result<(), Refusal> {
    match value {
        Literal::None => out.push_str("null"),
        Literal::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Literal::Int(value) => integer(*value, out)?,
        Literal::Float(value) => float(*value, out)?,
        Literal::Text(text) => quote(text, out),
        Literal::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, ",", out);
                whole(item, out)?;
            }
            out.push(']');
        }
        Literal::Map(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                separate(index, ",", out);
                quote(key, out);
                out.push(':');
                whole(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn integer(value: i128, out: &mut String) -> Result<(), Refusal> {
    let value = i64::try_from(value).map_err(|_| {
        Refusal::value(
            "a json number",
            "readers of JSON round whole numbers beyond 64 bits",
            r#"write it in quotes, as text: "{{ x }}""#,
        )
    })?;
    out.push_str(&value.to_string());
    Ok(())
}

fn float(value: f64, out: &mut String) -> Result<(), Refusal> {
    if !value.is_finite() {
        return Err(Refusal::value("a json number", "JSON has finite numbers only", ""));
    }
    // The shortest digits that read back as the same number, with an exponent where that is shorter.
    out.push_str(&format!("{value:?}"));
    Ok(())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String can't fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::Blame;
    use super::*;

    /// Fills a template whose holes are written `@`.
    fn fillings(template: &str, values: &[Literal]) -> Vec<Filling> {
        let mut skeleton = Skeleton::default();
        for (index, part) in template.split('@').enumerate() {
            if index > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(part);
        }
        fill(&skeleton, values)
    }

    fn text(value: &str) -> Literal {
        Literal::Text(value.into())
    }

    #[test]
    fn a_bare_hole_takes_a_whole_literal_of_any_type() {
        let list = Literal::List(vec![Literal::Int(1), text("a\"b"), Literal::None]);
        let map = Literal::Map(vec![("k\\".into(), Literal::Bool(false)), ("l".into(), list.clone())]);
        for (value, expected) in [
            (Literal::None, "null"),
            (Literal::Bool(true), "true"),
            (Literal::Int(-5), "-5"),
            (Literal::Int(i64::MAX.into()), "9223372036854775807"),
            (Literal::Float(1.0), "1.0"),
            (Literal::Float(1e300), "1e300"),
            (text("a"), r#""a""#),
            (text("\"\\\n\0\u{2028}é"), "\"\\\"\\\\\\n\\u0000\\u2028é\""),
            (list, r#"[1,"a\"b",null]"#),
            (map, r#"{"k\\":false,"l":[1,"a\"b",null]}"#),
        ] {
            for template in ["@", "[@]", "[1, @ ]", r#"{"a": @}"#, r#"{"a" : [true,@] , "b":{}}"#] {
                assert_eq!(
                    fillings(template, std::slice::from_ref(&value)),
                    [Ok(expected.to_owned())],
                    "{template}"
                );
            }
        }
    }

    #[test]
    fn keys_are_text() {
        let template = r#"{"a": 1, @: 2}"#;
        assert_eq!(fillings(template, &[text("k\"")]), [Ok("\"k\\\"\"".to_owned())]);
        for value in [Literal::Int(1), Literal::None, Literal::Bool(true), Literal::List(vec![])] {
            assert_eq!(fillings(template, &[value])[0].as_ref().unwrap_err().blame, Blame::Value);
        }
    }

    #[test]
    fn inside_a_string_it_is_escaped_content() {
        for template in
            [r#""@""#, r#"["x@y"]"#, r#"{"a@": 1}"#, r#"{"a": "\\@\""}"#, r#"["\u00e9@"]"#, "// c\n\"@\""]
        {
            assert_eq!(fillings(template, &[text("a\"\\")]), [Ok(r#"a\"\\"#.to_owned())], "{template}");
            assert_eq!(fillings(template, &[Literal::Int(3)]), [Ok("3".to_owned())]);
            assert!(fillings(template, &[Literal::None])[0].is_err());
        }
    }

    #[test]
    fn places_where_no_value_can_stand_are_refused() {
        for template in [
            "1@",
            "@1",
            "true@",
            "\"a\"@",
            "{\"a\"@}",
            "{\"a\" @ 1}",
            "[1 @]",
            "[@1]",
            "[1]@",
            r#""\@""#,
            r#""\u00@""#,
            "// @\n1",
            "/* @ */ 1",
            "{'a': @}",
            "[nan, x: @]",
            "{\"a\": 1}\n@",
            "{,@",
            "[}@",
        ] {
            let fillings = fillings(template, &[text("v")]);
            assert_eq!(fillings[0].as_ref().map_err(|r| r.blame), Err(Blame::Template), "{template}");
        }
        assert!(fillings("[@@]", &[text("a"), text("b")]).iter().all(Result::is_err));
    }

    #[test]
    fn numbers_that_readers_would_round_are_refused() {
        for value in
            [Literal::Int(i128::from(i64::MAX) + 1), Literal::Float(f64::NAN), Literal::Float(f64::INFINITY)]
        {
            assert_eq!(fillings("[@]", &[value])[0].as_ref().unwrap_err().blame, Blame::Value);
        }
    }
}

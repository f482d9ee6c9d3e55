//! Files for systemd's `EnvironmentFile=`, as systemd reads them.
//!
//! They look like shell, and differ: nothing is expanded, a quote counts only where a value
//! begins, text behind a closing quote is joined to it, and a carriage return ends a line.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | `NAME={{ x }}` | bare if it is of letters, digits and `_ . / : @ % + , -`; else in `"…"` with `\` before `"`, `\`, `$` and backtick | NUL, U+FEFF, noncharacters (systemd drops the variable); `none`, lists, maps | systemd.exec(5); measured |
//! | inside `"` | the template's own quotes, where the value begins | the same escapes | the same | the same |
//! | inside `'` | the template's own quotes, where the value begins | as it is | the same, and `'` | the same |
//! | part | beside bare text | `\` before `\`, quotes, and a blank at an end | the same; line feed, carriage return; empty at an end beside a blank or another value | the same |
//! | comment | a line that begins with `#` or `;` | as it is | the same; line feed, carriage return, a `\` at its end, and nothing behind a `\` (some versions continue the comment) | the same |
//! | name, behind a closing quote, beside a `\` or quotes in bare text, a line without `=` | – | – | all | the same |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Cursor, Filling, Refusal, Skeleton, Unit, fill_with};

/// Environment files of systemd. No name is surely one: `/etc/default/*` is read by shells too.
pub(super) static SYSTEMD_ENV: Format = Format { name: "systemd-env", destinations: &[], fill };

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Value,
    Single,
    Double,
    Part(Part),
    Comment {
        /// Without it the comment could end with a backslash.
        shields: bool,
    },
}

/// Where in a bare value a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part {
    /// No text stands before it.
    first: bool,
    /// No text stands behind it.
    last: bool,
    /// Without it, a blank or another value would be at an end.
    shields: bool,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, |skeleton| Lexer::new(skeleton).run(), encode)
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    lost: bool,
    holes: Vec<Result<Context, Refusal>>,
}

impl<'a> Lexer<'a> {
    fn new(skeleton: &'a Skeleton) -> Self {
        Self { cursor: skeleton.cursor(), lost: false, holes: Vec::with_capacity(skeleton.holes()) }
    }

    fn run(mut self) -> Vec<Result<Context, Refusal>> {
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                _ if self.lost => self.refuse(),
                Unit::Char(' ' | '\t' | '\r' | '\n') => self.cursor.advance(1),
                Unit::Char('#' | ';') => self.comment(),
                _ => self.assignment(),
            }
        }
        self.holes
    }

    /// Takes one unit; a hole in it is refused.
    fn refuse(&mut self) {
        if self.cursor.next() == Some(Unit::Hole) {
            self.holes.push(Err(not_a_value()));
        }
    }

    fn at_line_end(&self) -> bool {
        matches!(self.cursor.peek(0), None | Some(Unit::Char('\n' | '\r')))
    }

    /// A comment that ends with a backslash goes on in some versions: nothing is sure then.
    fn comment(&mut self) {
        // Behind a backslash, or behind values behind one.
        let mut shields = false;
        while !self.at_line_end() {
            match self.cursor.next() {
                Some(Unit::Hole) => self.holes.push(Ok(Context::Comment { shields })),
                unit => shields = unit == Some(Unit::Char('\\')),
            }
        }
        self.lost = self.cursor.previous() == Some(Unit::Char('\\'));
    }

    fn assignment(&mut self) {
        let mut name = String::new();
        while !self.at_line_end() {
            match self.cursor.peek(0) {
                Some(Unit::Char('=')) => {
                    self.cursor.advance(1);
                    let is_name = is_name(name.trim_end());
                    let first = self.holes.len();
                    self.value();
                    if !is_name {
                        self.holes.iter_mut().skip(first).for_each(|hole| *hole = Err(not_a_value()));
                    }
                    return;
                }
                Some(Unit::Char(c)) => {
                    name.push(c);
                    self.cursor.advance(1);
                }
                // A name with a hole is none.
                _ => {
                    name.push('{');
                    self.refuse();
                }
            }
        }
    }

    /// The value, to the end of its last line.
    fn value(&mut self) {
        while matches!(self.cursor.peek(0), Some(Unit::Char(' ' | '\t'))) {
            self.cursor.advance(1);
        }
        match self.cursor.peek(0) {
            Some(Unit::Char(quote @ ('"' | '\''))) => self.quoted(quote),
            _ => self.bare(),
        }
    }

    fn quoted(&mut self, quote: char) {
        let first = self.holes.len();
        self.cursor.advance(1);
        loop {
            match self.cursor.next() {
                Some(Unit::Hole) if quote == '"' => self.holes.push(Ok(Context::Double)),
                Some(Unit::Hole) => self.holes.push(Ok(Context::Single)),
                Some(Unit::Char('\\')) if quote == '"' => self.refuse(),
                Some(Unit::Char(c)) if c == quote => break,
                Some(Unit::Char(_)) => {}
                None => {
                    self.holes.iter_mut().skip(first).for_each(|hole| *hole = Err(not_a_value()));
                    return;
                }
            }
        }
        while matches!(self.cursor.peek(0), Some(Unit::Char(' ' | '\t'))) {
            self.cursor.advance(1);
        }
        // What follows is joined to the value, and may continue on the next line.
        self.lost = !self.at_line_end();
    }

    fn bare(&mut self) {
        let mut value = Vec::new();
        while !self.at_line_end() {
            value.extend(self.cursor.next());
        }
        let text = |unit: &Unit| !matches!(unit, Unit::Hole | Unit::Char(' ' | '\t'));
        let first_text = value.iter().position(text);
        let last_text = value.iter().rposition(text);
        let plain = !value.iter().any(|unit| matches!(unit, Unit::Char('\\' | '"' | '\'')));
        let alone = matches!(trim_end(&value), [Unit::Hole]);
        self.lost = value.last() == Some(&Unit::Char('\\'));
        for (index, _) in value.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
            let first = first_text.is_none_or(|text| text > index);
            let last = last_text.is_none_or(|text| text < index);
            let bares = |unit: Option<&Unit>| unit.is_some_and(|unit| !text(unit));
            let before = index.checked_sub(1).and_then(|before| value.get(before));
            let shields = (first && bares(value.get(index + 1))) || (last && bares(before));
            self.holes.push(match () {
                () if alone => Ok(Context::Value),
                () if plain => Ok(Context::Part(Part { first, last, shields })),
                () => Err(not_a_value()),
            });
        }
    }
}

fn trim_end(mut units: &[Unit]) -> &[Unit] {
    while let [rest @ .., Unit::Char(' ' | '\t')] = units {
        units = rest;
    }
    units
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn not_a_value() -> Refusal {
    Refusal::template(
        "an environment file of systemd",
        "it isn't in the value of a `NAME=value` line that systemd takes as it stands",
        "NAME={{ x }}, or NAME=\"…{{ x }}…\" with quotes around all of it",
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    let text = value
        .as_text()
        .ok_or_else(|| refused(format!("an environment variable has no form for {}", value.kind())))?;
    if text.chars().any(is_invalid) {
        return Err(refused("systemd takes no NUL, no byte order mark and no noncharacters"));
    }
    match context {
        Context::Value if !text.is_empty() && text.chars().all(is_safe) => Ok(text.into_owned()),
        Context::Value => Ok(format!("\"{}\"", double(&text))),
        Context::Double => Ok(double(&text)),
        Context::Single if text.contains('\'') => {
            Err(refused("a `'` would close the quotes, which have no escapes: use `\"`"))
        }
        Context::Single => Ok(text.into_owned()),
        Context::Part(part) => bare(*part, &text),
        Context::Comment { .. } if text.contains(['\n', '\r']) => {
            Err(refused("a comment ends with its line"))
        }
        Context::Comment { shields } if text.ends_with('\\') || (*shields && text.is_empty()) => {
            Err(refused("some versions of systemd continue a comment that ends with a backslash"))
        }
        Context::Comment { .. } => Ok(text.into_owned()),
    }
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::value("an environment file of systemd", reason, "")
}

/// NUL, the byte order mark, and the code points that Unicode keeps from being characters.
fn is_invalid(c: char) -> bool {
    matches!(c, '\0' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xFFFE == 0xFFFE
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c)
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn bare(part: Part, text: &str) -> Filling {
    const INSTEAD: &str = "put quotes around the whole value";
    if text.contains(['\n', '\r']) {
        return Err(refused(format!("outside quotes a line break ends the value: {INSTEAD}")));
    }
    if part.shields && text.is_empty() {
        return Err(refused(format!("without a value, the blanks beside it are dropped: {INSTEAD}")));
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let edge = (part.first && at == 0) || (part.last && at + c.len_utf8() == text.len());
        if matches!(c, '\\' | '"' | '\'') || (edge && matches!(c, ' ' | '\t')) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::*;

    #[test]
    fn values_by_context() {
        check(
            &SYSTEMD_ENV,
            &[
                ("A=@\n", text("a.b/c:1"), File("A=a.b/c:1\n")),
                (
                    "A = @ \r\nB=@",
                    text("it's \"$x\\"),
                    File("A = \"it's \\\"\\$x\\\\\" \r\nB=\"it's \\\"\\$x\\\\\""),
                ),
                ("A=@", text(""), File("A=\"\"")),
                ("A=@", text("a\nb\r"), File("A=\"a\nb\r\"")),
                ("A=@", text("\0"), BadValue),
                ("A=@", text("\u{fffe}"), BadValue),
                ("A=@", Literal::Bool(true), File("A=true")),
                ("A=@", Literal::Int(-1), File("A=-1")),
                ("A=@", Literal::None, BadValue),
                ("A=@", Literal::List(vec![]), BadValue),
                ("A=\"b\n@\"\nB='@'", text("x`"), File("A=\"b\nx\\`\"\nB='x`'")),
                ("A='@'", text("'"), BadValue),
                ("A=\"\\\"@\"", text("x"), File("A=\"\\\"x\"")),
                ("A=/b/@.c", text(" \"\\$"), File("A=/b/ \\\"\\\\$.c")),
                ("A=@/b", text(" "), File("A=\\ /b")),
                ("A=b@", text("c\t"), File("A=bc\\\t")),
                ("A=b@", text("c\n"), BadValue),
                ("A=b @", text(""), BadValue),
                ("A=b#@", text("c"), File("A=b#c")),
                ("# @\n ; @", text("a b"), File("# a b\n ; a b")),
                ("# @", text("a\\"), BadValue),
                ("# \\@\nA=b", text(""), BadValue),
                ("# \\@@", text(""), BadValue),
                ("# \\@a", text("b"), File("# \\ba")),
                ("# @", text("a\nB=c"), BadValue),
            ],
        );
    }

    #[test]
    fn no_value_stands_where_systemd_would_take_it_for_something_else() {
        for template in [
            "@=a",
            "A@=a",
            "@",
            "a b\nA @",
            "export A=@",
            "1A=@",
            "A='b'@",
            "A=\"b\" @",
            "A=\"b\"c\\\n@",
            "A=b\\@",
            "A=b'@'",
            "A=@\"b\"",
            "A=\"\\@\"",
            "A=\"@",
            "A=b\\\n@",
            "# c\\\nA=@",
        ] {
            check(&SYSTEMD_ENV, &[(template, text("v"), BadTemplate)]);
        }
    }
}

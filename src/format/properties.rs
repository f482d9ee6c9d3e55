//! Java's `.properties`, as `java.util.Properties.load` reads them.
//!
//! Everything beyond ASCII is written as `\uXXXX`, so a file reads the same as ISO 8859-1
//! (`load(InputStream)`) and as UTF-8. What a program makes of a value that it has read,
//! such as `${…}` in Spring, is that program's own; the value arrives there as it is.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | after the key and `=`, `:` or a blank, all of it or a part, on continued lines too | `\\`, `\n`, `\r`, `\t`, `\f`; `\` before a blank, `=` and `:` at its start; `\uXXXX` for other control characters and beyond ASCII | none, lists, maps; empty before a blank or separator that would be taken for another one | Properties.load; read back |
//! | key | before them, all of it or a part | the same, and `\` before every blank, `=`, `:`, `#`, `!` | the same; empty at the start of the key, or where it goes on on the next line | Properties.load; read back |
//! | comment | `#` or `!` at the start of a line | as it is | line feed, carriage return | Properties.load; read back |
//! | a line without a separator, after `\`, within `\uXXXX` | | – | all | Properties.load |

use std::fmt::Write as _;

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Cursor, Filling, Refusal, Skeleton, Unit, fill_with};

/// Java's properties.
pub(super) static PROPERTIES: Format = Format { name: "properties", destinations: &["*.properties"], fill };

#[derive(Clone, Copy)]
enum Context {
    Key {
        /// It begins the key, or its part on a further line.
        start: bool,
    },
    Value {
        /// The reader skips blanks there.
        start: bool,
        /// What follows would be skipped in its place.
        skipped: bool,
    },
    Comment,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    let lex = |skeleton: &Skeleton| {
        let mut lexer = Lexer { cursor: skeleton.cursor(), holes: Vec::with_capacity(skeleton.holes()) };
        while lexer.cursor.peek(0).is_some() {
            lexer.line();
        }
        lexer.holes
    };
    fill_with(skeleton, values, lex, encode)
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    holes: Vec<Result<Context, Refusal>>,
}

/// What a backslash was.
#[derive(PartialEq, Eq)]
enum Escape {
    /// It stands for a character.
    Character,
    /// The next line goes on with this one.
    Continuation,
}

impl Lexer<'_> {
    /// One logical line, and the blank ones before it.
    fn line(&mut self) {
        while matches!(self.cursor.peek(0), Some(unit) if is_blank(unit) || is_line_end(unit)) {
            self.cursor.advance(1);
        }
        if matches!(self.cursor.peek(0), Some(Unit::Char('#' | '!'))) {
            return self.comment();
        }
        let first = self.holes.len();
        if self.key() {
            self.separator();
            self.value();
        } else {
            for hole in self.holes.iter_mut().skip(first) {
                *hole = Err(no_separator());
            }
        }
    }

    fn comment(&mut self) {
        while let Some(unit) = self.cursor.next().filter(|unit| !is_line_end(*unit)) {
            if unit == Unit::Hole {
                self.holes.push(Ok(Context::Comment));
            }
        }
    }

    /// Whether a separator ends it; without one it is the whole line.
    fn key(&mut self) -> bool {
        let mut start = true;
        // Blanks before it belong to the end of the line above.
        let mut continued = false;
        while let Some(unit) = self.cursor.peek(0).filter(|unit| !is_line_end(*unit)) {
            match unit {
                Unit::Hole => self.holes.push(Ok(Context::Key { start: start || continued })),
                Unit::Char('=' | ':') => return true,
                unit if is_blank(unit) => return true,
                // Nothing has been read yet, so the next line is a new one: even a comment.
                Unit::Char('\\') => match self.escape() {
                    Escape::Continuation if start => return false,
                    Escape::Continuation => {
                        continued = true;
                        continue;
                    }
                    Escape::Character => {}
                },
                Unit::Char(_) => {}
            }
            start = false;
            continued &= unit == Unit::Hole;
            self.cursor.advance(1);
        }
        false
    }

    /// Blanks, with at most one `=` or `:` among them.
    fn separator(&mut self) {
        let mut separated = false;
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                unit if is_blank(unit) => self.cursor.advance(1),
                Unit::Char('=' | ':') if !separated => {
                    separated = true;
                    self.cursor.advance(1);
                }
                Unit::Char('\\') if self.continues() => {
                    self.escape();
                }
                _ => return,
            }
        }
    }

    fn value(&mut self) {
        let mut start = true;
        while let Some(unit) = self.cursor.peek(0).filter(|unit| !is_line_end(*unit)) {
            match unit {
                Unit::Hole => {
                    let skipped = matches!(
                        self.cursor.peek(1),
                        Some(Unit::Char(' ' | '\t' | '\x0c' | '=' | ':' | '\\'))
                    );
                    self.holes.push(Ok(Context::Value { start, skipped: start && skipped }));
                }
                Unit::Char('\\') => {
                    if self.escape() == Escape::Continuation {
                        start = true;
                        continue;
                    }
                    start = false;
                }
                Unit::Char(_) => start = false,
            }
            self.cursor.advance(1);
        }
    }

    /// Whether the backslash that comes next ends its line.
    fn continues(&self) -> bool {
        self.cursor.peek(1).is_none_or(is_line_end)
    }

    /// Passes over a backslash and what belongs to it, but for the last unit; over all of a
    /// continuation, with the blanks of the next line.
    fn escape(&mut self) -> Escape {
        if self.continues() {
            self.cursor.advance(1);
            let two = self.cursor.starts_with("\r\n");
            self.cursor.advance(if two { 2 } else { 1 });
            while self.cursor.peek(0).is_some_and(is_blank) {
                self.cursor.advance(1);
            }
            return Escape::Continuation;
        }
        self.cursor.advance(1);
        let length = if self.cursor.starts_with("u") { 5 } else { 1 };
        for index in 0..length {
            match self.cursor.peek(0) {
                Some(Unit::Hole) => self.holes.push(Err(within_escape())),
                Some(unit) if !is_line_end(unit) => {}
                _ => break,
            }
            if index + 1 < length && self.cursor.peek(1).is_some_and(|unit| !is_line_end(unit)) {
                self.cursor.advance(1);
            } else {
                break;
            }
        }
        Escape::Character
    }
}

fn is_blank(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t' | '\x0c'))
}

fn is_line_end(unit: Unit) -> bool {
    matches!(unit, Unit::Char('\n' | '\r'))
}

fn no_separator() -> Refusal {
    Refusal::template("a .properties file", "the line has no `=` behind the key", "name={{ x }}")
}

fn within_escape() -> Refusal {
    Refusal::template(
        "an escape in a .properties file",
        "the value would become part of the escape",
        r"write \\ for a backslash",
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    let name = match context {
        Context::Key { .. } => "a .properties key",
        Context::Value { .. } => "a .properties value",
        Context::Comment => "a comment in a .properties file",
    };
    let refuse = |reason: &str, instead: &str| Err(Refusal::value(name, reason, instead));
    let Some(text) = value.as_text() else {
        return refuse(
            &format!("a property has no form for {}", value.kind()),
            "join it to text with a filter",
        );
    };
    match *context {
        Context::Comment if text.contains(['\n', '\r']) => refuse("a comment ends with its line", ""),
        Context::Comment => Ok(text.into_owned()),
        Context::Key { start: true } if text.is_empty() => refuse("the key would have no start", ""),
        Context::Key { .. } => Ok(escaped(&text, |_, c| " =:#!".contains(c))),
        Context::Value { skipped: true, .. } if text.is_empty() => {
            refuse("what follows it would be skipped in its place", "leave the line out with {% if %}")
        }
        Context::Value { start, .. } => {
            Ok(escaped(&text, |index, c| start && index == 0 && " =:".contains(c)))
        }
    }
}

/// With a backslash before what `special` picks, by the place of the character and itself.
fn escaped(text: &str, special: impl Fn(usize, char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, c) in text.char_indices() {
        match c {
            '\\' => out.push_str(r"\\"),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            '\t' => out.push_str(r"\t"),
            '\x0c' => out.push_str(r"\f"),
            c if special(index, c) => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String can't fail.
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::{Literal, PROPERTIES};

    #[test]
    fn values_are_escaped() {
        check(
            &PROPERTIES,
            &[
                ("a=@", text("b c"), File("a=b c")),
                ("a=@\n", text(" b = \\ "), File("a=\\ b = \\\\ \n")),
                ("a = @\n", text("=\n\r\t\x0c"), File("a = \\=\\n\\r\\t\\f\n")),
                ("a @\n", text(":"), File("a \\:\n")),
                ("a=@\n", text("é😀\0"), File("a=\\u00E9\\uD83D\\uDE00\\u0000\n")),
                ("a=x@\n", text(" =#"), File("a=x =#\n")),
                ("a=@@\n", text(" "), File("a=\\ \\ \n")),
                ("a=x \\\n  @ y\n", text(" z"), File("a=x \\\n  \\ z y\n")),
                ("a=x \\\r\n  @ y\n", text(" z"), File("a=x \\\r\n  \\ z y\n")),
                ("a=\\u0041@", text("#"), File("a=\\u0041#")),
                ("a=\\\\@", text("n"), File("a=\\\\n")),
                ("a=@\\n", text("b"), File("a=b\\n")),
                ("a=@", text(""), File("a=")),
                ("a=@ b", text(""), BadValue),
                ("a @=b", text(""), BadValue),
                ("a=@", Literal::Int(7), File("a=7")),
                ("a=@", Literal::Bool(false), File("a=false")),
                ("a=@", Literal::Float(1.5), File("a=1.5")),
                ("a=@", Literal::None, BadValue),
                ("a=@", Literal::List(vec![]), BadValue),
                ("a=@", Literal::Map(vec![]), BadValue),
            ],
        );
    }

    #[test]
    fn keys_and_comments() {
        check(
            &PROPERTIES,
            &[
                ("@=b", text("#a b"), File("\\#a\\ b=b")),
                (" db.@.url : b", text("x=:!\n"), File(" db.x\\=\\:\\!\\n.url : b")),
                ("db.@=b", text(""), File("db.=b")),
                ("@=b", text(""), BadValue),
                ("a\\\n  @ b", text(""), BadValue),
                ("\n # @\na=b", text("x=\\"), File("\n # x=\\\na=b")),
                ("! @", text("a\nb"), BadValue),
                ("# \\\n@=b", text("c"), File("# \\\nc=b")),
                ("\\\n# @\n", text("c"), File("\\\n# c\n")),
                ("a\\\n# @\n", text("c"), File("a\\\n# c\n")),
                ("a=b\\\n\n@=c", text("d e"), File("a=b\\\n\nd\\ e=c")),
                ("a=\\\n  @", text(" "), File("a=\\\n  \\ ")),
            ],
        );
    }

    #[test]
    fn places_where_no_value_can_stand() {
        for template in ["@", "a@", "@\n=b", "a=\\@", "a=\\u@", "a=\\u00@00", "a=\\\\\\@", "\\@=b"] {
            check(&PROPERTIES, &[(template, text("v"), BadTemplate)]);
        }
    }
}

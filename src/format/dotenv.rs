//! `.env` files, written so that their readers agree.
//!
//! There is no one format of this name. castoff promises what POSIX shells (`set -a; . ./.env`),
//! python-dotenv (so docker-compose 1) and compose-go (`docker compose`) read the same way,
//! and refuses a value that they would read differently. `docker run --env-file` knows no
//! quotes: it reads right only what stands bare.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | value | `NAME={{ x }}`, `export NAME={{ x }}` | bare if it is of letters, digits and `_ . / : @ % + , -`, or empty; else in `'…'`; with `'` or `\\` in it in `"…"` with `"` and `\` escaped | `$` or a backtick beside `'` or `\\`, `${`, a `\` at the end, carriage return, NUL | POSIX XCU 2.2, python-dotenv [measured], compose-go [source] |
//! | part | `NAME=a{{ x }}b` | as it is | all but those characters; nothing where values are all that stands before a comment | the same |
//! | inside `'` | the template's own quotes | as it is | `'`, `\\`, `${`, a `\` at the end, carriage return, NUL | the same |
//! | inside `"` | the template's own quotes | `"` and `\` escaped | `$`, backtick, a `\` at the end, carriage return, NUL | the same |
//! | comment | `#` at the start of a line, or after a value and a blank | as it is | line feed, carriage return, NUL | the same |
//! | name, blanks around `=`, beside an expansion, any other line | – | – | all | the same |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton, Unit, fill_with};

/// Files of environment variables.
pub(super) static DOTENV: Format = Format { name: "dotenv", destinations: &[".env", "*.env"], fill };

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Value {
        /// The line ends behind it.
        last: bool,
    },
    Part {
        /// Values are all that stands before a comment.
        all: bool,
    },
    Quoted {
        by: char,
        /// A `$` could meet a `{`.
        braces: bool,
    },
    Comment,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, |skeleton| Lexer { rest: skeleton.units(), holes: Vec::new() }.run(), encode)
}

struct Lexer<'a> {
    rest: &'a [Unit],
    holes: Vec<Result<Context, Refusal>>,
}

impl<'a> Lexer<'a> {
    fn run(mut self) -> Vec<Result<Context, Refusal>> {
        while !self.rest.is_empty() {
            let understood = self.line();
            if !understood {
                // A line of another kind may open a quote that goes on, so nothing is sure.
                let rest = std::mem::take(&mut self.rest);
                self.answer(rest, &Err(not_a_setting()));
            }
        }
        self.holes
    }

    fn take(&mut self, count: usize) -> &'a [Unit] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Takes what `wanted` accepts.
    fn take_while(&mut self, wanted: impl Fn(Unit) -> bool) -> &'a [Unit] {
        let count = self.rest.iter().position(|unit| !wanted(*unit)).unwrap_or(self.rest.len());
        self.take(count)
    }

    fn is_next(&self, c: char) -> bool {
        self.rest.first() == Some(&Unit::Char(c))
    }

    fn answer(&mut self, units: &[Unit], context: &Result<Context, Refusal>) {
        let count = units.iter().filter(|unit| **unit == Unit::Hole).count();
        self.holes.extend(std::iter::repeat_n(context.clone(), count));
    }

    /// One line, or more if quotes span them. `false` if it isn't a setting.
    fn line(&mut self) -> bool {
        self.take_while(is_blank);
        if self.is_next('#') || self.at_line_end() {
            return self.comment();
        }
        let mut name = self.take_while(is_name);
        if name == "export".chars().map(Unit::Char).collect::<Vec<_>>()
            && self.rest.first().is_some_and(|unit| is_blank(*unit))
        {
            self.take_while(is_blank);
            name = self.take_while(is_name);
        }
        let starts_with_digit = matches!(name.first(), Some(Unit::Char('0'..='9')));
        if name.is_empty() || starts_with_digit || !self.is_next('=') {
            return false;
        }
        self.take(1);
        let (value, quote) = match self.rest.first() {
            Some(Unit::Char(quote @ ('\'' | '"'))) => match self.quoted(*quote) {
                Some(value) => (value, Some(*quote)),
                None => return false,
            },
            _ => (self.take_while(|unit| !is_blank(unit) && unit != Unit::Char('\n')), None),
        };
        let blanks = self.take_while(is_blank);
        let commented = !blanks.is_empty() && self.is_next('#');
        if !commented && !self.at_line_end() {
            // Back to before the value, so that its holes are refused with the rest.
            let rest = std::mem::take(&mut self.rest);
            self.answer(value, &Err(not_a_setting()));
            self.answer(rest, &Err(not_a_setting()));
            return true;
        }
        match quote {
            Some(quote) => self.quoted_holes(value, quote),
            None => self.bare_holes(value, !commented),
        }
        self.comment()
    }

    fn at_line_end(&self) -> bool {
        self.rest.is_empty() || self.is_next('\n')
    }

    /// The rest of the line, comment or nothing.
    fn comment(&mut self) -> bool {
        let comment = self.take_while(|unit| unit != Unit::Char('\n'));
        self.answer(comment, &Ok(Context::Comment));
        self.take(1);
        true
    }

    /// What stands between quotes; `None` if they aren't closed.
    fn quoted(&mut self, quote: char) -> Option<&'a [Unit]> {
        let inner = self.rest.get(1..)?;
        let mut escaped = false;
        let end = inner.iter().position(|unit| {
            let ends = *unit == Unit::Char(quote) && !escaped;
            escaped = quote == '"' && *unit == Unit::Char('\\') && !escaped;
            ends
        })?;
        self.take(end + 2).get(1..=end)
    }

    fn quoted_holes(&mut self, value: &[Unit], quote: char) {
        let expands = value.iter().any(|unit| *unit == Unit::Char('$') || *unit == Unit::Char('`'));
        let several = value.iter().filter(|unit| **unit == Unit::Hole).count() > 1;
        for (index, _) in value.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
            let before = index.checked_sub(1).and_then(|before| value.get(before));
            let braces = several || value.get(index + 1) == Some(&Unit::Char('{'));
            self.holes.push(if expands || before == Some(&Unit::Char('\\')) {
                Err(beside_expansion())
            } else {
                Ok(Context::Quoted { by: quote, braces })
            });
        }
    }

    fn bare_holes(&mut self, value: &[Unit], last: bool) {
        let plain = value
            .iter()
            .all(|unit| matches!(unit, Unit::Hole) || matches!(unit, Unit::Char(c) if is_safe(*c)));
        let context = match value {
            [Unit::Hole] => Ok(Context::Value { last }),
            _ if plain => Ok(Context::Part { all: !last && value.iter().all(|unit| *unit == Unit::Hole) }),
            _ => Err(beside_expansion()),
        };
        self.answer(value, &context);
    }
}

fn is_blank(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t'))
}

fn is_name(unit: Unit) -> bool {
    matches!(unit, Unit::Char(c) if c.is_ascii_alphanumeric() || c == '_')
}

/// Characters that every reader takes for themselves, without quotes.
fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c)
}

fn not_a_setting() -> Refusal {
    Refusal::template(
        "a .env file",
        "it isn't in the value of a `NAME=value` line that every reader understands",
        "NAME={{ x }}, without spaces around the `=`",
    )
}

fn beside_expansion() -> Refusal {
    Refusal::template(
        "a .env value",
        "the text beside it is expanded, escaped or split differently by the readers of .env files",
        "NAME=\"…{{ x }}…\", without `$`, backticks and backslashes around it",
    )
}

fn encode(context: &Context, value: &Literal) -> Filling {
    let text = value.as_text().ok_or_else(|| {
        refused(
            format!("an environment variable has no form for {}", value.kind()),
            "join it to text with a filter",
        )
    })?;
    if text.contains(['\0', '\r']) {
        return Err(refused("the readers of .env files drop or change NUL and carriage return", ""));
    }
    match context {
        Context::Comment if text.contains('\n') => Err(refused("a comment ends with its line", "")),
        Context::Comment => Ok(text.into_owned()),
        Context::Part { all: true } if text.is_empty() => Err(refused(
            "without any value before it, readers take the comment for the value",
            "put quotes around the whole value: NAME=\"…{{ x }}…\"",
        )),
        Context::Part { .. } if text.chars().all(is_safe) => Ok(text.into_owned()),
        Context::Part { .. } => Err(refused(
            "outside quotes, readers agree only on letters, digits and `_ . / : @ % + , -`",
            "put quotes around the whole value: NAME=\"…{{ x }}…\"",
        )),
        Context::Value { last } if text.chars().all(is_safe) && (*last || !text.is_empty()) => {
            Ok(text.into_owned())
        }
        Context::Value { .. } => whole(&text),
        Context::Quoted { braces: true, .. } if text.contains('$') => Err(differently()),
        Context::Quoted { by: '\'', .. } => single(&text).ok_or_else(differently),
        Context::Quoted { .. } => double(&text).ok_or_else(differently),
    }
}

fn whole(text: &str) -> Filling {
    let single = single(text).map(|text| format!("'{text}'"));
    single.or_else(|| double(text).map(|text| format!("\"{text}\""))).ok_or_else(differently)
}

/// Between single quotes: a shell has no escapes there, the others have `\\` and `\'`,
/// and python-dotenv replaces `${NAME}`.
fn single(text: &str) -> Option<String> {
    let differs = text.contains('\'') || text.contains(r"\\") || text.contains("${") || text.ends_with('\\');
    (!differs).then(|| text.to_owned())
}

/// Between double quotes: `\"` and `\\` are everyone's; `\$` and an escaped backtick are the
/// shell's alone.
fn double(text: &str) -> Option<String> {
    let differs = text.contains(['$', '`']) || text.ends_with('\\');
    (!differs).then(|| text.replace('\\', r"\\").replace('"', "\\\""))
}

fn differently() -> Refusal {
    refused(
        "shells, python-dotenv and docker compose read its mix of quotes, `$` and backslashes differently",
        "choose a value without `'`, `$`, backticks or a backslash at the end, or write the file as format = \"shell\"",
    )
}

fn refused(reason: impl Into<String>, instead: &str) -> Refusal {
    Refusal::value("a .env value", reason, instead)
}

#[cfg(test)]
mod tests {
    use super::super::skeleton::Blame;
    use super::*;

    /// Fills a template whose holes are written `^`.
    fn outcome(template: &str, value: &Literal) -> Result<String, Blame> {
        let mut skeleton = Skeleton::default();
        for (index, part) in template.split('^').enumerate() {
            if index > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(part);
        }
        let fillings = fill(&skeleton, &vec![value.clone(); skeleton.holes()]);
        assert_eq!(fillings.len(), skeleton.holes(), "{template:?}");
        fillings.into_iter().next().unwrap().map_err(|refusal| refusal.blame)
    }

    #[test]
    fn values_by_context() {
        for (template, value, expected) in [
            ("A=^", "a.b/c:1@x%+,-_", Some("a.b/c:1@x%+,-_")),
            ("A=^\n", "", Some("")),
            ("A=^ # c\n", "", Some("''")),
            ("A=^^ # c\n", "", None),
            ("A=^^\n", "", Some("")),
            ("A=^^ # c\n", "b", Some("b")),
            ("export A=^\n", "a b", Some("'a b'")),
            (" A=^ \n", "a\nb", Some("'a\nb'")),
            ("# x\n\nA=^", "$x `id` \"#", Some("'$x `id` \"#'")),
            ("A=^", "it's", Some("\"it's\"")),
            ("A=^", "it's \"\\n", Some("\"it's \\\"\\\\n\"")),
            ("A=^", "a\\\\b", Some("\"a\\\\\\\\b\"")),
            ("A=^", "a\\b", Some("'a\\b'")),
            ("A=^", "it's $5", None),
            ("A=^", "it's `", None),
            ("A=^", "a\\", None),
            ("A=^", "${HOME}", None),
            ("A=^", "a\rb", None),
            ("A=^", "a\0b", None),
            ("A=http://^/x", "a.b", Some("a.b")),
            ("A=http://^/x", "a b", None),
            ("A=^^", "a$", None),
            ("A='x^y'", "a $b\"", Some("a $b\"")),
            ("A='x^y'", "'", None),
            ("A='^{'", "$", None),
            ("A='^^'", "$", None),
            ("A=\"x^y\"", "a'\"\\z", Some("a'\\\"\\\\z")),
            ("A=\"x\ny\\\"^\" # c", "a", Some("a")),
            ("A=\"^\"", "$", None),
            ("# ^", "a b", Some("a b")),
            ("# ^", "a\nb=c", None),
            ("A=b # ^", "c", Some("c")),
        ] {
            let expected = expected.map(str::to_owned).ok_or(Blame::Value);
            assert_eq!(outcome(template, &Literal::Text(value.into())), expected, "{template:?} {value:?}");
        }
    }

    #[test]
    fn places_where_no_value_can_stand() {
        for template in [
            "^=a",
            "A^=a",
            "A =^",
            "A= ^",
            "A=b ^",
            "export ^",
            "^",
            "A=$B^",
            "A=\"$B^\"",
            "A=\"\\^\"",
            "A='${^'",
            "A='b'^",
            "A=^'b'",
            "A=\"^",
            "A=^\r\n",
            "A='^'\r\n",
            "A=`^`",
            "unset A\nB=^",
            "1A=^",
            "A+=^",
            "A=\\^",
        ] {
            assert_eq!(outcome(template, &Literal::Text("v".into())), Err(Blame::Template), "{template:?}");
        }
    }

    #[test]
    fn other_types() {
        assert_eq!(outcome("A=^", &Literal::Bool(false)).as_deref(), Ok("false"));
        assert_eq!(outcome("A=^", &Literal::Int(-1)).as_deref(), Ok("-1"));
        for value in [Literal::None, Literal::List(vec![]), Literal::Map(vec![])] {
            assert_eq!(outcome("A=^", &value), Err(Blame::Value));
        }
    }
}

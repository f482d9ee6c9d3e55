//! `redis.conf`, as Redis and Valkey read it.
//!
//! A line is a directive and its words. A word may hold `"…"` with escapes, or `'…'` with
//! `\'` as its only one; a quote that closes ends the word. A `#` opens a comment only at
//! the start of a line. No quotes span lines, but `"\n"` is a line feed.
//!
//! | context | how it is recognised | how a value is encoded | what it refuses | source |
//! |---|---|---|---|---|
//! | word | the hole is all of it | bare if it is of letters, digits and `_ . / : @ % + , -`; else in `"…"` with `\\`, `\"`, `\n`, `\r`, `\t`, `\xHH`; booleans `yes`, `no`; a list as several words | NUL; `none`, maps, an empty list | redis.conf, `sdssplitargs`, measured |
//! | inside `"` | the template's own quotes | with these escapes | NUL, lists | measured |
//! | inside `'` | the template's own quotes | `'` as `\'` | NUL, line feed, lists; a `\` at the end | measured |
//! | part | beside other text, no quotes | as it is | blanks, quotes, control characters, lists | measured |
//! | comment | a line that begins with `#` | as it is | line feed, NUL | measured |
//! | file to include | `include` | as above | `* ? [` (wildcards) | redis.conf, source |
//! | rule of a user | a word of `user`, behind the name, that a hole begins | – | all: `>{{ x }}` is a password, but `{{ x }}` could be any right | ACL documentation |
//! | directive, quotes that don't close | – | – | all | measured |

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Filling, Refusal, Skeleton, Unit, fill_with};

/// The configuration of Redis.
pub(super) static REDIS: Format =
    Format { name: "redis", destinations: &["redis.conf", "valkey.conf", "redis/*.conf"], fill };

#[derive(Clone, Copy, PartialEq, Eq)]
struct Context {
    place: Place,
    /// The value names files, with wildcards.
    wildcards: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    Part {
        /// Only values touch it: the word may vanish.
        alone: bool,
    },
    Double,
    Single {
        /// The quote, or another value, comes next.
        last: bool,
    },
    Comment,
}

fn fill(skeleton: &Skeleton, values: &[Literal]) -> Vec<Filling> {
    fill_with(skeleton, values, lex, encode)
}

fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut holes = Vec::with_capacity(skeleton.holes());
    for line in skeleton.units().split(|unit| *unit == Unit::Char('\n')) {
        let line = trim(line);
        let count = line.iter().filter(|unit| **unit == Unit::Hole).count();
        if line.first() == Some(&Unit::Char('#')) {
            let comment = Context { place: Place::Comment, wildcards: false };
            holes.extend(std::iter::repeat_n(Ok(comment), count));
        } else if count > 0 {
            match Words::read(line) {
                Some(found) => holes.extend(found),
                None => holes.extend(std::iter::repeat_n(Err(unbalanced()), count)),
            }
        }
    }
    holes
}

fn trim(mut units: &[Unit]) -> &[Unit] {
    let blank = |unit: &Unit| matches!(unit, Unit::Char(' ' | '\t' | '\r'));
    while let [first, rest @ ..] = units
        && blank(first)
    {
        units = rest;
    }
    while let [rest @ .., last] = units
        && blank(last)
    {
        units = rest;
    }
    units
}

/// The words of one line, as `sdssplitargs` takes them apart.
struct Words<'a> {
    rest: &'a [Unit],
    directive: String,
    /// How many words came before.
    number: usize,
    holes: Vec<Result<Context, Refusal>>,
}

impl<'a> Words<'a> {
    /// The answers for the line's holes; `None` if its quotes are out of balance.
    fn read(line: &'a [Unit]) -> Option<Vec<Result<Context, Refusal>>> {
        let mut words = Words { rest: line, directive: String::new(), number: 0, holes: Vec::new() };
        loop {
            while words.rest.first().is_some_and(|unit| is_space(*unit)) {
                words.take();
            }
            if words.rest.is_empty() {
                return Some(words.holes);
            }
            words.word()?;
            words.number += 1;
        }
    }

    fn take(&mut self) -> Option<Unit> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<()> {
        let start = self.rest;
        loop {
            match self.rest.first() {
                None | Some(Unit::Char(' ' | '\t' | '\r')) => return Some(()),
                Some(Unit::Char('"')) => return self.double(),
                Some(Unit::Char('\'')) => return self.single(),
                Some(Unit::Hole) => self.bare_hole(start),
                Some(Unit::Char(c)) if self.number == 0 => self.directive.push(c.to_ascii_lowercase()),
                Some(Unit::Char(_)) => {}
            }
            self.take();
        }
    }

    fn bare_hole(&mut self, word: &[Unit]) {
        let first = word.len() == self.rest.len();
        let next = self.rest.get(1);
        let ends = matches!(next, None | Some(Unit::Char(' ' | '\t' | '\r')));
        let before = word.len().checked_sub(self.rest.len() + 1).and_then(|before| word.get(before));
        let alone = matches!(before, None | Some(Unit::Hole))
            && next.is_none_or(|unit| *unit == Unit::Hole || is_space(*unit));
        self.answer(if first && ends { Place::Whole } else { Place::Part { alone } }, first);
    }

    fn double(&mut self) -> Option<()> {
        self.take();
        let mut first = true;
        let mut joins = false;
        loop {
            match (self.take()?, self.rest.first()) {
                (Unit::Char('"'), next) => return next.is_none_or(|unit| is_space(*unit)).then_some(()),
                (Unit::Char('\\'), Some(Unit::Char('x'))) => {
                    // "\x4" with a value behind it: the value would become its second digit
                    let digits = self.rest.iter().skip(1).take(2);
                    let digits = digits.take_while(|unit| is_hex(**unit)).count();
                    joins = self.rest.get(1 + digits) == Some(&Unit::Hole) && digits < 2;
                    self.rest = self.rest.get(1 + digits..).unwrap_or_default();
                }
                (Unit::Char('\\'), Some(Unit::Hole)) => joins = true,
                (Unit::Char('\\'), _) => {
                    self.take();
                }
                (Unit::Char(_), _) => {}
                (Unit::Hole, _) if joins => self.refuse(escaped()),
                (Unit::Hole, _) => self.answer(Place::Double, first),
            }
            first = false;
        }
    }

    fn single(&mut self) -> Option<()> {
        self.take();
        let mut first = true;
        let mut joins = false;
        loop {
            match (self.take()?, self.rest.first()) {
                (Unit::Char('\''), next) => return next.is_none_or(|unit| is_space(*unit)).then_some(()),
                (Unit::Char('\\'), Some(Unit::Char('\''))) => {
                    self.take();
                }
                (Unit::Char('\\'), Some(Unit::Hole)) => joins = true,
                (Unit::Char(_), _) => {}
                (Unit::Hole, _) if joins => self.refuse(escaped()),
                (Unit::Hole, next) => {
                    let last = matches!(next, Some(Unit::Hole | Unit::Char('\'')));
                    self.answer(Place::Single { last }, first);
                }
            }
            first = false;
        }
    }

    /// `first`: nothing of the word stands before the hole but a quote.
    fn answer(&mut self, place: Place, first: bool) {
        if self.number == 0 {
            return self.refuse(not_a_directive());
        }
        if first && self.number > 1 && self.directive == "user" {
            return self.refuse(a_right());
        }
        self.holes.push(Ok(Context { place, wildcards: self.directive == "include" }));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.holes.push(Err(refusal));
    }
}

/// What C's `isspace` takes for a space.
fn is_space(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r'))
}

fn is_hex(unit: Unit) -> bool {
    matches!(unit, Unit::Char(c) if c.is_ascii_hexdigit())
}

fn unbalanced() -> Refusal {
    Refusal::template(
        "a line of redis.conf",
        "its quotes are out of balance, or text follows a closing quote",
        "requirepass {{ x }}",
    )
}

fn not_a_directive() -> Refusal {
    Refusal::template(
        "a directive of redis.conf",
        "a value can't name a directive",
        "write the directive out: requirepass {{ x }}",
    )
}

fn a_right() -> Refusal {
    Refusal::template(
        "a rule of a redis user",
        "the value could be any rule: `+@all`, `nopass`",
        "put the kind of rule before it: user app on \">{{ password }}\" \"~{{ keys }}\"",
    )
}

fn escaped() -> Refusal {
    Refusal::template("a redis.conf escape", "the backslash before it would change its first character", "")
}

fn encode(context: &Context, value: &Literal) -> Filling {
    if let (Place::Whole, Literal::List(items)) = (context.place, value) {
        if items.is_empty() {
            return Err(refused("an empty list would leave the directive without a word"));
        }
        let words: Result<Vec<String>, Refusal> = items.iter().map(|item| scalar(context, item)).collect();
        return words.map(|words| words.join(" "));
    }
    scalar(context, value)
}

fn scalar(context: &Context, value: &Literal) -> Filling {
    let text = match value {
        Literal::Bool(value) => if *value { "yes" } else { "no" }.into(),
        value => value
            .as_text()
            .ok_or_else(|| refused(format!("a word of redis.conf has no form for {}", value.kind())))?,
    };
    if let Some(reason) = problem(context, &text) {
        return Err(refused(reason));
    }
    Ok(match context.place {
        Place::Whole if !text.is_empty() && text.chars().all(is_plain) => text.into_owned(),
        Place::Whole => format!("\"{}\"", escape(&text)),
        Place::Double => escape(&text),
        Place::Single { .. } => text.replace('\'', "\\'"),
        Place::Part { .. } | Place::Comment => text.into_owned(),
    })
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c)
}

fn problem(context: &Context, text: &str) -> Option<&'static str> {
    let last_backslash = text.ends_with('\\');
    if text.contains('\0') {
        return Some("redis cuts the text of most settings at a NUL");
    }
    if context.wildcards && text.contains(['*', '?', '[']) {
        return Some("`include` takes `*`, `?` and `[` for wildcards");
    }
    match context.place {
        Place::Part { alone: true } if text.is_empty() => {
            Some("the word could vanish if all its values are empty: put \"…\" around it")
        }
        Place::Part { .. } if text.contains(|c: char| c.is_ascii_control() || " \"'".contains(c)) => Some(
            "outside quotes a blank ends the word and a quote opens one: put \"…\" around the whole word",
        ),
        Place::Single { .. } if text.contains('\n') => {
            Some("there is no line feed between single quotes: leave them out, or write \"…\"")
        }
        Place::Single { last: true } if last_backslash => {
            Some("its last backslash would escape the quote: leave the quotes out, or write \"…\"")
        }
        Place::Comment if text.contains('\n') => Some("a line feed ends the comment"),
        _ => None,
    }
}

fn refused(reason: impl Into<String>) -> Refusal {
    Refusal::value("a word of redis.conf", reason, "")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '\\' | '"' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_ascii_control() => escaped.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::table::Expect::{BadTemplate, BadValue, File};
    use super::super::table::{check, text};
    use super::*;

    #[test]
    fn values_by_context() {
        check(
            &REDIS,
            &[
                ("requirepass @\n", text("a.b/c"), File("requirepass a.b/c\n")),
                ("requirepass @", text(""), File("requirepass \"\"")),
                (
                    " requirepass\t@ \r\n",
                    text("a \"\\\n\x01'#é"),
                    File(" requirepass\t\"a \\\"\\\\\\n\\x01'#é\" \r\n"),
                ),
                ("requirepass \"x@y\"", text("a'\"\t\r"), File("requirepass \"xa'\\\"\\t\\ry\"")),
                ("requirepass \"\\x41@\"", text("b"), File("requirepass \"\\x41b\"")),
                ("requirepass \"\\\\@\"", text("b"), File("requirepass \"\\\\b\"")),
                ("requirepass '@x'", text("it's\\"), File("requirepass 'it\\'s\\x'")),
                ("requirepass '@'", text("a\\"), BadValue),
                ("requirepass '@'", text("a\nb"), BadValue),
                ("requirepass '@@'", text("a\\"), BadValue),
                ("requirepass @", text("a\0"), BadValue),
                ("dir /var/@/x", text("a\\b#"), File("dir /var/a\\b#/x")),
                ("dir /var/@/x", text("a b"), BadValue),
                ("dir /var/@/x", text("\""), BadValue),
                ("dir @@", text(""), BadValue),
                ("dir x@@", text(""), BadValue),
                ("dir x@y@", text(""), File("dir xy")),
                ("dir /var/@\"x y\"", text("z"), File("dir /var/z\"x y\"")),
                ("include @", text("/etc/*.conf"), BadValue),
                ("# @\nport 1", text("a \" b"), File("# a \" b\nport 1")),
                ("# @\nport 1", text("a\nport 2"), BadValue),
                ("user app on \">@\" ~x", text("a b"), File("user app on \">a b\" ~x")),
                ("USER @ on >@", text("a"), File("USER a on >a")),
            ],
        );
    }

    #[test]
    fn places_where_no_value_can_stand() {
        for template in [
            "@ x",
            "re@ x",
            "\"@\" x",
            "requirepass \"@",
            "requirepass '@",
            "requirepass \"@\"x",
            "requirepass \"\\@\"",
            "requirepass \"\\x@\"",
            "requirepass \"\\x4@\"",
            "requirepass '\\@'",
            "user app on @",
            "user app \"@\"",
            "user app @x",
        ] {
            check(&REDIS, &[(template, text("a"), BadTemplate)]);
        }
    }

    #[test]
    fn other_types() {
        let list = |items: &[&str]| Literal::List(items.iter().map(|item| text(item)).collect());
        check(
            &REDIS,
            &[
                ("port @", Literal::Int(6379), File("port 6379")),
                ("lfu @", Literal::Float(0.5), File("lfu 0.5")),
                ("appendonly @", Literal::Bool(true), File("appendonly yes")),
                ("appendonly \"@\"", Literal::Bool(false), File("appendonly \"no\"")),
                ("bind @", list(&["127.0.0.1", "a b"]), File("bind 127.0.0.1 \"a b\"")),
                ("bind @", list(&[]), BadValue),
                ("bind x@", list(&["a"]), BadValue),
                ("bind @", Literal::List(vec![list(&["a"])]), BadValue),
                ("bind @", Literal::Map(vec![]), BadValue),
                ("bind @", Literal::None, BadValue),
            ],
        );
    }
}

//! Walks over the lines of an option file and says where each hole stands. Knows no value.

use super::super::skeleton::{Refusal, Skeleton, Unit};
use super::{Context, LINE, Part, Place};

/// One context or refusal per hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut holes = Vec::with_capacity(skeleton.holes());
    for line in skeleton.units().split(|unit| *unit == Unit::Char('\n')) {
        Line { room: room(line), holes: &mut holes }.lex(trim(line));
    }
    holes
}

/// What a line's own text and the quotes around each value leave for each of its holes.
fn room(line: &[Unit]) -> usize {
    let (mut text, mut holes) = (0usize, 0usize);
    for unit in line {
        match unit {
            Unit::Char(c) => text += c.len_utf8(),
            Unit::Hole => holes += 1,
        }
    }
    LINE.saturating_sub(text).checked_div(holes).unwrap_or(0)
}

fn is_blank(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t' | '\r' | '\x0b' | '\x0c'))
}

fn trim(mut units: &[Unit]) -> &[Unit] {
    while let [first, rest @ ..] = units
        && is_blank(*first)
    {
        units = rest;
    }
    while let [rest @ .., last] = units
        && is_blank(*last)
    {
        units = rest;
    }
    units
}

/// A line that is being read.
struct Line<'a> {
    room: usize,
    holes: &'a mut Vec<Result<Context, Refusal>>,
}

impl Line<'_> {
    fn all(&mut self, units: &[Unit], place: Place) {
        self.answer(units, &Ok(Context { place, room: self.room }));
    }

    fn answer(&mut self, units: &[Unit], answer: &Result<Context, Refusal>) {
        let count = units.iter().filter(|unit| **unit == Unit::Hole).count();
        self.holes.extend(std::iter::repeat_n(answer.clone(), count));
    }

    fn lex(&mut self, line: &[Unit]) {
        match line.first() {
            Some(Unit::Char('#' | ';')) => self.all(line, Place::Comment),
            Some(Unit::Char('!')) => self.directive(line),
            Some(Unit::Char('[')) => self.group(line),
            Some(_) => self.option(line),
            None => {}
        }
    }

    /// `!include FILE`: what follows the blanks is the name, to the end of the line.
    fn directive(&mut self, line: &[Unit]) {
        let (word, file) = line.split_at(line.iter().position(|u| is_blank(*u)).unwrap_or(line.len()));
        let file = trim(file);
        self.answer(word, &Err(not_an_option()));
        self.all(file, Place::File);
    }

    fn group(&mut self, line: &[Unit]) {
        let Some(end) = line.iter().position(|unit| *unit == Unit::Char(']')) else {
            return self.answer(line, &Err(not_an_option()));
        };
        let (name, rest) = line.split_at(end);
        self.all(name, Place::Option);
        match trim(rest.get(1..).unwrap_or_default()) {
            comment @ [Unit::Char('#'), ..] => self.all(comment, Place::Comment),
            other => self.answer(other, &Err(not_an_option())),
        }
    }

    fn option(&mut self, line: &[Unit]) {
        let (line, comment) = line.split_at(comment_start(line));
        match line.iter().position(|unit| *unit == Unit::Char('=')) {
            None => self.all(line, Place::Option),
            Some(0) => self.answer(line, &Err(not_an_option())),
            Some(equals) => {
                let (name, value) = line.split_at(equals);
                let quotes = |unit: &Unit| matches!(unit, Unit::Char('"' | '\'' | '\\'));
                if name.iter().any(quotes) {
                    // they would count where a comment begins, and not where the value ends
                    self.answer(line, &Err(not_an_option()));
                    return self.answer(comment, &Err(not_an_option()));
                }
                self.all(name, Place::Option);
                self.value(trim(value.get(1..).unwrap_or_default()));
            }
        }
        self.all(comment, Place::Comment);
    }

    fn value(&mut self, value: &[Unit]) {
        let enclosed = match (value.first(), value.last()) {
            (Some(Unit::Char(quote @ ('"' | '\''))), last) if value.len() > 1 && last == value.first() => {
                Some(*quote)
            }
            _ => None,
        };
        let (mut quote, mut escaped) = (None, false);
        let text = |unit: &Unit| *unit != Unit::Hole && !is_blank(*unit);
        let first_text = value.iter().position(text);
        let last_text = value.iter().rposition(text);
        for (index, unit) in value.iter().enumerate() {
            match unit {
                Unit::Hole if escaped => self.holes.push(Err(after_backslash())),
                Unit::Hole => {
                    let part = Part {
                        first: first_text.is_none_or(|text| text > index),
                        last: last_text.is_none_or(|text| text < index),
                        shields: false,
                    };
                    self.value_hole(value, index, quote, enclosed, part);
                }
                Unit::Char(c) => quote = quote_after(quote, *c, escaped),
            }
            escaped = *unit == Unit::Char('\\') && !escaped;
        }
    }

    fn value_hole(
        &mut self,
        value: &[Unit],
        index: usize,
        quote: Option<char>,
        enclosed: Option<char>,
        part: Part,
    ) {
        let ends_value = |unit: Option<&Unit>| {
            unit.is_some_and(|unit| is_blank(*unit) || matches!(unit, Unit::Hole | Unit::Char('"' | '\'')))
        };
        let before = index.checked_sub(1).and_then(|before| value.get(before));
        let shields = (part.first && ends_value(value.get(index + 1))) || (part.last && ends_value(before));
        let place = match quote {
            _ if value.len() == 1 => Place::Whole,
            Some(quote) if enclosed == Some(quote) => Place::Quoted(quote),
            None if enclosed.is_none() => Place::Part(Part { shields, ..part }),
            _ => return self.holes.push(Err(half_quoted())),
        };
        self.holes.push(Ok(Context { place, room: self.room }));
    }
}

/// Which quote is open behind a character, as the programs look for a comment: outside
/// quotes they know no escapes.
fn quote_after(open: Option<char>, c: char, escaped: bool) -> Option<char> {
    match open {
        None if c == '"' || c == '\'' => Some(c),
        Some(quote) if quote == c && !escaped => None,
        open => open,
    }
}

/// Where a `#` outside quotes begins a comment; the line's length if none does.
fn comment_start(line: &[Unit]) -> usize {
    let (mut quote, mut escaped) = (None, false);
    for (index, unit) in line.iter().enumerate() {
        let Unit::Char(c) = *unit else {
            escaped = false;
            continue;
        };
        if quote.is_none() && c == '#' {
            return index;
        }
        let open = quote;
        quote = quote_after(open, c, escaped);
        escaped = open.is_some() && c == '\\' && !escaped;
    }
    line.len()
}

fn not_an_option() -> Refusal {
    Refusal::template(
        "an option file",
        "it is no group, option, value or file name",
        "[group] or option={{ x }}",
    )
}

fn after_backslash() -> Refusal {
    Refusal::template(
        "an escape in an option file",
        "the value would become part of the escape",
        r"write \\ for a backslash",
    )
}

fn half_quoted() -> Refusal {
    Refusal::template(
        "a value in an option file",
        "its quotes don't enclose the whole value, so they aren't dropped",
        r#"put quotes around all of it: option="…{{ x }}…""#,
    )
}

//! Scalars: what a plain, a quoted or a block one is made of, and where the holes in it
//! stand. Knows no collection.

use super::super::skeleton::{Refusal, Unit};
use super::lex::Lexer;
use super::{Block, Context, KEY, Place};

impl Lexer<'_> {
    /// A plain scalar on this line; `flow`: inside `[…]` or `{…}`.
    pub(super) fn plain(&mut self, flow: bool) {
        let start = self.at;
        let mut end = start;
        while let Some(unit) = self.peek(0) {
            match unit {
                _ if self.at_line_end() => break,
                Unit::Char('#') if self.after_blank() => break,
                Unit::Char(':') if self.blank_at(1) || (flow && self.flow_indicator_at(1)) => break,
                Unit::Char(',' | '[' | ']' | '{' | '}') if flow => break,
                Unit::Char(' ' | '\t') => self.at += 1,
                _ => {
                    self.at += 1;
                    end = self.at;
                }
            }
        }
        self.at = end;
        let scalar = self.units.get(start..end).unwrap_or_default();
        let joins = stays_text(scalar);
        for (index, _) in scalar.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
            self.holes.push(match scalar.len() {
                1 => Ok(Place { context: Context::Value, room: None }),
                _ if joins => Ok(Place { context: Context::Part { first: index == 0 }, room: None }),
                _ => Err(could_be_a_number()),
            });
        }
    }

    /// A quoted scalar. `true` if it is on one line.
    pub(super) fn quoted(&mut self, quote: char) -> bool {
        let first_hole = self.holes.len();
        self.at += 1;
        let mut line = QuotedLine { first: true, blank: false, sure: true, tail: first_hole };
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Hole => self.quoted_hole(quote, &line),
                Unit::Char('\'') if quote == '\'' && self.peek(0) == Some(Unit::Char('\'')) => {
                    self.at += 1;
                    line.text(self.holes.len());
                }
                Unit::Char(c) if c == quote => return line.first,
                Unit::Char('\\') if quote == '"' => {
                    self.escape();
                    line.text(self.holes.len());
                }
                Unit::Char('\n') => {
                    self.at_edge(line.tail);
                    let sure = !matches!(self.peek(0), Some(Unit::Hole | Unit::Char('-' | '.')));
                    line = QuotedLine { first: false, blank: true, sure, tail: self.holes.len() };
                }
                Unit::Char(' ' | '\t' | '\r') => {}
                Unit::Char(_) => line.text(self.holes.len()),
            }
        }
        self.lose_from(first_hole);
        false
    }

    fn quoted_hole(&mut self, quote: char, line: &QuotedLine) {
        let edge = line.blank;
        let context = if quote == '"' { Context::Double { edge } } else { Context::Single { edge } };
        self.holes.push(if line.sure {
            Ok(Place { context, room: None })
        } else {
            Err(Refusal::template(
                "a quoted yaml scalar of several lines",
                "at the start of a line readers could take it for the end of the document",
                "indent the line",
            ))
        });
    }

    /// The holes from `tail` on stand at the end of a line that isn't the last.
    fn at_edge(&mut self, tail: usize) {
        for hole in self.holes.iter_mut().skip(tail).flatten() {
            match &mut hole.context {
                Context::Double { edge } | Context::Single { edge } => *edge = true,
                _ => {}
            }
        }
    }

    /// What follows a backslash. An escaped line end is left to be read as a line end.
    fn escape(&mut self) {
        let length = match self.peek(0) {
            Some(Unit::Char('x')) => 3,
            Some(Unit::Char('u')) => 5,
            Some(Unit::Char('U')) => 9,
            Some(Unit::Char('\n' | '\r')) | None => 0,
            _ => 1,
        };
        for _ in 0..length {
            match self.peek(0) {
                Some(Unit::Hole) => self.holes.push(Err(Refusal::template(
                    "an escape in a yaml scalar",
                    "the value would become part of the escape",
                    r"write \\ for a backslash",
                ))),
                Some(Unit::Char('"')) if length > 1 => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A literal (`|`) or folded (`>`) scalar, from its header to its last line.
    pub(super) fn block_scalar(&mut self, folded: bool) {
        self.at += 1;
        let mut indent = None;
        while let Some(Unit::Char(c @ ('1'..='9' | '+' | '-'))) = self.peek(0) {
            if let Some(digit) = c.to_digit(10) {
                indent = Some(self.parent.unwrap_or(0) + digit as usize);
            }
            self.at += 1;
        }
        if !self.finish_line() {
            return;
        }
        let mut first = indent.is_none();
        let mut blanks = 0;
        while self.at < self.units.len() {
            let spaces = self.spaces();
            if self.line_ends_at(spaces) {
                blanks = blanks.max(spaces);
                self.at += spaces;
                self.take_line_end();
                continue;
            }
            if first && (blanks > spaces || (spaces == 0 && self.parent.is_none())) {
                // Readers differ: some take the indentation from the blank lines, and only
                // those of 1.2 take a block that isn't indented at all.
                return self.lose();
            }
            let content = indent.unwrap_or(spaces);
            if spaces < content || spaces == 0 || self.parent.is_some_and(|parent| spaces <= parent) {
                return;
            }
            indent = Some(content);
            self.at += spaces;
            self.block_line(Block { folded, indent: content, first, before: false, after: false });
            first = false;
        }
    }

    fn block_line(&mut self, block: Block) {
        let start = self.at;
        while !self.at_line_end() {
            self.at += 1;
        }
        let line = self.units.get(start..self.at).unwrap_or_default();
        let is_text = |unit: &Unit| !matches!(unit, Unit::Hole | Unit::Char(' ' | '\t'));
        let first_text = line.iter().position(is_text);
        let last_text = line.iter().rposition(is_text);
        for (index, _) in line.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
            let before = first_text.is_some_and(|text| text < index);
            let after = last_text.is_some_and(|text| text > index);
            self.holes
                .push(Ok(Place { context: Context::Block(Block { before, after, ..block }), room: None }));
        }
        self.take_line_end();
    }

    /// What was read from `start` on is a key: the holes from `first_hole` on share the
    /// characters that readers leave for it.
    pub(super) fn mark_key(&mut self, start: usize, first_hole: usize) {
        let holes = self.holes.len() - first_hole;
        let own = self.at.saturating_sub(start);
        let share = KEY.saturating_sub(own).checked_div(holes);
        for place in self.holes.iter_mut().skip(first_hole).flatten() {
            place.room = share;
            if place.context == Context::Value {
                place.context = Context::Key;
            }
        }
    }
}

/// The line of a quoted scalar that is being read.
struct QuotedLine {
    /// It is the one with the opening quote.
    first: bool,
    /// Only blanks and holes so far, and not the first.
    blank: bool,
    /// It can't be taken for the end of the document.
    sure: bool,
    /// The first hole after its last text.
    tail: usize,
}

impl QuotedLine {
    fn text(&mut self, holes: usize) {
        self.blank = false;
        self.tail = holes;
    }
}

/// Whether a plain scalar is text for every reader, whatever stands in its holes: no
/// number, date, boolean, null or mark of YAML 1.1 or 1.2 could begin or be written so.
fn stays_text(scalar: &[Unit]) -> bool {
    const WORDS: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"];
    let prefix: String = scalar
        .iter()
        .map_while(|unit| if let Unit::Char(c) = unit { Some(c.to_ascii_lowercase()) } else { None })
        .collect();
    if prefix.starts_with(['-', '?', ':']) || (!prefix.is_empty() && prefix.chars().all(|c| c == '.')) {
        return false;
    }
    let foreign = |unit: &Unit| match unit {
        Unit::Char(c) if c.is_ascii_alphabetic() => "ghjkmpqvw".contains(c.to_ascii_lowercase()),
        Unit::Char(c) => !c.is_ascii_digit() && !"_+-.:~<= \t".contains(*c),
        Unit::Hole => false,
    };
    let begins_none = prefix.starts_with(char::is_alphabetic)
        && !WORDS.iter().any(|word| word.starts_with(prefix.as_str()));
    begins_none || scalar.iter().any(foreign)
}

fn could_be_a_number() -> Refusal {
    Refusal::template(
        "a plain yaml scalar",
        "with the text beside it readers could take it for a number, a date, a boolean or a mark",
        r#"put quotes around all of it: "…{{ x }}…""#,
    )
}

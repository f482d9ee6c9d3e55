//! Cuts a template into lines and words as httpd does (`ap_cfg_getline`,
//! `ap_getword_conf`). Knows no directive and no value.

use super::super::skeleton::{Skeleton, Unit};

/// One word, without its quotes. Its units are those of the line from `start` to `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) quote: Option<char>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The quote is closed, and no other word touches the quotes.
    pub(super) sound: bool,
}

/// One or more lines of the file, joined where a backslash continues them, without blanks
/// at its ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) units: Vec<Unit>,
    /// How long the template's own text is in the file, with all that was left out here.
    pub(super) bytes: usize,
}

/// All lines in order.
pub(super) fn lines(skeleton: &Skeleton) -> Vec<Joined> {
    let mut lines = Vec::new();
    let mut line = Joined::default();
    for &unit in skeleton.units() {
        line.units.push(unit);
        if let Unit::Char(c) = unit {
            line.bytes += c.len_utf8();
        }
        // Comments are continued too, and there is no escape for the backslash.
        match line.units.as_slice() {
            [.., Unit::Char('\\'), Unit::Char('\n')] => line.units.truncate(line.units.len() - 2),
            [.., Unit::Char('\\'), Unit::Char('\r'), Unit::Char('\n')] => {
                line.units.truncate(line.units.len() - 3);
            }
            [.., Unit::Char('\n')] => lines.push(std::mem::take(&mut line)),
            _ => {}
        }
    }
    lines.push(line);
    for line in &mut lines {
        let end = line.units.iter().rposition(|unit| !is_space(*unit)).map_or(0, |last| last + 1);
        line.units.truncate(end);
        let start = line.units.iter().position(|unit| !is_space(*unit)).unwrap_or(0);
        line.units.drain(..start);
    }
    lines
}

/// The words of a line.
pub(super) fn words(line: &[Unit]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(&unit) = line.get(at) {
        if is_space(unit) {
            at += 1;
            continue;
        }
        let touched = words.last_mut().filter(|word| word.quote.is_some() && word.end + 1 == at);
        let touches = touched.is_some();
        if let Some(word) = touched {
            word.sound = false;
        }
        let quote = match unit {
            Unit::Char(quote @ ('"' | '\'')) => Some(quote),
            _ => None,
        };
        let start = if quote.is_some() { at + 1 } else { at };
        let end = end_of_word(line, start, quote);
        let closed = quote.is_none() || end < line.len();
        words.push(Word { quote, start, end, sound: closed && !touches });
        at = if quote.is_some() { end + 1 } else { end };
    }
    words
}

fn end_of_word(line: &[Unit], start: usize, quote: Option<char>) -> usize {
    let mut at = start;
    while let Some(&unit) = line.get(at) {
        match quote {
            None if is_space(unit) => return at,
            Some(quote) if unit == Unit::Char(quote) => return at,
            Some(quote)
                if unit == Unit::Char('\\')
                    && matches!(line.get(at + 1), Some(Unit::Char(c)) if *c == quote || *c == '\\') =>
            {
                at += 2;
            }
            _ => at += 1,
        }
    }
    line.len()
}

/// `apr_isspace`.
pub(super) fn is_space(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r'))
}

//! Here-documents: which lines they span, the lexer's walk through them, and what would
//! end one early.

use super::Context;
use super::lexer::{Lexer, Word};
use crate::format::skeleton::{Filling, Refusal, Unit};

/// A `<<` whose body is yet to come.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) delimiter: String,
    /// The delimiter was quoted: nothing is expanded.
    pub(super) literal: bool,
    /// `<<-`: tabs at the start of a line go.
    pub(super) strips: bool,
    /// The body is read by a shell.
    pub(super) script: bool,
}

impl Pending {
    /// Where the body that begins at `start` ends, and where the line after its delimiter begins.
    pub(super) fn extent(&self, units: &[Unit], start: usize) -> Option<(usize, usize)> {
        let mut at = start;
        while at < units.len() {
            let rest = units.get(at..)?;
            let length = rest.iter().position(|unit| *unit == Unit::Char('\n'));
            let line = rest.get(..length.unwrap_or(rest.len()))?;
            if self.is_delimiter(line) {
                // The line feed stays: it ends the command too.
                return Some((at, at + line.len()));
            }
            if !line.contains(&Unit::Hole) && ends_in_bash(&text(line), &self.delimiter, self.strips) {
                return None;
            }
            at += length? + 1;
        }
        None
    }

    fn is_delimiter(&self, line: &[Unit]) -> bool {
        !line.contains(&Unit::Hole) && stripped(&text(line), self.strips) == self.delimiter
    }

    /// The line around the hole at `hole`, in the body `body`.
    pub(super) fn line(&self, body: &[Unit], hole: usize) -> Line {
        let (before, after) = body.split_at(hole);
        let before = before.rsplit(|unit| *unit == Unit::Char('\n')).next().unwrap_or_default();
        let after = after.get(1..).unwrap_or_default();
        let after = after.split(|unit| *unit == Unit::Char('\n')).next().unwrap_or_default();
        Line {
            delimiter: self.delimiter.clone(),
            strips: self.strips,
            shared: before.contains(&Unit::Hole) || after.contains(&Unit::Hole),
            first: !before.contains(&Unit::Hole),
            next: text(after.split(|unit| *unit == Unit::Hole).next().unwrap_or_default()),
            start: text(before.split(|unit| *unit == Unit::Hole).next().unwrap_or_default()),
            before: text(before),
            after: text(after),
        }
    }
}

impl Lexer<'_> {
    /// The delimiter of a here-document.
    pub(super) fn heredoc(&mut self, strips: bool, script: bool) {
        self.blanks();
        let start = self.at;
        self.closed.push("the delimiter of a here-document");
        let word = self.word();
        self.closed.pop();
        let raw = self.units.get(start..self.at).unwrap_or_default();
        let plain = |unit: &Unit| !matches!(unit, Unit::Hole | Unit::Char('$' | '`' | '\n'));
        if word.text.is_empty() || !raw.iter().all(plain) {
            return self.lose("this delimiter of a here-document");
        }
        self.heredocs.push(Pending { delimiter: word.text, literal: !word.plain, strips, script });
    }

    /// The bodies of the here-documents of the line that just ended.
    pub(super) fn bodies(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            let Some((end, next)) = heredoc.extent(self.units, self.at) else {
                return self.lose("a here-document without a sure end");
            };
            self.body(&heredoc, end);
            if self.lost.is_some() {
                return;
            }
            // The next body begins behind the delimiter's line feed.
            self.at = (next + 1).min(self.units.len());
        }
    }

    fn body(&mut self, heredoc: &Pending, end: usize) {
        let start = self.at;
        let whole = self.units;
        self.units = whole.get(..end).unwrap_or_default();
        if heredoc.script {
            self.closed.push("a here-document that another shell reads");
        }
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Hole => {
                    let body = self.units.get(start..).unwrap_or_default();
                    let line = heredoc.line(body, self.at - 1 - start);
                    self.hole(Ok(Context::Heredoc { expands: !heredoc.literal, line }));
                }
                Unit::Char(_) if heredoc.literal => {}
                Unit::Char('\\') if self.is_next('\n') => {
                    self.lose("a `\\` at the end of a line of a here-document")
                }
                Unit::Char('\\') => self.backslash(&mut Word::default()),
                Unit::Char('$') => {
                    self.closed.push("an expansion inside a here-document");
                    self.dollar(true);
                    self.closed.pop();
                }
                Unit::Char('`') => self.backticks(),
                Unit::Char(_) => {}
            }
        }
        if heredoc.script {
            self.closed.pop();
        }
        self.units = whole;
    }
}

fn text(units: &[Unit]) -> String {
    units.iter().filter_map(|unit| if let Unit::Char(c) = unit { Some(*c) } else { None }).collect()
}

fn stripped(line: &str, strips: bool) -> &str {
    if strips { line.trim_start_matches('\t') } else { line }
}

/// bash 5 takes a line for the delimiter that only begins with it, where the document stands in
/// a substitution and the line holds what ends that (`make_here_document` in bash's make_cmd.c).
/// What follows is run. bash 5.3 has substitutions that end with `}` too.
fn ends_in_bash(line: &str, delimiter: &str, strips: bool) -> bool {
    stripped(line, strips).strip_prefix(delimiter).is_some_and(|rest| rest.contains([')', '}']))
}

/// The template's text around a hole, on its line of a here-document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    delimiter: String,
    strips: bool,
    /// There are other holes on it.
    shared: bool,
    /// There is none before this one.
    first: bool,
    /// The text before its first hole.
    start: String,
    /// The text between this hole and the next one.
    next: String,
    before: String,
    after: String,
}

impl Line {
    /// `encoded` as it will stand there, unless it ends the document or loses tabs.
    pub(super) fn accept(&self, encoded: String) -> Filling {
        if self.shared && encoded.contains('\n') {
            return Err(refused(
                "it has a line feed, and shares its line with other values",
                "give it a line of its own",
            ));
        }
        if self.loses_tabs(&encoded) {
            return Err(refused("`<<-` drops the tabs at the start of a line", "use << instead of <<-"));
        }
        if self.dash_drops(&encoded) {
            return Err(refused(
                "dash drops a character that isn't ASCII behind the beginning of the delimiter",
                "choose another delimiter, or begin the line with other text",
            ));
        }
        if self.ends_in_bash(&encoded) {
            return Err(refused(
                "bash ends a here-document in $(…) at a line that begins with the delimiter and has a `)`",
                "choose another delimiter, or begin the line with other text",
            ));
        }
        if self.ends(&encoded) {
            return Err(refused(
                "one of its lines would be the delimiter, and end the document",
                "choose another delimiter",
            ));
        }
        Ok(encoded)
    }

    fn loses_tabs(&self, encoded: &str) -> bool {
        let at_start = stripped(&self.start, true).is_empty();
        self.strips && (encoded.contains("\n\t") || (at_start && encoded.starts_with('\t')))
    }

    /// dash 0.5.12 compares a line with the delimiter byte by byte, and where it stops at a
    /// byte above 127 it loses that byte.
    fn dash_drops(&self, encoded: &str) -> bool {
        let drops = |line: &str| {
            let line = stripped(line, self.strips);
            let same = line.chars().zip(self.delimiter.chars()).take_while(|(a, b)| a == b).count();
            same > 0 && line.chars().nth(same).is_some_and(|c| !c.is_ascii())
        };
        if !self.shared {
            return format!("{}{encoded}{}", self.before, self.after).split('\n').any(drops);
        }
        if drops(&self.start) {
            return true;
        }
        // Values before it may have begun the delimiter, unless the text between can't go on with it.
        let goes_on = |text: &str| text.chars().all(|c| c == '\t' || self.delimiter.contains(c));
        let rest = encoded.to_owned() + &self.after;
        let ascii = rest.find(|c: char| !c.is_ascii()).and_then(|at| rest.get(..at));
        goes_on(&self.before) && ascii.is_some_and(goes_on)
    }

    /// Of several values on a line the first one answers for how it begins.
    fn ends_in_bash(&self, encoded: &str) -> bool {
        if !self.shared {
            let line = format!("{}{encoded}{}", self.before, self.after);
            return line.split('\n').any(|line| ends_in_bash(line, &self.delimiter, self.strips));
        }
        let begins = format!("{}{encoded}{}", self.start, self.next);
        let begins = stripped(&begins, self.strips);
        self.first && (begins.starts_with(&self.delimiter) || self.delimiter.starts_with(begins))
    }

    fn ends(&self, encoded: &str) -> bool {
        if self.shared {
            // Values on both sides are unknown: is there any that completes the delimiter?
            let literal = self.before.clone() + &self.after;
            return self.delimiter.len() >= stripped(&literal, self.strips).len()
                && self.delimiter.starts_with(stripped(&self.start, self.strips))
                && literal.chars().all(|c| c == '\t' || self.delimiter.contains(c));
        }
        let line = format!("{}{encoded}{}", self.before, self.after);
        line.split('\n').any(|line| stripped(line, self.strips) == self.delimiter)
    }
}

fn refused(reason: &str, instead: &str) -> Refusal {
    Refusal::value("a shell here-document", reason, instead)
}

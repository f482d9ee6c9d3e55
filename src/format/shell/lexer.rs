//! Walks over a shell script and says where each hole stands: its state, and words with
//! their quotes. What words mean is the grammar's. Sees no value.
//!
//! Invariants: each hole gets one answer, in order; after `lost` is set, every answer is
//! a refusal.

use super::Context;
use super::grammar::End;
use super::heredoc::Pending;
use crate::format::skeleton::{Refusal, Unit};

/// What a script nests deeper than this is no script that a person wrote.
const DEEPEST: usize = 64;

/// A word as it was read.
#[derive(Default)]
pub(super) struct Word {
    /// Its literal characters, quoted ones too.
    pub(super) text: String,
    /// No quotes, expansions or holes.
    pub(super) plain: bool,
    /// Which of the lexer's holes stand directly in it.
    pub(super) holes: Vec<usize>,
    /// How many of the characters stand before the first of them.
    pub(super) head: usize,
    /// `NAME=` came first, unquoted.
    pub(super) assigns: bool,
    pub(super) units: usize,
}

impl Word {
    fn push_hole(&mut self, number: usize) {
        if self.holes.is_empty() {
            self.head = self.text.len();
        }
        self.holes.push(number);
    }
}

pub(super) struct Lexer<'a> {
    pub(super) units: &'a [Unit],
    pub(super) at: usize,
    pub(super) holes: Vec<Result<Context, Refusal>>,
    /// The construct that the lexer doesn't follow.
    pub(super) lost: Option<&'static str>,
    /// The constructs around it in which no value can stand, innermost last.
    pub(super) closed: Vec<&'static str>,
    pub(super) heredocs: Vec<Pending>,
    /// How many constructs are open that the lexer follows by calling itself.
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(units: &'a [Unit]) -> Self {
        Self {
            units,
            at: 0,
            holes: Vec::new(),
            lost: None,
            closed: Vec::new(),
            heredocs: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn run(mut self) -> Vec<Result<Context, Refusal>> {
        if self.starts_with("#!") {
            self.closed.push("the interpreter's line");
            self.comment();
            self.closed.pop();
        }
        self.commands(End::File);
        // What is left when the lexer got lost.
        while let Some(unit) = self.next() {
            if unit == Unit::Hole {
                self.hole(Ok(Context::Comment));
            }
        }
        self.holes
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<Unit> {
        if self.lost.is_some() {
            return None;
        }
        self.units.get(self.at + ahead).copied()
    }

    pub(super) fn next(&mut self) -> Option<Unit> {
        let unit = self.units.get(self.at).copied()?;
        self.at += 1;
        Some(unit)
    }

    pub(super) fn is_next(&self, c: char) -> bool {
        self.peek(0) == Some(Unit::Char(c))
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(Unit::Char(c)))
    }

    pub(super) fn lose(&mut self, construct: &'static str) {
        self.lost.get_or_insert(construct);
    }

    /// Reads a construct that may hold others of its kind, unless it is nested too deeply for
    /// the stack.
    pub(super) fn nested(&mut self, read: impl FnOnce(&mut Self)) {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.lose("constructs nested more than 64 deep");
        }
        read(self);
        self.depth -= 1;
    }

    /// Answers for one hole.
    pub(super) fn hole(&mut self, context: Result<Context, Refusal>) -> usize {
        let answer = match (self.lost, self.closed.last()) {
            (Some(construct), _) => Err(Refusal::template(
                "a shell script",
                format!("castoff doesn't follow {construct}, so it can't tell what stands behind it"),
                "assign the value to a variable at the top of the script: NAME={{ x }}",
            )),
            (None, Some(construct)) => Err(nowhere(construct)),
            (None, None) => context,
        };
        self.holes.push(answer);
        self.holes.len() - 1
    }

    /// A hole that follows now can't be filled.
    pub(super) fn refuse_next_hole(&mut self, reason: &'static str, instead: &'static str) {
        if self.peek(0) == Some(Unit::Hole) {
            self.at += 1;
            self.hole(Err(Refusal::template("a shell word", reason, instead)));
        }
    }

    pub(super) fn refuse(
        &mut self,
        word: &Word,
        context: &'static str,
        reason: &'static str,
        instead: &'static str,
    ) {
        for hole in &word.holes {
            if let Some(answer @ Ok(_)) = self.holes.get_mut(*hole) {
                *answer = Err(Refusal::template(context, reason, instead));
            }
        }
    }

    /// Now that the word is known, says whether its hole is all of it.
    pub(super) fn settle(&mut self, word: &Word, bare: bool, list: bool) {
        let whole = word.units == 1;
        let assigned =
            word.assigns && word.units == word.text.chars().count() + 1 && word.text.ends_with('=');
        let [hole] = word.holes.as_slice() else { return };
        if let Some(Ok(Context::Word { bare: b, list: l })) = self.holes.get_mut(*hole) {
            *b = bare && (whole || assigned);
            *l = list && whole;
        }
    }

    pub(super) fn blanks(&mut self) {
        while self.is_next(' ') || self.is_next('\t') || self.starts_with("\\\n") {
            self.at += if self.is_next('\\') { 2 } else { 1 };
        }
    }

    pub(super) fn comment(&mut self) {
        while let Some(unit) = self.peek(0) {
            match unit {
                Unit::Char('\n') => return,
                Unit::Char(_) => self.at += 1,
                Unit::Hole => {
                    self.at += 1;
                    self.hole(Ok(Context::Comment));
                }
            }
        }
    }

    /// A word, up to a blank or an operator.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word { plain: true, ..Word::default() };
        let start = self.at;
        while let Some(unit) = self.peek(0) {
            let Unit::Char(c) = unit else {
                self.bare_hole(&mut word, start);
                continue;
            };
            if matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') {
                break;
            }
            self.at += 1;
            match c {
                '\'' => self.single_quoted(&mut word),
                '"' => self.double_quoted(&mut word),
                '$' => self.dollar(false),
                '`' => self.backticks(),
                '\\' => self.backslash(&mut word),
                '=' if word.plain && is_name(&word.text) => {
                    word.assigns = true;
                    word.text.push('=');
                }
                c => word.text.push(c),
            }
            word.plain &= !matches!(c, '\'' | '"' | '$' | '`' | '\\');
        }
        word.units = self.at - start;
        word
    }

    fn bare_hole(&mut self, word: &mut Word, start: usize) {
        let tilde = self.at > start && self.units.get(self.at - 1) == Some(&Unit::Char('~'));
        self.at += 1;
        word.plain = false;
        let context = if tilde {
            Err(Refusal::template(
                "a shell word",
                "it would be the user's name of `~`",
                "write $HOME/{{ x }}",
            ))
        } else {
            Ok(Context::Word { bare: false, list: false })
        };
        word.push_hole(self.hole(context));
    }

    pub(super) fn backslash(&mut self, word: &mut Word) {
        self.refuse_next_hole("the backslash would escape its first character", "write '\\'{{ x }}");
        match self.next() {
            Some(Unit::Char('\n')) | None => {}
            Some(Unit::Char(c)) => word.text.push(c),
            Some(Unit::Hole) => self.at -= 1,
        }
    }

    pub(super) fn single_quoted(&mut self, word: &mut Word) {
        let first = self.holes.len();
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Char('\'') => return,
                Unit::Char(c) => word.text.push(c),
                Unit::Hole => word.push_hole(self.hole(Ok(Context::SingleQuoted))),
            }
        }
        self.unclosed(first);
    }

    pub(super) fn double_quoted(&mut self, word: &mut Word) {
        let first = self.holes.len();
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Char('"') => return,
                Unit::Char('\\') => self.backslash(word),
                Unit::Char('$') => self.dollar(true),
                Unit::Char('`') => self.backticks(),
                Unit::Char(c) => word.text.push(c),
                Unit::Hole => word.push_hole(self.hole(Ok(Context::DoubleQuoted))),
            }
        }
        self.unclosed(first);
    }

    /// A quote has no end, so the holes behind it stand nowhere.
    fn unclosed(&mut self, first: usize) {
        self.lose("an unclosed quote");
        for answer in self.holes.iter_mut().skip(first) {
            *answer = Err(nowhere("an unclosed quote"));
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn nowhere(construct: &'static str) -> Refusal {
    Refusal::template(
        "a shell script",
        format!("no value can stand in {construct}"),
        "assign it to a variable first: NAME={{ x }}",
    )
}

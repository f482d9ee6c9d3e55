//! What stands behind a `$` or a backtick, and inside `[[ … ]]`: the lexer's walk through
//! expansions. In most of them no value can stand; the rest are command substitutions,
//! which are scripts again, and arithmetic.

use super::Context;
use super::grammar::End;
use super::lexer::{Lexer, Word, nowhere};
use crate::format::skeleton::{Refusal, Unit};

impl Lexer<'_> {
    /// What follows a `$`.
    pub(super) fn dollar(&mut self, quoted: bool) {
        if self.starts_with("((") {
            self.at += 2;
            return self.nested(Self::arithmetic);
        }
        match self.peek(0) {
            Some(Unit::Hole) => self.refuse_next_hole("the `$` would expand it", "write '$'{{ x }}"),
            Some(Unit::Char('(')) => {
                self.at += 1;
                let pending = std::mem::take(&mut self.heredocs);
                let start = self.at;
                self.commands(End::Paren);
                // Shells differ in whether the body begins at a line feed inside it.
                let lines = self.units.get(start..self.at).unwrap_or_default().contains(&Unit::Char('\n'));
                if lines && !pending.is_empty() {
                    self.lose("a `$(…)` of several lines behind a `<<`");
                }
                self.heredocs = pending;
            }
            Some(Unit::Char('{')) => {
                self.at += 1;
                self.parameter(quoted);
            }
            Some(Unit::Char(c)) if c.is_ascii_alphanumeric() || c == '_' => {
                while matches!(self.peek(0), Some(Unit::Char(c)) if c.is_ascii_alphanumeric() || c == '_') {
                    self.at += 1;
                }
                if quoted {
                    self.refuse_next_hole(
                        "it would become part of the variable's name",
                        "write ${NAME}{{ x }}",
                    );
                }
            }
            Some(Unit::Char('@' | '*' | '#' | '?' | '-' | '$' | '!')) => self.at += 1,
            Some(Unit::Char('[')) => self.lose("`$[`"),
            Some(Unit::Char('\'' | '"')) if !quoted => self.lose("`$'…'` or `$\"…\"`"),
            _ => {}
        }
    }

    /// `${…}`: no value can stand in it.
    fn parameter(&mut self, quoted: bool) {
        let begins = |c: char| c.is_ascii_alphanumeric() || "_@*#?-$!".contains(c);
        if matches!(self.peek(0), Some(Unit::Char(c)) if !begins(c)) {
            return self.lose("this `${`");
        }
        self.closed.push("`${…}`");
        self.nested(|lexer| lexer.parameter_rest(quoted));
        self.closed.pop();
    }

    fn parameter_rest(&mut self, quoted: bool) {
        let mut ignored = Word::default();
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Char('}') => return,
                Unit::Char('\\') => self.backslash(&mut ignored),
                Unit::Char('$') => self.dollar(quoted),
                Unit::Char('`') => self.backticks(),
                Unit::Char('\'' | '"') if quoted => self.lose("quotes inside \"${…}\""),
                Unit::Char('\'') => self.single_quoted(&mut ignored),
                Unit::Char('"') => self.double_quoted(&mut ignored),
                Unit::Char(_) => {}
                Unit::Hole => {
                    self.hole(Err(nowhere("`${…}`")));
                }
            }
        }
        self.lose("an unclosed `${`");
    }

    fn arithmetic(&mut self) {
        let mut depth = 0usize;
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Hole => self.number(),
                Unit::Char('(') => depth += 1,
                Unit::Char(')') if depth > 0 => depth -= 1,
                Unit::Char(')') if self.is_next(')') => return self.at += 1,
                Unit::Char('$') => self.dollar(true),
                Unit::Char(')' | '`' | '\'' | '"' | '\\') => return self.lose("this `$((`"),
                Unit::Char(_) => {}
            }
        }
        self.lose("an unclosed `$((`");
    }

    /// A hole in arithmetic, just read.
    fn number(&mut self) {
        let joins = |unit: Option<Unit>| match unit {
            Some(Unit::Char(c)) => c.is_alphanumeric() || "_$#.".contains(c),
            Some(Unit::Hole) => true,
            None => false,
        };
        let before = self.at.checked_sub(2).and_then(|before| self.units.get(before)).copied();
        let context = if joins(before) || joins(self.peek(0)) {
            Err(Refusal::template(
                "shell arithmetic",
                "it would become part of the number beside it",
                "put spaces around it",
            ))
        } else {
            Ok(Context::Arithmetic)
        };
        self.hole(context);
    }

    /// Backticks: no value can stand in them.
    pub(super) fn backticks(&mut self) {
        let mut quote = None;
        self.closed.push("backticks");
        while let Some(unit) = self.peek(0) {
            self.at += 1;
            match unit {
                Unit::Char('`') => {
                    self.closed.pop();
                    if quote.is_some() {
                        self.lose("quotes that backticks cut");
                    }
                    return;
                }
                Unit::Char('\\') if self.peek(0) != Some(Unit::Hole) => self.at += 1,
                Unit::Char('#') => self.lose("`#` inside backticks"),
                Unit::Char(c @ ('\'' | '"')) => {
                    quote = match quote {
                        None => Some(c),
                        Some(open) if open == c => None,
                        open => open,
                    };
                }
                Unit::Char(_) => {}
                Unit::Hole => {
                    self.hole(Err(nowhere("backticks")));
                }
            }
        }
        self.closed.pop();
        self.lose("an unclosed backtick");
    }

    /// `[[ … ]]` of bash: no value can stand in it, as bash calculates with some.
    pub(super) fn double_bracket(&mut self) {
        let mut ignored = Word::default();
        self.closed.push("`[[ … ]]`");
        while let Some(unit) = self.peek(0) {
            if self.starts_with(" ]]") {
                self.at += 3;
                self.closed.pop();
                return;
            }
            self.at += 1;
            match unit {
                Unit::Hole => {
                    self.hole(Err(nowhere("`[[ … ]]`")));
                }
                Unit::Char('\'') => self.single_quoted(&mut ignored),
                Unit::Char('"') => self.double_quoted(&mut ignored),
                Unit::Char('$') => self.dollar(false),
                Unit::Char('`') => self.backticks(),
                Unit::Char('\\') => self.backslash(&mut ignored),
                Unit::Char('#') => self.lose("`#` inside `[[ … ]]`"),
                Unit::Char(_) => {}
            }
        }
        self.closed.pop();
        self.lose("an unclosed `[[`");
    }
}

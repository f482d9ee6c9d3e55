//! Block structure: lines, their indentation, and the nodes on them. Knows no value.

use super::super::skeleton::{Refusal, Skeleton, Unit};
use super::{Context, Place};

/// One place or refusal per hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Place, Refusal>> {
    let mut lexer = Lexer {
        units: skeleton.units(),
        at: 0,
        line_start: 0,
        parent: None,
        open: Open::Pending,
        lost: false,
        holes: Vec::with_capacity(skeleton.holes()),
    };
    lexer.lost = lexer.has_other_line_breaks();
    while lexer.at < lexer.units.len() {
        if lexer.lost {
            lexer.refuse_rest();
        } else {
            lexer.line();
        }
    }
    lexer.holes
}

/// What a line that is indented more than its parent would belong to.
#[derive(Clone, Copy)]
enum Open {
    /// A node is due.
    Pending,
    /// A plain scalar, whose first hole would be the one of this number.
    Plain(usize),
    /// Nothing: the node is complete.
    Closed,
}

pub(super) struct Lexer<'a> {
    pub(super) units: &'a [Unit],
    pub(super) at: usize,
    line_start: usize,
    /// The column of the key or dash that the next node belongs to; `None`: the document.
    pub(super) parent: Option<usize>,
    open: Open,
    pub(super) lost: bool,
    pub(super) holes: Vec<Result<Place, Refusal>>,
}

impl Lexer<'_> {
    pub(super) fn peek(&self, ahead: usize) -> Option<Unit> {
        self.units.get(self.at + ahead).copied()
    }

    /// Some readers end a line at a lone carriage return, or at U+0085, U+2028, U+2029.
    fn has_other_line_breaks(&self) -> bool {
        self.units.iter().enumerate().any(|(at, unit)| match unit {
            Unit::Char('\r') => self.units.get(at + 1) != Some(&Unit::Char('\n')),
            Unit::Char(c) => matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'),
            Unit::Hole => false,
        })
    }

    pub(super) fn line_ends_at(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            None | Some(Unit::Char('\n')) => true,
            Some(Unit::Char('\r')) => self.peek(ahead + 1) == Some(Unit::Char('\n')),
            _ => false,
        }
    }

    pub(super) fn at_line_end(&self) -> bool {
        self.line_ends_at(0)
    }

    /// A blank or the end of the line.
    pub(super) fn blank_at(&self, ahead: usize) -> bool {
        self.line_ends_at(ahead) || matches!(self.peek(ahead), Some(Unit::Char(' ' | '\t')))
    }

    pub(super) fn flow_indicator_at(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), Some(Unit::Char(',' | '[' | ']' | '{' | '}')))
    }

    /// At the start of a line, or behind a blank.
    pub(super) fn after_blank(&self) -> bool {
        self.at
            .checked_sub(1)
            .and_then(|before| self.units.get(before))
            .is_none_or(|unit| matches!(unit, Unit::Char(' ' | '\t' | '\n')))
    }

    /// How many spaces come next.
    pub(super) fn spaces(&self) -> usize {
        let rest = self.units.get(self.at..).unwrap_or_default();
        rest.iter().take_while(|unit| **unit == Unit::Char(' ')).count()
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(0), Some(Unit::Char(' ' | '\t'))) {
            self.at += 1;
        }
    }

    pub(super) fn take_line_end(&mut self) {
        while let Some(unit @ Unit::Char('\r' | '\n')) = self.peek(0) {
            self.at += 1;
            if unit == Unit::Char('\n') {
                break;
            }
        }
    }

    fn column(&self) -> usize {
        self.at.saturating_sub(self.line_start)
    }

    /// From here on nothing is sure.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// The same, and neither were the holes from `first` on.
    pub(super) fn lose_from(&mut self, first: usize) {
        self.lost = true;
        self.holes.iter_mut().skip(first).for_each(|hole| *hole = Err(not_yaml()));
    }

    fn refuse_rest(&mut self) {
        let rest = self.units.get(self.at..).unwrap_or_default();
        let count = rest.iter().filter(|unit| **unit == Unit::Hole).count();
        self.holes.extend(std::iter::repeat_n(Err(not_yaml()), count));
        self.at = self.units.len();
    }

    fn refuse_line(&mut self, refusal: &Refusal) {
        while !self.at_line_end() {
            if self.peek(0) == Some(Unit::Hole) {
                self.holes.push(Err(refusal.clone()));
            }
            self.at += 1;
        }
        self.take_line_end();
    }

    fn line(&mut self) {
        self.line_start = self.at;
        self.at += self.spaces();
        let column = self.column();
        if self.at_line_end() || self.peek(0) == Some(Unit::Char('#')) {
            self.finish_line();
        } else if column == 0 && self.peek(0) == Some(Unit::Char('%')) {
            self.refuse_line(&directive());
        } else if column == 0 && (self.is_marker('-') || self.is_marker('.')) {
            self.marker();
        } else if self.parent.is_none_or(|parent| column > parent) {
            self.belongs(column);
        } else {
            self.entries(column);
        }
    }

    /// `---` or `...`
    fn is_marker(&self, of: char) -> bool {
        (0..3).all(|ahead| self.peek(ahead) == Some(Unit::Char(of))) && self.blank_at(3)
    }

    fn marker(&mut self) {
        self.at += 3;
        self.parent = None;
        self.open = Open::Pending;
        self.skip_blanks();
        if self.at_line_end() || self.peek(0) == Some(Unit::Char('#')) {
            self.finish_line();
        } else {
            self.node(0, false);
        }
    }

    /// A line that is indented more than its parent.
    fn belongs(&mut self, column: usize) {
        match self.open {
            Open::Pending => self.entries(column),
            Open::Plain(first) => {
                self.holes.iter_mut().skip(first).for_each(|hole| *hole = Err(several_lines()));
                self.refuse_line(&several_lines());
                // those before are refused by now: another line need not go over them again
                self.open = Open::Plain(self.holes.len());
            }
            Open::Closed => self.lose(),
        }
    }

    /// The dashes of a line, and the node behind them.
    fn entries(&mut self, mut column: usize) {
        while self.peek(0) == Some(Unit::Char('-')) && self.blank_at(1) {
            self.parent = Some(column);
            self.open = Open::Pending;
            self.at += 1;
            self.at += self.spaces();
            if self.at_line_end() || self.peek(0) == Some(Unit::Char('#')) {
                self.finish_line();
                return;
            }
            column = self.column();
        }
        self.node(column, true);
    }

    /// A node that begins at `column`; `key`: it may turn out to be a key.
    fn node(&mut self, column: usize, key: bool) {
        let (start, first_hole) = (self.at, self.holes.len());
        while let Some(Unit::Char('!' | '&')) = self.peek(0) {
            self.property();
            if self.lost {
                return;
            }
            if self.at_line_end() || self.peek(0) == Some(Unit::Char('#')) {
                self.open = Open::Pending;
                self.finish_line();
                return;
            }
        }
        let Some(unit) = self.peek(0) else { return };
        let mut one_line = true;
        let key_due = key && self.parent.is_some_and(|parent| column <= parent);
        self.open = Open::Closed;
        match unit {
            Unit::Char(quote @ ('"' | '\'')) => one_line = self.quoted(quote),
            Unit::Char('*') => self.property(),
            Unit::Char('|' | '>' | '[' | '{') if key_due => return self.lose(),
            Unit::Char('[' | '{') => {
                self.flow();
                one_line = false;
            }
            Unit::Char(style @ ('|' | '>')) => return self.block_scalar(style == '>'),
            Unit::Char('-' | '?' | ':') if self.blank_at(1) => return self.lose(),
            Unit::Char(',' | ']' | '}' | '@' | '`' | '%' | '\t') => return self.lose(),
            _ => {
                self.plain(false);
                self.open = Open::Plain(first_hole);
            }
        }
        let end = self.at;
        self.skip_blanks();
        if key && one_line && self.peek(0) == Some(Unit::Char(':')) && self.blank_at(1) {
            self.at = end;
            self.mark_key(start, first_hole);
            self.skip_blanks();
            self.key(column);
        } else {
            let finished = self.finish_line();
            if !finished || key_due {
                self.lose_from(first_hole);
            }
        }
    }

    /// Behind a key that began at `column`: its `:` and what follows on the line.
    fn key(&mut self, column: usize) {
        self.at += 1;
        self.parent = Some(column);
        self.open = Open::Pending;
        self.skip_blanks();
        if self.at_line_end() || self.peek(0) == Some(Unit::Char('#')) {
            self.finish_line();
        } else {
            self.node(column + 1, false);
        }
    }

    /// A tag, an anchor or an alias, and the blanks behind it.
    pub(super) fn property(&mut self) {
        if self.peek(0) == Some(Unit::Char('!')) && (self.blank_at(1) || self.flow_indicator_at(1)) {
            // Readers take quoted text behind the empty tag for plain: "null" is null.
            return self.lose();
        }
        while !self.blank_at(0) && !self.flow_indicator_at(0) {
            if self.peek(0) == Some(Unit::Hole) {
                self.holes.push(Err(name()));
            }
            self.at += 1;
        }
        self.skip_blanks();
        if self.flow_indicator_at(0) && !self.after_blank() {
            self.lose();
        }
    }

    /// Blanks, a comment, the line's end. `false` if there is anything else.
    pub(super) fn finish_line(&mut self) -> bool {
        self.skip_blanks();
        if self.peek(0) == Some(Unit::Char('#')) && self.after_blank() {
            self.comment();
        }
        let ends = self.at_line_end();
        self.take_line_end();
        self.lost |= !ends;
        ends
    }

    pub(super) fn comment(&mut self) {
        while !self.at_line_end() {
            if self.peek(0) == Some(Unit::Hole) {
                self.holes.push(Ok(Place { context: Context::Comment, room: None }));
            }
            self.at += 1;
        }
    }
}

fn not_yaml() -> Refusal {
    Refusal::template(
        "a yaml file",
        "nothing is due there, or the text around it isn't YAML that castoff is sure of",
        r#"give it a place of its own (key: {{ x }}), or write "…{{ x }}…" to join it to other text"#,
    )
}

fn several_lines() -> Refusal {
    Refusal::template(
        "a plain yaml scalar of several lines",
        "readers join its lines, and a value could end it",
        "put quotes around all of it, or use a block (`|`)",
    )
}

fn directive() -> Refusal {
    Refusal::template("a yaml directive", "a value can't be part of a directive", "write the directive out")
}

fn name() -> Refusal {
    Refusal::template("a yaml tag, anchor or alias", "a value can't be part of a name", "write the name out")
}

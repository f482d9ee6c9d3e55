//! Follows TOML's grammar and says where each hole stands. Knows no value.

use super::super::skeleton::{Cursor, Refusal, Skeleton, Unit};
use super::{Before, Beside, Context};

/// One context or refusal per hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut lexer = Lexer {
        cursor: skeleton.cursor(),
        nesting: Vec::new(),
        header: 0,
        due: Due::Statement,
        lost: false,
        holes: Vec::with_capacity(skeleton.holes()),
    };
    while let Some(unit) = lexer.cursor.peek(0) {
        if lexer.lost {
            lexer.cursor.advance(1);
            lexer.refuse_if_hole(unit);
        } else {
            lexer.token(unit);
        }
    }
    if !matches!(lexer.due, Due::Statement | Due::LineEnd) {
        lexer.lose();
    }
    lexer.holes
}

/// What the grammar allows next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A key, a table header or nothing.
    Statement,
    /// A part of a key.
    Key,
    /// `.`, `=`, or the end of a header.
    AfterKey,
    Value,
    /// `,` or the end of an array or an inline table.
    Separator,
    LineEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Array,
    Table,
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    nesting: Vec<Inside>,
    /// How many brackets the header has that is being read; 0: none is.
    header: usize,
    due: Due,
    lost: bool,
    holes: Vec<Result<Context, Refusal>>,
}

/// Characters of a bare key.
pub(super) fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl Lexer<'_> {
    fn refuse_if_hole(&mut self, unit: Unit) {
        if unit == Unit::Hole {
            self.holes.push(Err(not_toml()));
        }
    }

    /// From here on nothing is sure; neither is a hole right before the unexpected text.
    fn lose(&mut self) {
        self.lost = true;
        let blank = |back: &usize| matches!(self.cursor.look_back(*back), Some(Unit::Char(' ' | '\t')));
        let blanks = (1..).take_while(blank).count();
        if self.cursor.look_back(blanks + 1) == Some(Unit::Hole)
            && let Some(last) = self.holes.last_mut()
        {
            *last = Err(not_toml());
        }
    }

    fn token(&mut self, unit: Unit) {
        match (unit, self.due) {
            (Unit::Char(' ' | '\t'), _) => self.cursor.advance(1),
            (Unit::Char('\r'), _) if self.cursor.starts_with("\r\n") => self.cursor.advance(1),
            (Unit::Char('\n'), _) => self.line_end(),
            (Unit::Char('#'), Due::Statement | Due::LineEnd) => self.comment(),
            (Unit::Char('#'), _) if !self.nesting.is_empty() => self.comment(),
            (Unit::Char('['), Due::Statement) => self.open_header(),
            (_, Due::Statement | Due::Key) => self.key(unit),
            (Unit::Char('.'), Due::AfterKey) => self.step(Due::Key),
            (Unit::Char('='), Due::AfterKey) if self.header == 0 => self.step(Due::Value),
            (Unit::Char(']'), Due::AfterKey) if self.header > 0 => self.close_header(),
            (_, Due::Value) => self.value(unit),
            (Unit::Char(c), Due::Separator) => self.separator(c),
            _ => self.lose(),
        }
    }

    fn step(&mut self, due: Due) {
        self.cursor.advance(1);
        self.due = due;
    }

    fn line_end(&mut self) {
        match self.due {
            Due::LineEnd => self.step(Due::Statement),
            Due::Statement => self.cursor.advance(1),
            due if !self.nesting.is_empty() && due != Due::AfterKey => self.cursor.advance(1),
            _ => self.lose(),
        }
    }

    fn comment(&mut self) {
        while let Some(unit) = self.cursor.peek(0)
            && unit != Unit::Char('\n')
        {
            self.cursor.advance(1);
            if unit == Unit::Hole {
                self.holes.push(Ok(Context::Comment));
            }
        }
    }

    fn open_header(&mut self) {
        self.header = if self.cursor.starts_with("[[") { 2 } else { 1 };
        self.cursor.advance(self.header);
        self.due = Due::Key;
    }

    fn close_header(&mut self) {
        if self.header == 2 && !self.cursor.starts_with("]]") {
            return self.lose();
        }
        self.cursor.advance(self.header);
        self.header = 0;
        self.due = Due::LineEnd;
    }

    fn key(&mut self, unit: Unit) {
        match unit {
            Unit::Char(quote @ ('"' | '\'')) => {
                self.cursor.advance(1);
                self.string(quote, false);
                self.due = Due::AfterKey;
            }
            Unit::Char('}') if self.nesting.last() == Some(&Inside::Table) => self.close(),
            _ => self.bare_key(),
        }
    }

    fn bare_key(&mut self) {
        let (mut length, mut holes) = (0, 0);
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                Unit::Hole => holes += 1,
                Unit::Char(c) if is_bare(c) => {}
                Unit::Char(_) => break,
            }
            length += 1;
            self.cursor.advance(1);
        }
        let context = if length == 1 { Context::Key } else { Context::KeyPart };
        self.holes.extend(std::iter::repeat_n(Ok(context), holes));
        self.due = Due::AfterKey;
        if length == 0 {
            self.lose();
        }
    }

    fn value(&mut self, unit: Unit) {
        match unit {
            Unit::Hole => {
                self.cursor.advance(1);
                self.holes.push(Ok(Context::Value));
                if !self.value_ends() {
                    self.lose();
                }
                self.completed();
            }
            Unit::Char(quote @ ('"' | '\'')) => {
                let multi_line = (1..3).all(|ahead| self.cursor.peek(ahead) == Some(Unit::Char(quote)));
                self.cursor.advance(if multi_line { 3 } else { 1 });
                self.string(quote, multi_line);
                self.completed();
            }
            Unit::Char('[') => self.open(Inside::Array, Due::Value),
            Unit::Char('{') => self.open(Inside::Table, Due::Key),
            Unit::Char(']') if self.nesting.last() == Some(&Inside::Array) => self.close(),
            Unit::Char(c) if is_word(c) => self.word(),
            Unit::Char(_) => self.lose(),
        }
    }

    /// Whether a value that stands bare is apart from what follows.
    fn value_ends(&self) -> bool {
        matches!(
            self.cursor.peek(0),
            None | Some(Unit::Char(' ' | '\t' | '\r' | '\n' | ',' | ']' | '}' | '#'))
        )
    }

    fn open(&mut self, inside: Inside, due: Due) {
        self.nesting.push(inside);
        self.step(due);
    }

    fn close(&mut self) {
        self.nesting.pop();
        self.cursor.advance(1);
        self.completed();
    }

    /// A value has been read.
    fn completed(&mut self) {
        self.due = if self.nesting.is_empty() { Due::LineEnd } else { Due::Separator };
    }

    fn separator(&mut self, c: char) {
        match (c, self.nesting.last()) {
            (',', Some(Inside::Array)) => self.step(Due::Value),
            (',', Some(Inside::Table)) => self.step(Due::Key),
            (']', Some(Inside::Array)) | ('}', Some(Inside::Table)) => self.close(),
            _ => self.lose(),
        }
    }

    /// A number, a boolean or a date; the blank between a date and a time is part of it.
    fn word(&mut self) {
        while let Some(Unit::Char(c)) = self.cursor.peek(0) {
            let between = c == ' '
                && matches!(self.cursor.peek(1), Some(Unit::Char('0'..='9')))
                && self.cursor.peek(3) == Some(Unit::Char(':'));
            if !is_word(c) && !between {
                break;
            }
            self.cursor.advance(1);
        }
        if !self.value_ends() {
            self.lose();
        }
        self.completed();
    }

    /// The rest of a string whose opening quotes are read.
    fn string(&mut self, quote: char, multi_line: bool) {
        let first = self.holes.len();
        let mut before = if multi_line { Before::Opening } else { Before::Text };
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => {
                    let beside = Beside { before, quote_after: self.quote_next(quote) };
                    self.holes.push(Ok(match quote {
                        '"' => Context::Basic(beside),
                        _ => Context::Literal { multi_line, beside },
                    }));
                    before = Before::Text;
                }
                Unit::Char(c) if c == quote && !multi_line => return,
                Unit::Char(c) if c == quote => {
                    if self.closes(quote) {
                        return;
                    }
                    before = Before::Quote;
                }
                Unit::Char('\n') if !multi_line => break,
                Unit::Char('\\') if quote == '"' => before = self.escape(multi_line),
                Unit::Char(_) => before = Before::Text,
            }
        }
        self.lose();
        // It never ended: neither is any of its holes sure.
        self.holes.iter_mut().skip(first).for_each(|hole| *hole = Err(not_toml()));
    }

    fn quote_next(&self, quote: char) -> bool {
        matches!(self.cursor.peek(0), Some(Unit::Hole)) || self.cursor.peek(0) == Some(Unit::Char(quote))
    }

    /// Whether the quote just read is the first of those that close a string of several
    /// lines. Up to two may stand right before these three.
    fn closes(&mut self, quote: char) -> bool {
        let more = (0..4).take_while(|ahead| self.cursor.peek(*ahead) == Some(Unit::Char(quote))).count();
        if more >= 2 {
            self.cursor.advance(more);
        }
        more >= 2
    }

    /// What follows a backslash.
    fn escape(&mut self, multi_line: bool) -> Before {
        let length = match self.cursor.peek(0) {
            Some(Unit::Char('x')) => 3,
            Some(Unit::Char('u')) => 5,
            Some(Unit::Char('U')) => 9,
            Some(Unit::Char(' ' | '\t' | '\r' | '\n')) if multi_line => {
                self.escaped_line_end();
                return Before::Trimmed;
            }
            _ => 1,
        };
        for _ in 0..length {
            match self.cursor.peek(0) {
                Some(Unit::Hole) => self.within_escape(),
                Some(Unit::Char('"' | '\n')) if length > 1 => break,
                _ => {}
            }
            self.cursor.advance(1);
        }
        Before::Text
    }

    /// Blanks, a line feed, and all blanks and line feeds that follow.
    fn escaped_line_end(&mut self) {
        let mut ended = false;
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                Unit::Char('\n') => ended = true,
                Unit::Char(' ' | '\t' | '\r') => {}
                Unit::Hole if !ended => self.within_escape(),
                _ => return,
            }
            self.cursor.advance(1);
        }
    }

    fn within_escape(&mut self) {
        self.holes.push(Err(Refusal::template(
            "an escape in a toml string",
            "the value would become part of the escape",
            r"write \\ for a backslash",
        )));
    }
}

/// Characters of numbers, booleans and dates.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '.' | ':')
}

fn not_toml() -> Refusal {
    Refusal::template(
        "a toml file",
        "nothing is due there, or the text around it isn't TOML",
        r#"give it a place of its own, or write "…{{ x }}…" to join it to other text"#,
    )
}

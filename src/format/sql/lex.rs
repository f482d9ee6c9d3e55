//! Finds where each hole of an SQL script stands. It must be right under every setting of
//! the server: where two settings would read the template's own text differently, all
//! that follows is refused.

use super::super::skeleton::{Cursor, Refusal, Skeleton, Unit};
use super::refusals::{
    behind_a_backslash, beside_a_string, by_setting, client, code, copied, executable, part_of_a_word,
    special, unclosed,
};
use super::{Context, Dialect};

type Answer = Result<Context, Refusal>;

/// What was read last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Nothing of this statement yet.
    Start,
    /// A word, in `Lexer::word`, or a number.
    Word,
    /// A string, or a quoted name.
    Text,
    /// The hole of this number.
    Value(usize),
    Sign(char),
}

/// Between which quotes, and what a value may do there.
#[derive(Clone)]
struct Quotes {
    by: char,
    /// `\` escapes: always, or (where false) by a setting.
    escapes: bool,
    names: bool,
    refusal: Option<Refusal>,
}

struct Lexer<'a> {
    dialect: Dialect,
    cursor: Cursor<'a>,
    holes: Vec<Answer>,
    last: Token,
    /// The last word, in capitals.
    word: String,
    /// The first two words of the statement, in capitals.
    statement: [String; 2],
    /// The kind of the last string: in PostgreSQL the next one may go on with it.
    string: Option<Quotes>,
    /// Inside `/*! */`.
    executable: bool,
    /// Why nothing is sure any more.
    lost: Option<Refusal>,
}

pub(super) fn lex(dialect: Dialect, skeleton: &Skeleton) -> Vec<Answer> {
    let mut lexer = Lexer {
        dialect,
        cursor: skeleton.cursor(),
        holes: Vec::with_capacity(skeleton.holes()),
        last: Token::Start,
        word: String::new(),
        statement: Default::default(),
        string: None,
        executable: false,
        lost: None,
    };
    while let Some(unit) = lexer.cursor.peek(0) {
        lexer.step(unit);
    }
    lexer.holes
}

impl Lexer<'_> {
    fn is_postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    fn answer(&mut self, answer: Answer) {
        self.holes.push(match &self.lost {
            Some(refusal) => Err(refusal.clone()),
            None => answer,
        });
    }

    fn lose(&mut self, refusal: Refusal) {
        self.lost.get_or_insert(refusal);
    }

    fn step(&mut self, unit: Unit) {
        let Unit::Char(c) = unit else { return self.hole() };
        let mariadb = !self.is_postgres();
        match c {
            c if c.is_ascii_whitespace() || c == '\x0b' => self.cursor.advance(1),
            '-' if self.cursor.starts_with("--") => self.dashes(),
            '#' if mariadb => self.line_comment(),
            '/' if self.cursor.starts_with("/*") => self.block_comment(),
            '*' if self.executable && self.cursor.starts_with("*/") => {
                self.executable = false;
                self.cursor.advance(2);
            }
            '\'' => self.string(c),
            '"' | '`' if mariadb || c == '"' => self.string(c),
            '\\' => self.client_line(),
            '$' if !mariadb => self.dollar(),
            c if is_word(c) => self.take_word(),
            c => self.sign(c),
        }
    }

    fn sign(&mut self, c: char) {
        self.cursor.advance(1);
        self.last = Token::Sign(c);
        if c == ';' {
            if self.statement.first().is_some_and(|word| word == "COPY") && self.word == "STDIN" {
                self.lose(copied());
            }
            self.last = Token::Start;
            self.statement = Default::default();
        }
    }

    fn take_word(&mut self) {
        let at_line_start = self.at_line_start();
        self.word.clear();
        while let Some(Unit::Char(c)) = self.cursor.peek(0)
            && (is_word(c) || c == '$')
        {
            self.word.push(c.to_ascii_uppercase());
            self.cursor.advance(1);
        }
        if !self.is_postgres() && at_line_start && CLIENT_COMMANDS.contains(&self.word.as_str()) {
            return self.client_line();
        }
        if let Some(place) = self.statement.iter_mut().find(|word| word.is_empty()) {
            place.clone_from(&self.word);
        }
        self.last = Token::Word;
    }

    /// Nothing but blanks stands before it on its line.
    fn at_line_start(&self) -> bool {
        let blank = |unit: &Unit| matches!(unit, Unit::Char(' ' | '\t'));
        let mut before = (1..).map(|back| self.cursor.look_back(back));
        !matches!(before.find(|unit| !unit.as_ref().is_some_and(blank)), Some(Some(unit)) if unit != Unit::Char('\n'))
    }

    fn hole(&mut self) {
        let before = self.cursor.previous();
        let after = self.cursor.peek(1);
        self.cursor.advance(1);
        let touches = |unit: Option<Unit>| match unit {
            None => false,
            Some(Unit::Hole) => true,
            Some(Unit::Char(c)) => is_word(c) || "'\"`.$\\".contains(c),
        };
        let sign = |unit: Option<Unit>, signs: &str| matches!(unit, Some(Unit::Char(c)) if signs.contains(c));
        let answer = if self.executable {
            Err(executable())
        } else if self.is_code() {
            Err(code())
        } else if touches(before) || touches(after) || (self.is_postgres() && sign(before, "&:")) {
            Err(part_of_a_word())
        } else if matches!(self.last, Token::Text | Token::Value(_)) {
            Err(beside_a_string())
        } else {
            Ok(Context::Value {
                operator: sign(before, "+-*/<>=~!@#%^&|`?"),
                listed: matches!(self.last, Token::Sign('(' | ',' | '[')),
                plain: self.takes_plain_strings() || sign(before, "@") || sign(after, "@"),
            })
        };
        self.last = Token::Value(self.holes.len());
        self.string = None;
        self.answer(answer);
    }

    /// Whether MariaDB's grammar may want `'…'` there, and not any expression.
    fn takes_plain_strings(&self) -> bool {
        const STATEMENTS: [&str; 13] = [
            "ALTER", "CHANGE", "CREATE", "DROP", "FLUSH", "GRANT", "INSTALL", "KILL", "LOAD", "PREPARE",
            "RENAME", "REVOKE", "SHOW",
        ];
        let [first, second] = &self.statement;
        let introduced = self.last == Token::Word && self.word.starts_with('_');
        STATEMENTS.contains(&first.as_str()) || (first == "SET" && second == "PASSWORD") || introduced
    }

    /// A string or a quoted name; the cursor stands on its quote.
    fn string(&mut self, by: char) {
        if let Token::Value(number) = self.last
            && by == '\''
            && let Some(answer) = self.holes.get_mut(number)
            && answer.is_ok()
        {
            *answer = Err(beside_a_string());
        }
        let quotes = self.quotes(by);
        self.cursor.advance(1);
        let first = self.holes.len();
        let mut own = 0;
        let closed = self.between(&quotes, &mut own);
        if !closed {
            self.holes.iter_mut().skip(first).for_each(|answer| *answer = Err(unclosed()));
        }
        self.share_room(first, own);
        self.last = Token::Text;
        self.string = Some(quotes);
    }

    /// What kind of string opens here.
    fn quotes(&self, by: char) -> Quotes {
        let names = by == '`' || (by == '"' && self.is_postgres());
        let mut quotes = Quotes { by, escapes: false, names, refusal: None };
        let before = match self.cursor.previous() {
            Some(Unit::Char(c)) => c,
            _ => ' ',
        };
        let touching = self.last == Token::Word && is_word(before);
        if self.is_postgres()
            && self.last == Token::Text
            && by == '\''
            && let Some(string) = self.string.as_ref().filter(|string| string.by == '\'')
        {
            return string.clone();
        }
        if self.executable {
            quotes.refusal = Some(executable());
        } else if self.is_postgres() && "&:".contains(before) {
            quotes.refusal = Some(special());
        } else if by == '\'' && touching {
            match self.word.as_str() {
                "E" if self.is_postgres() => quotes.escapes = true,
                "X" | "B" => quotes.refusal = Some(special()),
                _ => {}
            }
        }
        if !names && self.is_code() {
            quotes.refusal = Some(code());
        } else if !self.is_postgres() && self.last == Token::Word && is_foreign_introducer(&self.word) {
            quotes.refusal = Some(special());
        }
        quotes
    }

    /// Whether a string that stands here is run as code.
    fn is_code(&self) -> bool {
        let [first, second] = self.statement.each_ref().map(String::as_str);
        if self.last != Token::Word {
            return false;
        }
        match (self.dialect, self.word.as_str()) {
            (Dialect::Postgres, "DO" | "AS") => first == "DO" || first == "CREATE",
            (Dialect::Postgres, "EXECUTE") | (Dialect::MariaDb, "IMMEDIATE") => true,
            (Dialect::Postgres, word) => first == "DO" && second == "LANGUAGE" && word != "LANGUAGE",
            (Dialect::MariaDb, "FROM") => first == "PREPARE",
            _ => false,
        }
    }

    /// Walks to behind the closing quote; false if there is none. Counts the text of the
    /// template into `own`.
    fn between(&mut self, quotes: &Quotes, own: &mut usize) -> bool {
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => {
                    let answer = match &quotes.refusal {
                        Some(refusal) => Err(refusal.clone()),
                        None if quotes.names => Ok(Context::Name { by: quotes.by, room: 0 }),
                        None => Ok(Context::Quoted { by: quotes.by, escapes: quotes.escapes }),
                    };
                    self.answer(answer);
                }
                Unit::Char(c) if c == quotes.by => {
                    if self.cursor.peek(0) != Some(Unit::Char(c)) {
                        return true;
                    }
                    self.cursor.advance(1);
                    *own += 1;
                }
                Unit::Char('\\') if !quotes.names => self.backslash(quotes),
                Unit::Char(c) => *own += if self.is_postgres() { c.len_utf8() } else { 1 },
            }
        }
        false
    }

    /// Behind a backslash of the template.
    fn backslash(&mut self, quotes: &Quotes) {
        match self.cursor.peek(0) {
            Some(Unit::Hole) => {
                self.answer(Err(behind_a_backslash()));
                self.cursor.advance(1);
            }
            // `\'` ends the string under one setting, and not under another
            Some(Unit::Char(c)) if c == quotes.by && !quotes.escapes => self.lose(by_setting()),
            // `\x4` and a value `1` would join
            Some(Unit::Char('x' | 'u' | 'U' | '0'..='9')) if quotes.escapes && self.escape_meets_a_hole() => {
                self.lose(behind_a_backslash());
            }
            Some(Unit::Char(_)) => self.cursor.advance(1),
            None => {}
        }
    }

    fn escape_meets_a_hole(&self) -> bool {
        let digits = (1..9).take_while(
            |ahead| matches!(self.cursor.peek(*ahead), Some(Unit::Char(c)) if c.is_ascii_hexdigit()),
        );
        self.cursor.peek(1 + digits.count()) == Some(Unit::Hole)
    }

    /// Divides what a name may hold among its holes.
    fn share_room(&mut self, first: usize, own: usize) {
        let limit: usize = if self.is_postgres() { 63 } else { 64 };
        let count = self.holes.len().saturating_sub(first);
        let share = limit.saturating_sub(own).checked_div(count).unwrap_or(0);
        for answer in self.holes.iter_mut().skip(first) {
            if let Ok(Context::Name { room, .. }) = answer {
                *room = share;
            }
        }
    }

    fn dashes(&mut self) {
        match self.cursor.peek(2) {
            // MariaDB wants a blank behind `--`, and a value may begin with one
            Some(Unit::Hole) if !self.is_postgres() => self.client_line(),
            Some(Unit::Char(c))
                if !self.is_postgres() && !c.is_ascii_whitespace() && !c.is_ascii_control() =>
            {
                self.sign('-');
            }
            _ => self.line_comment(),
        }
    }

    fn line_comment(&mut self) {
        while let Some(unit) = self.cursor.peek(0)
            && unit != Unit::Char('\n')
        {
            if unit == Unit::Hole {
                self.answer(Ok(Context::Comment { block: false, parts: false }));
            } else if unit == Unit::Char('\r') && self.is_postgres() {
                return; // ends the comment
            }
            self.cursor.advance(1);
        }
    }

    fn block_comment(&mut self) {
        if !self.is_postgres() && (self.cursor.starts_with("/*!") || self.cursor.starts_with("/*M!")) {
            self.executable = true;
            return self.cursor.advance(if self.cursor.starts_with("/*!") { 3 } else { 4 });
        }
        self.cursor.advance(2);
        // a value there could make it a hint, or run it
        let special = matches!(self.cursor.peek(0), Some(Unit::Hole | Unit::Char('+')))
            || (self.cursor.starts_with("M") && self.cursor.peek(1) == Some(Unit::Hole));
        let mut depth = 1usize;
        let first = self.holes.len();
        while depth > 0 {
            if self.cursor.starts_with("*/") {
                depth -= 1;
                self.cursor.advance(2);
            } else if self.cursor.starts_with("/*") {
                if self.is_postgres() {
                    depth += 1;
                } else {
                    self.lose(unclosed());
                }
                self.cursor.advance(2);
            } else {
                match self.cursor.next() {
                    Some(Unit::Hole) if special => self.answer(Err(executable())),
                    Some(Unit::Hole) => {
                        let parts = self.parts_signs();
                        self.answer(Ok(Context::Comment { block: true, parts }));
                    }
                    Some(Unit::Char(_)) => {}
                    None => {
                        self.holes.iter_mut().skip(first).for_each(|answer| *answer = Err(unclosed()));
                        return;
                    }
                }
            }
        }
    }

    /// Whether the hole just passed may keep a `/` or `*` from another: without a value there
    /// they could open or close a comment.
    fn parts_signs(&self) -> bool {
        let sign = |unit| matches!(unit, Some(Unit::Hole | Unit::Char('/' | '*')));
        sign(self.cursor.look_back(2)) && sign(self.cursor.peek(0))
    }

    /// `$tag$ … $tag$`, or a `$` of another kind.
    fn dollar(&mut self) {
        let tag = (1..).map_while(|ahead| match self.cursor.peek(ahead) {
            Some(Unit::Char(c)) if is_word(c) => Some(c),
            _ => None,
        });
        let tag: String = tag.collect();
        let length = tag.chars().count();
        let digit = tag.starts_with(|c: char| c.is_ascii_digit());
        if digit || self.cursor.peek(length + 1) != Some(Unit::Char('$')) {
            return self.sign('$');
        }
        let end = format!("${tag}$");
        self.cursor.advance(length + 2);
        while !self.cursor.starts_with(&end) {
            match self.cursor.next() {
                Some(Unit::Hole) => self.answer(Err(code())),
                Some(Unit::Char(_)) => {}
                None => return,
            }
        }
        self.cursor.advance(length + 2);
        self.last = Token::Text;
        self.string = None;
    }

    /// The rest of a line that the client reads by rules of its own.
    fn client_line(&mut self) {
        while let Some(unit) = self.cursor.peek(0)
            && unit != Unit::Char('\n')
        {
            match unit {
                Unit::Hole => self.answer(Err(client())),
                Unit::Char('\'' | '"' | '`' | '*') if !self.is_postgres() => self.lose(client()),
                Unit::Char(_) => {}
            }
            self.cursor.advance(1);
        }
    }
}

/// Commands of the `mariadb` client that take the rest of their line.
const CLIENT_COMMANDS: [&str; 8] =
    ["CHARSET", "CONNECT", "DELIMITER", "PAGER", "PROMPT", "SOURCE", "SYSTEM", "TEE"];

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// `_latin1'…'`: the string is not in the character set of the file.
fn is_foreign_introducer(word: &str) -> bool {
    word.starts_with('_') && !["_UTF8", "_UTF8MB3", "_UTF8MB4", "_BINARY"].contains(&word)
}

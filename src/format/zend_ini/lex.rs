//! Walks over the text as `zend_ini_scanner.l` does in normal mode and says where each
//! hole stands. Knows no value. A refused hole ends the rendering, so the lexer may go on
//! after one as it likes.

use super::super::skeleton::{Cursor, Refusal, Skeleton, Unit};
use super::{Context, Dialect, Place};

/// One place or refusal per hole, in order.
pub(in super::super) fn lex(skeleton: &Skeleton, dialect: Dialect) -> Vec<Result<Place, Refusal>> {
    let mut lexer =
        Lexer { cursor: skeleton.cursor(), found: Vec::new(), dialect, setting: Setting::default() };
    while lexer.cursor.peek(0).is_some() {
        lexer.line();
    }
    lexer.found
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    found: Vec<Result<Place, Refusal>>,
    dialect: Dialect,
    setting: Setting,
}

/// What was seen so far of one setting's value.
#[derive(Default)]
struct Setting {
    key: String,
    /// Text of the template's own, quoted or not, anywhere.
    has_text: bool,
    /// The end of that text, since the last hole.
    tail: String,
}

/// A part of a setting's value.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Bare(String),
    Space,
    /// A quoted string or `${…}` without a hole, or with holes that are told already.
    Quoted,
    /// A bare hole, by its number.
    Hole(usize),
    /// `& | ^ ~ ( ) !`, `=`: the value is calculated, or no value at all.
    Operator,
    /// `''`: the scanner ends the value there.
    Empty,
}

const VALUE: &str = "a setting's value";
const QUOTE_ALL: &str = "put the whole value inside double quotes";
const LINE_BREAK: [Unit; 2] = [Unit::Char('\n'), Unit::Char('\r')];

impl Lexer<'_> {
    fn refuse(&mut self, context: &'static str, reason: &str, instead: &str) {
        self.found.push(Err(Refusal::template(context, reason, instead)));
    }

    fn place(&mut self, context: Context) {
        if self.dialect == Dialect::Fpm
            && ["$", "$p", "$po", "$poo"].iter().any(|start| self.setting.tail.ends_with(start))
        {
            return self.refuse(
                VALUE,
                "it could complete `$pool`, which php-fpm replaces",
                "put another character between",
            );
        }
        self.setting.tail.clear();
        let key = self.setting.key.clone();
        let first = !self.setting.has_text;
        self.found.push(Ok(Place { context, key, first, only_values: false, continued: true }));
    }

    /// Takes note of the template's own text in a value.
    fn text(&mut self, c: char) {
        self.setting.has_text = true;
        self.setting.tail.push(c);
    }

    /// Whether the line, or the text, ends here.
    fn line_ends(&self) -> bool {
        self.cursor.peek(0).is_none_or(|unit| LINE_BREAK.contains(&unit))
    }

    fn skip_blanks(&mut self) -> bool {
        let start = self.cursor.position();
        while matches!(self.cursor.peek(0), Some(Unit::Char(' ' | '\t'))) {
            self.cursor.advance(1);
        }
        self.cursor.position() > start
    }

    /// What the scanner's INITIAL state takes: a comment, a section, or a setting.
    fn line(&mut self) {
        self.skip_blanks();
        match self.cursor.peek(0) {
            Some(Unit::Char('\n' | '\r')) => self.cursor.advance(1),
            Some(Unit::Char(';')) => self.comment(),
            Some(Unit::Char('[')) => self.section(),
            _ => {
                if let Some(key) = self.key() {
                    self.setting = Setting { key, ..Setting::default() };
                    self.value();
                    self.setting = Setting::default();
                }
            }
        }
    }

    fn comment(&mut self) {
        while !self.line_ends() {
            if self.cursor.next() == Some(Unit::Hole) {
                self.place(Context::Comment);
            }
        }
    }

    fn section(&mut self) {
        const CONTEXT: &str = "the name of a section";
        self.cursor.advance(1);
        let alone = self.cursor.peek(0) == Some(Unit::Hole) && self.cursor.peek(1) == Some(Unit::Char(']'));
        while !self.line_ends() {
            match self.cursor.next() {
                Some(Unit::Char(']')) => return,
                Some(Unit::Hole) if alone => self.place(Context::Section),
                Some(Unit::Hole) => {
                    self.refuse(
                        CONTEXT,
                        "a part of a name may be read as a constant",
                        "make the value the whole name",
                    );
                }
                _ => {}
            }
        }
    }

    /// The name of a setting, up to its `=`; `None` where the line has none.
    fn key(&mut self) -> Option<String> {
        let mut key = String::new();
        // Quotes count within `[…]`.
        let (mut quote, mut index) = (None, false);
        while !self.line_ends() {
            match self.cursor.peek(0)? {
                Unit::Hole => {
                    self.cursor.advance(1);
                    self.refuse(
                        "the name of a setting",
                        "a value must not choose what is set",
                        "write the name",
                    );
                }
                Unit::Char(';') if quote.is_none() => return None,
                Unit::Char('=') if quote.is_none() => {
                    self.cursor.advance(1);
                    return Some(key.trim().to_owned());
                }
                Unit::Char(c) => {
                    self.cursor.advance(1);
                    match quote {
                        Some(open) if open == c => quote = None,
                        None if matches!(c, '"' | '\'') && index => quote = Some(c),
                        _ => {}
                    }
                    index |= c == '[';
                    key.push(c);
                }
            }
        }
        None
    }

    fn value(&mut self) {
        self.skip_blanks();
        let first = self.found.len();
        let mut pieces = Vec::new();
        while !self.line_ends() {
            if self.cursor.peek(0) == Some(Unit::Char(';')) {
                break;
            }
            let piece = self.piece();
            match (pieces.last_mut(), piece) {
                (Some(Piece::Bare(text)), Piece::Bare(more)) => text.push_str(&more),
                (_, piece) => pieces.push(piece),
            }
        }
        if pieces.last() == Some(&Piece::Space) {
            pieces.pop();
        }
        self.settle(first, &pieces);
    }

    fn piece(&mut self) -> Piece {
        if self.skip_blanks() {
            return Piece::Space;
        }
        match self.cursor.next() {
            Some(Unit::Hole) => {
                self.place(Context::Whole);
                Piece::Hole(self.found.len() - 1)
            }
            Some(Unit::Char('"')) => {
                self.double_quoted();
                Piece::Quoted
            }
            Some(Unit::Char('\'')) => self.single_quoted(),
            Some(Unit::Char('$')) if self.cursor.starts_with("{") => {
                self.interpolation();
                Piece::Quoted
            }
            Some(Unit::Char('$')) => self.dollar(),
            Some(Unit::Char('&' | '|' | '^' | '~' | '(' | ')' | '!' | '=')) => Piece::Operator,
            Some(Unit::Char(c)) => {
                self.text(c);
                Piece::Bare(c.to_string())
            }
            None => Piece::Space,
        }
    }

    /// A bare `$` takes what follows it into the text, be it a quote; a backslash with
    /// what follows that.
    fn dollar(&mut self) -> Piece {
        let backslash = self.cursor.starts_with("\\");
        self.cursor.advance(usize::from(backslash));
        let taken = self.cursor.peek(0);
        self.cursor.advance(1);
        self.text('$');
        match taken {
            Some(Unit::Hole) => {
                self.refuse(VALUE, "the `$` before it would take its quote", QUOTE_ALL);
                Piece::Quoted
            }
            Some(Unit::Char(c)) if !matches!(c, '\n' | '\r') => {
                self.text(c);
                Piece::Bare(format!("${}{c}", if backslash { "\\" } else { "" }))
            }
            // It even takes a line break.
            _ => Piece::Operator,
        }
    }

    /// `${NAME}` or `${NAME:-fallback}`, from its `{`.
    fn interpolation(&mut self) {
        self.text(' ');
        while !self.line_ends() {
            match self.cursor.next() {
                Some(Unit::Char('}')) => return,
                Some(Unit::Hole) => self.refuse(
                    "`${…}`",
                    "the value would choose what is looked up",
                    "let castoff insert the value itself",
                ),
                _ => {}
            }
        }
    }

    /// The content of `"…"`, from after its opening quote.
    fn double_quoted(&mut self) {
        const CONTEXT: &str = "a double-quoted setting";
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Char('"') => return,
                Unit::Char('$') if self.cursor.starts_with("{") => self.interpolation(),
                Unit::Char(c @ ('$' | '\\')) if self.cursor.peek(0) == Some(Unit::Hole) => {
                    self.cursor.advance(1);
                    self.refuse(
                        CONTEXT,
                        "the character before it would join it",
                        &format!("write `\\{c}` for it"),
                    );
                }
                Unit::Char('\\') => {
                    if self.escape() {
                        return;
                    }
                }
                Unit::Char('\n') if self.dialect == Dialect::Fpm => return,
                Unit::Hole => {
                    let next = self.cursor.peek(0);
                    let exposed = next.is_none_or(|next| next == Unit::Hole || LINE_BREAK.contains(&next));
                    self.place(Context::DoubleQuoted { exposed });
                }
                Unit::Char(c) => self.text(c),
            }
        }
    }

    /// What follows a backslash in `"…"`. A `"` at the end of a line ends the string all
    /// the same (made for Windows paths): then true.
    fn escape(&mut self) -> bool {
        let quote = self.cursor.peek(0) == Some(Unit::Char('"'));
        if let Some(Unit::Char(c)) = self.cursor.next() {
            self.text(c);
        }
        if quote && self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(
                "a double-quoted setting",
                "a line break after `\\\"` would end the string",
                "put text between",
            );
        }
        quote && self.line_ends()
    }

    /// `'…'`, from after its opening quote. There is no escape in it.
    fn single_quoted(&mut self) -> Piece {
        if self.cursor.starts_with("'") {
            self.cursor.advance(1);
            return Piece::Empty;
        }
        let first = self.found.len();
        let mut has_text = false;
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => self.place(Context::SingleQuoted { may_be_empty: true }),
                Unit::Char('\'') => break,
                Unit::Char('\n') if self.dialect == Dialect::Fpm => break,
                Unit::Char(c) => {
                    has_text = true;
                    self.text(c);
                }
            }
        }
        let mut ahead = self.cursor.clone();
        while matches!(ahead.peek(0), Some(Unit::Char(' ' | '\t'))) {
            ahead.advance(1);
        }
        let ends = matches!(ahead.peek(0), None | Some(Unit::Char('\n' | '\r' | ';')));
        for found in self.found.iter_mut().skip(first) {
            if let Ok(Place { context: Context::SingleQuoted { may_be_empty }, .. }) = found {
                *may_be_empty = has_text || ends;
            }
        }
        Piece::Quoted
    }

    /// Gives each hole of a value what only the whole value tells.
    fn settle(&mut self, first: usize, pieces: &[Piece]) {
        if let Some(reason) = trouble(pieces) {
            for found in self.found.iter_mut().skip(first) {
                *found = Err(Refusal::template(VALUE, reason, QUOTE_ALL));
            }
            return;
        }
        let last = self.found.len().saturating_sub(1);
        for (index, found) in self.found.iter_mut().enumerate().skip(first) {
            let Ok(place) = found else { continue };
            place.only_values = !self.setting.has_text;
            place.continued = index < last || !self.setting.tail.is_empty();
            if place.context == Context::Whole && pieces.len() > 1 {
                place.context = joined(index, pieces);
            }
        }
    }
}

/// Why no hole can stand in a value; `None` where one can.
fn trouble(pieces: &[Piece]) -> Option<&'static str> {
    if pieces.contains(&Piece::Operator) {
        return Some("the value is an expression that php calculates");
    }
    if pieces.contains(&Piece::Empty) {
        return Some("php ends a value at `''`");
    }
    let keyword = |piece: &Piece| matches!(piece, Piece::Bare(text) if is_keyword(text));
    (pieces.len() > 1 && pieces.iter().any(keyword)).then_some("a keyword such as `on` stands beside it")
}

/// A bare hole beside other pieces.
fn joined(index: usize, pieces: &[Piece]) -> Context {
    let at = pieces.iter().position(|piece| *piece == Piece::Hole(index)).unwrap_or(0);
    let before = at.checked_sub(1).and_then(|before| pieces.get(before));
    let after = pieces.get(at + 1);
    // Whether the scanner takes neighbouring text for a constant must not depend on the value.
    let anchors =
        |piece: &&Piece| matches!(piece, Piece::Bare(text) if text.contains(['/', '.', ':', '-', ',', '@']));
    let touched: Vec<&Piece> =
        [before, after].into_iter().flatten().filter(|piece| **piece != Piece::Space).collect();
    Context::Joined {
        space_before: before == Some(&Piece::Space),
        space_after: after == Some(&Piece::Space),
        anchored: !touched.is_empty() && touched.iter().all(anchors),
    }
}

/// Words that the scanner takes for more than text, in any case of letters.
fn is_keyword(text: &str) -> bool {
    ["true", "on", "yes", "false", "off", "no", "none", "null"]
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(text))
}

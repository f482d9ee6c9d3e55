//! The strings of PHP source: quotes, interpolations, heredocs and nowdocs.

use super::super::skeleton::{Refusal, Unit};
use super::lex::Lexer;
use super::{Context, is_label};

const DOUBLE: &str = "a double-quoted php string";

/// An interpolating string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Double,
    Backticks,
    Heredoc,
}

/// A heredoc or nowdoc whose end has not come yet.
struct Document {
    label: String,
    nowdoc: bool,
    /// Holes with only white space before them in their line: their number, and how
    /// much white space.
    line_starts: Vec<(usize, usize)>,
    first: usize,
}

impl Lexer<'_> {
    pub(super) fn single_quoted(&mut self) {
        const CONTEXT: &str = "a single-quoted php string";
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => self.push(Context::SingleQuoted),
                Unit::Char('\'') => return,
                Unit::Char('\\') if self.cursor.next() == Some(Unit::Hole) => {
                    self.refuse(CONTEXT, BACKSLASH, BACKSLASH_INSTEAD);
                }
                Unit::Char(_) => {}
            }
        }
    }

    pub(super) fn double_quoted(&mut self) {
        self.quoted('"', Kind::Double);
    }

    pub(super) fn backticks(&mut self) {
        let outer = self.inside.replace("a shell command in php's backticks");
        self.quoted('`', Kind::Backticks);
        self.inside = outer;
    }

    fn quoted(&mut self, quote: char, kind: Kind) {
        while let Some(unit) = self.cursor.peek(0) {
            if unit == Unit::Char(quote) {
                self.cursor.advance(1);
                return;
            }
            self.content(kind, false);
        }
    }

    /// Consumes one unit, escape or interpolation of an interpolating string.
    fn content(&mut self, kind: Kind, line_start: bool) {
        let opens = self.opens_interpolation();
        match self.cursor.next() {
            Some(Unit::Hole) if kind == Kind::Heredoc => self.push(Context::Heredoc { line_start }),
            Some(Unit::Hole) => self.push(Context::DoubleQuoted),
            Some(Unit::Char('\\')) => self.escape(),
            Some(Unit::Char('{')) if self.cursor.starts_with("$") => self.interpolation(),
            Some(Unit::Char('{')) if opens => {
                self.cursor.advance(1);
                self.refuse(
                    DOUBLE,
                    "an empty value would join `{` and `$`",
                    "write the variable before it, or use `.`",
                );
            }
            Some(Unit::Char('$')) => self.dollar(),
            Some(Unit::Char(_)) | None => {}
        }
    }

    /// Whether `{`, then nothing but values, then `$` comes next.
    fn opens_interpolation(&self) -> bool {
        let mut ahead = 1;
        while self.cursor.peek(ahead) == Some(Unit::Hole) {
            ahead += 1;
        }
        ahead > 1
            && self.cursor.peek(0) == Some(Unit::Char('{'))
            && self.cursor.peek(ahead) == Some(Unit::Char('$'))
    }

    /// What follows a backslash.
    fn escape(&mut self) {
        let complete = match self.cursor.peek(0) {
            // The line break also begins a line of a heredoc.
            None | Some(Unit::Char('\n' | '\r')) => true,
            Some(Unit::Hole) => false,
            Some(Unit::Char(c)) => {
                self.cursor.advance(1);
                match c {
                    'x' => self.digits(2, 16) == 2,
                    'u' if self.cursor.starts_with("{") => self.code_point(),
                    'u' => self.cursor.peek(0) != Some(Unit::Hole),
                    '0'..='7' => self.digits(2, 8) == 2,
                    _ => true,
                }
            }
        };
        if !complete && self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(DOUBLE, BACKSLASH, BACKSLASH_INSTEAD);
        }
    }

    /// Consumes up to `most` digits and says how many there were.
    fn digits(&mut self, most: usize, radix: u32) -> usize {
        let mut count = 0;
        while count < most && matches!(self.cursor.peek(0), Some(Unit::Char(c)) if c.is_digit(radix)) {
            self.cursor.advance(1);
            count += 1;
        }
        count
    }

    /// `{41}` of `\u{41}`; false where a hole stands in it.
    fn code_point(&mut self) -> bool {
        self.cursor.advance(1);
        self.digits(usize::MAX, 16);
        self.cursor.peek(0) != Some(Unit::Hole)
    }

    /// What follows a `$`: nothing special, `${ }`, or a simple interpolation.
    fn dollar(&mut self) {
        if self.cursor.starts_with("{") {
            self.cursor.advance(1);
            return self.interpolation();
        }
        let name = self.label();
        if !name.is_empty() && self.cursor.starts_with("[") {
            return self.offset();
        }
        // `->name` and `?->name` belong to the variable, however little of them is here.
        if !name.is_empty() {
            let arrow = ["?->", "->", "?-", "?", "-"].iter().find(|text| self.cursor.starts_with(text));
            let length = arrow.map_or(0, |text| text.len());
            let whole = arrow.is_some_and(|text| text.ends_with('>'));
            let joins = self.cursor.peek(length) == Some(Unit::Hole);
            if whole || joins {
                self.cursor.advance(length);
                self.label();
            }
        }
        if self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(DOUBLE, "it would join the variable before it", "write the variable as `{$name}`");
        }
    }

    /// The label ahead, consumed.
    fn label(&mut self) -> String {
        let mut label = String::new();
        while let Some(Unit::Char(c)) = self.cursor.peek(0) {
            if !is_label(c) || (label.is_empty() && c.is_ascii_digit()) {
                break;
            }
            label.push(c);
            self.cursor.advance(1);
        }
        label
    }

    /// `[key]` after a variable in a string.
    fn offset(&mut self) {
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Char(']') => return,
                Unit::Hole => self.refuse(
                    "an interpolation in a php string",
                    "the value would become php code",
                    "use `.` instead of the interpolation",
                ),
                Unit::Char(_) => {}
            }
        }
    }

    /// A heredoc or nowdoc, from its `<<<`.
    pub(super) fn heredoc(&mut self) {
        self.cursor.advance(3);
        while matches!(self.cursor.peek(0), Some(Unit::Char(' ' | '\t'))) {
            self.cursor.advance(1);
        }
        let quote = ["'", "\""].into_iter().find(|quote| self.cursor.starts_with(quote));
        self.cursor.advance(quote.map_or(0, str::len));
        let label = self.label();
        let closed = quote.is_none_or(|quote| self.cursor.starts_with(quote));
        if closed {
            self.cursor.advance(quote.map_or(0, str::len));
        }
        if label.is_empty() || !closed || !matches!(self.cursor.peek(0), Some(Unit::Char('\n' | '\r'))) {
            return self.give_up(
                "the `<<<` before it is not the start of a heredoc",
                "write the label in the template",
            );
        }
        let nowdoc = quote == Some("'");
        self.body(Document { label, nowdoc, line_starts: Vec::new(), first: self.found.len() });
    }

    fn body(&mut self, mut document: Document) {
        // White space since the line began; `None` once anything else came.
        let mut indent = None;
        while let Some(unit) = self.cursor.peek(0) {
            if indent.is_some() && self.closes(&document.label) {
                self.cursor.advance(document.label.chars().count());
                return self.close(&document, indent.unwrap_or(0));
            }
            match unit {
                Unit::Char('\n' | '\r') => {
                    self.cursor.advance(1);
                    indent = Some(0);
                }
                Unit::Char(' ' | '\t') => {
                    self.cursor.advance(1);
                    indent = indent.map(|width: usize| width + 1);
                }
                unit => {
                    if let (Unit::Hole, Some(width)) = (unit, indent) {
                        document.line_starts.push((self.found.len(), width));
                    }
                    self.document_unit(&document, indent.is_some());
                    indent = indent.filter(|_| unit == Unit::Hole);
                }
            }
        }
    }

    fn document_unit(&mut self, document: &Document, line_start: bool) {
        if self.cursor.peek(0) == Some(Unit::Hole) && line_start && self.completes(&document.label) {
            self.cursor.advance(1);
            return self.refuse(
                "a php heredoc",
                "an empty value would end the heredoc there",
                "use another label",
            );
        }
        if !document.nowdoc {
            return self.content(Kind::Heredoc, line_start);
        }
        if self.cursor.next() == Some(Unit::Hole) {
            let alone = matches!(self.cursor.peek(0), None | Some(Unit::Char('\n' | '\r')));
            let label = document.label.clone();
            self.push(Context::Nowdoc { label, line_start, indented: false, alone });
        }
    }

    /// Whether the end of the document stands here. A hole right after the label is
    /// refused in `close`.
    fn closes(&self, label: &str) -> bool {
        self.cursor.starts_with(label)
            && !matches!(self.cursor.peek(label.chars().count()), Some(Unit::Char(c)) if is_label(c))
    }

    /// Whether the values here, were they empty, would leave the end of the document.
    fn completes(&self, label: &str) -> bool {
        let mut ahead = self.cursor.clone();
        while matches!(ahead.peek(0), Some(Unit::Hole | Unit::Char(' ' | '\t'))) {
            ahead.advance(1);
        }
        ahead.starts_with(label)
    }

    fn close(&mut self, document: &Document, indent: usize) {
        if self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(
                "a php heredoc",
                "the value would decide whether the heredoc ends there",
                "use another label",
            );
        }
        if indent == 0 {
            return;
        }
        for found in self.found.iter_mut().skip(document.first) {
            if let Ok(Context::Nowdoc { indented, .. }) = found {
                *indented = true;
            }
        }
        for &(hole, width) in document.line_starts.iter().filter(|&&(_, width)| width < indent) {
            if let Some(found) = self.found.get_mut(hole) {
                let reason = format!("its line is indented by {width}, the end of the heredoc by {indent}");
                *found = Err(Refusal::template("a php heredoc", reason, "indent it as far as the end"));
            }
        }
    }
}

const BACKSLASH: &str = "the backslash before it would join it";
const BACKSLASH_INSTEAD: &str = "write `\\\\` for a backslash";

//! Finds where in an HTML document each hole stands. Knows no value.
//!
//! Follows the tokenizer of the HTML standard (§13.2.5), and its tree construction (§13.2.6)
//! where that drops or moves text. Where it can't be sure it refuses every later hole.

use super::super::markup::tears_line_break;
use super::super::skeleton::{Cursor, Refusal, Skeleton, Unit};
use super::{Comment, Context, refusals};

/// The context of each hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut lexer = Lexer {
        cursor: skeleton.cursor(),
        place: Place::default(),
        lost: tears_line_break(skeleton).then(refusals::torn),
        holes: Vec::with_capacity(skeleton.holes()),
    };
    lexer.document();
    lexer.holes
}

pub(super) struct Lexer<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) place: Place,
    /// Why nothing is sure any more.
    pub(super) lost: Option<Refusal>,
    pub(super) holes: Vec<Result<Context, Refusal>>,
}

/// Where in the document's tree the lexer is, as far as text is read by it.
#[derive(Default)]
pub(super) struct Place {
    /// The body has begun, with its tag or with what can stand only there.
    pub(super) body: bool,
    /// The open tables and templates, and whether text can stand there: in a cell or caption.
    pub(super) tables: Vec<bool>,
    /// In `<select>` browsers pass over tags that begin raw text elsewhere.
    pub(super) select: bool,
    /// How many `<svg>` are open.
    pub(super) svg: usize,
    pub(super) noscript: bool,
    /// A tag was just read that drops a line feed behind it.
    pub(super) newline_dropped: bool,
}

impl Lexer<'_> {
    fn document(&mut self) {
        while let Some(unit) = self.cursor.next() {
            let newline_dropped = std::mem::take(&mut self.place.newline_dropped);
            match (unit, &self.lost) {
                (Unit::Hole, Some(refusal)) => self.holes.push(Err(refusal.clone())),
                (Unit::Char(_), Some(_)) => {}
                (Unit::Hole, None) => self.text_hole(newline_dropped),
                (Unit::Char('<'), None) => self.markup(),
                (Unit::Char('&'), None) => {
                    self.place.body = true;
                    self.reference();
                }
                (Unit::Char(c), None) => self.place.body |= !c.is_ascii_whitespace(),
            }
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.holes.push(Err(refusal));
    }

    /// The holes from number `first` on can't be filled after all.
    pub(super) fn refuse_from(&mut self, first: usize, refusal: &Refusal) {
        for hole in self.holes.iter_mut().skip(first) {
            *hole = Err(refusal.clone());
        }
    }

    /// The end came before that of what began with hole number `first`.
    pub(super) fn unclosed(&mut self, first: usize) {
        self.refuse_from(first, &refusals::unsure());
        self.lost = Some(refusals::unsure());
    }

    fn text_hole(&mut self, newline_dropped: bool) {
        let context = if self.place.svg > 0 {
            Err(refusals::foreign())
        } else if !self.place.body {
            Err(refusals::outside_body())
        } else if self.place.tables.last() == Some(&false) {
            Err(refusals::table())
        } else {
            Ok(Context::Text { newline_dropped })
        };
        self.holes.push(context);
    }

    /// After `&`: a hole that follows letters or digits would become part of the name.
    pub(super) fn reference(&mut self) {
        while matches!(self.cursor.peek(0), Some(Unit::Char(c)) if c == '#' || c.is_ascii_alphanumeric()) {
            self.cursor.advance(1);
        }
        if self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(refusals::reference());
        }
    }

    /// After `<`.
    fn markup(&mut self) {
        match (self.cursor.peek(0), self.cursor.peek(1)) {
            _ if self.take("!--") => self.comment(),
            _ if self.place.svg > 0 && self.take("![CDATA[") => self.pass("]]>", &refusals::foreign()),
            (Some(Unit::Char('!' | '?')), _) => self.pass(">", &refusals::structure()),
            (Some(Unit::Char(c)), _) if c.is_ascii_alphabetic() => self.start_tag(),
            (Some(Unit::Char('/')), Some(Unit::Char(c))) if c.is_ascii_alphabetic() => {
                self.cursor.advance(1);
                self.end_tag();
            }
            (Some(Unit::Hole), _) | (Some(Unit::Char('/')), Some(Unit::Hole)) => {
                self.lost = Some(refusals::structure());
            }
            // What else follows `</` is a comment up to the `>`.
            (Some(Unit::Char('/')), Some(_)) => self.pass(">", &refusals::structure()),
            _ => self.place.body = true,
        }
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.cursor.starts_with(text);
        if found {
            self.cursor.advance(text.chars().count());
        }
        found
    }

    /// Passes over everything up to `end`, refusing the holes in it.
    fn pass(&mut self, end: &str, refusal: &Refusal) {
        while !self.take(end) {
            match self.cursor.next() {
                Some(Unit::Hole) => self.refuse(refusal.clone()),
                Some(Unit::Char(_)) => {}
                None => return,
            }
        }
    }

    fn comment(&mut self) {
        let (start, holes) = (self.cursor.position(), self.holes.len());
        if self.take(">") || self.take("->") {
            return;
        }
        while let Some(unit) = self.cursor.peek(0) {
            if self.take("-->") || self.take("--!>") {
                return;
            }
            self.cursor.advance(1);
            if unit == Unit::Hole {
                let context = self.comment_hole(start);
                self.holes.push(context);
            }
        }
        self.unclosed(holes);
    }

    fn comment_hole(&self, start: usize) -> Result<Context, Refusal> {
        let first = self.cursor.position() == start + 1;
        let before = if first { None } else { self.cursor.look_back(2) };
        let after = self.cursor.peek(0);
        if before == Some(Unit::Hole) || after == Some(Unit::Hole) || self.place.noscript {
            return Err(refusals::comment());
        }
        Ok(Context::Comment(Comment {
            first,
            after_dash: before == Some(Unit::Char('-')),
            after_exclamation: before == Some(Unit::Char('!')),
            after_return: before == Some(Unit::Char('\r')),
            before_dash: after == Some(Unit::Char('-')),
            before_end: matches!(after, Some(Unit::Char('>' | '-'))),
        }))
    }

    /// The text of `<title>` and `<textarea>`, where only references are read, up to its end tag.
    pub(super) fn references_only(&mut self, name: &str) {
        let holes = self.holes.len();
        while let Some(unit) = self.cursor.peek(0) {
            if self.at_end_tag(name) {
                return;
            }
            self.cursor.advance(1);
            let newline_dropped = std::mem::take(&mut self.place.newline_dropped);
            match unit {
                Unit::Hole => self.holes.push(Ok(Context::Text { newline_dropped })),
                Unit::Char('&') => self.reference(),
                Unit::Char('<') => self.maybe_end_tag(),
                Unit::Char(_) => {}
            }
        }
        self.unclosed(holes);
    }

    /// After a `<` that is text as it stands: a hole could make an end tag of it.
    fn maybe_end_tag(&mut self) {
        while matches!(self.cursor.peek(0), Some(Unit::Char(c)) if c == '/' || c.is_ascii_alphabetic()) {
            self.cursor.advance(1);
        }
        if self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(refusals::structure());
        }
    }

    /// The text of an element that knows no escapes, up to its end tag.
    pub(super) fn raw_text(&mut self, name: &str, refusal: &Refusal) {
        let (script, mut commented) = (name == "script", false);
        while let Some(unit) = self.cursor.peek(0) {
            if self.at_end_tag(name) {
                return;
            }
            commented = (commented || self.cursor.starts_with("<!--")) && !self.cursor.starts_with("-->");
            // From here on `</script>` ends another thing than the script.
            if script && commented && self.cursor.starts_with_ignore_case("<script") {
                self.lost = Some(refusals::unsure());
                return;
            }
            self.cursor.advance(1);
            if unit == Unit::Hole {
                self.refuse(refusal.clone());
            }
        }
    }

    fn at_end_tag(&self, name: &str) -> bool {
        self.cursor.starts_with_ignore_case("</")
            && self.cursor.starts_with_ignore_case(&format!("</{name}"))
            && matches!(
                self.cursor.peek(name.len() + 2),
                Some(Unit::Char(c)) if c.is_ascii_whitespace() || c == '/' || c == '>'
            )
    }
}

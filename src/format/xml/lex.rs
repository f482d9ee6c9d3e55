//! Finds where in an XML document each hole stands. Knows no value.
//!
//! Follows the grammar of XML 1.0. Where the text isn't well-formed it is sure of nothing
//! any more, and every later hole is refused.

use super::super::markup::tears_line_break;
use super::super::skeleton::{Cursor, Refusal, Skeleton, Unit};
use super::Context;

/// The context of each hole, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Result<Context, Refusal>> {
    let mut lexer = Lexer {
        cursor: skeleton.cursor(),
        depth: 0,
        normalised: false,
        lost: tears_line_break(skeleton).then(torn),
        holes: Vec::with_capacity(skeleton.holes()),
    };
    lexer.document();
    lexer.holes
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    /// How many elements are open.
    depth: usize,
    /// A DTD may declare that spaces of attributes are collapsed.
    normalised: bool,
    /// Why nothing is sure any more.
    lost: Option<Refusal>,
    holes: Vec<Result<Context, Refusal>>,
}

impl Lexer<'_> {
    fn document(&mut self) {
        while let Some(unit) = self.cursor.next() {
            match (unit, &self.lost) {
                (Unit::Hole, Some(refusal)) => self.holes.push(Err(refusal.clone())),
                (Unit::Char(_), Some(_)) => {}
                (Unit::Hole, None) => self.text_hole(),
                (Unit::Char('<'), None) => self.markup(),
                (Unit::Char('&'), None) => self.reference(),
                (Unit::Char(_), None) => {}
            }
        }
    }

    fn lose(&mut self) {
        self.lost = Some(not_xml());
    }

    /// The end came before that of what began with hole number `first`.
    fn unclosed(&mut self, first: usize) {
        self.lose();
        for hole in self.holes.iter_mut().skip(first) {
            *hole = Err(not_xml());
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.holes.push(Err(refusal));
    }

    fn text_hole(&mut self) {
        if self.depth == 0 {
            return self.refuse(Refusal::template(
                "an xml document, outside its root element",
                "no text can stand there",
                "put it into an element",
            ));
        }
        let after = self.cursor.look_back(2) == Some(Unit::Char(']'));
        let before = matches!(self.cursor.peek(0), Some(Unit::Char(']' | '>') | Unit::Hole));
        self.holes.push(Ok(Context::Text { before_bracket: before, after_bracket: after }));
    }

    /// After `&`: a hole before the `;` would become part of a name.
    fn reference(&mut self) {
        while let Some(Unit::Char(c)) = self.cursor.peek(0) {
            if !c.is_alphanumeric() && !"#:_-.".contains(c) {
                break;
            }
            self.cursor.advance(1);
        }
        match self.cursor.peek(0) {
            Some(Unit::Char(';')) => self.cursor.advance(1),
            _ => self.lose(),
        }
    }

    /// After `<`.
    fn markup(&mut self) {
        if self.take("!--") {
            self.comment();
        } else if self.depth > 0 && self.take("![CDATA[") {
            self.cdata();
        } else if self.depth == 0 && self.take("!DOCTYPE") {
            self.doctype();
        } else if self.take("?") {
            self.instruction();
        } else if self.take("/") {
            self.end_tag();
        } else if matches!(self.cursor.peek(0), Some(Unit::Char(c)) if c.is_alphabetic() || c == '_' || c == ':')
        {
            self.start_tag();
        } else if self.cursor.peek(0) == Some(Unit::Hole) {
            self.cursor.advance(1);
            self.refuse(structure());
            self.lose();
        } else {
            self.lose();
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.cursor.starts_with(text);
        if found {
            self.cursor.advance(text.chars().count());
        }
        found
    }

    fn comment(&mut self) {
        let (start, holes) = (self.cursor.position(), self.holes.len());
        while let Some(unit) = self.cursor.peek(0) {
            if self.take("-->") {
                return;
            }
            if self.cursor.starts_with("--") {
                // not well-formed, and a `>` behind it would end the comment
                break;
            }
            self.cursor.advance(1);
            if unit == Unit::Hole {
                let first = self.cursor.position() == start + 1;
                let before = if first { None } else { self.cursor.look_back(2) };
                let closes = self.cursor.starts_with("-->");
                let dash = matches!(self.cursor.peek(0), Some(Unit::Char('-') | Unit::Hole));
                self.holes.push(Ok(Context::Comment {
                    first,
                    after_dash: matches!(before, Some(Unit::Char('-') | Unit::Hole)),
                    after_return: matches!(before, Some(Unit::Char('\r') | Unit::Hole)),
                    before_dash: dash,
                    closes,
                }));
            }
        }
        self.unclosed(holes);
    }

    fn cdata(&mut self) {
        let holes = self.holes.len();
        while let Some(unit) = self.cursor.peek(0) {
            if self.take("]]>") {
                return;
            }
            self.cursor.advance(1);
            if unit == Unit::Hole {
                let split_before = self.cursor.look_back(2) == Some(Unit::Char(']'));
                let split_after = self.cursor.starts_with(">")
                    || self.cursor.starts_with("]>")
                    || (self.cursor.starts_with("]") && self.cursor.peek(1) == Some(Unit::Hole))
                    || self.cursor.peek(0) == Some(Unit::Hole);
                self.holes.push(Ok(Context::Cdata { split_before, split_after }));
            }
        }
        self.unclosed(holes);
    }

    /// Passes over everything up to `end`, refusing the holes in it.
    fn refuse_until(&mut self, end: &str, refusal: &Refusal) {
        while let Some(unit) = self.cursor.peek(0) {
            if self.take(end) {
                return;
            }
            self.cursor.advance(1);
            if unit == Unit::Hole {
                self.refuse(refusal.clone());
            }
        }
    }

    fn instruction(&mut self) {
        let declaration = self.cursor.starts_with_ignore_case("xml")
            && matches!(self.cursor.peek(3), Some(Unit::Char(' ' | '\t' | '\r' | '\n')));
        let mut text = self.cursor.clone();
        self.refuse_until(
            "?>",
            &Refusal::template(
                "an xml processing instruction",
                "the program that reads the instruction decides what its text means",
                "write it without a value, or with {{ x | raw }}",
            ),
        );
        if declaration {
            let length = self.cursor.position().saturating_sub(text.position());
            let text: String = std::iter::from_fn(|| text.next())
                .take(length)
                .filter_map(|unit| if let Unit::Char(c) = unit { Some(c) } else { None })
                .collect();
            self.declaration(&text.to_ascii_lowercase());
        }
    }

    fn declaration(&mut self, text: &str) {
        let encoding = text.split_once("encoding").map(|(_, rest)| {
            rest.trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']).split(['"', '\'']).next()
        });
        let encoded = matches!(encoding, None | Some(Some("utf-8" | "utf8" | "us-ascii")));
        if !encoded {
            self.lost = Some(Refusal::template(
                "an xml document of another encoding",
                "castoff writes files in UTF-8",
                "encoding=\"UTF-8\" in the XML declaration",
            ));
        } else if !text.contains("1.0") {
            self.lost = Some(Refusal::template(
                "an xml document of another version",
                "only XML 1.0 is understood",
                "version=\"1.0\" in the XML declaration",
            ));
        }
    }

    fn doctype(&mut self) {
        let refusal = Refusal::template(
            "an xml document type",
            "its declarations decide how the rest is read",
            "put it into an element or an attribute",
        );
        let mut name = self.cursor.clone();
        let name: String = name
            .by_ref()
            .map_while(|unit| if let Unit::Char(c) = unit { Some(c) } else { None })
            .skip_while(|c| c.is_ascii_whitespace())
            .take_while(|c| !c.is_ascii_whitespace() && *c != '>' && *c != '[')
            .collect();
        self.normalised = true;
        let mut open = 1_usize;
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole => self.refuse(refusal.clone()),
                Unit::Char('"') => self.refuse_until("\"", &refusal),
                Unit::Char('\'') => self.refuse_until("'", &refusal),
                Unit::Char('<') if self.take("!--") => self.refuse_until("-->", &refusal),
                Unit::Char('<') if self.take("?") => self.refuse_until("?>", &refusal),
                Unit::Char('<') => open += 1,
                Unit::Char('>') => open -= 1,
                Unit::Char(_) => {}
            }
            if open == 0 {
                break;
            }
        }
        if name.eq_ignore_ascii_case("html") {
            self.lost = Some(Refusal::template(
                "an html document",
                "browsers read scripts, styles and attributes by other rules than XML's",
                "format = \"html\", or no DOCTYPE if it is read as XML",
            ));
        }
    }

    fn end_tag(&mut self) {
        self.refuse_until(">", &structure());
        match self.depth.checked_sub(1) {
            Some(depth) => self.depth = depth,
            None => self.lose(),
        }
    }

    /// The name and the attributes, to the `>`.
    fn start_tag(&mut self) {
        self.name();
        loop {
            self.blanks();
            match self.cursor.peek(0) {
                Some(Unit::Char('>')) => {
                    self.cursor.advance(1);
                    self.depth += 1;
                    return;
                }
                Some(Unit::Char('/')) if self.take("/>") => return,
                Some(_) if self.lost.is_none() && self.attribute() => {}
                _ => {
                    // What is left is read, and refused, as text that isn't XML.
                    self.lost.get_or_insert_with(not_xml);
                    return;
                }
            }
        }
    }

    fn blanks(&mut self) {
        while let Some(Unit::Char(' ' | '\t' | '\r' | '\n')) = self.cursor.peek(0) {
            self.cursor.advance(1);
        }
    }

    /// A name, without the holes in it, which are refused.
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                Unit::Hole => self.refuse(structure()),
                Unit::Char(' ' | '\t' | '\r' | '\n' | '=' | '>' | '/' | '<' | '"' | '\'') => break,
                Unit::Char(c) => name.push(c),
            }
            self.cursor.advance(1);
        }
        name
    }

    /// `name="value"`; `false` if it isn't one.
    fn attribute(&mut self) -> bool {
        let start = self.cursor.position();
        let name = self.name();
        self.blanks();
        if self.cursor.position() == start || !self.take("=") {
            return false;
        }
        self.blanks();
        let namespace = name == "xmlns" || name.starts_with("xmlns:");
        match self.cursor.next() {
            Some(Unit::Char(quote @ ('"' | '\''))) => self.quoted(quote, namespace),
            Some(Unit::Hole) => {
                let alone = matches!(self.cursor.peek(0), Some(Unit::Char(c)) if " \t\r\n>/".contains(c));
                self.holes.push(match (alone, namespace) {
                    (false, _) => Err(not_xml()),
                    (_, true) => Err(structure()),
                    (true, false) => Ok(Context::Attribute { quoted: false, normalised: self.normalised }),
                });
                alone
            }
            _ => false,
        }
    }

    /// An attribute's value, to its quote; `false` if it isn't well-formed.
    fn quoted(&mut self, quote: char, namespace: bool) -> bool {
        let holes = self.holes.len();
        while let Some(unit) = self.cursor.next() {
            match unit {
                Unit::Hole if namespace => self.refuse(structure()),
                Unit::Hole => {
                    self.holes.push(Ok(Context::Attribute { quoted: true, normalised: self.normalised }));
                }
                Unit::Char(c) if c == quote => return true,
                Unit::Char('<') => break,
                Unit::Char('&') => {
                    self.reference();
                    if self.lost.is_some() {
                        break;
                    }
                }
                Unit::Char(_) => {}
            }
        }
        self.unclosed(holes);
        false
    }
}

fn not_xml() -> Refusal {
    Refusal::template(
        "an xml document",
        "the text before it isn't well-formed XML, or would run into the value",
        "put it into an element's text, or name=\"…{{ x }}…\"",
    )
}

fn torn() -> Refusal {
    Refusal::template(
        "an xml document",
        "a value stands between a carriage return and its line feed",
        "put the value before the carriage return",
    )
}

fn structure() -> Refusal {
    Refusal::template(
        "an xml name or namespace",
        "names and namespaces are the structure of the document",
        "write the name in the template, or choose it with {% if %}",
    )
}

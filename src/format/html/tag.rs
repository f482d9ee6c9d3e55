//! Tags and their attributes, and what an element makes of the text behind it.

use super::super::skeleton::{Refusal, Unit};
use super::lex::Lexer;
use super::url::Address;
use super::{Context, refusals};

/// Attributes that hold one address (HTML §indices, obsolete ones too).
const ADDRESSES: [&str; 12] = [
    "action",
    "background",
    "cite",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "poster",
    "src",
];

/// Elements that can stand before the body.
const BEFORE_BODY: [&str; 13] = [
    "base", "basefont", "bgsound", "head", "html", "link", "meta", "noframes", "noscript", "script", "style",
    "template", "title",
];

/// What is read alike in `<select>` by all browsers.
const IN_SELECT: [&str; 5] = ["hr", "optgroup", "option", "script", "select"];

/// Elements of SVG that hold nothing which is read by HTML's rules, but for text.
const DRAWING: [&str; 20] = [
    "circle",
    "clippath",
    "defs",
    "ellipse",
    "g",
    "line",
    "lineargradient",
    "mask",
    "path",
    "polygon",
    "polyline",
    "radialgradient",
    "rect",
    "stop",
    "svg",
    "symbol",
    "text",
    "title",
    "tspan",
    "use",
];

/// What the attributes of a tag say together.
#[derive(Default)]
struct Seen {
    http_equiv: bool,
    /// Where the holes of `content` are among all.
    content: Option<(usize, usize)>,
    /// What the template itself says in `charset` and `content`.
    text: String,
    self_closing: bool,
}

impl Lexer<'_> {
    /// After `<`, before a letter.
    pub(super) fn start_tag(&mut self) {
        let holes = self.holes.len();
        let name = self.name();
        let Some(seen) = self.attributes() else { return self.unclosed(holes) };
        if name == "meta" {
            self.meta(&seen);
        }
        if self.place.svg > 0 || (!self.place.select && matches!(&name[..], "svg" | "math")) {
            self.refuse_from(holes, &refusals::foreign());
            return self.foreign(&name, seen.self_closing);
        }
        self.element(&name);
    }

    /// After `</`, before a letter.
    pub(super) fn end_tag(&mut self) {
        let holes = self.holes.len();
        let name = self.name();
        if self.attributes().is_none() {
            return self.unclosed(holes);
        }
        self.refuse_from(holes, &refusals::structure());
        if self.place.svg > 0 && !DRAWING.contains(&&name[..]) {
            // It may end the drawing too.
            self.lost = Some(refusals::foreign());
        }
        match &name[..] {
            "svg" => self.place.svg = self.place.svg.saturating_sub(1),
            "noscript" => self.place.noscript = false,
            "body" | "html" => self.place.body = false,
            "select" => self.place.select = false,
            "table" | "template" => {
                self.place.tables.pop();
            }
            name if in_table(name) => self.cell(false),
            _ => {}
        }
    }

    fn cell(&mut self, open: bool) {
        if let Some(cell) = self.place.tables.last_mut() {
            *cell = open;
        }
    }

    /// Inside `<svg>` tags are passed over, as long as they are known to belong there.
    fn foreign(&mut self, name: &str, self_closing: bool) {
        self.place.body = true;
        if !DRAWING.contains(&name) {
            self.lost = Some(refusals::foreign());
        } else if name == "svg" && !self_closing {
            self.place.svg += 1;
        }
    }

    /// What is read behind this start tag by other rules.
    fn element(&mut self, name: &str) {
        self.place.body |= !BEFORE_BODY.contains(&name);
        if self.place.select && !IN_SELECT.contains(&name) {
            self.lost = Some(refusals::unsure());
            return;
        }
        match name {
            "script" => self.raw_text(name, &refusals::script()),
            "style" => self.raw_text(name, &refusals::style()),
            "xmp" | "iframe" | "noembed" | "noframes" => self.raw_text(name, &refusals::raw()),
            "title" => self.references_only(name),
            "textarea" => {
                self.place.newline_dropped = true;
                self.references_only(name);
            }
            "pre" | "listing" => self.place.newline_dropped = true,
            "noscript" => self.place.noscript = true,
            "select" => self.place.select = true,
            "table" => self.place.tables.push(false),
            "template" => self.place.tables.push(true),
            "td" | "th" | "caption" => self.cell(true),
            name if in_table(name) => self.cell(false),
            "plaintext" | "frameset" | "frame" => self.lost = Some(refusals::unsure()),
            _ => {}
        }
    }

    /// A name in lower case, without the holes in it, which are refused.
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                Unit::Hole => {
                    self.refuse(refusals::structure());
                    self.lost = Some(refusals::structure());
                }
                Unit::Char('/' | '>') => break,
                Unit::Char(c) if c.is_ascii_whitespace() => break,
                // An equals sign may be the first character of a name.
                Unit::Char('=') if !name.is_empty() => break,
                Unit::Char(c) => name.push(c.to_ascii_lowercase()),
            }
            self.cursor.advance(1);
        }
        name
    }

    fn blanks(&mut self) {
        while matches!(self.cursor.peek(0), Some(Unit::Char(c)) if c.is_ascii_whitespace()) {
            self.cursor.advance(1);
        }
    }

    /// Everything up to the `>`; `None` if there is none.
    fn attributes(&mut self) -> Option<Seen> {
        let mut seen = Seen::default();
        loop {
            self.blanks();
            match self.cursor.peek(0)? {
                Unit::Char('>') => {
                    self.cursor.advance(1);
                    return Some(seen);
                }
                Unit::Char('/') => {
                    self.cursor.advance(1);
                    seen.self_closing = self.cursor.starts_with(">");
                }
                _ => self.attribute(&mut seen)?,
            }
        }
    }

    /// One attribute; `None` if its quote isn't closed.
    fn attribute(&mut self, seen: &mut Seen) -> Option<()> {
        let name = self.name();
        self.blanks();
        if !self.take("=") {
            return Some(());
        }
        self.blanks();
        let first = self.holes.len();
        let kind = Kind::of(&name);
        let text = match self.cursor.peek(0)? {
            Unit::Char(quote @ ('"' | '\'')) => {
                self.cursor.advance(1);
                self.quoted(quote, kind)?
            }
            _ => self.unquoted(kind),
        };
        match &name[..] {
            "http-equiv" => seen.http_equiv = true,
            "content" => seen.content = Some((first, self.holes.len())),
            _ => {}
        }
        if name == "charset" {
            seen.text.push_str("charset=");
        }
        if matches!(&name[..], "content" | "charset") {
            seen.text.push_str(&text);
        }
        Some(())
    }

    /// After the quote: the template's own text, with the cursor behind the other quote.
    fn quoted(&mut self, quote: char, mut kind: Kind) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.cursor.next()? {
                Unit::Hole => {
                    let before_colon = kind.is_open() && self.before_colon(quote);
                    let context = kind.hole(before_colon);
                    self.holes.push(context.map(|start| Context::Attribute { quoted: true, start }));
                }
                Unit::Char(c) if c == quote => return Some(text),
                Unit::Char(c) => {
                    text.push(c);
                    kind.push(c);
                    if c == '&' {
                        self.reference();
                    }
                }
            }
        }
    }

    /// Whether the template's text behind a hole comes to a colon before it decides that
    /// there is no scheme. A reference may be a colon.
    fn before_colon(&self, quote: char) -> bool {
        self.cursor
            .clone()
            .take_while(|unit| *unit != Unit::Char(quote))
            .find(|unit| matches!(unit, Unit::Char(':' | '&' | '/' | '?' | '#')))
            .is_some_and(|unit| matches!(unit, Unit::Char(':' | '&')))
    }

    /// A value without quotes: a hole alone gets some.
    fn unquoted(&mut self, mut kind: Kind) -> String {
        let mut text = String::new();
        let start = self.cursor.position();
        while let Some(unit) = self.cursor.peek(0) {
            match unit {
                Unit::Char('>') => break,
                Unit::Char(c) if c.is_ascii_whitespace() => break,
                Unit::Char(c) => text.push(c),
                Unit::Hole => {
                    let first = self.cursor.position() == start;
                    let alone = match (self.cursor.peek(1), self.cursor.peek(2)) {
                        (Some(Unit::Char('/')), Some(Unit::Char('>'))) => true,
                        (Some(Unit::Char(c)), _) => c == '>' || c.is_ascii_whitespace(),
                        _ => false,
                    };
                    let context = if first && alone { kind.hole(false) } else { Err(refusals::unquoted()) };
                    self.holes.push(context.map(|start| Context::Attribute { quoted: false, start }));
                    if first && alone {
                        self.cursor.advance(1);
                        break;
                    }
                }
            }
            self.cursor.advance(1);
        }
        text
    }

    /// What `<meta>` says of the document.
    fn meta(&mut self, seen: &Seen) {
        if let (true, Some((first, end))) = (seen.http_equiv, seen.content) {
            for hole in self.holes.iter_mut().take(end).skip(first) {
                *hole = Err(refusals::instruction_to_browser());
            }
        }
        let text = seen.text.to_ascii_lowercase();
        let charset = text.split_once("charset").and_then(|(_, rest)| rest.trim_start().strip_prefix('='));
        let utf8 = |name: &str| name.trim_start_matches([' ', '"', '\'']).starts_with("utf-8");
        if charset.is_some_and(|name| !utf8(name)) {
            self.lost = Some(refusals::encoding());
        }
    }
}

fn in_table(name: &str) -> bool {
    matches!(name, "tr" | "tbody" | "thead" | "tfoot" | "col" | "colgroup" | "td" | "th" | "caption")
}

/// What an attribute's text is to the browser.
enum Kind {
    Text,
    Address(Address),
    /// Something with rules of its own.
    Refused(Refusal),
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "style" => Self::Refused(refusals::style()),
            "srcdoc" | "srcset" | "imagesrcset" | "ping" => Self::Refused(refusals::document_in_attribute()),
            "http-equiv" | "charset" => Self::Refused(refusals::instruction_to_browser()),
            _ if name.starts_with("on") => Self::Refused(refusals::script()),
            _ if ADDRESSES.contains(&name) => Self::Address(Address::new()),
            _ => Self::Text,
        }
    }

    /// An address whose scheme a value could still decide.
    fn is_open(&self) -> bool {
        matches!(self, Self::Address(Address::Open { .. }))
    }

    fn push(&mut self, c: char) {
        if let Self::Address(address) = self {
            address.push(c);
        }
    }

    fn hole(&mut self, before_colon: bool) -> Result<Option<super::url::Start>, Refusal> {
        match self {
            Self::Text => Ok(None),
            Self::Address(address) => address.value(before_colon).ok_or_else(refusals::scheme),
            Self::Refused(refusal) => Err(refusal.clone()),
        }
    }
}

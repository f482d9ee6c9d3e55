//! Finds where in httpd's configuration each hole stands. Knows the directives whose
//! arguments are more, or less, than plain words. Knows no value.

use super::super::skeleton::{Refusal, Skeleton, Unit};
use super::encode::is_address;
use super::words::{Word, is_space, lines, words};
use super::{Context, Kind, Place, Shape};

/// Their arguments are expressions, regular expressions or code, where even a letter or a
/// dot may have a meaning.
const OWN_SYNTAX: &[&str] = &[
    "<if",
    "<elseif",
    "<directorymatch",
    "<locationmatch",
    "<filesmatch",
    "<proxymatch",
    "aliasmatch",
    "scriptaliasmatch",
    "redirectmatch",
    "proxypassmatch",
    "browsermatch",
    "browsermatchnocase",
    "setenvif",
    "setenvifnocase",
    "setenvifexpr",
    "rewritecond",
    "rewriterule",
    "substitute",
    "inputsed",
    "outputsed",
    "sslrequire",
    "filterprovider",
    "proxyhtmlurlmap",
    "secrule",
    "secaction",
];

/// Sections whose lines aren't httpd's, or are text that is replaced and read later.
const FOREIGN_SECTIONS: &[&str] = &["<macro", "<perl", "<luahook"];

/// They take any number of words that all mean the same.
const LISTS: &[&str] = &["serveralias", "directoryindex", "require"];

/// A line with its holes.
pub(super) struct Lexed {
    /// The context of each hole, in order.
    pub(super) holes: Vec<Result<Context, Refusal>>,
    /// How long the template's own text is.
    pub(super) bytes: usize,
}

/// All lines that httpd will read, in order.
pub(super) fn lex(skeleton: &Skeleton) -> Vec<Lexed> {
    let mut foreign: Option<String> = None;
    let lines = lines(skeleton).into_iter();
    lines.map(|line| Lexed { holes: holes(&line.units, &mut foreign), bytes: line.bytes }).collect()
}

/// The holes of a line. `foreign` is the end of the section it is in, if that isn't httpd's.
fn holes(line: &[Unit], foreign: &mut Option<String>) -> Vec<Result<Context, Refusal>> {
    let name = directive(line);
    if let Some(end) = foreign {
        if name.starts_with(end.as_str()) {
            *foreign = None;
        }
        return all(line, &Err(own_syntax()));
    }
    if let Some(section) = FOREIGN_SECTIONS.iter().find(|section| name.starts_with(**section)) {
        *foreign = Some(section.replace('<', "</"));
        return all(line, &Err(own_syntax()));
    }
    if line.first() == Some(&Unit::Char('#')) {
        return comment(line);
    }
    Line::new(line, &name).holes()
}

/// What the line begins with, up to a blank, `>` or hole, in lower case.
fn directive(line: &[Unit]) -> String {
    line.iter()
        .map_while(|unit| match unit {
            Unit::Char(c) if !is_space(*unit) && *c != '>' => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

/// The holes of a comment, which a backslash at its end continues.
fn comment(line: &[Unit]) -> Vec<Result<Context, Refusal>> {
    let mut holes = Vec::new();
    // Behind a backslash, or behind values behind one.
    let mut shields = false;
    for unit in line {
        match unit {
            Unit::Hole => holes.push(Ok(Context::Comment { shields })),
            Unit::Char(c) => shields = *c == '\\',
        }
    }
    holes
}

/// The same for each hole of the line.
fn all(line: &[Unit], context: &Result<Context, Refusal>) -> Vec<Result<Context, Refusal>> {
    line.iter().filter(|unit| **unit == Unit::Hole).map(|_| context.clone()).collect()
}

/// A directive or the start of a section.
struct Line<'a> {
    units: &'a [Unit],
    name: &'a str,
    words: Vec<Word>,
    sound: bool,
}

impl<'a> Line<'a> {
    fn new(units: &'a [Unit], name: &'a str) -> Self {
        let section = name.starts_with('<');
        // httpd cuts a section's line at its last `>`, and takes nothing after it.
        let (units, sound) = match units.split_last() {
            Some((Unit::Char('>'), rest)) if section => (rest, true),
            _ => (units, !section),
        };
        Self { units, name, words: words(units), sound }
    }

    fn holes(&self) -> Vec<Result<Context, Refusal>> {
        let mut holes = Vec::new();
        // The last `${` or `%{` before the hole isn't closed yet.
        let (mut open, mut at) = (false, 0);
        for (index, word) in self.words.iter().enumerate() {
            let kind = self.kind(index, word);
            let mut start = true;
            for here in word.start..word.end {
                while at < here {
                    match (self.units.get(at), self.units.get(at + 1)) {
                        (Some(Unit::Char('$' | '%')), Some(Unit::Char('{'))) => open = true,
                        (Some(Unit::Char('}')), _) => open = false,
                        _ => {}
                    }
                    at += 1;
                }
                if self.units.get(here) == Some(&Unit::Hole) {
                    let place = if open { Err(joined()) } else { self.place(word, here) };
                    holes.push(match &kind {
                        Ok(kind) => {
                            place.map(|place| Context::Argument(Place { kind: *kind, start, ..place }))
                        }
                        Err(refusal) => Err(refusal.clone()),
                    });
                } else {
                    start = false;
                }
            }
        }
        holes
    }

    /// How it stands in the word; `kind` and `start` are left to the caller.
    fn place(&self, word: &Word, at: usize) -> Result<Place, Refusal> {
        let head = self.units.get(word.start..at).unwrap_or_default();
        let odd = |c| head.iter().rev().take_while(|unit| **unit == Unit::Char(c)).count() % 2 == 1;
        // outside quotes an even number would still continue the line, were the value empty
        let continues = word.quote.is_none() && head.last() == Some(&Unit::Char('\\'));
        if head.last() == Some(&Unit::Char('$')) || odd('%') || odd('\\') || continues {
            return Err(joined());
        }
        if !word.sound {
            return Err(Refusal::template(
                "an apache argument",
                "its quotes aren't closed, or touch another word",
                "\"…{{ x }}…\", with blanks around the quotes",
            ));
        }
        let shape = match word.quote {
            Some(quote) => Shape::Quoted(quote),
            None if word.end - word.start == 1 => Shape::Whole { list: LISTS.contains(&self.name) },
            None => Shape::Part,
        };
        let after = self.units.get(at + 1).filter(|_| at + 1 < word.end);
        let before_brace = matches!(after, Some(Unit::Char('{') | Unit::Hole));
        Ok(Place { kind: Kind::Plain, shape, start: false, before_brace })
    }

    /// What the directive makes of the argument.
    fn kind(&self, index: usize, word: &Word) -> Result<Kind, Refusal> {
        // A name in quotes, or one that `${…}` brings, could be any directive's.
        let named = !self.name.contains(['"', '\'', '$', '\\']) && !self.name.starts_with("</");
        if index == 0 || !named || !self.sound {
            return Err(Refusal::template(
                "an apache directive",
                "a value can't be the name of a directive or section, or stand in a section without `>`",
                "write the name in the template, and the value as its argument",
            ));
        }
        let text = |word: &Word| -> String {
            let units = self.units.get(word.start..word.end).unwrap_or_default();
            units
                .iter()
                .filter_map(|unit| if let Unit::Char(c) = unit { Some(c.to_ascii_lowercase()) } else { None })
                .collect()
        };
        let earlier: Vec<String> = self.words.iter().take(index).skip(1).take(5).map(text).collect();
        let earlier: Vec<&str> = earlier.iter().map(String::as_str).collect();
        // What they do with the rest, or that the rest is an expression.
        let chosen = matches!(
            (self.name, &earlier[..]),
            ("require", [] | ["not"] | ["expr", ..] | ["not", "expr", ..])
                | ("header" | "requestheader", [])
                | ("header", ["always" | "onsuccess"])
        );
        let expression = text(word).starts_with("expr=") || chosen;
        if expression
            || OWN_SYNTAX.contains(&self.name)
            || (self.name.starts_with('<') && earlier.contains(&"~"))
        {
            return Err(own_syntax());
        }
        Ok(match (self.name, &earlier[..]) {
            ("setenv", [_]) => Kind::Text,
            ("documentroot", []) => Kind::Path,
            ("authname", []) => Kind::Message,
            ("errordocument", [_]) if !is_address(&text(word)) => Kind::Message,
            ("header", ["always" | "onsuccess", action, rest @ ..])
            | ("header" | "requestheader", [action, rest @ ..]) => match (*action, rest) {
                ("set" | "setifempty" | "append" | "add" | "merge", [_]) => Kind::Header,
                ("edit" | "edit*" | "echo", _) => return Err(own_syntax()),
                _ => Kind::Plain,
            },
            _ => Kind::Plain,
        })
    }
}

fn joined() -> Refusal {
    Refusal::template(
        "an apache argument",
        "right behind `$`, `%` or `\\`, or inside `${…}` or `%{…}`, it would become part of them",
        "move it away from them",
    )
}

fn own_syntax() -> Refusal {
    Refusal::template(
        "an apache directive with a syntax of its own",
        "what stands there is an expression, a regular expression or code, or decides how the rest is read",
        "put the value into a variable with SetEnv and use that, or {{ x | raw }}",
    )
}

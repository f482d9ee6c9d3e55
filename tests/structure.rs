//! The promise of contextual escaping, as far as a lexer can judge it: what stands in one hole
//! changes nothing for the others.
//!
//! A template is filled in one go, and then once more for each hole, with the other values
//! already standing in it as text. Both ways a hole has to be filled with the same: a value
//! that opened a quote, ended a line or began a comment would move the hole to another place.

use castoff::format::{Filling, Format, Literal, Refusal, Skeleton};

/// A template and the values of its holes.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The text around the holes: one more than there are holes.
    pub(crate) texts: Vec<String>,
    /// One for each hole.
    pub(crate) values: Vec<Literal>,
}

impl Case {
    /// Whether the promises hold; if not, what is broken.
    pub(crate) fn holds(mut self, format: &Format) -> Result<(), String> {
        // A hole that is refused ends the rendering. Without it the others can still be seen.
        let filled = loop {
            let fillings = self.fill(format, None)?;
            match fillings.iter().position(Result::is_err) {
                Some(refused) => self.close(refused),
                None => break fillings.into_iter().flatten().collect::<Vec<String>>(),
            }
        };
        for hole in 0..self.values.len() {
            let alone = self.with_others(hole, &filled).fill(format, None)?.remove(0);
            let same = match &alone {
                Ok(alone) => reading(format.name, alone) == reading(format.name, &filled[hole]),
                Err(_) => filled.iter().enumerate().any(|(at, text)| at != hole && unsure(format.name, text)),
            };
            if !same {
                return Err(format!(
                    "{}: {self:?}\nhole {hole} is filled with {:?} beside holes, with {alone:?} beside the values {filled:?}",
                    format.name, filled[hole],
                ));
            }
            let beside_others = self.fill(format, Some(hole))?.remove(hole);
            if beside_others.as_ref() != Ok(&filled[hole]) {
                return Err(format!(
                    "{}: {self:?}\nhole {hole} is filled with {:?}, with {beside_others:?} beside other values",
                    format.name, filled[hole],
                ));
            }
        }
        Ok(())
    }

    /// The answers; with `only`, all other values are a harmless one.
    fn fill(&self, format: &Format, only: Option<usize>) -> Result<Vec<Filling>, String> {
        let mut skeleton = Skeleton::default();
        for (at, text) in self.texts.iter().enumerate() {
            if at > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(text);
        }
        let harmless = Literal::Text("a".to_owned());
        let value = |(at, value): (usize, &Literal)| match only {
            Some(only) if only != at => harmless.clone(),
            _ => value.clone(),
        };
        let values: Vec<Literal> = self.values.iter().enumerate().map(value).collect();
        let fillings = (format.fill)(&skeleton, &values);
        if fillings.len() != values.len() {
            return Err(format!("{}: {self:?}\n{} answers", format.name, fillings.len()));
        }
        let unsaid = |refusal: &Refusal| refusal.context.is_empty() || refusal.reason.is_empty();
        match fillings.iter().filter_map(|filling| filling.as_ref().err()).find(|refusal| unsaid(refusal)) {
            Some(refusal) => Err(format!("{}: {self:?}\n{refusal:?} says nothing", format.name)),
            None => Ok(fillings),
        }
    }

    /// Takes a hole away.
    fn close(&mut self, hole: usize) {
        self.values.remove(hole);
        let after = self.texts.remove(hole + 1);
        self.texts[hole].push_str(&after);
    }

    /// The same with this hole only: the others are filled.
    fn with_others(&self, hole: usize, filled: &[String]) -> Self {
        let mut texts = [self.texts[0].clone(), String::new()];
        for (at, (text, filled)) in self.texts.iter().skip(1).zip(filled).enumerate() {
            if at != hole {
                texts[usize::from(at > hole)].push_str(filled);
            }
            texts[usize::from(at >= hole)].push_str(text);
        }
        Self { texts: texts.into(), values: vec![self.values[hole].clone()] }
    }
}

/// A text, with the escapes undone that a format writes only where it has to.
fn reading(format: &str, text: &str) -> String {
    match format {
        "php" => without_escapes(text),
        "html" => without_references(text),
        "xml" => without_references(&text.replace("]]><![CDATA[", "")),
        "php-ini" | "php-fpm" => text.replace("\\\"", "&quot;").replace("\"'\"'\"", "&quot;"),
        "mycnf" => text.replace("\\s", " ").replace("\\t", "\t"),
        "properties" => text.replace("\\ ", " ").replace("\\=", "=").replace("\\:", ":"),
        "systemd-env" => text.replace('\\', ""),
        _ => text.to_owned(),
    }
}

/// With the character in the place of its escape: `\n`, `\x41`, `\u{41}`, `\$`.
fn without_escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.push_str(before);
        let hexadecimal = match escape.strip_prefix("u{") {
            Some(braced) => braced.split_once('}'),
            None => escape.strip_prefix('x').and_then(|digits| digits.split_at_checked(2)),
        };
        let code = hexadecimal.and_then(|(digits, _)| u32::from_str_radix(digits, 16).ok());
        let (c, behind) = match (hexadecimal, code.and_then(char::from_u32)) {
            (Some((_, behind)), Some(c)) => (c, behind),
            _ => {
                let c = escape.chars().next().unwrap_or('\\');
                (
                    match c {
                        'n' => '\n',
                        'r' => '\r',
                        c => c,
                    },
                    escape.get(c.len_utf8()..).unwrap_or_default(),
                )
            }
        };
        out.push(c);
        rest = behind;
    }
    out + rest
}

/// With the character in the place of its number: `&#65;`.
fn without_references(text: &str) -> String {
    let mut pieces = text.split("&#");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_once(';').unwrap_or_default();
        match digits.parse().ok().and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                out.push_str(rest);
            }
            None => out.extend(["&#", piece]),
        }
    }
    out
}

/// Whether a lexer that meets this in the text of a template is no longer sure of holes near
/// it, although it is what the format itself writes. The template is refused then.
fn unsure(format: &str, filled: &str) -> bool {
    match format {
        "systemd-env" | "properties" => filled.contains('\\'),
        "php-ini" | "php-fpm" => filled.is_empty(),
        "apache" => filled.ends_with(['%', '$', '\\']) || filled.contains("%{"),
        "dotenv" => filled.contains(['`', '$', '\\']),
        "yaml" => filled.contains('\n'),
        "sql-postgres" => filled.contains("\\x"),
        // which character it stands for, and so whether it ends a scheme, is not looked up
        "html" => filled.contains('&'),
        _ => false,
    }
}

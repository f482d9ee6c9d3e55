//! Cuts a text into words as `ngx_conf_read_token` does. Knows no directive and no value.

use super::super::skeleton::{Skeleton, Unit};

/// What a configuration is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// After `#`, to the end of the line.
    Comment(Vec<Unit>),
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// A word as written, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) quote: Option<char>,
    /// It begins right after the quote of another word, where nginx takes only a `)`.
    pub(super) touches: bool,
    pub(super) units: Vec<Unit>,
}

impl Word {
    /// The text before the first hole; escapes are left as they are.
    pub(super) fn head(&self) -> String {
        text(self.units.split(|unit| *unit == Unit::Hole).next().unwrap_or_default())
    }

    /// All text, without the holes.
    pub(super) fn text(&self) -> String {
        text(&self.units)
    }

    pub(super) fn has_hole(&self) -> bool {
        self.units.contains(&Unit::Hole)
    }
}

fn text(units: &[Unit]) -> String {
    units.iter().filter_map(|unit| if let Unit::Char(c) = unit { Some(*c) } else { None }).collect()
}

fn is_space(unit: Unit) -> bool {
    matches!(unit, Unit::Char(' ' | '\t' | '\r' | '\n'))
}

/// All tokens in order.
pub(super) fn tokens(skeleton: &Skeleton) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut after_quote = false;
    let mut cursor = skeleton.cursor().peekable();
    while let Some(&unit) = cursor.peek() {
        let token = match unit {
            Unit::Char(';') => Token::End,
            Unit::Char('{') => Token::Open,
            Unit::Char('}') => Token::Close,
            Unit::Char('#') => {
                cursor.next();
                let mut units = Vec::new();
                while let Some(unit) = cursor.next_if(|unit| *unit != Unit::Char('\n')) {
                    units.push(unit);
                }
                tokens.push(Token::Comment(units));
                continue;
            }
            Unit::Char(quote @ ('"' | '\'')) => {
                cursor.next();
                let touches = std::mem::replace(&mut after_quote, true);
                tokens.push(Token::Word(word(&mut cursor, Some(quote), touches)));
                continue;
            }
            unit if is_space(unit) => {
                cursor.next();
                after_quote = false;
                continue;
            }
            _ => {
                let touches = std::mem::take(&mut after_quote);
                tokens.push(Token::Word(word(&mut cursor, None, touches)));
                continue;
            }
        };
        cursor.next();
        after_quote = false;
        tokens.push(token);
    }
    tokens
}

/// One word: up to its quote, or up to white space, `;` or `{` (not that of `${`).
fn word(
    cursor: &mut std::iter::Peekable<impl Iterator<Item = Unit>>,
    quote: Option<char>,
    touches: bool,
) -> Word {
    let mut units = Vec::new();
    let mut after_dollar = false;
    while let Some(&unit) = cursor.peek() {
        let ends = match quote {
            Some(quote) => unit == Unit::Char(quote),
            None => is_space(unit) || unit == Unit::Char(';') || (unit == Unit::Char('{') && !after_dollar),
        };
        if ends {
            if quote.is_some() {
                cursor.next();
            }
            break;
        }
        cursor.next();
        units.push(unit);
        after_dollar = unit == Unit::Char('$') || (after_dollar && unit == Unit::Char('{'));
        if unit == Unit::Char('\\') {
            units.extend(cursor.next());
        }
    }
    Word { quote, touches, units }
}

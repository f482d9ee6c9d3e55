//! Flow collections: `[…]` and `{…}`, on one line or several. Knows no value.

use super::super::skeleton::Unit;
use super::lex::Lexer;

/// What a flow collection allows next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A key or a value.
    Entry,
    /// `:`, `,` or the end, behind what began at unit `start` with hole `hole`.
    AfterEntry { start: usize, hole: usize, quoted: bool, one_line: bool },
    /// A value.
    Value,
    /// `,` or the end.
    AfterValue,
}

impl Lexer<'_> {
    /// A collection with all in it; it begins here.
    pub(super) fn flow(&mut self) {
        let first_hole = self.holes.len();
        let mut nesting = Vec::new();
        let mut due = Due::Entry;
        while let Some(unit) = self.peek(0) {
            due = match (unit, due) {
                (Unit::Char(' ' | '\t' | '\r' | '\n'), due) => {
                    self.at += 1;
                    due
                }
                (Unit::Char('#'), due) if self.after_blank() => {
                    self.comment();
                    due
                }
                (Unit::Char(c @ ('[' | '{')), Due::Entry | Due::Value) => {
                    nesting.push(if c == '[' { ']' } else { '}' });
                    self.at += 1;
                    Due::Entry
                }
                (Unit::Char(c), _) if nesting.last() == Some(&c) => {
                    nesting.pop();
                    self.at += 1;
                    if nesting.is_empty() {
                        return;
                    }
                    Due::AfterValue
                }
                (Unit::Char(','), Due::Value | Due::AfterValue | Due::AfterEntry { .. }) => {
                    self.at += 1;
                    Due::Entry
                }
                (Unit::Char(':'), Due::AfterEntry { start, hole, quoted, one_line: true })
                    if quoted || self.blank_at(1) || self.flow_indicator_at(1) =>
                {
                    self.mark_key(start, hole);
                    self.at += 1;
                    Due::Value
                }
                (Unit::Char('!' | '&'), Due::Entry | Due::Value) => {
                    self.property();
                    due
                }
                (_, Due::Entry) => self.flow_scalar(unit),
                (_, Due::Value) => {
                    self.flow_scalar(unit);
                    Due::AfterValue
                }
                _ => return self.lose_from(first_hole),
            };
            if self.lost {
                break;
            }
        }
        self.lose_from(first_hole);
    }

    fn flow_scalar(&mut self, unit: Unit) -> Due {
        let (start, hole) = (self.at, self.holes.len());
        let mut one_line = true;
        let mut quoted = false;
        match unit {
            Unit::Char(quote @ ('"' | '\'')) => {
                quoted = true;
                one_line = self.quoted(quote);
            }
            Unit::Char('*') => self.property(),
            Unit::Char('-' | '?' | ':') if self.blank_at(1) || self.flow_indicator_at(1) => self.lose(),
            Unit::Char(',' | ']' | '}' | '|' | '>' | '%' | '@' | '`' | ':' | '#') => self.lose(),
            _ => self.plain(true),
        }
        Due::AfterEntry { start, hole, quoted, one_line }
    }
}

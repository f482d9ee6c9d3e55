//! Addresses in attributes: who decides what the browser does with one, the template or a value.
//!
//! What stands before the first `:`, `/`, `?` or `#` decides that. A browser runs
//! `javascript:…`, and shows what `data:…` holds as a page.

/// The schemes that a value or a template may name before a value.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// How far an address is decided by the template's own text.
#[derive(Debug)]
pub(super) enum Address {
    /// This text, and maybe values, may all be part of a scheme.
    Open { text: String, values: bool },
    /// Nothing that follows is part of a scheme, and the scheme is none that is run.
    Decided,
    /// A scheme that isn't known to be harmless, or can't be made out.
    Unsure,
}

/// What a value has to keep to where an address is not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Start {
    /// Nothing stands before it.
    pub(super) first: bool,
    /// The next thing that decides is a colon of the template's own.
    pub(super) before_colon: bool,
}

impl Address {
    pub(super) fn new() -> Self {
        Self::Open { text: String::new(), values: false }
    }

    /// Takes a character of the template.
    pub(super) fn push(&mut self, c: char) {
        let Self::Open { text, values } = self else { return };
        match c {
            '/' | '?' | '#' => *self = Self::Decided,
            // A value that stands before it was refused unless it decided for itself.
            ':' if *values || harmless(text) => *self = Self::Decided,
            ':' | '&' => *self = Self::Unsure,
            // A browser drops these at the start.
            c if text.is_empty() && c.is_ascii_whitespace() => {}
            c => text.push(c),
        }
    }

    /// Takes a value. `None` where no value can stand; `Some(None)` where any can.
    pub(super) fn value(&mut self, before_colon: bool) -> Option<Option<Start>> {
        match self {
            Self::Decided => Some(None),
            Self::Unsure => None,
            Self::Open { text, values } => {
                let first = text.is_empty() && !*values;
                *values = true;
                Some(Some(Start { first, before_colon }))
            }
        }
    }
}

impl Start {
    /// Whether the value names no scheme, or a harmless one.
    pub(super) fn takes(self, value: &str) -> bool {
        match value.chars().find(|c| ":/?#".contains(*c)) {
            None => !self.before_colon,
            Some(':') => self.first && value.split(':').next().is_some_and(harmless),
            Some(_) => true,
        }
    }
}

fn harmless(scheme: &str) -> bool {
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

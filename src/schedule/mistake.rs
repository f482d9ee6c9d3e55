//! What is wrong with an expression, as data: whoever knows the file makes a diagnostic of it.

use std::ops::Range;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The bytes of the expression that it is about.
    pub range: Range<usize>,
    /// What is wrong, in one line.
    pub title: String,
    /// What stands beside the place: mostly what is allowed.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

impl Mistake {
    pub(super) fn new(range: Range<usize>, title: impl Into<String>, label: impl Into<String>) -> Self {
        Self { range, title: title.into(), label: label.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

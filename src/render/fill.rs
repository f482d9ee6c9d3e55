//! Fills holes: the skeleton goes through the lexer of the format, each value into its
//! place. Makes the text twice: as it is written, and as it may be shown.

use std::collections::BTreeSet;

use super::holes::{Hole, Piece};
use super::template::Known;
use crate::diagnostic::Place;
use crate::format::{Filling, Format, Literal, Refusal, Skeleton};

/// What stands in a shown text where a value is hidden.
const HIDDEN: &str = "[hidden]";

/// A rendered template.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The file's content: may hold secrets.
    pub content: String,
    /// The same with every value hidden that may be one.
    pub shown: String,
    /// The texts that `shown` hides, as they stand in `content`.
    pub hidden: Vec<String>,
    /// Each `raw` in the files that it was made from.
    pub raw: Vec<Place>,
    /// The names that these files use.
    pub names: BTreeSet<String>,
}

/// Never shows the content.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Which values may be shown.
pub(super) enum Visibility<'a> {
    /// The template uses no secret.
    All,
    /// It does: only texts that a variable without secrecy holds anyway.
    Only(&'a Known),
}

impl Visibility<'_> {
    fn shows(&self, value: &Literal) -> bool {
        match self {
            Self::All => true,
            Self::Only(known) => value.as_text().is_some_and(|text| known.is_open(&text)),
        }
    }
}

/// Fills all holes, or says which were refused, by their number.
pub(super) fn fill(
    pieces: &[Piece<'_>],
    holes: &[Hole],
    format: &Format,
    visibility: &Visibility<'_>,
) -> Result<Rendered, Vec<(usize, Refusal)>> {
    let mut skeleton = Skeleton::default();
    let mut values = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => skeleton.push_text(text),
            Piece::Hole(number) => match holes.get(*number) {
                Some(hole) if hole.raw => {
                    skeleton.push_text(&hole.value.as_text().unwrap_or_default());
                }
                Some(hole) => {
                    skeleton.push_hole();
                    values.push(hole.value.clone());
                }
                None => {}
            },
        }
    }
    compose(pieces, holes, (format.fill)(&skeleton, &values), visibility)
}

fn compose(
    pieces: &[Piece<'_>],
    holes: &[Hole],
    fillings: Vec<Filling>,
    visibility: &Visibility<'_>,
) -> Result<Rendered, Vec<(usize, Refusal)>> {
    let mut rendered = Rendered::default();
    let mut refused = Vec::new();
    let mut fillings = fillings.into_iter();
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                rendered.content.push_str(text);
                rendered.shown.push_str(text);
            }
            Piece::Hole(number) => {
                let Some(hole) = holes.get(*number) else { continue };
                let filled = if hole.raw {
                    Some(Ok(hole.value.as_text().unwrap_or_default().into_owned()))
                } else {
                    fillings.next()
                };
                match filled {
                    Some(Ok(text)) => rendered.push_value(&text, visibility.shows(&hole.value)),
                    Some(Err(refusal)) => refused.push((*number, refusal)),
                    None => refused.push((*number, unanswered())),
                }
            }
        }
    }
    if refused.is_empty() { Ok(rendered) } else { Err(refused) }
}

impl Rendered {
    /// Whether the file may hold a secret.
    #[must_use]
    pub fn hides(&self) -> bool {
        !self.hidden.is_empty()
    }

    fn push_value(&mut self, text: &str, visible: bool) {
        self.content.push_str(text);
        if visible {
            self.shown.push_str(text);
        } else {
            self.shown.push_str(HIDDEN);
            self.hidden.push(text.to_owned());
        }
    }
}

/// A lexer owes one answer per hole. One that fails to give it must not lead to a file.
fn unanswered() -> Refusal {
    Refusal::template("an unknown place", "the lexer of the format did not reach it", "")
}

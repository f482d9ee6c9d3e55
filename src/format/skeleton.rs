//! What a lexer walks over: the text that a template produced, with a hole where each
//! value will stand, and the answers it gives. It holds no value: a lexer can't be
//! led astray by one.

use super::literal::Literal;

/// One unit of a skeleton.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A character of the template's own text (or of a `raw` value).
    Char(char),
    /// The place of a value.
    Hole,
}

/// A rendered template with its values left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skeleton {
    units: Vec<Unit>,
    holes: usize,
}

impl Skeleton {
    /// Appends text of the template.
    pub fn push_text(&mut self, text: &str) {
        self.units.extend(text.chars().map(Unit::Char));
    }

    /// Appends the place of a value.
    pub fn push_hole(&mut self) {
        self.units.push(Unit::Hole);
        self.holes += 1;
    }

    /// All units in order.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// How many holes there are.
    #[must_use]
    pub fn holes(&self) -> usize {
        self.holes
    }

    /// A cursor at the start.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { units: &self.units, at: 0 }
    }
}

/// A position in a skeleton, with look-ahead and look-behind.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    units: &'a [Unit],
    at: usize,
}

impl Cursor<'_> {
    /// The unit `ahead` places on (0: the next one); `None` past the end.
    #[must_use]
    pub fn peek(&self, ahead: usize) -> Option<Unit> {
        self.units.get(self.at.checked_add(ahead)?).copied()
    }

    /// The unit just consumed; `None` at the start.
    #[must_use]
    pub fn previous(&self) -> Option<Unit> {
        self.units.get(self.at.checked_sub(1)?).copied()
    }

    /// The unit `back` places before the one that comes next (1: just consumed).
    #[must_use]
    pub fn look_back(&self, back: usize) -> Option<Unit> {
        self.units.get(self.at.checked_sub(back)?).copied()
    }

    /// Whether the text ahead starts with `text`, without a hole in it.
    #[must_use]
    pub fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(Unit::Char(c)))
    }

    /// As `starts_with`, ignoring ASCII case.
    #[must_use]
    pub fn starts_with_ignore_case(&self, text: &str) -> bool {
        text.chars().enumerate().all(
            |(ahead, c)| matches!(self.peek(ahead), Some(Unit::Char(found)) if found.eq_ignore_ascii_case(&c)),
        )
    }

    /// Moves `count` units on. (Not `skip`: `Iterator::skip` would be found first.)
    pub fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.units.len());
    }

    /// How many units were consumed.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }
}

impl Iterator for Cursor<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let unit = self.peek(0)?;
        self.at += 1;
        Some(unit)
    }
}

/// Who has to act on a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blame {
    /// The value can't stand there; another value could (exit 78).
    Value,
    /// No value can stand there: the template is wrong (exit 65).
    Template,
}

/// Why a hole was not filled. Never holds any part of the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Who has to act.
    pub blame: Blame,
    /// The context as a person would call it: `a php heredoc`.
    pub context: &'static str,
    /// The reason, as the end of "... because": `ssmtp cuts a value at '#'`.
    pub reason: String,
    /// What to write or choose instead; may be empty.
    pub instead: String,
}

impl Refusal {
    /// This value can't stand in `context`.
    #[must_use]
    pub fn value(context: &'static str, reason: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { blame: Blame::Value, context, reason: reason.into(), instead: instead.into() }
    }

    /// No value can stand in `context`.
    #[must_use]
    pub fn template(context: &'static str, reason: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { blame: Blame::Template, context, reason: reason.into(), instead: instead.into() }
    }
}

/// What stands in a hole, or why nothing can.
pub type Filling = Result<String, Refusal>;

/// Fills every hole: `lex` says what each hole's context is (in order, one each), and
/// `encode` writes the value for it. The shape that each format shares.
pub fn fill_with<C>(
    skeleton: &Skeleton,
    values: &[Literal],
    lex: impl Fn(&Skeleton) -> Vec<Result<C, Refusal>>,
    encode: impl Fn(&C, &Literal) -> Filling,
) -> Vec<Filling> {
    lex(skeleton)
        .into_iter()
        .zip(values)
        .map(|(context, value)| context.and_then(|context| encode(&context, value)))
        .collect()
}

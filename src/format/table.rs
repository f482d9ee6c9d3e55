//! Tables of promises for the formats' unit tests: a template, values, what comes out.

use super::literal::Literal;
use super::registry::Format;
use super::skeleton::{Blame, Skeleton, Unit};

/// What a row expects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// This file.
    File(&'static str),
    /// A refusal for which the value is to blame.
    BadValue,
    /// A refusal for which the template is to blame.
    BadTemplate,
}

/// Text, as a template prints it.
pub(super) fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

/// Fills `template`, where `@` stands for a hole, with the same value in each.
pub(super) fn check(format: &Format, rows: &[(&str, Literal, Expect)]) {
    for (template, value, expected) in rows {
        let mut skeleton = Skeleton::default();
        for (n, part) in template.split('@').enumerate() {
            if n > 0 {
                skeleton.push_hole();
            }
            skeleton.push_text(part);
        }
        let fillings = (format.fill)(&skeleton, &vec![value.clone(); skeleton.holes()]);
        assert_eq!(fillings.len(), skeleton.holes(), "{template}");
        let refusal = fillings.iter().find_map(|filling| filling.as_ref().err());
        match (expected, refusal) {
            (Expect::File(expected), None) => {
                let mut fillings = fillings.into_iter().flatten();
                let file: String = skeleton
                    .units()
                    .iter()
                    .map(|unit| match unit {
                        Unit::Char(c) => c.to_string(),
                        Unit::Hole => fillings.next().unwrap_or_default(),
                    })
                    .collect();
                assert_eq!(file, *expected, "{template} with {value:?}");
            }
            (Expect::BadValue, Some(refusal)) => {
                assert_eq!(refusal.blame, Blame::Value, "{template}: {refusal:?}")
            }
            (Expect::BadTemplate, Some(refusal)) => {
                assert_eq!(refusal.blame, Blame::Template, "{template}: {refusal:?}");
            }
            (_, refusal) => panic!("{template} with {value:?}: expected {expected:?}, found {refusal:?}"),
        }
    }
}

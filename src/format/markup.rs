//! What XML and HTML share: references for the characters that are markup in both, and line
//! breaks, of which both read a carriage return with its line feed as one. Knows no contexts.

use super::skeleton::{Skeleton, Unit};

/// Whether values stand between a carriage return and its line feed, which would be one break
/// or two as these values are empty or not.
pub(super) fn tears_line_break(skeleton: &Skeleton) -> bool {
    let mut units = skeleton.units().iter();
    while units.any(|unit| *unit == Unit::Char('\r')) {
        let mut ahead = units.clone().skip_while(|unit| **unit == Unit::Hole);
        if units.as_slice().first() == Some(&Unit::Hole) && ahead.next() == Some(&Unit::Char('\n')) {
            return true;
        }
    }
    false
}

/// `text` with `&amp;`, `&lt;`, `&gt;`, and references for the characters that `special` picks.
pub(super) fn escaped(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if special(c) => out.push_str("&quot;"),
            c if special(c) => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

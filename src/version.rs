//! The order of version numbers, as people and package tools read them: numbers as numbers,
//! words before nothing (`2.0-rc1` comes before `2.0`), a further part after none.

use std::cmp::Ordering;

/// Which of two versions is the later one.
#[must_use]
pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches(['v', 'V']), other.trim_start_matches(['v', 'V']));
    let (mut ones, mut others) = (parts(one), parts(other));
    loop {
        let order = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (Some(part), None) => part.against_nothing(),
            (None, Some(part)) => part.against_nothing().reverse(),
            (Some(one), Some(other)) => one.compare(&other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A run of digits or of letters; what stands between parts only separates them.
enum Part<'t> {
    Number(&'t str),
    Word(&'t str),
}

impl Part<'_> {
    /// `1.0.1` comes after `1.0`, `1.0-rc1` before it.
    fn against_nothing(&self) -> Ordering {
        match self {
            // `1.0` and `1.0.0` are the same
            Self::Number(digits) if significant(digits).is_empty() => Ordering::Equal,
            Self::Number(_) => Ordering::Greater,
            Self::Word(word) if is_after_release(word) => Ordering::Greater,
            Self::Word(_) => Ordering::Less,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => compare_numbers(one, other),
            (Self::Word(one), Self::Word(other)) => one.to_ascii_lowercase().cmp(&other.to_ascii_lowercase()),
            (Self::Number(_), Self::Word(word)) if is_after_release(word) => Ordering::Less,
            (Self::Word(word), Self::Number(_)) if is_after_release(word) => Ordering::Greater,
            (Self::Number(_), Self::Word(_)) => Ordering::Greater,
            (Self::Word(_), Self::Number(_)) => Ordering::Less,
        }
    }
}

/// Words that name what comes after a release, not before it.
fn is_after_release(word: &str) -> bool {
    ["p", "pl", "patch", "post", "r", "rev", "sp", "u", "update"]
        .iter()
        .any(|after| word.eq_ignore_ascii_case(after))
}

fn significant(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

/// Of any length: dates and build numbers are long.
fn compare_numbers(one: &str, other: &str) -> Ordering {
    let (one, other) = (significant(one), significant(other));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn parts(version: &str) -> impl Iterator<Item = Part<'_>> {
    // what follows a `+` says how it was built, not which version it is (semver.org, item 10)
    let version = version.split('+').next().unwrap_or_default();
    version.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|piece| {
        let mut rest = piece;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let is_number = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            rest = after;
            Some(if is_number { Part::Number(part) } else { Part::Word(part) })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Less};

    use super::compare;

    #[test]
    fn table() {
        for (one, other, order) in [
            ("1.0", "1.0", Equal),
            ("1.0", "1.0.0", Equal),
            ("v1.2", "1.2", Equal),
            ("1.0+build7", "1.0+build9", Equal),
            ("1.9", "1.10", Less),
            ("6.1.9", "6.2", Less),
            ("6.1", "6.1.1", Less),
            ("2.0-rc1", "2.0", Less),
            ("2.0-rc1", "2.0-rc2", Less),
            ("2.0-alpha", "2.0-beta", Less),
            ("2.0rc9", "2.0rc10", Less),
            ("1.9", "2.0-rc1", Less),
            ("8.2.7", "8.2.7-p1", Less),
            ("8.2.7", "8.2.7.post2", Less),
            ("20240101120000", "20250101120000", Less),
            ("99999999999999999999998", "99999999999999999999999", Less),
            ("", "1", Less),
            ("2.0-rc1", "2.0.1", Less),
        ] {
            assert_eq!(compare(one, other), order, "{one} {other}");
            assert_eq!(compare(other, one), order.reverse(), "{other} {one}");
        }
    }
}

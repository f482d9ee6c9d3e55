//! A span of time as people write it: `30s`, `500ms`, `1h30m`. A bare number has no unit
//! and is refused.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest duration taken: 100 years. Beyond it a deadline would overflow.
const LONGEST_MS: u64 = 100 * 365 * 86_400_000;

/// Reads whole numbers with units `ms`, `s`, `m`, `h`, `d`, the largest unit first, each
/// at most once. `None` for anything else, or for more than 100 years.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut largest_allowed = u64::MAX;
    while !rest.is_empty() {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, after) = rest.split_at(digits_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if *factor >= largest_allowed {
            return None;
        }
        largest_allowed = *factor;
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = next;
    }
    (!text.is_empty() && total <= LONGEST_MS).then(|| Duration::from_millis(total))
}

/// The spelling that `parse` reads back: `1h30m`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, factor) in UNITS.iter().rev() {
        let count = left / factor;
        left %= factor;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use std::time::Duration;

    #[test]
    fn accepted() {
        for (text, ms) in [
            ("30s", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("0s", 0),
            ("1s500ms", 1_500),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(ms)), "{text}");
            assert_eq!(parse(&format(Duration::from_millis(ms))), Some(Duration::from_millis(ms)));
        }
    }

    #[test]
    fn refused() {
        for text in
            ["", "30", "s", "30 s", "-1s", "1.5s", "1m1h", "1s1s", "1x", "99999999999999999999s", "40000d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! How often something may be started anew within a span of time, as people write it:
//! `5 per 1m`.

use std::time::Duration;

use crate::duration;

/// More restarts than this within a window are a mistake: each is remembered.
const MOST: u16 = 1000;

/// At most so many restarts within any span so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartLimit {
    /// 1 to 1000.
    pub count: u16,
    /// Longer than nothing.
    pub window: Duration,
}

impl RestartLimit {
    /// Reads `5 per 1m`: a number, `per`, a duration.
    ///
    /// # Errors
    /// What is wrong, in words that can stand beside the place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let &[count, "per", window] = words.as_slice() else {
            return Err("a number, `per` and a duration: \"5 per 1m\"".to_owned());
        };
        let count = match count.parse::<u16>() {
            Ok(0) => return Err("0 restarts are no restart: write `restart = \"no\"`".to_owned()),
            Ok(number) if number <= MOST && count.starts_with(|c: char| c.is_ascii_digit()) => number,
            _ => return Err(format!("`{count}` is not a number from 1 to {MOST}")),
        };
        match duration::parse(window) {
            Some(Duration::ZERO) => Err("the span must be longer than nothing".to_owned()),
            Some(window) => Ok(Self { count, window }),
            None => Err(format!("`{window}` is not a duration: \"30s\", \"1m\", \"1h\"")),
        }
    }
}

/// The spelling that `parse` reads back.
impl std::fmt::Display for RestartLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} per {}", self.count, duration::format(self.window))
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, RestartLimit};

    #[test]
    fn accepted() {
        for (text, count, seconds) in [
            ("5 per 1m", 5, 60),
            ("1 per 1s", 1, 1),
            ("  1000  per 1h30m ", 1000, 5400),
            ("3 per 1d", 3, 86_400),
        ] {
            let limit = RestartLimit { count, window: Duration::from_secs(seconds) };
            assert_eq!(RestartLimit::parse(text), Ok(limit), "{text}");
            assert_eq!(RestartLimit::parse(&limit.to_string()), Ok(limit));
        }
    }

    #[test]
    fn refused() {
        for (text, said) in [
            ("", "a number, `per` and a duration"),
            ("5", "a number, `per` and a duration"),
            ("5/1m", "a number, `per` and a duration"),
            ("5 in 1m", "a number, `per` and a duration"),
            ("5 per 1m please", "a number, `per` and a duration"),
            ("0 per 1m", "`restart = \"no\"`"),
            ("-1 per 1m", "`-1` is not a number from 1 to 1000"),
            ("+1 per 1m", "`+1` is not a number from 1 to 1000"),
            ("1001 per 1m", "`1001` is not a number from 1 to 1000"),
            ("99999 per 1m", "`99999` is not a number from 1 to 1000"),
            ("five per 1m", "`five` is not a number from 1 to 1000"),
            ("5 per 60", "`60` is not a duration"),
            ("5 per 0s", "longer than nothing"),
        ] {
            let reason = RestartLimit::parse(text).unwrap_err();
            assert!(reason.contains(said), "{text}: {reason}");
        }
    }
}

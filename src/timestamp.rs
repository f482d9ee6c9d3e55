//! Points in time as people read them: RFC 3339, to the second or millisecond.

use std::fmt::Write as _;

use crate::civil::Date;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Writes seconds since 1970 as a clock shows them that is `offset` seconds from UTC, east of
/// Greenwich is positive: `2026-11-21T15:04:05+01:00`, and with `Z` where there is no offset.
#[must_use]
pub fn rfc3339_at(seconds: i64, offset: i64) -> String {
    let shown = rfc3339(u64::try_from(seconds.saturating_add(offset)).unwrap_or(0));
    if offset == 0 {
        return shown;
    }
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
    format!("{}{sign}{:02}:{:02}", shown.trim_end_matches('Z'), minutes / 60, minutes % 60)
}

/// Writes seconds since 1970 as `2026-11-21T15:04:05Z`.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let Date { year, month, day } = Date::of(i64::try_from(seconds / DAY).unwrap_or(i64::MAX / 2));
    let rest = seconds % DAY;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Writes milliseconds since 1970 as `2026-11-21T15:04:05.678Z`.
#[must_use]
pub fn rfc3339_millis(milliseconds: u64) -> String {
    let mut text = rfc3339(milliseconds / 1000);
    text.pop();
    let _ = write!(text, ".{:03}Z", milliseconds % 1000);
    text
}

#[cfg(test)]
mod tests {
    use super::{rfc3339, rfc3339_at, rfc3339_millis};

    /// As date(1) prints them.
    #[test]
    fn table() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_273_445, "2026-11-21T15:04:05Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn with_an_offset() {
        for (offset, text) in [
            (0, "2026-11-21T15:04:05Z"),
            (3600, "2026-11-21T16:04:05+01:00"),
            (-12_600, "2026-11-21T11:34:05-03:30"),
        ] {
            assert_eq!(rfc3339_at(1_795_273_445, offset), text);
        }
    }

    #[test]
    fn milliseconds() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (7, "1970-01-01T00:00:00.007Z"),
            (1_795_273_445_678, "2026-11-21T15:04:05.678Z"),
        ] {
            assert_eq!(rfc3339_millis(milliseconds), text);
        }
    }
}

//! A time zone: how far the clock on the wall is from UTC, and when that changes. From the
//! bytes of a TZif file (RFC 8536) or a POSIX TZ string; where they come from is not known here.

use tz::TimeZone;

/// Offsets beyond this are no time zone's (RFC 8536, 3.2: -25 h to 26 h).
const FARTHEST: i32 = 26 * 3600;
/// What is nearer than this to a time is not forgotten, in seconds: a week, leap seconds and all.
const MARGIN: i64 = 7 * 86_400;
/// No clock is set twice within such a span, in seconds.
const PROBE: i64 = 3600;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    zone: TimeZone,
}

/// What a zone is made of, as bytes that can be handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneData {
    /// Nothing: UTC.
    Utc,
    /// A TZif file.
    File(Vec<u8>),
    /// A POSIX TZ string.
    Rule(String),
}

/// Why something is no time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneError(String);

impl std::fmt::Display for ZoneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ZoneError {}

impl From<tz::error::TzError> for ZoneError {
    fn from(error: tz::error::TzError) -> Self {
        Self(error.to_string())
    }
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { zone: TimeZone::utc() }
    }

    /// The zone of some data.
    ///
    /// # Errors
    /// As [`Zone::from_tzif`] and [`Zone::from_posix`].
    pub fn of(data: &ZoneData) -> Result<Self, ZoneError> {
        match data {
            ZoneData::Utc => Ok(Self::utc()),
            ZoneData::File(bytes) => Self::from_tzif(bytes),
            ZoneData::Rule(text) => Self::from_posix(text),
        }
    }

    /// Without what a zone was long before a time, in seconds since 1970, which is most of a
    /// file: memory that is held as long as the container runs.
    #[must_use]
    pub fn forgetting_before(self, unix: i64) -> Self {
        let zone = self.zone.as_ref();
        let old = zone
            .transitions()
            .partition_point(|change| change.unix_leap_time() < unix.saturating_sub(MARGIN));
        let Some(recent) = zone.transitions().get(old.saturating_sub(1)..) else { return self };
        let kinds = zone.local_time_types().to_vec();
        let leaps = zone.leap_seconds().to_vec();
        match TimeZone::new(recent.to_vec(), kinds, leaps, *zone.extra_rule()) {
            Ok(zone) => Self { zone },
            Err(_) => self,
        }
    }

    /// What a TZif file says, of version 1 to 3.
    ///
    /// # Errors
    /// It is none, or contradicts itself.
    pub fn from_tzif(bytes: &[u8]) -> Result<Self, ZoneError> {
        let zone = TimeZone::from_tz_data(bytes)?;
        let offsets = zone.as_ref().local_time_types().iter().map(|kind| kind.ut_offset());
        if let Some(offset) = offsets.into_iter().find(|offset| offset.abs() > FARTHEST) {
            return Err(ZoneError(format!("an offset of {offset} seconds is beyond 26 hours")));
        }
        Ok(Self { zone })
    }

    /// What a POSIX TZ string says, with the extensions that libc knows too: `CET-1CEST,M3.5.0,M10.5.0/3`.
    ///
    /// # Errors
    /// It is none. A summer time without a rule is refused: POSIX leaves open when it is.
    pub fn from_posix(text: &str) -> Result<Self, ZoneError> {
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == '\0') {
            return Err(ZoneError("not a TZ string".to_owned()));
        }
        // The crate takes the extensions in the footer of a file only: one that has nothing else.
        let mut file = Vec::new();
        for _ in 0..2 {
            file.extend(b"TZif3");
            file.extend([0; 15]);
            let counts = [0_u32, 0, 0, 0, 1, 1];
            file.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
            file.extend([0; 6 + 1]);
        }
        file.extend(format!("\n{text}\n").bytes());
        Self::from_tzif(&file)
    }

    /// What is added to UTC at a time, given in seconds since 1970, for the time on the wall:
    /// seconds, east of Greenwich is positive.
    #[must_use]
    pub fn offset_at(&self, unix: i64) -> i64 {
        let kind = self.zone.find_local_time_type(unix).ok().or_else(|| self.last_kind());
        kind.map_or(0, |kind| i64::from(kind.ut_offset()))
    }

    /// What holds for ever after the last change of a file that has no rule for later.
    fn last_kind(&self) -> Option<&tz::LocalTimeType> {
        let zone = self.zone.as_ref();
        let index = zone.transitions().last().map_or(0, tz::timezone::Transition::local_time_type_index);
        zone.local_time_types().get(index)
    }

    /// The first second after `from`, and at `until` at the latest, at which the clock on the
    /// wall is set: its offset is another one than a second before.
    pub(super) fn change_within(&self, from: i64, until: i64) -> Option<i64> {
        let offset = self.offset_at(from);
        let mut before = from;
        while before < until {
            let after = before.saturating_add(PROBE).min(until);
            if self.offset_at(after) != offset {
                return Some(self.bisect(before, after, offset));
            }
            before = after;
        }
        None
    }

    /// The change between two times, of which the first has this offset.
    fn bisect(&self, mut before: i64, mut after: i64, offset: i64) -> i64 {
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset_at(middle) == offset {
                before = middle;
            } else {
                after = middle;
            }
        }
        after
    }
}

#[cfg(test)]
#[path = "zone_tests.rs"]
mod tests;

//! Dates and times of the day at which something is due, as the clock on the wall shows them.
//! No zones here: what that clock does is `next`'s business.
//!
//! Where both fields for days are restricted, a day fits that fits one of them; where one
//! begins with `*`, a day must fit both (crontab(5): `*/2` counts as not restricted).

use super::field::Numbers;
use crate::civil::{Date, weekday};

/// Seconds of a minute, of a day; minutes of a day.
const MINUTE: i64 = 60;
const DAY_MINUTES: i64 = 1440;

/// 29 February on a given weekday comes after 40 years at the latest (2072 and 2112 are Mondays).
const HORIZON: i64 = 41 * 366;

/// The days of each month at most.
const LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A cron expression of five fields. There is at least one day that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day must fit both fields for days, and not only one.
    both: bool,
}

impl Calendar {
    /// The five fields together. `None`: no day is ever one of these days and months.
    pub(super) fn new(fields: [Numbers; 5]) -> Option<Self> {
        let [minutes, hours, days, months, weekdays] = fields.map(|numbers| numbers.bits);
        let [_, _, day, _, weekday] = fields;
        let both = day.starred || weekday.starred;
        let comes = (1_u8..)
            .zip(LENGTHS)
            .any(|(month, length)| has(months, month) && (1..=length).any(|day| has(days, day)));
        (comes || !both).then_some(Self { minutes, hours, days, months, weekdays, both })
    }

    /// Whether it is due in each hour of a day that fits.
    #[must_use]
    pub fn every_hour(&self) -> bool {
        self.hours.count_ones() == 24
    }

    /// The first time that is due at `from` or later; both are seconds since 1970-01-01 00:00
    /// on the same clock. `None`: not within what can be counted.
    #[must_use]
    pub fn first_from(&self, from: i64) -> Option<i64> {
        let minute = from.checked_add(MINUTE - 1)?.div_euclid(MINUTE);
        let (today, of_day) = (minute.div_euclid(DAY_MINUTES), minute.rem_euclid(DAY_MINUTES));
        let later = self.fits(today).then(|| self.first_minute(of_day)).flatten();
        let found = match later {
            Some(of_day) => Some((today, of_day)),
            None => self.day_after(today).zip(self.first_minute(0)),
        };
        found.map(|(day, of_day)| (day * DAY_MINUTES + of_day) * MINUTE)
    }

    fn fits(&self, day: i64) -> bool {
        let date = Date::of(day);
        let (by_date, by_week) = (has(self.days, date.day), has(self.weekdays, weekday(day)));
        has(self.months, date.month) && if self.both { by_date && by_week } else { by_date || by_week }
    }

    fn day_after(&self, today: i64) -> Option<i64> {
        let mut day = today + 1;
        while day <= today + HORIZON {
            let date = Date::of(day);
            if self.fits(day) {
                return Some(day);
            }
            day = if has(self.months, date.month) { day + 1 } else { date.next_month().number() };
        }
        None
    }

    /// The first minute of a day that is due at `from` or later.
    fn first_minute(&self, from: i64) -> Option<i64> {
        let (hour, minute) = (u8::try_from(from / 60).ok()?, u8::try_from(from % 60).ok()?);
        let within = (minute..60).find(|minute| has(self.hours, hour) && has(self.minutes, *minute));
        let (hour, minute) = match within {
            Some(minute) => (hour, minute),
            None => {
                let hour = (hour + 1..24).find(|hour| has(self.hours, *hour))?;
                (hour, (0..60).find(|minute| has(self.minutes, *minute))?)
            }
        };
        Some(i64::from(hour) * 60 + i64::from(minute))
    }
}

fn has(bits: u64, number: u8) -> bool {
    bits >> number & 1 == 1
}

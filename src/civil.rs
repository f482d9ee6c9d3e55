//! Days and dates of the Gregorian calendar, without zones and clocks.
//!
//! Years are counted from March, so that the leap day is a year's last (Hinnant,
//! "chrono-Compatible Low-Level Date Algorithms", `civil_from_days` and `days_from_civil`).

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;
/// Days of 400 years, after which the calendar repeats itself.
const ERA: i64 = 146_097;

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year; 0 is the one before 1.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The date of a day since 1970-01-01.
    #[must_use]
    pub fn of(day: i64) -> Self {
        let day = day + EPOCH;
        let (era, of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let small = |number: i64| u8::try_from(number).unwrap_or(0);
        Self { year: era * 400 + year_of_era + i64::from(month <= 2), month: small(month), day: small(day) }
    }

    /// The day since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let from_march = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * from_march + 2) / 5 + i64::from(self.day) - 1;
        era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
    }

    /// The first day of the month after this one's.
    #[must_use]
    pub fn next_month(self) -> Self {
        match self.month {
            12.. => Self { year: self.year + 1, month: 1, day: 1 },
            month => Self { year: self.year, month: month + 1, day: 1 },
        }
    }
}

/// The day of the week, 0 for Sunday to 6, of a day since 1970-01-01, which was a Thursday.
#[must_use]
pub fn weekday(day: i64) -> u8 {
    u8::try_from((day + 4).rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Date, weekday};

    #[test]
    fn table() {
        for (day, year, month, of_month, of_week) in [
            (0, 1970, 1, 1, 4),
            (-1, 1969, 12, 31, 3),
            (11_016, 2000, 2, 29, 2),
            (19_782, 2024, 2, 29, 4),
            (20_778, 2026, 11, 21, 6),
            (47_540, 2100, 2, 28, 0),
            (47_541, 2100, 3, 1, 1),
        ] {
            let date = Date { year, month, day: of_month };
            assert_eq!((Date::of(day), date.number(), weekday(day)), (date, day, of_week));
        }
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut before = Date::of(-146_098);
        for day in -146_097..146_097 {
            let date = Date::of(day);
            assert_eq!(date.number(), day);
            let next = Date { day: before.day + 1, ..before };
            assert!(date == next || (date == before.next_month() && before.day >= 28), "{before:?} {date:?}");
            before = date;
        }
    }
}

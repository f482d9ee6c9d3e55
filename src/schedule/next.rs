//! The next time at which something is due: a calendar on a wall whose clock is set now and
//! then, for daylight saving and else.
//!
//! - What is due in every hour follows that clock as it is: minutes that are skipped aren't
//!   made up for, repeated ones count again, so that `*/5` means each five minutes that pass.
//! - What is due in chosen hours counts each time of the wall once. If some were skipped,
//!   however many, it is due once, just after; of what is shown again, the first counts.
//!
//! So does cron(8), which tells the two by a `*` at the beginning of the minute or the hour
//! field; there `0 */2 * * *` loses the run of an hour that is skipped, and `*/15 2 * * *` has
//! eight in an hour that is repeated.

use super::calendar::Calendar;
use super::expression::Schedule;
use super::zone::Zone;

/// No clock is set by more than this, in seconds (a day: Samoa in 2011), and no two settings
/// that undo each other are farther apart and matter.
const AROUND: i64 = 2 * 86_400;

/// More looks than this are never needed: each gets on by a change of the clock or goes near
/// to the day that is due.
const MOST_LOOKS: usize = 64;

impl Schedule {
    /// The first time after `after` at which it is due, both in seconds since 1970. `None`: not
    /// within what can be counted.
    #[must_use]
    pub fn next(&self, after: i64, zone: &Zone) -> Option<i64> {
        match self {
            Self::Every(seconds) => after.checked_add(i64::from(*seconds)),
            Self::Calendar(calendar) => next(calendar, after, zone),
        }
    }

    /// Whether it follows the time that passes, and not the clock on the wall: where that is
    /// set back, what it shows again counts again.
    #[must_use]
    pub fn follows_time(&self) -> bool {
        match self {
            Self::Every(_) => true,
            Self::Calendar(calendar) => calendar.every_hour(),
        }
    }
}

fn next(calendar: &Calendar, after: i64, zone: &Zone) -> Option<i64> {
    let mut start = after.checked_add(1)?;
    for _ in 0..MOST_LOOKS {
        let offset = zone.offset_at(start);
        let mut fresh = start.checked_add(offset)?;
        if !calendar.every_hour() {
            let shown = shown_before(start, zone);
            let skipped = shown < fresh;
            if skipped && calendar.first_from(shown)? < fresh {
                return Some(start);
            }
            fresh = fresh.max(shown);
        }
        let due = calendar.first_from(fresh)?.checked_sub(offset)?;
        start = match zone.change_within(start, due.min(start.saturating_add(AROUND))) {
            Some(change) => change,
            None if due <= start.saturating_add(AROUND) => return Some(due),
            None => due - AROUND,
        };
    }
    None
}

/// Up to which time, exclusively, the clock on the wall has shown all times before `start`.
fn shown_before(start: i64, zone: &Zone) -> i64 {
    let mut shown = start.saturating_add(zone.offset_at(start.saturating_sub(1)));
    let mut from = start.saturating_sub(AROUND);
    while let Some(change) = zone.change_within(from, start) {
        shown = shown.max(change.saturating_add(zone.offset_at(change - 1)));
        from = change;
    }
    shown
}

#[cfg(test)]
#[path = "next_tests.rs"]
mod tests;

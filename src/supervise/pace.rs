//! How much of a processor castoff takes to look for ended children.
//!
//! waitpid(2) goes from child to child until it meets one that has ended, while nobody can
//! begin or end. Where thousands live and end, an init that looks whenever it is told to keeps
//! those whom it looks for from ending: each look finds few, behind many who wait for their
//! turn. So a look that was dear is followed by a pause, and the next one finds more.
//!
//! What castoff does about its services is not counted as looking. After each pause it looks
//! once, and a look that finds no orphan is followed by none: so there is no polling.

use std::time::Duration;

use crate::sys::clock::{cpu_time, monotonic};

/// So many are reaped before anything else gets a turn.
pub(super) const AT_ONCE: u32 = 64;

/// What it may take to reap one. Where no others are in the way it is two to four microseconds.
const CHEAP: Duration = Duration::from_micros(10);

/// A look may take as long as for so many more: the last of it finds none.
const SPARE: u32 = 16;

/// A pause is so many times as long as the look has taken.
const SHARE: u32 = 2;

/// The longest pause: the service's own end is not seen earlier.
const LONGEST: Duration = Duration::from_millis(20);

/// A look that goes on. Its clock runs from the first orphan that it finds, so that a look
/// which finds none needs no clock.
#[derive(Default)]
pub(super) struct Look {
    begun: Option<Duration>,
    found: u32,
}

impl Look {
    /// One more was found.
    pub(super) fn found(&mut self) {
        self.begun.get_or_insert_with(cpu_time);
        self.found += 1;
    }

    /// How long not to look again.
    fn pause(&self) -> Option<Duration> {
        let begun = self.begun?;
        pause(self.found, cpu_time().saturating_sub(begun))
    }
}

/// When children are looked for again.
#[derive(Default)]
pub(super) struct Pace {
    /// By `monotonic`; `None`: there is no pause.
    until: Option<Duration>,
}

impl Pace {
    /// When a pause is over, if there is one.
    pub(super) fn due(&self) -> Option<Duration> {
        self.until
    }

    /// Whether there is no pause, or it is over.
    pub(super) fn is_open(&self) -> bool {
        self.until.is_none_or(|until| until <= monotonic())
    }

    /// Goes on from a look that is done.
    pub(super) fn follow(&mut self, look: &Look) {
        self.until = look.pause().map(|pause| monotonic().saturating_add(pause));
    }
}

/// After a look that took so long and found so many.
fn pause(found: u32, took: Duration) -> Option<Duration> {
    let is_dear = took > CHEAP.saturating_mul(found.saturating_add(SPARE));
    is_dear.then(|| took.saturating_mul(SHARE).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{AT_ONCE, Look, pause};

    #[test]
    fn a_look_that_finds_nobody_is_followed_by_none() {
        assert_eq!(Look::default().pause(), None);
    }

    #[test]
    fn a_dear_look_is_followed_by_a_pause_as_long_as_two() {
        const ROWS: [(u32, u64, Option<u64>); 9] = [
            // found, microseconds, the pause's
            (1, 0, None),
            (1, 170, None),
            (1, 171, Some(342)),
            (2, 180, None),
            (2, 181, Some(362)),
            (AT_ONCE, 800, None),
            (AT_ONCE, 3_000, Some(6_000)),
            (AT_ONCE, 10_000, Some(20_000)),
            (1, u64::MAX, Some(20_000)),
        ];
        for (found, took, wanted) in ROWS {
            let pause = pause(found, Duration::from_micros(took));
            assert_eq!(pause, wanted.map(Duration::from_micros), "{found} in {took}");
        }
    }
}

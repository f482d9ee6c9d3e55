//! What is left when the services have ended, as a pure machine without a clock: TERM, the
//! grace, KILL. Part of the machine of one service and of that of several.
//!
//! It ends when no child is left, or when those that are left can't be killed.

use std::time::Duration;

/// After KILL: how long the killed may take to be gone before KILL is sent again to those
/// that were made meanwhile.
pub(super) const KILL_AGAIN: Duration = Duration::from_secs(1);

/// How often KILL is sent before castoff ends without the rest: they are beyond its rights,
/// or hang in the kernel.
pub(super) const KILLS: u8 = 5;

/// What is to be done about the rest; with the time after which [`Rest::timer`] is to be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Measure {
    /// Tell all that is left to end.
    Term(Duration),
    /// Kill all that is left.
    Kill(Duration),
    /// Nothing more: nobody is left.
    Over,
    /// Nothing more: who is left can't be killed.
    Unkillable,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Whether anything is left is not known yet.
    Unknown,
    /// It was told to end.
    Grace,
    /// It was killed so many times.
    Killing(u8),
}

/// The machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rest {
    stage: Stage,
    grace: Duration,
}

impl Rest {
    pub(super) fn new(grace: Duration) -> Self {
        Self { stage: Stage::Unknown, grace }
    }

    /// Whether a time is waited for.
    pub(super) fn is_timed(self) -> bool {
        self.stage != Stage::Unknown
    }

    /// All children that ended are reaped; whether any is left.
    pub(super) fn drained(&mut self, children_left: bool) -> Option<Measure> {
        if !children_left {
            return Some(Measure::Over);
        }
        if self.is_timed() {
            return None;
        }
        if self.grace.is_zero() {
            return Some(self.kill(1));
        }
        self.stage = Stage::Grace;
        Some(Measure::Term(self.grace))
    }

    /// Somebody asks again for the end: the grace is cut short.
    pub(super) fn hurry(&mut self) -> Option<Measure> {
        (self.stage == Stage::Grace).then(|| self.kill(1))
    }

    /// The time is over.
    pub(super) fn timer(&mut self) -> Option<Measure> {
        match self.stage {
            Stage::Unknown => None,
            Stage::Grace => Some(self.kill(1)),
            Stage::Killing(times) if times < KILLS => Some(self.kill(times + 1)),
            Stage::Killing(_) => Some(Measure::Unkillable),
        }
    }

    fn kill(&mut self, times: u8) -> Measure {
        self.stage = Stage::Killing(times);
        Measure::Kill(KILL_AGAIN)
    }
}

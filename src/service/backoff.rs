//! When something that ended is started again, and when no more: pure, without a clock.
//!
//! The first wait is `first`, each further one is twice as long, up to `max`; of each at
//! least half is waited and the rest is jitter, so that what failed together doesn't come
//! back together. After a run of `stable_after` it begins anew. Every end is treated alike,
//! the first and the quickest too.
//!
//! Invariants:
//! - no span as long as the limit's window has more starts than its count;
//! - the wait before jitter never falls between two stable runs, and is never above `max`;
//! - at most `count` times are remembered.

use std::collections::VecDeque;
use std::time::Duration;

use super::random::Random;
use crate::restart_limit::RestartLimit;

/// How restarts are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// The first wait.
    pub first: Duration,
    /// The longest.
    pub max: Duration,
    /// A run so long makes the next wait a first one again.
    pub stable_after: Duration,
    /// How many restarts there may be. `None`: any number.
    pub limit: Option<RestartLimit>,
}

/// What is to happen after an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Start it again, so much later.
    After(Duration),
    /// That would be one restart more than the limit allows.
    GiveUp,
}

/// The restarts of one service.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    random: Random,
    /// The next wait, before jitter.
    wait: Duration,
    /// When the last restarts were due, the oldest first; no more than the limit's count.
    restarts: VecDeque<Duration>,
}

impl Backoff {
    /// One that has restarted nothing. The seed decides the jitter.
    #[must_use]
    pub fn new(policy: BackoffPolicy, seed: u64) -> Self {
        let wait = policy.first.min(policy.max);
        Self { policy, random: Random::new(seed), wait, restarts: VecDeque::new() }
    }

    /// It ended at `now` (time since any fixed moment) after a run of `ran_for`, which is
    /// nothing where it could not even be started.
    pub fn ended(&mut self, now: Duration, ran_for: Duration) -> Retry {
        if ran_for >= self.policy.stable_after {
            self.wait = self.policy.first.min(self.policy.max);
        }
        let least = self.wait / 2;
        let delay = least + self.random.up_to(self.wait - least);
        if !self.admit(now.saturating_add(delay)) {
            return Retry::GiveUp;
        }
        self.wait = self.wait.saturating_mul(2).min(self.policy.max);
        Retry::After(delay)
    }

    /// Somebody asked for a start: what was before counts no more.
    pub fn forget(&mut self) {
        self.wait = self.policy.first.min(self.policy.max);
        self.restarts.clear();
    }

    /// Whether one more restart, at `due`, is within the limit; if so it is counted.
    fn admit(&mut self, due: Duration) -> bool {
        let Some(limit) = self.policy.limit else { return true };
        if self.restarts.len() >= usize::from(limit.count) {
            let oldest = self.restarts.front().copied().unwrap_or_default();
            if due.saturating_sub(oldest) < limit.window {
                return false;
            }
            self.restarts.pop_front();
        }
        self.restarts.push_back(due);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Backoff, BackoffPolicy, Duration, RestartLimit, Retry};

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn policy(limit: Option<&str>) -> BackoffPolicy {
        let limit = limit.map(|text| RestartLimit::parse(text).unwrap());
        BackoffPolicy { first: ms(500), max: ms(30_000), stable_after: ms(10_000), limit }
    }

    fn delay(retry: Retry) -> Duration {
        let Retry::After(delay) = retry else { panic!("given up") };
        delay
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let mut backoff = Backoff::new(policy(None), 1);
        for whole in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000] {
            let delay = delay(backoff.ended(Duration::ZERO, Duration::ZERO));
            assert!((ms(whole) / 2..=ms(whole)).contains(&delay), "{delay:?} of {whole} ms");
        }
    }

    #[test]
    fn a_stable_run_begins_anew_and_one_just_short_of_it_does_not() {
        for (ran_for, most) in [(ms(10_000), ms(500)), (ms(9_999), ms(2000))] {
            let mut backoff = Backoff::new(policy(None), 1);
            for _ in 0..2 {
                let _ = backoff.ended(Duration::ZERO, Duration::ZERO);
            }
            let delay = delay(backoff.ended(Duration::ZERO, ran_for));
            assert!((most / 2..=most).contains(&delay), "{delay:?} after {ran_for:?}");
        }
    }

    #[test]
    fn a_first_quick_end_is_retried_as_any_other() {
        for ran_for in [Duration::ZERO, ms(1), ms(999), ms(60_000)] {
            let mut backoff = Backoff::new(policy(Some("1 per 1m")), 7);
            assert!(matches!(backoff.ended(Duration::ZERO, ran_for), Retry::After(_)), "{ran_for:?}");
        }
    }

    #[test]
    fn the_restart_beyond_the_limit_is_given_up() {
        let mut backoff = Backoff::new(policy(Some("5 per 1m")), 3);
        let mut now = Duration::ZERO;
        for _ in 0..5 {
            now += delay(backoff.ended(now, Duration::ZERO));
        }
        assert_eq!(backoff.ended(now, Duration::ZERO), Retry::GiveUp);
        assert_eq!(backoff.ended(now, Duration::ZERO), Retry::GiveUp, "and stays so");
        backoff.forget();
        assert!(delay(backoff.ended(now, Duration::ZERO)) <= ms(500), "somebody asked for it");
    }

    #[test]
    fn the_same_seed_gives_the_same_waits_and_another_one_others() {
        let waits = |seed| {
            let mut backoff = Backoff::new(policy(None), seed);
            [(); 6].map(|()| delay(backoff.ended(Duration::ZERO, Duration::ZERO)))
        };
        assert_eq!(waits(5), waits(5));
        assert_ne!(waits(5), waits(6));
    }

    #[test]
    fn a_first_wait_above_the_cap_is_the_cap() {
        let mut backoff = Backoff::new(BackoffPolicy { first: ms(900), max: ms(300), ..policy(None) }, 0);
        for _ in 0..3 {
            assert!(delay(backoff.ended(Duration::ZERO, Duration::ZERO)) <= ms(300));
        }
    }

    proptest! {
        #[test]
        fn no_window_has_more_starts_than_the_limit(
            seed: u64,
            count in 1_u16..8,
            window in 1_u64..60_000,
            first in 0_u64..2000,
            max in 0_u64..5000,
            runs in proptest::collection::vec(0_u64..20_000, 1..200),
        ) {
            let limit = RestartLimit { count, window: ms(window) };
            let policy = BackoffPolicy {
                first: ms(first), max: ms(max), stable_after: ms(5000), limit: Some(limit),
            };
            let mut backoff = Backoff::new(policy, seed);
            let (mut now, mut starts) = (Duration::ZERO, Vec::new());
            for ran_for in runs {
                now += ms(ran_for);
                match backoff.ended(now, ms(ran_for)) {
                    Retry::After(delay) => {
                        now += delay;
                        starts.push(now);
                    }
                    Retry::GiveUp => {
                        let recent = starts.iter().rev().take_while(|start| **start + ms(window) > now).count();
                        prop_assert!(recent > 0, "given up with no restart in the window");
                        break;
                    }
                }
                prop_assert!(backoff.restarts.len() <= usize::from(count));
            }
            for (index, start) in starts.iter().enumerate() {
                let within = starts[index..].iter().take_while(|later| **later - *start < ms(window)).count();
                prop_assert!(within <= usize::from(count), "{within} starts from {start:?} on");
            }
        }

        #[test]
        fn waits_never_fall_between_stable_runs_and_jitter_takes_half_at_most(
            seed: u64, first in 1_u64..100_000, max in 1_u64..10_000_000, ends in 1_usize..80,
        ) {
            let policy = BackoffPolicy { first: ms(first), max: ms(max), stable_after: ms(1), limit: None };
            let mut backoff = Backoff::new(policy, seed);
            let mut whole = ms(first.min(max));
            for _ in 0..ends {
                prop_assert_eq!(backoff.wait, whole);
                let delay = delay(backoff.ended(Duration::ZERO, Duration::ZERO));
                prop_assert!(delay >= whole / 2 && delay <= whole);
                whole = (whole * 2).min(ms(max));
            }
        }
    }
}

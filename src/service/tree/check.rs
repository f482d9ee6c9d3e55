//! Whether a service that is ready still does what it is for: looks at intervals, and what
//! they come to. It is told, and nothing else follows from it. Of failures in a row the first
//! is told with its reason, and the one that makes the service unhealthy.
//!
//! Looking begins when the service is ready and ends when it is to stop; there is one look at
//! a time, and the next is an interval after the end of the last.

use std::time::Duration;

use super::machine::Tree;
use super::rules::Id;
use super::state::{Service, State};
use super::words::{Action, Line};

/// How a service is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckRule {
    /// The time between two looks.
    pub interval: Duration,
    /// So many failures in a row make it unhealthy; at least 1.
    pub retries: u32,
}

/// What the checks of a service say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Verdict {
    /// Nothing yet: none has succeeded, and not enough have failed.
    #[default]
    Unknown,
    /// The last ones have succeeded, or too few of them have failed.
    Healthy,
    /// Too many have failed in a row.
    Unhealthy,
}

/// The checks of a service that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Checks {
    pub(super) verdict: Verdict,
    /// When that came to be so.
    pub(super) since: Duration,
    /// How many have failed in a row.
    pub(super) failures: u32,
    /// When the next look is to begin. `None`: one is under way, or none is to come.
    pub(super) due: Option<Duration>,
    /// Whether one is under way.
    looking: bool,
}

impl Service {
    /// It is ready: the checks begin, if it has any.
    pub(super) fn begin_checks(&mut self, now: Duration) {
        let due = self.rules.check.map(|_| now);
        self.checks = Checks { due, since: now, ..Checks::default() };
    }
}

impl Tree {
    /// Begins a look, if it is time for one.
    pub(super) fn check(&mut self, id: Id, now: Duration, out: &mut Vec<Action>) {
        let Some(service) = self.service_mut(id) else { return };
        if service.checks.due.is_some_and(|due| due <= now) {
            service.checks.due = None;
            service.checks.looking = true;
            out.push(Action::Check(id, service.checks.failures == 0));
        }
    }

    /// A look has ended.
    pub(super) fn checked(&mut self, id: Id, well: bool, now: Duration, out: &mut Vec<Action>) {
        let Some(service) = self.service_mut(id) else { return };
        let (Some(rule), State::Up { .. }, true) =
            (service.rules.check, service.state, service.checks.looking)
        else {
            return;
        };
        let checks = &mut service.checks;
        let before = checks.verdict;
        checks.looking = false;
        checks.due = Some(now.saturating_add(rule.interval));
        checks.failures = if well { 0 } else { checks.failures.saturating_add(1) };
        if well {
            checks.verdict = Verdict::Healthy;
        } else if checks.failures >= rule.retries {
            checks.verdict = Verdict::Unhealthy;
        }
        if checks.verdict == before {
            return;
        }
        checks.since = now;
        match (before, checks.verdict) {
            (_, Verdict::Unhealthy) => out.push(Action::Log(Line::Unhealthy(id, checks.failures))),
            (Verdict::Unhealthy, _) => out.push(Action::Log(Line::Healthy(id))),
            _ => {}
        }
    }
}

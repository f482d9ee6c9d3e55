//! What can be told of services while they run, as plain data, worked out of the machine's
//! state for who asks. It changes nothing.

use std::time::Duration;

use libc::pid_t;
use serde::{Deserialize, Serialize};

use super::check::Verdict;
use super::machine::Tree;
use super::rules::Id;
use super::state::{Service, State};
use crate::exit::ExitCode;

/// Where a service is in its life, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It does not run.
    Down,
    /// It was started and is not ready.
    Starting,
    /// It is ready.
    Ready,
    /// It was told to end, or will be as soon as those have ended that need it.
    Stopping,
    /// It has ended, others of its process group have not.
    Clearing,
    /// It waits to be started again.
    Waiting,
    /// It has ended for good.
    Done,
    /// It has ended too often.
    GivenUp,
}

impl Stage {
    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Clearing => "clearing",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::GivenUp => "given-up",
        }
    }
}

/// What the checks of a service have come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Health {
    /// What they say.
    pub verdict: Verdict,
    /// For how long they have said it. `None`: it is not checked now.
    pub lasts: Option<Duration>,
    /// How many have failed in a row.
    pub failures: u32,
}

/// One service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceStatus {
    /// Which.
    pub id: Id,
    /// Where it is.
    pub stage: Stage,
    /// Its main process.
    pub pid: Option<pid_t>,
    /// How long that has run.
    pub uptime: Option<Duration>,
    /// How long it still waits to be started again.
    pub waits: Option<Duration>,
    /// Those that it can't start without.
    pub waits_for: Vec<Id>,
    /// How often it was started, or was to be.
    pub starts: u64,
    /// What its main process ended with last.
    pub last_exit: Option<ExitCode>,
    /// Whether it is essential.
    pub essential: bool,
    /// Whether it is to run: nobody has stopped it.
    pub wanted: bool,
    /// Whether its checks succeed. `None`: it has none.
    pub health: Option<Health>,
}

impl Tree {
    /// All services at `now`, in the order of the plan.
    #[must_use]
    pub fn status(&self, now: Duration) -> Vec<ServiceStatus> {
        self.services.iter().zip(0..).map(|(service, at)| self.status_of(Id(at), service, now)).collect()
    }

    fn status_of(&self, id: Id, service: &Service, now: Duration) -> ServiceStatus {
        let since = match service.state {
            State::Up { since, .. } | State::Stopping { since, .. } => Some(since),
            _ => None,
        };
        let waits = match service.state {
            State::Waiting(until) => Some(until.saturating_sub(now)),
            _ => None,
        };
        let is_up = matches!(service.state, State::Up { ready: true, .. });
        let health = service.rules.check.map(|_| Health {
            verdict: service.checks.verdict,
            lasts: is_up.then(|| now.saturating_sub(service.checks.since)),
            failures: service.checks.failures,
        });
        ServiceStatus {
            id,
            stage: service.stage(),
            pid: service.main_process(),
            uptime: since.map(|since| now.saturating_sub(since)),
            waits,
            waits_for: self.waited_for(service),
            starts: service.starts,
            last_exit: service.last_exit,
            essential: service.rules.essential,
            wanted: service.wanted,
            health,
        }
    }

    fn waited_for(&self, service: &Service) -> Vec<Id> {
        if service.state != State::Down || !service.wanted || self.is_ending() {
            return Vec::new();
        }
        let rules = &service.rules;
        let others = self.ids().filter(|id| rules.after.contains(id) || rules.requires.contains(id));
        others.filter(|id| self.service(*id).is_some_and(|other| !other.serves())).collect()
    }
}

impl Service {
    fn stage(&self) -> Stage {
        match self.state {
            State::Down => Stage::Down,
            State::Spawning => Stage::Starting,
            State::Up { .. } if self.leaving => Stage::Stopping,
            State::Up { ready: false, .. } => Stage::Starting,
            State::Up { ready: true, .. } => Stage::Ready,
            State::Stopping { .. } => Stage::Stopping,
            State::Clearing { .. } => Stage::Clearing,
            State::Waiting(_) => Stage::Waiting,
            State::Done(_) if self.gave_up => Stage::GivenUp,
            State::Done(_) => Stage::Done,
        }
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;

//! Where services are in their lives, as plain data, and what follows from that alone.

use std::time::Duration;

use libc::pid_t;

use super::super::backoff::Backoff;
use super::super::rest::Rest;
use super::check::Checks;
use super::rules::Rules;
use crate::exit::ExitCode;
use crate::signal::Signal;
use crate::sys::reap::Ending;
use crate::sys::signals::SignalSet;

/// Where a service is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// It does not run, and starts as soon as it may, if it is wanted.
    Down,
    /// It was ordered.
    Spawning,
    /// It runs. What is due: it is ready by then, or has failed by then.
    Up { pid: pid_t, since: Duration, ready: bool, due: Option<Duration> },
    /// It was told to end, and is killed at that time; so often it was already.
    Stopping { pid: pid_t, since: Duration, why: Why, kill: Option<Duration>, kills: u8 },
    /// Its main process has ended, others of its group have not.
    Clearing { group: pid_t, due: Duration, killed: bool, next: Next },
    /// It waits to be started again.
    Waiting(Duration),
    /// It has ended for good, well or not.
    Done(ExitCode),
}

/// Why a service was told to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// Somebody wants it down, for now or for good.
    Asked,
    /// It has failed, although it runs.
    Failed,
}

/// What becomes of a service that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// It is down, and comes again if it is wanted.
    Down,
    /// It is started again at that time.
    Wait(Duration),
    /// It has ended for good.
    Done(ExitCode),
}

/// One service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) rules: Rules,
    pub(super) state: State,
    pub(super) backoff: Backoff,
    /// Whether it is to run.
    pub(super) wanted: bool,
    /// It runs, and is to be stopped as soon as those are down that need it.
    pub(super) leaving: bool,
    /// What it was told to stop by, and SIGKILL if that came from here.
    pub(super) told: SignalSet,
    /// Its code, where it has ended badly since castoff was asked to stop.
    pub(super) ended_badly: Option<ExitCode>,
    /// How its checks go.
    pub(super) checks: Checks,
    /// How often its start was ordered.
    pub(super) starts: u64,
    /// What it ended with last.
    pub(super) last_exit: Option<ExitCode>,
    /// Whether it is done because it has ended too often.
    pub(super) gave_up: bool,
}

impl Service {
    pub(super) fn new(rules: Rules, seed: u64) -> Self {
        let (state, told) = (State::Down, SignalSet::EMPTY);
        let backoff = Backoff::new(rules.backoff, seed);
        Self {
            rules,
            state,
            backoff,
            wanted: true,
            leaving: false,
            told,
            ended_badly: None,
            checks: Checks::default(),
            starts: 0,
            last_exit: None,
            gave_up: false,
        }
    }

    /// Whether there is, or may be, a main process.
    pub(super) fn runs(&self) -> bool {
        matches!(self.state, State::Spawning | State::Up { .. } | State::Stopping { .. })
    }

    /// Whether it does what others need it for.
    pub(super) fn serves(&self) -> bool {
        match self.state {
            State::Up { ready, .. } => ready && !self.leaving,
            State::Done(code) => code == ExitCode::OK,
            _ => false,
        }
    }

    pub(super) fn main_process(&self) -> Option<pid_t> {
        match self.state {
            State::Up { pid, .. } | State::Stopping { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// When something is due with it, its checks included.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.due().into_iter().chain(self.checks.due).min()
    }

    /// When something is due with its state.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.state {
            State::Up { due, .. } => due,
            State::Stopping { kill, .. } => kill,
            State::Clearing { due, .. } | State::Waiting(due) => Some(due),
            State::Down | State::Spawning | State::Done(_) => None,
        }
    }

    /// Its code as a matter of record: what counts as success is 0.
    pub(super) fn judged(&self, ending: Ending) -> ExitCode {
        let code = ending.code();
        let obeyed = match ending {
            Ending::Killed(signal) => {
                self.rules.stop.is_success && signal != Signal::KILL && self.told.contains(signal)
            }
            Ending::Exited(_) => false,
        };
        if obeyed || self.rules.success.contains(&code) { ExitCode::OK } else { code }
    }
}

/// Where all of them are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing has begun.
    New,
    /// They run.
    Running,
    /// They are to end. The code, where it is not for them to say.
    Stopping { code: Option<ExitCode>, hurried: bool },
    /// None is left. What castoff will end with, what else there is, and when time is over for it.
    Rest(ExitCode, Rest, Option<Duration>),
    /// castoff's end is ordered.
    Over,
}

impl From<Next> for State {
    fn from(next: Next) -> Self {
        match next {
            Next::Down => Self::Down,
            Next::Wait(until) => Self::Waiting(until),
            Next::Done(code) => Self::Done(code),
        }
    }
}

//! What the machine of several services knows of each, as plain data.

use std::time::Duration;

use super::super::backoff::BackoffPolicy;
use super::super::run_plan::Scope;
use super::check::CheckRule;
use crate::exit::ExitCode;
use crate::signal::Signal;

/// A service, by its place in the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Id(pub usize);

/// When a service that has ended is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// When it has not ended well.
    OnFailure,
    /// In any case.
    Always,
}

/// What comes of a service that has ended too often.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GiveUp {
    /// The container ends with its code.
    #[default]
    End,
    /// It stays down, and the rest goes on.
    Ignore,
}

/// When a service that runs is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Readiness {
    /// At once.
    #[default]
    AtOnce,
    /// After this time.
    After(Duration),
    /// When it is told to be; one that takes longer than the time has failed.
    Told(Option<Duration>),
}

/// How a service is told to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StopRule {
    /// By this.
    pub signal: Signal,
    /// Main or group; where others run beside it, `All` is the group too.
    pub scope: Scope,
    /// When SIGKILL follows. `None`: never, the service takes the time it needs.
    pub timeout: Option<Duration>,
    /// Whether a service that ends by that signal has ended well.
    pub is_success: bool,
}

/// The rules of one service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// It starts when these are ready, and ends before them.
    pub after: Vec<Id>,
    /// The same, and it runs only while these do.
    pub requires: Vec<Id>,
    /// Whether the container ends when it has ended for good.
    pub essential: bool,
    /// When it is started again.
    pub restart: Restart,
    /// How long it waits for that, and how often.
    pub backoff: BackoffPolicy,
    /// What comes of it then.
    pub gives_up: GiveUp,
    /// When it is ready.
    pub readiness: Readiness,
    /// The longest time between two signs of life of a service that is ready.
    pub watchdog: Option<Duration>,
    /// How it is checked once it is ready.
    pub check: Option<CheckRule>,
    /// How it is told to end.
    pub stop: StopRule,
    /// What makes it read its files again. `None`: it is restarted.
    pub reload: Option<Signal>,
    /// Signals to castoff that are passed on to it.
    pub forwards: Vec<Signal>,
    /// Codes, beside 0, that it ends well with.
    pub success: Vec<ExitCode>,
}

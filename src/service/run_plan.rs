//! What is to be run and how, as plain data: made by `plan`, carried through the seal,
//! performed by `supervise`. It knows nothing of the spec or of variables.

use std::ffi::OsString;
use std::time::Duration;

use crate::signal::Signal;
pub use crate::sys::spawn::Credentials;

/// Everything the running half of castoff needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPlan {
    /// The command and its arguments; never empty.
    pub argv: Vec<OsString>,
    /// The whole environment of the command.
    pub environment: Vec<(OsString, OsString)>,
    /// Who it runs as; `None`: as castoff does.
    pub credentials: Option<Credentials>,
    /// Where it runs; `None`: where castoff was started.
    pub working_directory: Option<OsString>,
    /// Replace castoff, or stay and supervise.
    pub manner: Manner,
    /// What happens to the signals that castoff gets.
    pub signals: SignalPolicy,
    /// After the main process ended: how long the rest may take to end after SIGTERM.
    pub grace: Duration,
}

/// How the command becomes a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// castoff becomes the command (execve).
    Exec,
    /// castoff stays as its parent.
    Supervise,
}

/// How signals are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalPolicy {
    /// Who gets a forwarded signal.
    pub scope: Scope,
    /// Signals sent in another's place, or (`None`) dropped.
    pub rewrite: Vec<(Signal, Option<Signal>)>,
    /// After castoff got a stop signal (TERM, INT or QUIT) and forwarded it, or what it is
    /// rewritten to: when to send SIGKILL. `None`: never, the service takes the time it
    /// needs.
    pub stop_timeout: Option<Duration>,
    /// How long after castoff got a stop signal it is forwarded: until then whoever sends
    /// the service its work may learn that it goes. The timeout counts from the forwarding.
    pub stop_delay: Option<Duration>,
    /// Whether a service that ends by the stop signal that castoff forwarded has succeeded.
    pub stop_is_success: bool,
}

/// Who gets a forwarded signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The main process.
    Main,
    /// Its process group.
    Group,
    /// Every process that castoff can reach.
    All,
}

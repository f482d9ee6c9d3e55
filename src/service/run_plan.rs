//! What is to be run and how, as plain data: made by `plan`, carried through the seal,
//! performed by `supervise`. It knows nothing of the spec or of variables.

use std::borrow::Cow;
use std::ffi::OsString;
use std::time::Duration;

use crate::exit::ExitCode;
pub use crate::process_attributes::ProcessAttributes;
use crate::signal::Signal;
use crate::sys::environment::Variables;
pub use crate::sys::spawn::Credentials;
use crate::sys::spawn::Program;

/// How long the rest may take to end after the main process did, where nothing else is said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// Everything the running half of castoff needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPlan {
    /// The main process. Without a command none is run, and castoff reaps until it is told
    /// to stop.
    pub program: ProgramPlan,
    /// Replace castoff, or stay and supervise.
    pub manner: Manner,
    /// What happens to the signals that castoff gets.
    pub signals: SignalPolicy,
    /// After the main process ended: how long the rest may take to end after SIGTERM.
    pub grace: Duration,
    /// What else an init may be asked for.
    pub init: InitOptions,
}

impl RunPlan {
    /// A command that castoff stays with, and all else as it is where nothing is asked for.
    #[must_use]
    pub fn new(argv: Vec<OsString>, environment: Vec<(OsString, OsString)>) -> Self {
        Self::of(ProgramPlan {
            argv,
            environment: Environment::Listed(environment),
            ..ProgramPlan::default()
        })
    }

    /// The same with castoff's own environment, as it is.
    #[must_use]
    pub fn untouched(argv: Vec<OsString>) -> Self {
        Self::of(ProgramPlan { argv, environment: Environment::Own, ..ProgramPlan::default() })
    }

    fn of(program: ProgramPlan) -> Self {
        Self {
            program,
            manner: Manner::Supervise,
            signals: SignalPolicy::default(),
            grace: DEFAULT_GRACE,
            init: InitOptions::default(),
        }
    }
}

/// What a process executes, and what it is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramPlan {
    /// The command and its arguments.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub environment: Environment,
    /// Who it runs as; `None`: as castoff does.
    pub credentials: Option<Credentials>,
    /// Where it runs; `None`: where castoff was started.
    pub working_directory: Option<OsString>,
    /// What else it has of its own.
    pub attributes: ProcessAttributes,
}

impl ProgramPlan {
    /// In the form that processes are made of.
    #[must_use]
    pub fn program(&self) -> Program<'_> {
        Program {
            argv: &self.argv,
            environment: self.environment.variables(),
            credentials: self.credentials.as_ref(),
            working_directory: self.working_directory.as_deref(),
            attributes: &self.attributes,
        }
    }
}

/// What a process gets as its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// castoff's own, untouched: nothing of it is copied. There is none left once castoff has
    /// overwritten it.
    Own,
    /// These.
    Listed(Vec<(OsString, OsString)>),
}

impl Default for Environment {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Environment {
    /// In the form that processes are made of.
    #[must_use]
    pub fn variables(&self) -> Variables<'_> {
        match self {
            Self::Own => Variables::Own,
            Self::Listed(listed) => Variables::Listed(listed),
        }
    }

    /// All of it, for who keeps it. Of castoff's own a copy is made.
    #[must_use]
    pub fn listed(&self) -> Cow<'_, [(OsString, OsString)]> {
        match self {
            Self::Own => Cow::Owned(std::env::vars_os().collect()),
            Self::Listed(listed) => Cow::Borrowed(listed),
        }
    }

    /// Changes it, or a copy of castoff's own.
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<(OsString, OsString)>)) {
        let mut listed = match std::mem::take(self) {
            Self::Own => std::env::vars_os().collect(),
            Self::Listed(listed) => listed,
        };
        change(&mut listed);
        *self = Self::Listed(listed);
    }
}

/// What an init may be asked for beyond signals; the default is what castoff does by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitOptions {
    /// Whether castoff adopts the orphans among its descendants.
    pub subreaper: Subreaper,
    /// Whether the service leads a session of its own, and not only a process group.
    pub own_session: bool,
    /// Codes of the service, and what castoff ends with in their place; the first that fits.
    pub remap_exit: Vec<(ExitCode, ExitCode)>,
    /// What castoff ends with where the service can't be started. `None`: what says why.
    pub failure_code: Option<ExitCode>,
    /// Whether each orphan that is reaped is told.
    pub tell_reaped: bool,
}

/// When castoff becomes the one to whom the orphans among its descendants come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subreaper {
    /// Where it is not PID 1, to whom they come anyway. Where it can't be, it works without.
    #[default]
    Auto,
    /// In any case; where it can't be, that is worth a warning.
    Always,
    /// Never.
    Never,
}

/// How the command becomes a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// castoff becomes the command (execve).
    Exec,
    /// castoff stays as its parent.
    Supervise,
}

/// How signals are passed on; the default: each as it came, to the main process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl SignalPolicy {
    /// For a service with a session of its own: the kernel stops no orphaned process group by
    /// a terminal's signals (setpgid(2)), so SIGSTOP goes in their place, unless something
    /// else is said.
    pub fn stop_for_certain(&mut self) {
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            if !self.rewrite.iter().any(|(from, _)| *from == signal) {
                self.rewrite.push((signal, Some(Signal::STOP)));
            }
        }
    }
}

/// Who gets a forwarded signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The main process.
    #[default]
    Main,
    /// Its process group.
    Group,
    /// Every process that castoff can reach.
    All,
}

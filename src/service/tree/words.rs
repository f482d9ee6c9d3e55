//! What the machine of several services is told and what it answers, as plain data.

use std::time::Duration;

use libc::pid_t;

use super::super::run_plan::Scope;
use super::rules::Id;
use crate::exit::ExitCode;
use crate::signal::Signal;
use crate::sys::reap::Ending;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// castoff is ready to run the services.
    Begin,
    /// The service runs, as this process.
    Started(Id, pid_t),
    /// It could not be started, and this says why as a code.
    SpawnFailed(Id, ExitCode),
    /// A child has ended and was reaped.
    Ended {
        /// Which.
        pid: pid_t,
        /// How.
        ending: Ending,
        /// Whether others of the process group that it led are left.
        group_left: bool,
    },
    /// Nobody is left of the process group of a service that has ended.
    GroupGone(Id),
    /// The service is ready.
    Ready(Id),
    /// It gave a sign of life.
    Alive(Id),
    /// A look at how it does has ended, well or not.
    Checked(Id, bool),
    /// It goes on as another process.
    MainProcess(Id, pid_t),
    /// castoff got a signal, other than the kernel's own SIGCHLD.
    Signal(Signal),
    /// Somebody asks for something by the control socket.
    Asked(Request),
    /// All children that ended are reaped; whether any child is left.
    Drained {
        /// Whether castoff still has a child.
        children_left: bool,
    },
    /// The kernel tells castoff nothing of its children, or lets no time pass.
    WaitRefused,
    /// The time that `due` gave has come.
    Timer,
}

/// What can be asked for while the services run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// It is to run.
    Start(Id),
    /// It is not to run.
    Stop(Id),
    /// It is to end and to run again, with those that require it.
    Restart(Id),
    /// It is to read its files again.
    Reload(Id),
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Start the service; answered by `Started` or `SpawnFailed`.
    Spawn(Id),
    /// Look for its being ready, until it is or `Forget` comes; answered by `Ready`.
    AwaitReady(Id),
    /// Look once how it does; answered by `Checked`, unless `Forget` comes first. The flag: why
    /// it fails is to be told, if it does.
    Check(Id, bool),
    /// Nothing more is to be found out about it: its main process has ended or is to end.
    Forget(Id),
    /// Send a signal to the main process, or to its group.
    Send(Id, pid_t, Scope, Signal),
    /// Send a signal to what is left of the process group that it led.
    SendGroup(pid_t, Signal),
    /// TERM (and CONT) to every process that is left.
    TermRest,
    /// KILL to every process that is left; say who they are the first time.
    KillRest,
    /// castoff got SIGHUP: render again, and tell the services whose files changed.
    Reload,
    /// Say that the kernel's OOM killer ended the service, if it did.
    NameOom(Id),
    /// Say it.
    Log(Line),
    /// End castoff.
    Exit(ExitCode),
}

/// What the machine has to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// It is ready.
    Ready(Id),
    /// It has ended and is started again after this time.
    Restarting(Id, ExitCode, Duration),
    /// It has ended, and that is that.
    Ended(Id, ExitCode),
    /// It has ended too often.
    GaveUp(Id, ExitCode),
    /// It was not ready in time.
    NotReady(Id, Duration),
    /// It gave no sign of life for so long.
    Silent(Id, Duration),
    /// So many checks in a row have failed.
    Unhealthy(Id, u32),
    /// It had failed its checks, and does not any more.
    Healthy(Id),
    /// It did not end in time and is killed.
    StopTimeout(Id, Duration),
    /// What it left behind does not end and is killed.
    KillingLeft(Id),
    /// A service that it requires is gone.
    Lost(Id, Id),
    /// The signal is for nobody.
    NotForwarded(Signal),
    /// castoff was asked to stop.
    Stopping(Signal),
    /// Asked again: all at once now.
    Hurried(Signal),
    /// castoff can't learn of the services' ends.
    WaitRefused,
    /// Killed processes don't go away; castoff ends without them.
    Unkillable,
}

impl Line {
    /// Whether somebody should have a look.
    #[must_use]
    pub fn is_warning(self) -> bool {
        !matches!(self, Self::Ready(_) | Self::Healthy(_) | Self::Stopping(_) | Self::Ended(_, ExitCode::OK))
    }

    /// As a sentence, with the names of the services.
    #[must_use]
    pub fn text(self, name: impl Fn(Id) -> String) -> String {
        match self {
            Self::Ready(id) => format!("{} is ready", name(id)),
            Self::Restarting(id, code, wait) => {
                format!("{} {}; starting it again in {wait:?}", name(id), ended(code))
            }
            Self::Ended(id, code) => format!("{} {}", name(id), ended(code)),
            Self::GaveUp(id, code) => {
                format!("{} {} once more than its restart-limit allows; giving up", name(id), ended(code))
            }
            Self::NotReady(id, limit) => {
                format!("{} was not ready after {limit:?} and is stopped", name(id))
            }
            Self::Silent(id, limit) => {
                format!("{} gave no sign of life for {limit:?} and is aborted", name(id))
            }
            Self::Unhealthy(id, count) => {
                let times = if count == 1 {
                    "a check has".to_owned()
                } else {
                    format!("{count} checks in a row have")
                };
                format!("{} is unhealthy: {times} failed", name(id))
            }
            Self::Healthy(id) => format!("{} is healthy again", name(id)),
            Self::StopTimeout(id, limit) => {
                format!("{} did not end within {limit:?} of being told to stop and is killed", name(id))
            }
            Self::KillingLeft(id) => {
                format!("what {} left behind does not end and is killed", name(id))
            }
            Self::Lost(id, other) => {
                format!("{} is stopped, as it requires {}, which is not there", name(id), name(other))
            }
            Self::NotForwarded(signal) => {
                format!("no service takes {signal}: `forward-signals` of a service names those it gets")
            }
            Self::Stopping(signal) => format!("stopping all services by {signal}"),
            Self::Hurried(signal) => format!("{signal} once more: stopping what is left, in no order"),
            Self::WaitRefused => "a sandbox refuses all that castoff could wait for its services by \
                 (wait4, waitid; rt_sigtimedwait, signalfd, ppoll, clock_nanosleep); ending all"
                .to_owned(),
            Self::Unkillable => "some processes can't be killed; ending without them".to_owned(),
        }
    }
}

fn ended(code: ExitCode) -> String {
    let signal = Signal::new(i32::from(code.0) - 128).filter(|_| code.0 > 128);
    match signal {
        Some(signal) => format!("was ended by {signal} (code {})", code.0),
        None => format!("ended with code {}", code.0),
    }
}

//! What the machine says is to be done: plain data.
//!
//! No memory is asked for: after the start PID 1 may be short of it, and a heap that is empty
//! costs a signal several pages on its way.

use std::time::Duration;

use libc::pid_t;

use super::run_plan::Scope;
use crate::exit::ExitCode;
use crate::signal::Signal;

/// What one event may lead to: two signals forwarded, each with what brings the service to
/// take it in, and a timer.
const MOST: usize = 8;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Start the main process; answered by `Started`, `SpawnFailed` or `Paused`.
    Spawn,
    /// Send a signal to the main process, its group, or all.
    Forward(pid_t, Scope, Signal),
    /// Make the group of the main process the terminal's foreground, if castoff's is.
    GiveTerminal(pid_t),
    /// Take the foreground back from it.
    TakeTerminal(pid_t),
    /// Stop castoff itself; answered by `StopRefused` if it can't be.
    StopSelf(Signal),
    /// TERM (and CONT) to every process that is left.
    TermRest,
    /// KILL to every process that is left; say who they are the first time.
    KillRest,
    /// Wake up with `Timer` when so much time is over, in place of any that was set.
    SetTimer(Duration),
    /// No longer.
    ClearTimer,
    /// Say it.
    Log(Line),
    /// Say that the kernel's OOM killer ended the main process, if it did.
    NameOom,
    /// End castoff.
    Exit(ExitCode),
}

/// The actions of one step, in their order; at most [`MOST`], which the tests of the machine
/// hold it to.
#[derive(Clone, Copy, Default, Debug)]
pub struct Actions {
    taken: usize,
    slots: [Option<Action>; MOST],
}

impl Actions {
    /// The actions, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Action> {
        self.slots.iter().map_while(|slot| *slot)
    }

    pub(super) fn push(&mut self, action: Action) {
        debug_assert!(self.taken < MOST, "no room for {action:?}");
        if let Some(slot) = self.slots.get_mut(self.taken) {
            *slot = Some(action);
            self.taken += 1;
        }
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<T: IntoIterator<Item = Action>>(iter: T) -> Self {
        let mut actions = Self::default();
        iter.into_iter().for_each(|action| actions.push(action));
        actions
    }
}

impl<const COUNT: usize> From<[Action; COUNT]> for Actions {
    fn from(actions: [Action; COUNT]) -> Self {
        const { assert!(COUNT <= MOST, "more actions than there is room for") };
        actions.into_iter().collect()
    }
}

/// What the machine has to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// The service did not end within its stop timeout and is killed.
    StopTimeout(Duration),
    /// Killed processes don't go away; castoff ends without them.
    Unkillable,
    /// castoff can't learn of the service's end.
    WaitRefused,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StopTimeout(limit) => {
                write!(f, "the service did not end within {limit:?} of being told to stop and is killed")
            }
            Self::Unkillable => f.write_str("some processes can't be killed; ending without them"),
            Self::WaitRefused => f.write_str(
                "a sandbox refuses all that castoff could wait for its service by \
                 (wait4, waitid; rt_sigtimedwait, signalfd, ppoll, clock_nanosleep); ending both",
            ),
        }
    }
}

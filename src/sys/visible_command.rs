//! A command of the preparation that people see: a step, a hook. It reads nothing, and all
//! that it prints goes to castoff's stderr; stdout is the service's.
//!
//! It leaves nothing behind: castoff is the reaper of orphans while it runs, so a process that
//! left its group and lost its parent is still found, given a moment to end by itself, and then
//! ended. Where that can't be (no /proc, a sandbox without prctl(2)) its group is killed.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use libc::pid_t;
use nix::errno::Errno;

use super::exec_failure::explain;
use super::itself::{be_no_subreaper, become_subreaper, is_subreaper, own_pid};
use super::processes::{Process, can_be_seen, descendants};
use super::reap::{self, Ending, Reaped};
use super::send::{Target, send, send_to};
use super::spawn::{Failure, Prepared, Program, Setting, Stage};
use super::start::Inherited;
use super::{poll, signals, stdio};
use crate::diagnostic::Diagnostic;
use crate::signal::Signal;

/// How often is looked at what the kernel doesn't wake castoff for.
const TICK: Duration = Duration::from_millis(10);
/// How long a command has after SIGTERM once its time is over.
const GRACE: Duration = Duration::from_secs(5);
/// The same where castoff is to stop, which must not take long.
const SHORT_GRACE: Duration = Duration::from_millis(100);
/// How long what a command left running has to end by itself, and then after SIGTERM.
const LINGER: Duration = Duration::from_millis(500);

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It has ended.
    Ended(Ending),
    /// It took too long and was ended, as this says.
    TimedOut(Ending),
    /// It could not be run, and why.
    CannotStart(Box<Diagnostic>),
    /// castoff was asked to stop, and the command was ended. The signal is still pending.
    Interrupted(Signal),
}

/// A command that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Over {
    /// What became of it.
    pub outcome: Outcome,
    /// What it left running, and castoff had to end.
    pub left: Vec<Process>,
}

/// Runs `program` to its end, or until `timeout` is over. All signals must be blocked.
#[must_use]
pub fn run_visible(program: &Program<'_>, inherited: &Inherited, timeout: Option<Duration>) -> Over {
    let cannot = |found, failure| Over {
        outcome: Outcome::CannotStart(Box::new(explain(program, found, failure))),
        left: Vec::new(),
    };
    let prepared = match Prepared::new(program) {
        Ok(prepared) => prepared,
        Err(failure) => return cannot(None, failure),
    };
    let adopting = Adopting::begin();
    match Running::new(&prepared, inherited, &adopting) {
        Ok(running) => running.finish(timeout),
        Err(failure) => cannot(Some(prepared.candidates()), failure),
    }
}

/// As long as it lives castoff gets the orphans of its descendants, as PID 1 does always.
enum Adopting {
    /// It gets them anyway.
    Always,
    /// Only now.
    Now,
    /// A sandbox forbids it.
    Never,
}

impl Adopting {
    fn begin() -> Self {
        if own_pid() == 1 || is_subreaper() {
            Self::Always
        } else if become_subreaper().is_ok() {
            Self::Now
        } else {
            Self::Never
        }
    }
}

impl Drop for Adopting {
    fn drop(&mut self) {
        if matches!(self, Self::Now) {
            // what could be switched on can be switched off
            let _ = be_no_subreaper();
        }
    }
}

struct Running {
    pid: pid_t,
    ended: Option<OwnedFd>,
    stop: Option<OwnedFd>,
    /// Whether processes are found that lost their parent.
    finds_orphans: bool,
    /// What ran before and is none of the command's business.
    before: Vec<pid_t>,
}

impl Running {
    fn new(prepared: &Prepared, inherited: &Inherited, adopting: &Adopting) -> Result<Self, Failure> {
        let failed = |errno| Failure { stage: Stage::Stdio, errno, item: 0 };
        // std makes copies whose numbers are above those of the standard streams
        let output = std::io::stderr().as_fd().try_clone_to_owned();
        let output =
            output.map_err(|error| failed(error.raw_os_error().map_or(Errno::EMFILE, Errno::from_raw)))?;
        let input = stdio::empty_input().map_err(failed)?;
        let setting = Setting {
            own_group: true,
            stdio: [Some(input.as_raw_fd()), Some(output.as_raw_fd()), Some(output.as_raw_fd())],
            mask: inherited.mask,
            ignores_children: inherited.ignores_children,
            ..Setting::default()
        };
        let finds_orphans = can_be_seen() && !matches!(adopting, Adopting::Never);
        // all of /proc is read only where somebody is there
        let running = if reap::has_children() { descendants() } else { None };
        let before = running.unwrap_or_default().iter().map(|process| process.pid).collect();
        let pid = prepared.spawn(&setting)?;
        let (ended, stop) = (reap::descriptor(pid).ok(), signals::stop_descriptor().ok());
        Ok(Self { pid, ended, stop, finds_orphans, before })
    }

    fn finish(&self, timeout: Option<Duration>) -> Over {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let outcome = loop {
            if let Some(signal) = signals::stop_requested() {
                self.end(SHORT_GRACE);
                self.clear(Duration::ZERO);
                return Over { outcome: Outcome::Interrupted(signal), left: Vec::new() };
            }
            if reap::has_ended(self.pid) {
                break Outcome::Ended(self.reaped());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break Outcome::TimedOut(self.end(GRACE));
            }
            self.wait(left);
        };
        Over { outcome, left: self.clear(LINGER) }
    }

    fn wait(&self, limit: Option<Duration>) {
        let raw = |fd: Option<&OwnedFd>| fd.map_or(-1, AsRawFd::as_raw_fd);
        let woken = self.ended.is_some() && self.stop.is_some();
        let tick = (!woken).then_some(TICK);
        let limit = [limit, tick].into_iter().flatten().min();
        poll::readable(&[raw(self.ended.as_ref()), raw(self.stop.as_ref())], limit);
    }

    /// Asks the group to end, kills it after `grace`, and reaps its leader. A request to stop
    /// makes the grace a short one.
    fn end(&self, grace: Duration) -> Ending {
        let began = Instant::now();
        // Nobody there, or nobody whom castoff may signal: the kill below is the last word.
        let _ = send(Target::Group(self.pid), Signal::TERM);
        while !reap::has_ended(self.pid) {
            let limit = if signals::stop_requested().is_some() { grace.min(SHORT_GRACE) } else { grace };
            if began.elapsed() >= limit {
                let _ = send(Target::Group(self.pid), Signal::KILL);
                break;
            }
            poll::readable(&[self.ended.as_ref().map_or(-1, AsRawFd::as_raw_fd)], Some(TICK));
        }
        self.reaped()
    }

    /// Reaps the leader, whose process id, and with it the group's, is castoff's until then.
    fn reaped(&self) -> Ending {
        if !self.finds_orphans {
            let _ = send(Target::Group(self.pid), Signal::KILL);
        }
        reap::wait_for(self.pid).unwrap_or(Ending::Killed(Signal::KILL))
    }

    /// Waits for what is left to end, asks it to and kills it; what had to be asked is returned.
    fn clear(&self, patience: Duration) -> Vec<Process> {
        if self.until_none(patience) {
            return Vec::new();
        }
        let left = self.left();
        for process in &left {
            // it may have ended meanwhile
            let _ = send_to(process, Signal::TERM);
        }
        if !self.until_none(patience) {
            // what can't be killed, in a system call that doesn't end, is left to the kernel
            let began = Instant::now();
            while began.elapsed() < GRACE {
                let rest = self.left();
                if rest.is_empty() {
                    break;
                }
                for process in &rest {
                    let _ = send_to(process, Signal::KILL);
                }
                poll::readable(&[], Some(TICK));
            }
        }
        left
    }

    /// Whether nothing is left within `limit`, or before castoff is asked to stop.
    fn until_none(&self, limit: Duration) -> bool {
        let began = Instant::now();
        loop {
            if self.left().is_empty() {
                return true;
            }
            if began.elapsed() >= limit || signals::stop_requested().is_some() {
                return false;
            }
            poll::readable(&[], Some(TICK));
        }
    }

    /// The command's descendants that have not ended yet; those that have are reaped.
    fn left(&self) -> Vec<Process> {
        while let Reaped::Child(..) = reap::next_change() {}
        if !reap::has_children() {
            return Vec::new();
        }
        let mut others = self.before.clone();
        let mut left = descendants().unwrap_or_default();
        left.retain(|process| {
            let is_other = others.contains(&process.pid) || others.contains(&process.parent);
            if is_other {
                others.push(process.pid);
            }
            !is_other
        });
        left
    }
}

//! Reaching every process that castoff is responsible for: as PID 1 all of its namespace,
//! else its descendants, which a subreaper keeps when they are orphaned.

use std::path::Path;

use libc::pid_t;
use nix::errno::Errno;

use super::voice::{Level, Voice};
use crate::observe::cgroup;
use crate::signal::Signal;
use crate::size;
use crate::sys::itself::own_pid;
use crate::sys::processes::descendants;
use crate::sys::send::{Target, send, send_to};

/// At most so many walks for one signal: a process that forks faster than /proc can be read
/// is met again by the next signal.
const ROUNDS: usize = 8;

/// At most so many processes are named.
const NAMED: usize = 10;

/// What is there besides the service, or after it.
#[derive(Default)]
pub(super) struct Rest {
    named: bool,
}

impl Rest {
    /// Asks all to end, who may be stopped.
    pub(super) fn term(voice: Voice) {
        signal_all(Signal::TERM, voice);
        signal_all(Signal::CONT, voice);
    }

    /// Kills all, and says once who they are.
    pub(super) fn kill(&mut self, voice: Voice) {
        if !std::mem::replace(&mut self.named, true) {
            name_rest(voice);
        }
        signal_all(Signal::KILL, voice);
    }
}

/// Sends `signal` to all. Not PID 1: the children that appear during the walk are found by
/// the next one; each process gets it once.
pub(super) fn signal_all(signal: Signal, voice: Voice) {
    if own_pid() == 1 {
        return report(Target::Everybody, signal, voice);
    }
    let mut told: Vec<pid_t> = Vec::new();
    for _ in 0..ROUNDS {
        let Some(found) = descendants() else {
            voice.say(Level::Warn, "no /proc: what the service left behind can't be found");
            return;
        };
        let before = told.len();
        for process in found {
            if !told.contains(&process.pid) {
                told.push(process.pid);
                say_failure(Target::Process(process.pid), send_to(&process, signal), signal, voice);
            }
        }
        if told.len() == before {
            return;
        }
    }
}

/// Sends, and says what failed.
pub(super) fn report(target: Target, signal: Signal, voice: Voice) {
    say_failure(target, send(target, signal), signal, voice);
}

/// A process that is gone already is no news, and no failure ends castoff.
fn say_failure(target: Target, sent: Result<(), Errno>, signal: Signal, voice: Voice) {
    match sent {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => voice.say(Level::Warn, &format!("can't send {signal} to {target}: {}", errno.desc())),
    }
}

/// Says that `who` was killed for want of memory.
pub(super) fn name_oom(who: &str, voice: Voice) {
    let root = Path::new("/");
    let limit = cgroup::limits(root).memory.and_then(|bytes| i64::try_from(bytes).ok());
    let why = match limit {
        Some(bytes) => format!("the memory limit is {}; raise it", size::format(bytes)),
        None => "no memory limit is known, so the machine may have run out; give it more".to_owned(),
    };
    let line = format!("{who} was killed by the kernel's OOM killer: {why}, or let the service use less");
    voice.say(Level::Warn, &line);
}

/// Says who is about to be killed.
fn name_rest(voice: Voice) {
    let Some(rest) = descendants() else {
        voice.say(Level::Warn, "killing what is left after the grace; without /proc it can't be named");
        return;
    };
    if rest.is_empty() {
        return;
    }
    let named = rest.iter().take(NAMED).map(|process| format!("{} ({})", process.pid, process.name));
    let mut list = named.collect::<Vec<_>>().join(", ");
    if rest.len() > NAMED {
        list.push_str(&format!(" and {} more", rest.len() - NAMED));
    }
    voice.say(Level::Warn, &format!("still there after the grace and killed: {list}"));
}

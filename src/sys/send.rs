//! Sending signals: to others, and to castoff itself in order to stop or to end by one.

#![allow(unsafe_code, reason = "kill(2), pidfd_send_signal(2)")]

use std::os::fd::AsRawFd;

use libc::{c_long, pid_t};
use nix::errno::Errno;

use super::itself::own_pid;
use super::processes::Process;
use super::reap::descriptor;
use super::signals::{SignalSet, block_all, change_mask, pending};
use crate::exit::ExitCode;
use crate::signal::Signal;

/// Who a signal is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// One process.
    Process(pid_t),
    /// A process group.
    Group(pid_t),
    /// Castoff's own process group, itself included.
    OwnGroup,
    /// Every process but castoff; only where castoff is PID 1 of its namespace, and ends
    /// at its borders.
    Everybody,
}

/// Sends a signal. A real-time signal keeps its number and gets no value.
///
/// # Errors
/// ESRCH: nobody is there (any more). EPERM: castoff may not. See kill(2).
pub fn send(target: Target, signal: Signal) -> Result<(), Errno> {
    let pid = match target {
        // 0, 1 and negative numbers mean somebody else to kill(2).
        Target::Process(pid) | Target::Group(pid) if pid <= 1 => return Err(Errno::ESRCH),
        Target::Process(pid) => pid,
        Target::Group(group) => -group,
        Target::OwnGroup => 0,
        Target::Everybody => -1,
    };
    // SAFETY: kill(2) takes two integers. By the raw call, as libc is free to refuse 32 and 33.
    Errno::result(unsafe { libc::syscall(libc::SYS_kill, c_long::from(pid), c_long::from(signal.number())) })
        .map(drop)
}

/// Sends a signal to a process that was seen in /proc, and to no other. What is no child of
/// castoff's may have ended and been reaped since then, and its id be a stranger's. While a
/// descriptor of it is open, what has its id and the time of its start is it (pidfd_open(2));
/// where there are none of these, a moment remains in which castoff might be wrong.
///
/// # Errors
/// As [`send`]; ESRCH also where its id is another's.
pub fn send_to(process: &Process, signal: Signal) -> Result<(), Errno> {
    let held = descriptor(process.pid).ok();
    if !process.is_there() {
        return Err(Errno::ESRCH);
    }
    let sent = held.ok_or(Errno::ENOSYS).and_then(|fd| {
        let (fd, number) = (c_long::from(fd.as_raw_fd()), c_long::from(signal.number()));
        let nothing = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: takes integers, and no information of its own about the signal.
        Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, number, nothing, 0) })
    });
    match sent {
        // the sandbox's word, or the kernel's: kill(2) has the last one
        Err(Errno::ENOSYS | Errno::EPERM) => send(Target::Process(process.pid), signal),
        sent => sent.map(drop),
    }
}

/// As a sentence names it.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Group(group) => write!(f, "process group {group}"),
            Self::OwnGroup => f.write_str("castoff's own process group"),
            Self::Everybody => f.write_str("every process"),
        }
    }
}

/// How stopping itself went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopOutcome {
    /// castoff was stopped, and SIGCONT woke it; the SIGCONT is pending.
    Resumed,
    /// The kernel did not stop it: PID 1 has no default action, and an orphaned process
    /// group has nobody who could continue it (setpgid(2)).
    Refused,
}

/// Stops castoff by the default action of a terminal's stop signal, with its process group
/// if `group`. signal-hook's emulation raises SIGSTOP, which would also freeze a castoff
/// that nobody can wake; the true signal leaves that judgement to the kernel.
pub fn stop_self(signal: Signal, group: bool) -> StopOutcome {
    let target = if group { Target::OwnGroup } else { Target::Process(own_pid()) };
    if send(target, signal).is_err() {
        return StopOutcome::Refused;
    }
    // refused, it is not stopped, and that is seen below
    let _ = change_mask(libc::SIG_UNBLOCK, SignalSet::EMPTY.with(signal));
    let _ = block_all();
    if pending().contains(Signal::CONT) { StopOutcome::Resumed } else { StopOutcome::Refused }
}

/// Ends castoff because `signal` interrupted it before it had a service: of the signal
/// itself, so that a shell's script stops too; as PID 1, where the kernel shields castoff
/// from its own signals (pid_namespaces(7)), by returning 128 + n for the caller to exit
/// with.
#[must_use]
pub fn end_interrupted(signal: Signal) -> ExitCode {
    if own_pid() != 1 {
        // A failure leaves castoff alive, and the code says the same.
        let _ = signal_hook::low_level::emulate_default_handler(signal.number());
    }
    ExitCode::from_signal(signal)
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::send_to;
    use crate::signal::Signal;
    use crate::sys::processes::{Process, descendants};

    #[test]
    fn a_signal_reaches_the_process_that_was_seen_and_no_other_of_its_id() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let seen = descendants().unwrap().into_iter().find(|process| process.pid == pid).unwrap();
        let earlier = Process { began: seen.began - 1, ..seen.clone() };
        assert_eq!(send_to(&earlier, Signal::KILL), Err(Errno::ESRCH));
        assert_eq!(child.try_wait().unwrap(), None, "it lives");
        assert_eq!(send_to(&seen, Signal::KILL), Ok(()));
        child.wait().unwrap();
        assert_eq!(send_to(&seen, Signal::KILL), Err(Errno::ESRCH));
    }
}

//! Sending signals: to others, and to castoff itself in order to stop or to end by one.

#![allow(unsafe_code, reason = "kill(2)")]

use libc::{c_long, pid_t};
use nix::errno::Errno;

use super::itself::own_pid;
use super::signals::{SignalSet, change_mask, pending};
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
    change_mask(libc::SIG_UNBLOCK, SignalSet::EMPTY.with(signal));
    change_mask(libc::SIG_BLOCK, SignalSet::ALL);
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

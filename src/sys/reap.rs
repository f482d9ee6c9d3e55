//! What became of children: the one wrapper of waitpid(2), and of waitid(2) where a sandbox
//! refuses that.
//!
//! Not nix's: it turns the signal into an enum after the kernel has reaped, so that a child
//! ended by a real-time signal is lost with its process id.

#![allow(unsafe_code, reason = "waitpid(2), waitid(2)")]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, pid_t};
use nix::errno::Errno;

use super::poll::readable;
use super::retry::insist;
use crate::exit::ExitCode;
use crate::signal::Signal;

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It exited with this status.
    Exited(u8),
    /// A signal killed it.
    Killed(Signal),
}

impl Ending {
    /// As a shell says it: the status, or 128 + n.
    #[must_use]
    pub fn code(self) -> ExitCode {
        match self {
            Self::Exited(status) => ExitCode(status),
            Self::Killed(signal) => ExitCode::from_signal(signal),
        }
    }
}

/// A child's change of state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It has ended, and its process id is free for others now.
    Ended(Ending),
    /// A signal stopped it.
    Stopped(Signal),
    /// SIGCONT woke it.
    Continued,
}

/// What [`next_change`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaped {
    /// A child changed.
    Child(pid_t, Change),
    /// There are children, and nothing new from them.
    NothingNew,
    /// There is no child.
    NoChildren,
    /// Nobody says: both calls are refused.
    Refused,
}

/// The next change of any child, without waiting.
#[must_use]
pub fn next_change() -> Reaped {
    wait(-1, libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED)
}

/// Waits until the child `pid` has ended. `None` if it is not castoff's child.
#[must_use]
pub fn wait_for(pid: pid_t) -> Option<Ending> {
    match wait(pid, 0) {
        Reaped::Child(_, Change::Ended(ending)) => Some(ending),
        _ => None,
    }
}

/// Whether the child `pid` has ended and waits to be reaped; it is not reaped by this, so
/// its process id and its group's stay its own (waitid(2), WNOWAIT).
#[must_use]
pub fn has_ended(pid: pid_t) -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let id = libc::id_t::try_from(pid).unwrap_or(0);
    // SAFETY: `info` is writable, and zeroed bytes are valid; the id stays 0 where nothing
    // is to be told.
    let (asked, found) = unsafe {
        let asked = Errno::result(libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options));
        (asked, info.assume_init().si_pid())
    };
    match asked {
        Ok(_) => found == pid,
        Err(Errno::ECHILD) => false,
        // its descriptor tells as well
        Err(_) => descriptor(pid).is_ok_and(|fd| readable(&[fd.as_raw_fd()], Some(Duration::ZERO)) != 0),
    }
}

/// Whether there is any child, ended or not; `true` where nobody says. Nothing is reaped by
/// this.
#[must_use]
pub fn has_children() -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is writable; without a child the call fails with ECHILD (waitid(2)).
    let asked = Errno::result(unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) });
    asked != Err(Errno::ECHILD)
}

/// A descriptor that is readable once the process has ended (pidfd_open(2)).
///
/// # Errors
/// Refused by a sandbox, or Linux is older than 5.3.
pub fn descriptor(pid: pid_t) -> Result<OwnedFd, Errno> {
    // SAFETY: takes two integers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = c_int::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it, nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// To take a failure for the end of all children would end castoff before them.
fn wait(pid: pid_t, options: c_int) -> Reaped {
    let waited = insist(|| by_status(pid, options)).or_else(|_| insist(|| by_id(pid, options)));
    waited.unwrap_or(Reaped::Refused)
}

/// By waitpid(2). A status that the kernel does not make is passed over.
fn by_status(pid: pid_t, options: c_int) -> Result<Reaped, Errno> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is writable (waitpid(2)).
        match Errno::result(unsafe { libc::waitpid(pid, &raw mut status, options) }) {
            Ok(0) => return Ok(Reaped::NothingNew),
            Ok(child) => {
                if let Some(change) = change(status) {
                    return Ok(Reaped::Child(child, change));
                }
            }
            Err(Errno::ECHILD) => return Ok(Reaped::NoChildren),
            Err(errno) => return Err(errno),
        }
    }
}

/// The same by waitid(2), whose other options have the values of waitpid's (wait(2)).
fn by_id(pid: pid_t, options: c_int) -> Result<Reaped, Errno> {
    let (kind, id) = libc::id_t::try_from(pid).map_or((libc::P_ALL, 0), |id| (libc::P_PID, id));
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `info` is writable, and zeroed bytes are valid; of what a child did the
        // kernel fills in these three fields.
        let (asked, child, code, status) = unsafe {
            let asked = Errno::result(libc::waitid(kind, id, info.as_mut_ptr(), options | libc::WEXITED));
            let info = info.assume_init();
            (asked, info.si_pid(), info.si_code, info.si_status())
        };
        match asked {
            Ok(_) if child == 0 => return Ok(Reaped::NothingNew),
            Ok(_) => {
                if let Some(change) = change_of(code, status) {
                    return Ok(Reaped::Child(child, change));
                }
            }
            Err(Errno::ECHILD) => return Ok(Reaped::NoChildren),
            Err(errno) => return Err(errno),
        }
    }
}

/// Reads what waitid(2) says. `None` for what the kernel does not make.
fn change_of(code: c_int, status: c_int) -> Option<Change> {
    match code {
        libc::CLD_EXITED => u8::try_from(status).ok().map(|code| Change::Ended(Ending::Exited(code))),
        libc::CLD_KILLED | libc::CLD_DUMPED => {
            Signal::new(status).map(|signal| Change::Ended(Ending::Killed(signal)))
        }
        libc::CLD_STOPPED => Signal::new(status).map(Change::Stopped),
        libc::CLD_CONTINUED => Some(Change::Continued),
        _ => None,
    }
}

/// Reads a wait status. `None` for one that the kernel does not make.
fn change(status: c_int) -> Option<Change> {
    if libc::WIFEXITED(status) {
        let code = u8::try_from(libc::WEXITSTATUS(status)).ok()?;
        return Some(Change::Ended(Ending::Exited(code)));
    }
    if libc::WIFSIGNALED(status) {
        return Signal::new(libc::WTERMSIG(status)).map(|signal| Change::Ended(Ending::Killed(signal)));
    }
    if libc::WIFSTOPPED(status) {
        return Signal::new(libc::WSTOPSIG(status)).map(Change::Stopped);
    }
    libc::WIFCONTINUED(status).then_some(Change::Continued)
}

#[cfg(test)]
mod tests {
    use super::{Change, Ending, change, change_of};
    use crate::exit::ExitCode;
    use crate::signal::Signal;

    #[test]
    fn every_status_and_every_signal_is_read() {
        for status in 0..=255_u8 {
            let exited = Some(Change::Ended(Ending::Exited(status)));
            assert_eq!(change(i32::from(status) << 8), exited);
            assert_eq!(change_of(libc::CLD_EXITED, status.into()), exited);
        }
        for signal in Signal::all() {
            let number = signal.number();
            let killed = Some(Change::Ended(Ending::Killed(signal)));
            for (core, code) in [(0, libc::CLD_KILLED), (0x80, libc::CLD_DUMPED)] {
                assert_eq!((change(number | core), change_of(code, number)), (killed, killed));
            }
            let stopped = Some(Change::Stopped(signal));
            assert_eq!(
                (change(number << 8 | 0x7f), change_of(libc::CLD_STOPPED, number)),
                (stopped, stopped)
            );
            assert_eq!(Ending::Killed(signal).code(), ExitCode(128 + number as u8));
        }
        assert_eq!(change(0xffff), Some(Change::Continued));
        assert_eq!(change_of(libc::CLD_CONTINUED, libc::SIGCONT), Some(Change::Continued));
    }
}

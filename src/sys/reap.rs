//! What became of children: the one wrapper of waitpid(2).
//!
//! Not nix's: it turns the signal into an enum after the kernel has reaped, so that a child
//! ended by a real-time signal is lost with its process id.

#![allow(unsafe_code, reason = "waitpid(2)")]

use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};

use libc::{c_int, pid_t};
use nix::errno::Errno;

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
    // SAFETY: `info` is writable, and zeroed bytes are valid; the id stays 0 where nothing
    // is to be told.
    unsafe {
        let id = libc::id_t::try_from(pid).unwrap_or(0);
        libc::waitid(libc::P_PID, id, info.as_mut_ptr(), options) == 0 && info.assume_init().si_pid() == pid
    }
}

/// Whether there is any child, ended or not. Nothing is reaped by this.
#[must_use]
pub fn has_children() -> bool {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is writable; without a child the call fails with ECHILD (waitid(2)).
    unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) == 0 }
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

/// How often waitpid(2) is asked again after a failure that it should not have. To take one
/// for the end of all children would end castoff before them.
const ASKED: u32 = 16;

fn wait(pid: pid_t, options: c_int) -> Reaped {
    let mut failures = 0;
    loop {
        let mut status = 0;
        // SAFETY: `status` is writable (waitpid(2)).
        match Errno::result(unsafe { libc::waitpid(pid, &raw mut status, options) }) {
            Ok(0) => return Reaped::NothingNew,
            Ok(child) => {
                if let Some(change) = change(status) {
                    return Reaped::Child(child, change);
                }
            }
            Err(Errno::EINTR) => {}
            Err(errno) if errno != Errno::ECHILD && failures < ASKED => failures += 1,
            Err(_) => return Reaped::NoChildren,
        }
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
    use super::{Change, Ending, change};
    use crate::exit::ExitCode;
    use crate::signal::Signal;

    #[test]
    fn every_status_and_every_signal_is_read() {
        for status in 0..=255_u8 {
            assert_eq!(change(i32::from(status) << 8), Some(Change::Ended(Ending::Exited(status))));
        }
        for signal in Signal::all() {
            let number = signal.number();
            for core in [0, 0x80] {
                assert_eq!(change(number | core), Some(Change::Ended(Ending::Killed(signal))));
            }
            assert_eq!(change(number << 8 | 0x7f), Some(Change::Stopped(signal)));
            assert_eq!(Ending::Killed(signal).code(), ExitCode(128 + number as u8));
        }
        assert_eq!(change(0xffff), Some(Change::Continued));
    }
}

//! castoff's own place among the processes: its id, its name, its session, its parent, whose
//! orphans it gets.

#![allow(unsafe_code, reason = "getpid(2), getppid(2), exit_group(2), getsid(2), prctl(2)")]

use libc::{c_long, c_void, pid_t};
use nix::errno::Errno;

use super::send::{Target, send};
use crate::exit::ExitCode;
use crate::signal::Signal;

/// castoff's process id.
#[must_use]
pub fn own_pid() -> pid_t {
    // SAFETY: getpid(2) has no arguments and can't fail.
    unsafe { libc::getpid() }
}

/// Its parent's; 0 where that is in another PID namespace.
#[must_use]
pub fn parent_pid() -> pid_t {
    // SAFETY: getppid(2) has no arguments and can't fail.
    unsafe { libc::getppid() }
}

/// Ends castoff. Nothing is left to be done at an exit: what is written is written at once.
pub fn end(code: ExitCode) -> ! {
    // SAFETY: takes an integer and does not return (exit_group(2)).
    unsafe { libc::_exit(code.0.into()) }
}

/// Whether castoff leads its session.
#[must_use]
pub fn leads_session() -> bool {
    // SAFETY: takes an integer; 0 is the caller (getsid(2)).
    unsafe { libc::getsid(0) == own_pid() }
}

/// Has the kernel send `signal` to castoff when its parent ends. It stays so through
/// execve(2), but for programs with more rights than who executes them, and children don't
/// inherit it (PR_SET_PDEATHSIG(2const)). `parent` is the parent that castoff found at its
/// start: if that is gone already, castoff sends itself the signal.
///
/// # Errors
/// A sandbox refuses prctl(2).
pub fn follow_parent(signal: Signal, parent: pid_t) -> Result<(), Errno> {
    let number = c_long::from(signal.number());
    // SAFETY: this option takes one integer; the rest is ignored.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, number, 0, 0, 0) })?;
    if parent_pid() == parent { Ok(()) } else { send(Target::Process(own_pid()), signal) }
}

/// Makes castoff the one to whom the orphans among its descendants come
/// (PR_SET_CHILD_SUBREAPER(2const)).
///
/// # Errors
/// A sandbox refuses prctl(2); castoff works without, orphans go to somebody else then.
pub fn become_subreaper() -> Result<(), Errno> {
    set_subreaper(1)
}

/// Whether castoff is one already, because what executed it was.
#[must_use]
pub fn is_subreaper() -> bool {
    let mut on: libc::c_int = 0;
    // SAFETY: this option writes one int (PR_GET_CHILD_SUBREAPER(2const)).
    unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut on, 0, 0, 0) == 0 && on != 0 }
}

/// Undoes [`become_subreaper`].
///
/// # Errors
/// A sandbox refuses prctl(2).
pub fn be_no_subreaper() -> Result<(), Errno> {
    set_subreaper(0)
}

fn set_subreaper(on: c_long) -> Result<(), Errno> {
    // SAFETY: this option takes one integer; the rest is ignored.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) }).map(drop)
}

/// Calls the process `castoff` again, which execve(2) of /proc/self/exe names `exe`.
pub fn name_process() {
    // SAFETY: the name is a C string of at most 15 bytes (PR_SET_NAME(2const)).
    unsafe { libc::prctl(libc::PR_SET_NAME, c"castoff".as_ptr().cast::<c_void>(), 0, 0, 0) };
}

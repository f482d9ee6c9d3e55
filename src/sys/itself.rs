//! castoff's own place among the processes: its id, its name, whose orphans it gets.

#![allow(unsafe_code, reason = "getpid(2), prctl(2)")]

use libc::{c_long, c_void, pid_t};
use nix::errno::Errno;

/// castoff's process id.
#[must_use]
pub fn own_pid() -> pid_t {
    // SAFETY: getpid(2) has no arguments and can't fail.
    unsafe { libc::getpid() }
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

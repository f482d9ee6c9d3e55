//! The first moments of the process, before anything of std has run.
//!
//! castoff has its own C `main`: std's would ignore SIGPIPE, and the service would inherit
//! that. Here all signals are blocked and what castoff was started with is written down.

#![allow(unsafe_code, reason = "the C arguments of main")]

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libc::{c_char, c_int};
use nix::errno::Errno;

use super::signals::{self, SignalSet};
use super::stdio::{self, ClosedStdio};
use crate::signal::Signal;

/// What castoff was started with and what a service must find unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Inherited {
    /// The signals that were blocked.
    pub mask: SignalSet,
    /// Whether SIGCHLD was ignored. castoff needs its default action; what else was ignored
    /// needs no note, since castoff leaves it alone.
    pub ignores_children: bool,
    /// Which of stdin, stdout and stderr were closed.
    pub closed_stdio: ClosedStdio,
}

/// Blocks all signals, fills closed standard descriptors and says what was found. To be
/// called once, first thing.
///
/// # Errors
/// A sandbox refuses rt_sigprocmask(2).
pub fn begin() -> Result<Inherited, Errno> {
    let mask = signals::block_all()?;
    let ignores_children = signals::is_ignored(Signal::CHLD);
    if ignores_children {
        signals::ignore_children(false);
    }
    Ok(Inherited { mask, ignores_children, closed_stdio: stdio::fill_closed() })
}

/// The arguments of main, the program's name first. std knows them by itself with glibc
/// only.
///
/// # Safety
/// `argv` must be what the C runtime gave to `main`: `argc` C strings.
#[must_use]
pub unsafe fn arguments(argc: c_int, argv: *const *const c_char) -> Vec<OsString> {
    let count = usize::try_from(argc).unwrap_or(0);
    // SAFETY: the caller vouches for `count` pointers to C strings; execve(2) may have been
    // given none at all, and a null pointer ends the walk early.
    (0..count)
        .map(|at| unsafe { *argv.add(at) })
        .take_while(|argument| !argument.is_null())
        .map(|argument| OsStr::from_bytes(unsafe { CStr::from_ptr(argument) }.to_bytes()).to_owned())
        .collect()
}

//! The kernel's signals: masks, dispositions, what is pending. Taking them is
//! `signal_source`'s.
//!
//! All of it by raw system calls on 64-bit masks: libc hides the signals 32 to 34 that it
//! keeps for its threads, and castoff, which has one thread, must forward those as well
//! (nptl(7)). No handler is ever installed, so what was ignored when castoff started is
//! still ignored in whatever it executes; only SIGCHLD is changed (see `start`).

#![allow(unsafe_code, reason = "signal system calls")]

use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long};
use nix::errno::Errno;

#[cfg(test)]
use super::itself::own_pid;
use super::retry::insist;
use crate::signal::Signal;

/// Bytes of the kernel's signal mask (`_NSIG / 8`, rt_sigprocmask(2)).
pub(super) const KERNEL_SET_SIZE: usize = 8;

/// A set of signals, as the kernel has it: bit n-1 is signal n.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// All 64; the kernel leaves KILL and STOP out by itself (sigprocmask(2)).
    pub const ALL: Self = Self(u64::MAX);

    /// From the kernel's bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The kernel's bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// With one signal more.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << (signal.number() - 1))
    }

    /// With one signal less.
    #[must_use]
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !(1 << (signal.number() - 1)))
    }

    /// Whether `signal` is in it.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << (signal.number() - 1)) != 0
    }
}

/// Changes the mask of this thread; what it was is returned. The kernel refuses no valid
/// arguments (rt_sigprocmask(2)), a sandbox may. Makes system calls and nothing else, so
/// that the child of a vfork may use it.
pub(super) fn change_mask(how: c_int, set: SignalSet) -> Result<SignalSet, Errno> {
    let mut old = 0_u64;
    insist(|| {
        // SAFETY: both pointers are to 8 bytes, the size that is passed.
        Errno::result(unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                c_long::from(how),
                &raw const set.0,
                &raw mut old,
                KERNEL_SET_SIZE,
            )
        })
    })?;
    Ok(SignalSet(old))
}

/// Blocks all signals of this thread; what was blocked before is returned. Blocked signals
/// stay pending, through execve(2) too.
///
/// # Errors
/// A sandbox refuses it: no signal can be waited for then, the end of a child's neither.
pub fn block_all() -> Result<SignalSet, Errno> {
    change_mask(libc::SIG_BLOCK, SignalSet::ALL)
}

/// Puts back the mask that [`block_all`] returned. What fails here has not failed there.
pub fn restore(mask: SignalSet) {
    let _ = change_mask(libc::SIG_SETMASK, mask);
}

/// What has arrived and waits because it is blocked.
#[must_use]
pub fn pending() -> SignalSet {
    let mut set = 0_u64;
    // SAFETY: the pointer is to 8 bytes, the size that is passed (rt_sigpending(2)).
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, KERNEL_SET_SIZE) };
    SignalSet(set)
}

/// Whether the disposition of `signal` is to ignore it.
#[must_use]
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only reads; `action` is writable and of the right type.
    unsafe {
        libc::sigaction(signal.number(), std::ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Sets SIGCHLD to be ignored (`true`) or to its default. Used around castoff's own life
/// only: with SIGCHLD ignored the kernel reaps by itself and wait(2) has nothing to say.
pub(super) fn ignore_children(ignored: bool) {
    set_ignored(Signal::CHLD, ignored);
}

pub(super) fn set_ignored(signal: Signal, ignored: bool) {
    let disposition = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: neither disposition is a handler, so no code can be run by it.
    unsafe { libc::signal(signal.number(), disposition) };
}

/// The signal that asks castoff to stop preparing, if one has arrived: TERM, INT, QUIT or
/// HUP, unless castoff was started with it ignored (nohup(1)). It stays pending, so whoever
/// runs later sees it too. For the safe points of the preparation.
#[must_use]
pub fn stop_requested() -> Option<Signal> {
    let pending = pending();
    STOPPING.into_iter().find(|signal| pending.contains(*signal) && !is_ignored(*signal))
}

/// What stops a preparation, the strongest first.
const STOPPING: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP];

/// A descriptor that is readable while [`stop_requested`] has something to say. It must be
/// polled and never read: a read would take the signal away.
///
/// # Errors
/// signalfd(2) is refused, or descriptors have run out.
pub fn stop_descriptor() -> Result<OwnedFd, Errno> {
    let wanted = STOPPING.into_iter().filter(|signal| !is_ignored(*signal));
    signalfd(wanted.fold(SignalSet::EMPTY, SignalSet::with))
}

/// A descriptor that signals of `set` can be read from, as long as they are blocked.
pub(super) fn signalfd(set: SignalSet) -> Result<OwnedFd, Errno> {
    let fd = c_int::try_from(signalfd4(-1, set)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it, nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// From now on signals of `set` can be read from a descriptor that [`signalfd`] made.
pub(super) fn change_signalfd(fd: RawFd, set: SignalSet) -> Result<(), Errno> {
    signalfd4(fd, set).map(drop)
}

fn signalfd4(fd: RawFd, set: SignalSet) -> Result<c_long, Errno> {
    // SAFETY: the mask is 8 bytes, the size that is passed; -1 asks for a new descriptor.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            c_long::from(fd),
            &raw const set.0,
            KERNEL_SET_SIZE,
            c_long::from(libc::SFD_CLOEXEC | libc::SFD_NONBLOCK),
        )
    })
}

/// The calling thread, for [`send_to_thread`].
#[cfg(test)]
pub(crate) fn this_thread() -> libc::pid_t {
    // SAFETY: gettid(2) has no arguments and can't fail.
    unsafe { libc::gettid() }
}

/// Sends a signal to one thread alone: the other threads of a test must not get it.
#[cfg(test)]
pub(crate) fn send_to_thread(thread: libc::pid_t, signal: Signal) {
    // SAFETY: takes integers.
    unsafe { libc::syscall(libc::SYS_tgkill, own_pid(), thread, signal.number()) };
}

#[cfg(test)]
mod tests {
    use super::SignalSet;
    use crate::signal::Signal;

    #[test]
    fn a_set_holds_what_was_put_in() {
        for signal in Signal::all() {
            let set = SignalSet::EMPTY.with(signal);
            let found: Vec<_> = Signal::all().filter(|other| set.contains(*other)).collect();
            assert_eq!(found, [signal]);
            assert_eq!(SignalSet::from_bits(set.bits()), set);
            assert!(SignalSet::ALL.contains(signal));
            let others = Signal::all().filter(|other| SignalSet::ALL.without(signal).contains(*other));
            assert!(others.eq(Signal::all().filter(|other| *other != signal)));
        }
    }
}

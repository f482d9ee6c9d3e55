//! The kernel's signals: masks, what is pending, how they are read and restored.
//!
//! All of it by raw system calls on 64-bit masks: libc hides the signals 32 to 34 that it
//! keeps for its threads, and castoff, which has one thread, must forward those as well
//! (nptl(7)). No handler is ever installed, so what was ignored when castoff started is
//! still ignored in whatever it executes; only SIGCHLD is changed (see `start`).

#![allow(unsafe_code, reason = "signal system calls")]

use std::fs::File;
use std::io::Read;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::{c_int, c_long};
use nix::errno::Errno;

use super::itself::own_pid;
use crate::signal::Signal;

/// Bytes of the kernel's signal mask (`_NSIG / 8`, rt_sigprocmask(2)).
const KERNEL_SET_SIZE: usize = 8;

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

    /// Whether `signal` is in it.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << (signal.number() - 1)) != 0
    }
}

/// Where a signal that castoff read came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A process sent it (`si_code` is not positive, sigaction(2)).
    Process,
    /// The kernel did: a terminal's key or hang-up, a timer, a child's change of state.
    Kernel,
    /// castoff itself, by writing to a pipe that nobody reads: a SIGPIPE that is not meant
    /// for the service.
    Own,
}

/// A signal that castoff read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// From where.
    pub origin: Origin,
}

pub(super) fn change_mask(how: c_int, set: SignalSet) -> SignalSet {
    let mut old = 0_u64;
    // SAFETY: both pointers are to 8 bytes, the size that is passed. The call can't fail with
    // valid arguments (rt_sigprocmask(2)).
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            c_long::from(how),
            &raw const set.0,
            &raw mut old,
            KERNEL_SET_SIZE,
        );
    }
    SignalSet(old)
}

/// Blocks all signals of this thread; what was blocked before is returned. Blocked signals
/// stay pending, through execve(2) too.
pub fn block_all() -> SignalSet {
    change_mask(libc::SIG_BLOCK, SignalSet::ALL)
}

/// Sets the mask of this thread. Makes one system call and nothing else, so that the child
/// of a vfork may use it.
pub(super) fn set_mask(set: SignalSet) {
    change_mask(libc::SIG_SETMASK, set);
}

/// Puts back the mask that [`block_all`] returned.
pub fn restore(mask: SignalSet) {
    set_mask(mask);
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
    let disposition = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: neither disposition is a handler, so no code can be run by it.
    unsafe { libc::signal(libc::SIGCHLD, disposition) };
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

fn signalfd(set: SignalSet) -> Result<OwnedFd, Errno> {
    // SAFETY: the mask is 8 bytes, the size that is passed; -1 asks for a new descriptor.
    let fd = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            c_long::from(-1),
            &raw const set.0,
            KERNEL_SET_SIZE,
            c_long::from(libc::SFD_CLOEXEC | libc::SFD_NONBLOCK),
        )
    })?;
    let fd = c_int::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it, nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Where the supervising loop takes its signals from. All must be blocked.
pub enum SignalSource {
    /// sigtimedwait(2): one call for each signal.
    Wait,
    /// signalfd(2), where a sandbox refuses that.
    Descriptor(File),
    /// Where both are refused no signal can be taken. Time passes, and children are reaped.
    Nowhere,
}

impl SignalSource {
    /// How often children are looked for where nobody says that one has ended.
    const TICK: Duration = Duration::from_millis(100);

    /// Waits until a signal arrives or `timeout` is over and hands each that is there to
    /// `each`.
    pub fn receive(&mut self, timeout: Option<Duration>, mut each: impl FnMut(Received)) {
        match self {
            Self::Wait => {
                let mut timeout = timeout;
                loop {
                    match wait_one(SignalSet::ALL, timeout) {
                        Ok(received) => received.into_iter().for_each(&mut each),
                        Err(Errno::EAGAIN | Errno::EINTR) => return,
                        Err(_) => {
                            let other = signalfd(SignalSet::ALL);
                            *self = other.map_or(Self::Nowhere, |fd| Self::Descriptor(File::from(fd)));
                            return;
                        }
                    }
                    timeout = Some(Duration::ZERO);
                }
            }
            Self::Descriptor(file) => {
                super::poll::readable(&[file.as_raw_fd()], timeout);
                while let Some(received) = read_one(file) {
                    each(received);
                }
            }
            Self::Nowhere => {
                super::poll::readable(&[], Some(timeout.unwrap_or(Self::TICK).min(Self::TICK)));
            }
        }
    }
}

fn read_one(file: &mut File) -> Option<Received> {
    const SIZE: usize = size_of::<libc::signalfd_siginfo>();
    let mut bytes = [0_u8; SIZE];
    if file.read(&mut bytes).ok()? != SIZE {
        return None;
    }
    // SAFETY: the kernel wrote a whole signalfd_siginfo, which is plain integers
    // (signalfd(2)); read_unaligned asks for no alignment.
    let info = unsafe { bytes.as_ptr().cast::<libc::signalfd_siginfo>().read_unaligned() };
    received(c_int::try_from(info.ssi_signo).ok()?, info.ssi_code, info.ssi_pid)
}

/// `None`: a signal that castoff has no name for.
fn wait_one(set: SignalSet, timeout: Option<Duration>) -> Result<Option<Received>, Errno> {
    let limit = timeout.map(super::poll::timespec);
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the mask is 8 bytes, `info` is writable; a null timeout waits for ever
    // (rt_sigtimedwait(2)).
    let number = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set.0,
            info.as_mut_ptr(),
            limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            KERNEL_SET_SIZE,
        )
    })?;
    // SAFETY: zeroed bytes are a valid siginfo_t, and the kernel wrote one over them; where
    // the signal has no sender, the field holds another number (sigaction(2)).
    let (code, sender) = unsafe {
        let info = info.assume_init();
        (info.si_code, info.si_pid())
    };
    Ok(received(c_int::try_from(number).unwrap_or(0), code, u32::try_from(sender).unwrap_or(0)))
}

fn received(number: c_int, code: c_int, sender: u32) -> Option<Received> {
    let origin = match code {
        code if code > 0 => Origin::Kernel,
        _ if number == libc::SIGPIPE && i64::from(sender) == i64::from(own_pid()) => Origin::Own,
        _ => Origin::Process,
    };
    Signal::new(number).map(|signal| Received { signal, origin })
}

/// Takes away a SIGPIPE that castoff has brought upon itself, before it becomes another
/// program, which the pending signal would kill.
pub(super) fn discard_own_pipe() {
    discard(SignalSet::EMPTY.with(Signal::PIPE));
}

/// Takes away what is pending of `set`.
pub(super) fn discard(set: SignalSet) {
    while pending().0 & set.0 != 0 && wait_one(set, Some(Duration::ZERO)).is_ok() {}
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
        }
    }
}

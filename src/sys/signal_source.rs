//! Taking the signals that wait for castoff, one by one.
//!
//! Every way to take them may be refused by a sandbox, so there are three, and the one that
//! is tried first is also the cheapest.

#![allow(unsafe_code, reason = "rt_sigtimedwait(2), signalfd(2)")]

use std::fs::File;
use std::io::Read;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::AsRawFd;
use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::itself::own_pid;
use super::poll;
use super::signals::{
    KERNEL_SET_SIZE, SignalSet, change_signalfd, is_ignored, pending, set_ignored, signalfd,
};
use crate::signal::Signal;

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

/// So often in a row may a wait be interrupted: SIGSTOP and a tracer do that (signal(7)). A
/// sandbox that has no other answer does it for ever.
const INTERRUPTED: u8 = 16;

/// How often is looked where castoff can't be woken.
const TICK: Duration = Duration::from_millis(100);

/// Where the supervising loop takes its signals from. All must be blocked.
pub struct SignalSource {
    way: Way,
    set: SignalSet,
}

/// How they are taken. What is refused once gives way to what comes next here.
enum Way {
    /// sigtimedwait(2): one call for each signal. It was interrupted so often in a row.
    Wait(u8),
    /// signalfd(2).
    Descriptor(File),
    /// sigpending(2), ten times a second. A signal that comes twice between two looks counts
    /// once, as most do anyhow (signal(7)).
    Look,
}

impl SignalSource {
    /// What is tried first.
    pub const FIRST: Self = Self { way: Way::Wait(0), set: SignalSet::ALL };

    /// One that is waited for together with other descriptors.
    #[must_use]
    pub fn descriptor() -> Self {
        let way = signalfd(SignalSet::ALL).map(|fd| Way::Descriptor(fd.into()));
        Self { way: way.unwrap_or(Way::Wait(0)), ..Self::FIRST }
    }

    /// Whether SIGCHLD is taken. It stays pending where it isn't, but may be taken all the
    /// same where a sandbox has something against that.
    pub fn hear_of_children(&mut self, heard: bool) {
        let set = if heard { SignalSet::ALL } else { SignalSet::ALL.without(Signal::CHLD) };
        if set != self.set {
            self.set = set;
            if let Way::Descriptor(file) = &self.way {
                let _ = change_signalfd(file.as_raw_fd(), set);
            }
        }
    }

    /// What is to be polled for it. `None`: nothing can be.
    #[must_use]
    pub fn polled(&self) -> Option<poll::Polled> {
        match &self.way {
            Way::Descriptor(file) => Some(poll::Polled::readable(file.as_raw_fd())),
            Way::Wait(_) | Way::Look => None,
        }
    }

    /// How long may be waited for other descriptors where nothing can be polled for signals.
    #[must_use]
    pub fn limited(&self, timeout: Option<Duration>) -> Option<Duration> {
        match &self.way {
            Way::Descriptor(_) => timeout,
            Way::Wait(_) | Way::Look => Some(timeout.unwrap_or(TICK).min(TICK)),
        }
    }

    /// Waits until a signal arrives, and takes it. `None`: `timeout` is over, or it has returned
    /// earlier.
    ///
    /// # Errors
    /// castoff is allowed nothing by which time passes.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<Received>, Errno> {
        match &mut self.way {
            Way::Wait(interrupted) => match wait_one(self.set, timeout) {
                Ok(received) => {
                    *interrupted = 0;
                    Ok(received)
                }
                Err(Errno::EAGAIN) if timeout.is_some() => Ok(None),
                Err(Errno::EINTR) if *interrupted < INTERRUPTED => {
                    *interrupted += 1;
                    Ok(None)
                }
                Err(_) => {
                    self.way = signalfd(self.set).map_or(Way::Look, |fd| Way::Descriptor(fd.into()));
                    Ok(None)
                }
            },
            Way::Descriptor(file) => {
                let ready = poll::try_readable(&[file.as_raw_fd()], timeout)?;
                let received = read_one(file);
                if ready != 0 && received.is_none() {
                    self.way = Way::Look;
                }
                Ok(received)
            }
            Way::Look => look(timeout),
        }
    }
}

/// Takes the first signal that is pending; if none is, time passes.
fn look(timeout: Option<Duration>) -> Result<Option<Received>, Errno> {
    let before = pending();
    let mut taken = Signal::all().filter(|signal| before.contains(*signal) && take(*signal)).peekable();
    if taken.peek().is_none() {
        poll::try_readable(&[], Some(timeout.map_or(TICK, |timeout| timeout.min(TICK))))?;
    }
    // nobody says whether the kernel sent these two for what castoff knows anyhow
    let told = taken.find(|signal| ![Signal::CHLD, Signal::PIPE].contains(signal));
    Ok(told.map(|signal| Received { signal, origin: Origin::Process }))
}

/// Whether a pending signal is no more: to ignore it for a moment takes it away (sigaction(2),
/// "Pending").
fn take(signal: Signal) -> bool {
    if is_ignored(signal) {
        return false;
    }
    set_ignored(signal, true);
    set_ignored(signal, false);
    !pending().contains(signal)
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
    let limit = timeout.map(poll::timespec);
    let bits = set.bits();
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the mask is 8 bytes, `info` is writable; a null timeout waits for ever
    // (rt_sigtimedwait(2)).
    let number = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const bits,
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
    while pending().bits() & set.bits() != 0 && wait_one(set, Some(Duration::ZERO)).is_ok() {}
}

//! Waiting for descriptors: poll(2), and nothing about what is read from them. Where it is
//! refused, time passes all the same, so that no caller's loop keeps a core busy.

#![allow(unsafe_code, reason = "ppoll(2), clock_nanosleep(2)")]

use std::os::fd::RawFd;
use std::time::Duration;

use nix::errno::Errno;

use super::retry::insist;

/// At most so many descriptors at once.
const MOST: usize = 4;

/// Where poll(2) itself fails, a caller gets to look by itself this often.
const TICK: Duration = Duration::from_millis(20);

/// Waits until one of `descriptors` is readable, hung up or broken, or `timeout` is over
/// (`None`: for ever). Which of them is: bit n of the answer for the n-th; 0 after the
/// timeout or where the call fails, which a caller sees as a wake-up with nothing to do.
pub fn readable(descriptors: &[RawFd], timeout: Option<Duration>) -> u8 {
    try_readable(descriptors, timeout).unwrap_or(0)
}

/// As [`readable`].
///
/// # Errors
/// A sandbox refuses poll(2) and to sleep as well, so that no time has passed.
pub(super) fn try_readable(descriptors: &[RawFd], timeout: Option<Duration>) -> Result<u8, Errno> {
    let mut polled = [entry(-1); MOST];
    for (slot, fd) in polled.iter_mut().zip(descriptors) {
        *slot = entry(*fd);
    }
    wait(polled, timeout)
}

/// As [`readable`] for two descriptors, the first of which is waited for until it can be
/// written to.
pub fn writable(descriptor: RawFd, readable: RawFd, timeout: Option<Duration>) -> u8 {
    let mut polled = [entry(-1); MOST];
    for (slot, fd) in polled.iter_mut().zip([descriptor, readable]) {
        *slot = entry(fd);
    }
    if let Some(first) = polled.first_mut() {
        first.events = libc::POLLOUT;
    }
    wait(polled, timeout).unwrap_or(0)
}

fn entry(fd: RawFd) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}

fn wait(mut polled: [libc::pollfd; MOST], timeout: Option<Duration>) -> Result<u8, Errno> {
    let limit = timeout.map(timespec);
    // SAFETY: `polled` is MOST entries of the kernel's type; negative descriptors are skipped
    // (poll(2)); a null timeout waits for ever and a null mask changes none.
    let waited = Errno::result(unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            MOST as libc::nfds_t,
            limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            std::ptr::null(),
        )
    });
    if waited.is_err() {
        return sleep(timeout.map_or(TICK, |timeout| timeout.min(TICK))).map(|()| 0);
    }
    let ready = polled.iter().zip(0..).filter(|(slot, _)| slot.revents != 0);
    Ok(ready.fold(0, |bits, (_, at)| bits | 1_u8 << at))
}

/// By a call of its own, since poll(2) has just been refused.
fn sleep(duration: Duration) -> Result<(), Errno> {
    let time = timespec(duration);
    insist(|| {
        // SAFETY: a timespec to read; nobody wants to know how much of it was left.
        Errno::result(unsafe {
            libc::syscall(
                libc::SYS_clock_nanosleep,
                libc::CLOCK_MONOTONIC,
                0,
                &raw const time,
                std::ptr::null::<libc::timespec>(),
            )
        })
    })
    .map(drop)
}

/// A descriptor that is waited for with others, and whether it came.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Polled(libc::pollfd);

impl Polled {
    /// Until it is readable, hung up or broken.
    #[must_use]
    pub fn readable(fd: RawFd) -> Self {
        Self(entry(fd))
    }

    /// Until it is writable, hung up or broken.
    #[must_use]
    pub fn writable(fd: RawFd) -> Self {
        Self(libc::pollfd { events: libc::POLLOUT, ..entry(fd) })
    }

    /// Whether that has come about.
    #[must_use]
    pub fn came(&self) -> bool {
        self.0.revents != 0
    }
}

/// Waits until one of any number of descriptors has come, or `timeout` is over (`None`: for
/// ever). Where the call fails nothing has come, and some time has passed.
///
/// # Errors
/// A sandbox refuses poll(2) and to sleep as well, so that no time has passed.
pub fn wait_for_any(polled: &mut [Polled], timeout: Option<Duration>) -> Result<(), Errno> {
    let limit = timeout.map(timespec);
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    for one in &mut *polled {
        one.0.revents = 0;
    }
    // SAFETY: `Polled` is a pollfd and nothing else (repr(transparent)), and there are `count`
    // of them; a null timeout waits for ever and a null mask changes none (poll(2)).
    let waited = Errno::result(unsafe {
        libc::ppoll(
            polled.as_mut_ptr().cast::<libc::pollfd>(),
            count,
            limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            std::ptr::null(),
        )
    });
    if waited.is_err() {
        return sleep(timeout.map_or(TICK, |timeout| timeout.min(TICK)));
    }
    Ok(())
}

/// The kernel's form of a duration; one that is too long to say becomes 68 years.
pub(super) fn timespec(duration: Duration) -> libc::timespec {
    // SAFETY: timespec is integers (and on some targets padding), for which zero is valid.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    time.tv_sec = duration.as_secs().try_into().unwrap_or(i32::MAX.into());
    time.tv_nsec = duration.subsec_nanos().into();
    time
}

//! Waiting for descriptors: poll(2), and nothing about what is read from them.

#![allow(unsafe_code, reason = "ppoll(2)")]

use std::os::fd::RawFd;
use std::time::Duration;

/// At most so many descriptors at once.
const MOST: usize = 4;

/// Waits until one of `descriptors` is readable, hung up or broken, or `timeout` is over
/// (`None`: for ever). Which of them is: bit n of the answer for the n-th; 0 after the
/// timeout or where the call fails, which a caller sees as a wake-up with nothing to do.
pub fn readable(descriptors: &[RawFd], timeout: Option<Duration>) -> u8 {
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
    wait(polled, timeout)
}

fn entry(fd: RawFd) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}

fn wait(mut polled: [libc::pollfd; MOST], timeout: Option<Duration>) -> u8 {
    let limit = timeout.map(timespec);
    // SAFETY: `polled` is MOST entries of the kernel's type; negative descriptors are skipped
    // (poll(2)); a null timeout waits for ever and a null mask changes none.
    unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            MOST as libc::nfds_t,
            limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            std::ptr::null(),
        );
    }
    polled.iter().zip(0..).filter(|(slot, _)| slot.revents != 0).fold(0, |bits, (_, at)| bits | 1_u8 << at)
}

/// The kernel's form of a duration; one that is too long to say becomes 68 years.
pub(super) fn timespec(duration: Duration) -> libc::timespec {
    // SAFETY: timespec is integers (and on some targets padding), for which zero is valid.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    time.tv_sec = duration.as_secs().try_into().unwrap_or(i32::MAX.into());
    time.tv_nsec = duration.subsec_nanos().into();
    time
}

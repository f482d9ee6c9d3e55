//! The descriptors that castoff was started with.
//!
//! stdin, stdout and stderr are always open afterwards, so that no file that castoff opens
//! later lands on one of these numbers and receives its log.

#![allow(unsafe_code, reason = "descriptors by number")]

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use libc::{c_int, c_uint};
use nix::errno::Errno;

use super::spawn::pipe;

/// Which of stdin, stdout and stderr were closed at the start: bits 0, 1 and 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClosedStdio(u8);

impl ClosedStdio {
    /// From bits 0 to 2.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b111)
    }

    /// Bits 0 to 2.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether descriptor 0, 1 or 2 was closed.
    #[must_use]
    pub const fn contains(self, descriptor: u8) -> bool {
        descriptor < 3 && self.0 & (1 << descriptor) != 0
    }
}

/// Puts something harmless where 0, 1 or 2 is closed: /dev/null, which a service then has
/// too; where there is none, a reference to `/` that can be neither read nor written and
/// that a service doesn't get.
pub(super) fn fill_closed() -> ClosedStdio {
    let mut polled = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: three entries of the kernel's type; a closed descriptor shows as POLLNVAL and
    // a timeout of 0 does not wait (poll(2)).
    unsafe { libc::poll(polled.as_mut_ptr(), 3, 0) };
    let mut closed = 0;
    for (slot, at) in polled.iter().zip(0_u8..) {
        if slot.revents & libc::POLLNVAL != 0 {
            closed |= 1 << at;
            // open(2) gives the lowest free number, which is this one: those below are open.
            if open(c"/dev/null", libc::O_RDWR) < 0 {
                open(c"/", libc::O_PATH | libc::O_CLOEXEC);
            }
        }
    }
    ClosedStdio(closed)
}

fn open(path: &CStr, flags: c_int) -> RawFd {
    // SAFETY: a C string and flags that need no mode.
    unsafe { libc::open(path.as_ptr(), flags) }
}

/// What a command reads where it shall find nothing: /dev/null, or where there is none a pipe
/// whose writer is gone, which ends at once as well.
///
/// # Errors
/// No descriptors left (pipe(2)).
pub fn empty_input() -> Result<File, Errno> {
    File::open("/dev/null").or_else(|_| Ok(pipe()?.0))
}

/// Makes reads of `file` return at once where there is nothing to read.
///
/// # Errors
/// The kernel's (fcntl(2)).
pub fn set_nonblocking(file: &File) -> Result<(), Errno> {
    // SAFETY: takes integers.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }).map(drop)
}

/// Closes what castoff inherited above its standard descriptors and `kept` sockets from 3
/// on (sd_listen_fds(3)). For the time after the service was started: what the caller of
/// castoff left open was meant for the service, and a pipe's reader waits until its last
/// writer is gone.
pub fn close_inherited(kept: u32) {
    let first = kept.saturating_add(3);
    // SAFETY: no descriptor above 2 is owned by an object of castoff's when this is called
    // (see the one caller, `supervise`). Kernels before 5.9 refuse, and then they stay open.
    unsafe { libc::syscall(libc::SYS_close_range, first, c_uint::MAX, 0) };
}

//! The clock that nobody sets, for who asks seldom.

#![allow(unsafe_code, reason = "clock_gettime(2) without the vDSO")]

use std::mem::MaybeUninit;
use std::time::Duration;

/// Time since the machine was started, as CLOCK_MONOTONIC has it.
///
/// A system call, and not the C library's: that one looks through the vDSO first, which
/// touches more pages than the few calls of a plain init are worth.
#[must_use]
pub fn monotonic() -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: writes one timespec, for which zeros are valid too; this clock always exists.
    let time = unsafe {
        libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, time.as_mut_ptr());
        time.assume_init()
    };
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::monotonic;

    #[test]
    fn it_goes_as_std_s_does() {
        let (begun, began) = (monotonic(), Instant::now());
        std::thread::sleep(Duration::from_millis(20));
        let (mine, theirs) = (monotonic() - begun, began.elapsed());
        assert!(mine >= Duration::from_millis(20) && mine.abs_diff(theirs) < Duration::from_secs(5));
    }
}

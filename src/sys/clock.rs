//! The clock that nobody sets, and the one on the wall, for who asks seldom.

#![allow(unsafe_code, reason = "clock_gettime(2) without the vDSO")]

use std::mem::MaybeUninit;
use std::time::Duration;

/// Time since the machine was started, as CLOCK_MONOTONIC has it.
///
/// A system call, and not the C library's: that one looks through the vDSO first, which
/// touches more pages than the few calls of a plain init are worth. It is asked where a
/// sandbox refuses the call: no sandbox is in the vDSO's way.
#[must_use]
pub fn monotonic() -> Duration {
    read(libc::CLOCK_MONOTONIC)
}

/// Time since 1970-01-01 00:00 UTC, as the clock on the wall has it now.
#[must_use]
pub fn wall() -> Duration {
    read(libc::CLOCK_REALTIME)
}

/// How long castoff itself has had a processor. Nothing where a sandbox refuses to say.
#[must_use]
pub fn cpu_time() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: both write one timespec, for which zeros are valid too; these clocks always exist;
    // what is refused twice has written nothing.
    let time = unsafe {
        if libc::syscall(libc::SYS_clock_gettime, clock, time.as_mut_ptr()) != 0 {
            libc::clock_gettime(clock, time.as_mut_ptr());
        }
        time.assume_init()
    };
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::{monotonic, wall};

    #[test]
    fn it_goes_as_std_s_does() {
        let (begun, began) = (monotonic(), Instant::now());
        std::thread::sleep(Duration::from_millis(20));
        let (mine, theirs) = (monotonic() - begun, began.elapsed());
        assert!(mine >= Duration::from_millis(20) && mine.abs_diff(theirs) < Duration::from_secs(5));
    }

    #[test]
    fn the_wall_s_is_std_s() {
        let theirs = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(wall().abs_diff(theirs) < Duration::from_secs(60));
    }
}

//! An alarm by the clock on the wall, which also rings when somebody sets that clock.

#![allow(unsafe_code, reason = "timerfd_create(2)")]

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::poll::timespec;

/// The alarm. It is silent until it is set.
#[derive(Debug)]
pub struct WallAlarm(File);

/// What an alarm has done since it was asked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rang {
    /// Nothing.
    NotYet,
    /// It rang, and is silent now.
    Due,
    /// The clock was set by somebody; it may be silent now.
    ClockSet,
}

impl WallAlarm {
    /// A new one.
    ///
    /// # Errors
    /// The kernel has none, or a sandbox denies it (timerfd_create(2)).
    pub fn new() -> Result<Self, Errno> {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: takes integers.
        let fd: c_int = Errno::result(unsafe { libc::timerfd_create(libc::CLOCK_REALTIME, flags) })?;
        // SAFETY: the kernel has just made it, nobody else has it.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Readable when it has rung, or the clock was set.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Rings when the clock on the wall is at `at`, since 1970, or beyond; at once if it is
    /// already. `None`: silent. In place of what was set before.
    ///
    /// # Errors
    /// ECANCELED: it is set, and the clock was set by somebody before.
    pub fn set(&self, at: Option<Duration>) -> Result<(), Errno> {
        // a zero would silence it (timerfd_settime(2))
        let at = at.map_or(Duration::ZERO, |at| at.max(Duration::from_nanos(1)));
        let setting = libc::itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(at) };
        let flags = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;
        // SAFETY: the setting is the kernel's type; a null takes no old one.
        let set = unsafe {
            libc::timerfd_settime(self.descriptor(), flags, &raw const setting, std::ptr::null_mut())
        };
        Errno::result(set).map(drop)
    }

    /// What it has done. A clock that was set makes the read fail with ECANCELED (timerfd_create(2)).
    pub fn take(&mut self) -> Rang {
        let mut count = [0; 8];
        match self.0.read(&mut count) {
            Ok(_) => Rang::Due,
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => Rang::ClockSet,
            Err(_) => Rang::NotYet,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::clock::wall;
    use super::super::poll::readable;
    use super::{Rang, WallAlarm};

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn it_rings_once_when_the_time_has_come() {
        let mut alarm = WallAlarm::new().unwrap();
        assert_eq!(alarm.take(), Rang::NotYet);
        for due in [wall() - HOUR, wall(), wall() + Duration::from_millis(30)] {
            alarm.set(Some(due)).unwrap();
            assert_eq!(readable(&[alarm.descriptor()], None), 1);
            assert_eq!((alarm.take(), alarm.take()), (Rang::Due, Rang::NotYet));
            assert!(wall() >= due);
        }
    }

    #[test]
    fn it_is_silent_before_and_when_it_is_told_to_be() {
        let mut alarm = WallAlarm::new().unwrap();
        for at in [Some(wall() + HOUR), Some(Duration::MAX), None] {
            alarm.set(Some(wall() - HOUR)).unwrap();
            alarm.set(at).unwrap();
            assert_eq!(readable(&[alarm.descriptor()], Some(Duration::ZERO)), 0, "{at:?}");
            assert_eq!(alarm.take(), Rang::NotYet);
        }
    }
}

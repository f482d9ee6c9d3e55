//! The controlling terminal: who has its foreground (tcsetpgrp(3)), and whose it is.
//!
//! No failure here is an error: a terminal that is not ours, gone, or somebody else's is
//! left alone.

#![allow(unsafe_code, reason = "terminal ioctls and process groups")]

use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use libc::pid_t;

use super::itself::leads_session;
use super::signal_source::discard;
use super::signals::{SignalSet, pending};
use crate::signal::Signal;

/// castoff's controlling terminal.
pub struct Terminal {
    fd: RawFd,
    // Open while `fd` is used, where it is not one of the standard descriptors.
    _opened: Option<File>,
}

impl Terminal {
    /// The controlling terminal, by /dev/tty, or by a standard descriptor where that is missing.
    #[must_use]
    pub fn controlling() -> Option<Self> {
        match OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open("/dev/tty") {
            Ok(file) if foreground(file.as_raw_fd()).is_some() => {
                Some(Self { fd: file.as_raw_fd(), _opened: Some(file) })
            }
            // there is none (tty(4)), and so none of the standard descriptors can be it
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => None,
            _ => {
                let fd = (0..=2).find(|fd| foreground(*fd).is_some())?;
                Some(Self { fd, _opened: None })
            }
        }
    }

    /// Whether castoff's own process group is in the foreground. Both are 0 where the group
    /// lies outside castoff's process namespace, and count as the same: a foreground
    /// `unshare --pid` is more likely than one in the background.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        foreground(self.fd) == Some(own_group())
    }

    /// The descriptor to hand to a child.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.fd
    }

    /// Gives the foreground to process group `group`, if it is ours to give.
    pub fn give(&self, group: pid_t) {
        if self.is_ours() {
            set_foreground(self.fd, group);
        }
    }

    /// Lets another session have it (TIOCNOTTY, ioctl_tty(2)); `false` where it is not
    /// castoff's to give, because castoff does not lead the session whose terminal it is. The
    /// kernel tells the foreground, which is castoff, by SIGHUP and SIGCONT: both are meant
    /// for nobody, and are taken away unless they had come before. All signals must be blocked.
    #[must_use]
    pub fn release(&self) -> bool {
        if !leads_session() || !self.is_ours() {
            return false;
        }
        let before = pending();
        // SAFETY: this request takes no argument.
        let released = unsafe { libc::ioctl(self.fd, libc::TIOCNOTTY) } == 0;
        if released {
            let news = [Signal::HUP, Signal::CONT].into_iter().filter(|signal| !before.contains(*signal));
            discard(news.fold(SignalSet::EMPTY, SignalSet::with));
        }
        released
    }

    /// Takes the foreground back, if `group` has it.
    pub fn take_back(&self, group: pid_t) {
        if foreground(self.fd) == Some(group) {
            set_foreground(self.fd, own_group());
        }
    }
}

fn own_group() -> pid_t {
    // SAFETY: getpgrp(2) has no arguments and can't fail.
    unsafe { libc::getpgrp() }
}

fn foreground(fd: RawFd) -> Option<pid_t> {
    let mut group: pid_t = 0;
    // SAFETY: TIOCGPGRP writes one pid_t (ioctl_tty(2)).
    (unsafe { libc::ioctl(fd, libc::TIOCGPGRP, &raw mut group) } == 0).then_some(group)
}

/// Makes it the controlling terminal of the calling process, which must lead a session that
/// has none (TIOCSCTTY, ioctl_tty(2)). One system call, for the child of a vfork.
pub(super) fn take(fd: RawFd) {
    // SAFETY: this request takes an integer: 0 steals from nobody.
    unsafe { libc::ioctl(fd, libc::TIOCSCTTY, 0) };
}

/// Makes one system call and nothing else, so that the child of a vfork may use it. SIGTTOU
/// must be blocked, or a background process would be stopped by it (tcsetpgrp(3)).
pub(super) fn set_foreground(fd: RawFd, group: pid_t) {
    // SAFETY: TIOCSPGRP reads one pid_t (ioctl_tty(2)).
    unsafe { libc::ioctl(fd, libc::TIOCSPGRP, &raw const group) };
}

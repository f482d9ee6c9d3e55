//! A terminal of the test's own.

#![allow(unsafe_code, reason = "terminal ioctls")]

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

/// Both sides of a terminal. What is typed into it is not echoed.
pub(crate) struct Pty {
    master: File,
    slave: OwnedFd,
}

impl Pty {
    pub(crate) fn open() -> Self {
        let options =
            |path: &str| File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path);
        let master = options("/dev/ptmx").unwrap();
        let unlocked = 0;
        // SAFETY: TIOCSPTLCK reads an int, TIOCGPTPEER gives a new descriptor
        // (ioctl_tty(2)). Not openpty(3): what it makes is open in what other tests start.
        let slave = unsafe {
            libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked);
            let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
            let slave = libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags);
            assert!(slave >= 0, "TIOCGPTPEER");
            OwnedFd::from_raw_fd(slave)
        };
        // SAFETY: the settings of an open terminal.
        unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            libc::tcgetattr(slave.as_raw_fd(), &raw mut settings);
            settings.c_lflag &= !libc::ECHO;
            libc::tcsetattr(slave.as_raw_fd(), libc::TCSANOW, &raw const settings);
        }
        Self { master, slave }
    }

    pub(crate) fn slave(&self) -> RawFd {
        self.slave.as_raw_fd()
    }

    pub(crate) fn reader(&self) -> File {
        self.master.try_clone().unwrap()
    }

    /// Types keys: `\x03` is Ctrl-C.
    pub(crate) fn press(&self, keys: &str) {
        (&self.master).write_all(keys.as_bytes()).unwrap();
    }

    /// Changes its size, as a window does.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCSWINSZ reads a winsize (ioctl_tty(2)).
        unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    }

    /// The process group in the foreground.
    pub(crate) fn foreground(&self) -> i32 {
        // SAFETY: takes a descriptor.
        unsafe { libc::tcgetpgrp(self.master.as_raw_fd()) }
    }
}

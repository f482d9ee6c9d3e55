//! castoff's own stdout and stderr, written to without ever being blocked.
//!
//! O_NONBLOCK belongs to the open file description, which castoff shares with its services and
//! with whoever started it: it is never set there. Pipes and terminals are opened anew instead
//! (proc_pid_fd(5)), sockets have a flag for the single call, and files don't block. What can't
//! be opened anew is polled before each piece.

#![allow(unsafe_code, reason = "write(2), send(2) on a descriptor by number")]

use std::fs::{File, OpenOptions};
use std::io::IsTerminal as _;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

use super::poll::{Polled, wait_for_any};
use super::status::{Kind, Status};

/// So many bytes go into a pipe at once and together, or not at all (pipe(7)).
pub const WHOLE: usize = libc::PIPE_BUF;

/// One of the standard descriptors, to write to.
#[derive(Debug)]
pub struct Outlet {
    fd: RawFd,
    way: Way,
    identity: Option<(u64, u64)>,
}

#[derive(Debug)]
enum Way {
    /// By a description of castoff's own.
    Anew(File),
    /// A socket.
    Socket,
    /// Never blocked for long.
    Direct,
    /// Polled before each piece.
    Shared,
}

/// What came of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// So many bytes.
    Some(usize),
    /// None: there is no room now.
    Full,
    /// None: nobody reads any more, and nobody will.
    Gone,
    /// None: these bytes can't be written.
    Refused,
}

impl Outlet {
    /// For stdout, 1, or stderr, 2.
    #[must_use]
    pub fn new(fd: RawFd) -> Self {
        // SAFETY: the standard descriptors are open from castoff's start to its end (stdio.rs).
        let status = Status::of(unsafe { BorrowedFd::borrow_raw(fd) }).ok();
        let way = match status.map(|status| status.kind) {
            Some(Kind::Socket) => Way::Socket,
            Some(Kind::Fifo) => anew(fd).map_or(Way::Shared, Way::Anew),
            Some(Kind::CharacterDevice) if is_terminal(fd) => anew(fd).map_or(Way::Shared, Way::Anew),
            _ => Way::Direct,
        };
        Self { fd, way, identity: status.map(|status| status.identity) }
    }

    /// Whether both lead to the same place: what goes out by one must not come between the
    /// parts of a line that goes out by the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity == other.identity
    }

    /// Whether it is a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        is_terminal(self.fd)
    }

    /// Until it can be written to.
    #[must_use]
    pub fn polled(&self) -> Polled {
        Polled::writable(match &self.way {
            Way::Anew(file) => file.as_raw_fd(),
            Way::Socket | Way::Direct | Way::Shared => self.fd,
        })
    }

    /// Writes as much of `bytes` as there is room for.
    pub fn write(&self, bytes: &[u8]) -> Written {
        if let Way::Shared = self.way {
            let mut polled = [self.polled()];
            let _ = wait_for_any(&mut polled, Some(std::time::Duration::ZERO));
            if !polled.iter().any(Polled::came) {
                return Written::Full;
            }
        }
        loop {
            match Errno::result(self.call(bytes)) {
                Ok(count) => return Written::Some(usize::try_from(count).unwrap_or(0)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Written::Full,
                // a terminal that was hung up gives EIO
                Err(Errno::EPIPE | Errno::ECONNRESET | Errno::EIO | Errno::EBADF) => return Written::Gone,
                Err(_) => return Written::Refused,
            }
        }
    }

    fn call(&self, bytes: &[u8]) -> isize {
        let start = bytes.as_ptr().cast();
        // SAFETY: so many bytes at `start`. The SIGPIPE of a pipe without a reader is blocked.
        unsafe {
            match &self.way {
                Way::Anew(file) => libc::write(file.as_raw_fd(), start, bytes.len()),
                Way::Socket => {
                    libc::send(self.fd, start, bytes.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
                }
                Way::Direct => libc::write(self.fd, start, bytes.len()),
                Way::Shared => libc::write(self.fd, start, bytes.len().min(WHOLE)),
            }
        }
    }
}

fn is_terminal(fd: RawFd) -> bool {
    // SAFETY: as in `new`.
    unsafe { BorrowedFd::borrow_raw(fd) }.is_terminal()
}

fn anew(fd: RawFd) -> Option<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new().write(true).custom_flags(flags).open(format!("/proc/self/fd/{fd}")).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::{Outlet, Way, Written};
    use crate::sys::spawn::pipe;
    use crate::sys::stdio::set_nonblocking;

    fn filled(outlet: &Outlet) -> usize {
        let mut count = 0;
        loop {
            match outlet.write(&[b'x'; 4096]) {
                Written::Some(more) => count += more,
                other => {
                    assert_eq!(other, Written::Full);
                    return count;
                }
            }
        }
    }

    #[test]
    fn a_full_pipe_or_socket_does_not_block_and_a_lost_reader_is_seen() {
        let (mut reader, writer) = pipe().unwrap();
        let anew = Outlet::new(writer.as_raw_fd());
        assert!(matches!(anew.way, Way::Anew(_)));
        let shared = Outlet { way: Way::Shared, ..Outlet::new(writer.as_raw_fd()) };
        assert!(anew.is_same(&shared));
        assert!(filled(&anew) > 0);
        assert_eq!(shared.write(b"y"), Written::Full);
        set_nonblocking(&reader).unwrap();
        while reader.read(&mut [0; 4096]).is_ok() {}
        assert!(filled(&shared) > 0);
        drop(reader);
        for outlet in [&anew, &shared] {
            assert_eq!(outlet.write(b"x"), Written::Gone);
        }

        let (reader, writer) = UnixStream::pair().unwrap();
        let outlet = Outlet::new(writer.as_raw_fd());
        assert!(matches!(outlet.way, Way::Socket) && !outlet.is_same(&anew));
        assert!(filled(&outlet) > 0);
        drop(reader);
        assert_eq!(outlet.write(b"x"), Written::Gone);
    }

    #[test]
    fn a_device_that_takes_nothing_refuses() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(Outlet::new(full.as_raw_fd()).write(b"x"), Written::Refused);
    }
}

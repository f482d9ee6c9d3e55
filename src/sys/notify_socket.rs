//! The socket by which a service says how it is: sd_notify(3). It has an abstract address
//! (unix(7)), so it needs no file system that can be written to.
//!
//! Descriptors that a datagram carries are closed by the kernel, as there is no room for them:
//! who waits for that (sd_notify_barrier(3)) goes on.

#![allow(unsafe_code, reason = "socket(2), bind(2), recvmsg(2)")]

use std::ffi::OsString;
use std::mem::{MaybeUninit, offset_of, size_of};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_void, pid_t, sa_family_t, socklen_t};
use nix::errno::Errno;

/// A datagram is read up to here; what systemd takes is no longer.
pub const LONGEST: usize = 4096;

/// A socket of a service.
#[derive(Debug)]
pub struct NotifySocket {
    socket: OwnedFd,
    address: String,
}

/// Who sent a datagram, as the kernel says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sender {
    /// Its process; it may have ended since.
    pub pid: pid_t,
    /// Its user.
    pub uid: u32,
}

impl NotifySocket {
    /// Binds a socket to the abstract address `name`.
    ///
    /// # Errors
    /// The kernel's: EADDRINUSE, a sandbox refuses sockets.
    pub fn bind(name: &str) -> Result<Self, Errno> {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes integers.
        let fd = Errno::result(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
        // SAFETY: the kernel has just made it, nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let on: c_int = 1;
        // SAFETY: the option is an int (unix(7)).
        Errno::result(unsafe {
            let size = size_of::<c_int>() as socklen_t;
            libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_PASSCRED, (&raw const on).cast::<c_void>(), size)
        })?;
        let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as sa_family_t, sun_path: [0; 108] };
        // an abstract address begins with a NUL and ends with its length
        for (slot, byte) in address.sun_path.iter_mut().skip(1).zip(name.bytes()) {
            *slot = libc::c_char::from_ne_bytes([byte]);
        }
        let length = offset_of!(libc::sockaddr_un, sun_path) + 1 + name.len();
        let length = socklen_t::try_from(length).map_err(|_| Errno::ENAMETOOLONG)?;
        if usize::try_from(length).is_ok_and(|length| length > size_of::<libc::sockaddr_un>()) {
            return Err(Errno::ENAMETOOLONG);
        }
        // SAFETY: an address of that length (bind(2)).
        Errno::result(unsafe { libc::bind(fd, (&raw const address).cast(), length) })?;
        Ok(Self { socket, address: format!("@{name}") })
    }

    /// The value of NOTIFY_SOCKET.
    #[must_use]
    pub fn address(&self) -> OsString {
        OsString::from(&self.address)
    }

    /// For poll(2).
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// The next datagram that is there: its bytes, and who sent it. One without a sender, or
    /// longer than the buffer, is passed over.
    pub fn receive<'b>(&self, buffer: &'b mut [u8; LONGEST]) -> Option<(&'b [u8], Sender)> {
        loop {
            let (length, sender) = self.receive_one(buffer).ok()?;
            if let (Some(length), Some(sender)) = (length, sender) {
                return Some((buffer.get(..length)?, sender));
            }
        }
    }

    fn receive_one(&self, buffer: &mut [u8; LONGEST]) -> Result<(Option<usize>, Option<Sender>), Errno> {
        // room for one ucred and nothing else
        // SAFETY: computes a size (cmsg(3)).
        const ROOM: usize = unsafe { libc::CMSG_SPACE(size_of::<libc::ucred>() as u32) as usize };
        let mut control = [0_u64; ROOM.div_ceil(8)];
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // SAFETY: zeroed bytes are a valid msghdr.
        let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = ROOM as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        // SAFETY: the header points to buffers of these sizes (recvmsg(2)).
        let length =
            Errno::result(unsafe { libc::recvmsg(self.socket.as_raw_fd(), &raw mut message, flags) })?;
        let whole = message.msg_flags & libc::MSG_TRUNC == 0;
        let length = usize::try_from(length).ok().filter(|_| whole);
        // SAFETY: the kernel has filled the header in; the first part of the control data, if
        // there is one, is within `control` (cmsg(3)).
        let sender = unsafe {
            let first = libc::CMSG_FIRSTHDR(&raw const message);
            if first.is_null()
                || (*first).cmsg_level != libc::SOL_SOCKET
                || (*first).cmsg_type != libc::SCM_CREDENTIALS
            {
                None
            } else {
                let credentials = libc::CMSG_DATA(first).cast::<libc::ucred>().read_unaligned();
                Some(Sender { pid: credentials.pid, uid: credentials.uid })
            }
        };
        Ok((length, sender))
    }
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::{LONGEST, NotifySocket};
    use crate::sys::itself::own_pid;

    #[test]
    fn datagrams_come_with_their_sender() {
        let name = format!("castoff-test-{}", own_pid());
        let socket = NotifySocket::bind(&name).unwrap();
        assert_eq!(socket.address(), *format!("@{name}"));
        let sender = UnixDatagram::unbound().unwrap();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        sender.send_to_addr(b"READY=1", &address).unwrap();
        sender.send_to_addr(&[b'x'; LONGEST + 1], &address).unwrap();
        sender.send_to_addr(b"", &address).unwrap();
        let mut buffer = [0; LONGEST];
        let (bytes, from) = socket.receive(&mut buffer).unwrap();
        assert_eq!((bytes, from.pid), (&b"READY=1"[..], own_pid()));
        let (bytes, _) = socket.receive(&mut buffer).unwrap();
        assert_eq!(bytes, b"");
        assert!(socket.receive(&mut buffer).is_none());
        assert!(NotifySocket::bind(&name).is_err());
        assert!(NotifySocket::bind(&"x".repeat(120)).is_err());
    }
}

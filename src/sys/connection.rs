//! Connections, over TCP or a socket of the file system. Nothing here blocks: who
//! calls polls the descriptor.

#![allow(unsafe_code, reason = "socket(2), connect(2), send(2), recv(2), getsockopt(2)")]

use std::mem::size_of;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::{c_int, c_void, pid_t, sa_family_t, socklen_t};
use nix::errno::Errno;

/// A connection, or one that is being made. Closed on drop.
#[derive(Debug)]
pub struct Connection(OwnedFd);

/// Who is at the other end, as the kernel says: for a client, who began to listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its process; it may have ended since.
    pub pid: pid_t,
    /// Its user.
    pub uid: u32,
}

/// One that was made already; it must not block.
impl From<OwnedFd> for Connection {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

/// The longest path that a socket's address holds, in bytes, without the NUL at its end
/// (unix(7)).
pub const LONGEST_SOCKET_PATH: usize = 107;

impl Connection {
    /// Begins to connect to `address`. It has come about, or has failed, when the descriptor
    /// is writable; [`Connection::outcome`] tells which.
    ///
    /// # Errors
    /// The kernel's, where it knows at once.
    pub fn begin(address: SocketAddr) -> Result<Self, Errno> {
        match address {
            SocketAddr::V4(address) => {
                let of_kernel = libc::sockaddr_in {
                    sin_family: libc::AF_INET as sa_family_t,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                    sin_zero: [0; 8],
                };
                connect(libc::AF_INET, &of_kernel)
            }
            SocketAddr::V6(address) => {
                let of_kernel = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as sa_family_t,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    sin6_scope_id: address.scope_id(),
                };
                connect(libc::AF_INET6, &of_kernel)
            }
        }
    }

    /// The same for a socket of the file system.
    ///
    /// # Errors
    /// The kernel's: ENOENT, ECONNREFUSED (nobody listens), EAGAIN (its queue is full).
    pub fn begin_unix(path: &Path) -> Result<Self, Errno> {
        let mut of_kernel =
            libc::sockaddr_un { sun_family: libc::AF_UNIX as sa_family_t, sun_path: [0; 108] };
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() > LONGEST_SOCKET_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        for (slot, byte) in of_kernel.sun_path.iter_mut().zip(bytes) {
            *slot = byte.cast_signed() as libc::c_char;
        }
        connect(libc::AF_UNIX, &of_kernel)
    }

    /// How connecting ended.
    ///
    /// # Errors
    /// Why there is no connection (SO_ERROR, socket(7)).
    pub fn outcome(&self) -> Result<(), Errno> {
        let mut error: c_int = 0;
        let mut length = size_of::<c_int>() as socklen_t;
        // SAFETY: both are writable and of the size that is passed.
        Errno::result(unsafe {
            let error = (&raw mut error).cast::<c_void>();
            libc::getsockopt(self.descriptor(), libc::SOL_SOCKET, libc::SO_ERROR, error, &raw mut length)
        })?;
        if error == 0 { Ok(()) } else { Err(Errno::from_raw(error)) }
    }

    /// Sends what fits; how many bytes did.
    ///
    /// # Errors
    /// EAGAIN where nothing fits; the kernel's. No SIGPIPE is raised.
    pub fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        // SAFETY: the pointer is to so many bytes.
        let sent = Errno::result(unsafe {
            libc::send(self.descriptor(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL)
        })?;
        Ok(usize::try_from(sent).unwrap_or(0))
    }

    /// Receives what is there; 0: the server has closed the connection.
    ///
    /// # Errors
    /// EAGAIN where nothing is there; the kernel's.
    pub fn receive(&self, into: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: the pointer is to so many writable bytes.
        let received =
            Errno::result(unsafe { libc::recv(self.descriptor(), into.as_mut_ptr().cast(), into.len(), 0) })?;
        Ok(usize::try_from(received).unwrap_or(0))
    }

    /// Who is at the other end of a unix socket (SO_PEERCRED, unix(7)).
    ///
    /// # Errors
    /// The kernel's.
    pub fn peer(&self) -> Result<Peer, Errno> {
        let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
        let mut length = size_of::<libc::ucred>() as socklen_t;
        // SAFETY: both are writable and of the size that is passed.
        Errno::result(unsafe {
            let found = (&raw mut found).cast::<c_void>();
            libc::getsockopt(self.descriptor(), libc::SOL_SOCKET, libc::SO_PEERCRED, found, &raw mut length)
        })?;
        Ok(Peer { pid: found.pid, uid: found.uid })
    }

    /// For polling.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// `address` is the kernel's structure of the family.
fn connect<T>(family: c_int, address: &T) -> Result<Connection, Errno> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes integers.
    let fd = Errno::result(unsafe { libc::socket(family, kind, 0) })?;
    // SAFETY: the kernel has just made it, nobody else has it.
    let connection = Connection(unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: the pointer is to a structure of this size, which the family calls for.
    let begun = Errno::result(unsafe {
        libc::connect(fd, std::ptr::from_ref(address).cast(), size_of::<T>() as socklen_t)
    });
    match begun {
        Ok(_) | Err(Errno::EINPROGRESS) => Ok(connection),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use nix::errno::Errno;

    use super::Connection;
    use crate::sys::fixture::Scratch;
    use crate::sys::poll;

    #[test]
    fn bytes_go_both_ways_over_both_families() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let connection = Connection::begin(listener.local_addr().unwrap()).unwrap();
            poll::writable(connection.descriptor(), -1, None);
            connection.outcome().unwrap();
            assert_eq!(connection.receive(&mut [0; 9]), Err(Errno::EAGAIN));
            let (mut other, _) = listener.accept().unwrap();
            assert_eq!(connection.send(b"hello"), Ok(5));
            let mut heard = [0; 5];
            other.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"hello");
            other.write_all(b"hi").unwrap();
            poll::readable(&[connection.descriptor()], None);
            assert_eq!(connection.receive(&mut [0; 9]), Ok(2));
            drop(other);
            poll::readable(&[connection.descriptor()], None);
            assert_eq!(connection.receive(&mut [0; 9]), Ok(0));
        }
    }

    #[test]
    fn what_nobody_listens_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let refused = Connection::begin(address).and_then(|connection| {
            poll::writable(connection.descriptor(), -1, None);
            connection.outcome()
        });
        assert_eq!(refused, Err(Errno::ECONNREFUSED));
    }

    #[test]
    fn sockets_of_the_file_system() {
        let scratch = Scratch::new();
        let path = scratch.path("socket");
        assert_eq!(Connection::begin_unix(&path).map(drop), Err(Errno::ENOENT));
        let listener = UnixListener::bind(&path).unwrap();
        Connection::begin_unix(&path).unwrap().outcome().unwrap();
        drop(listener);
        assert_eq!(Connection::begin_unix(&path).map(drop), Err(Errno::ECONNREFUSED));
        let long = "/a".repeat(54);
        assert_eq!(Connection::begin_unix(long.as_ref()).map(drop), Err(Errno::ENAMETOOLONG));
    }
}

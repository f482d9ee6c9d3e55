//! The socket by which castoff is asked: in the file system where that can be written to, else
//! under an abstract address (unix(7)) that both sides work out from the namespaces they are
//! in. Nothing is read from it here.
//!
//! A socket of the file system stands only where nobody but root and castoff's user could put
//! another one: its directory, and for the usual place the one above, is theirs, and what
//! others can write is sticky. A socket that somebody listens on is left alone.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::connection::Connection;
use super::itself::own_pid;
use super::status::Status;

/// The directory of the usual place.
const DIRECTORY: &str = "/run/castoff";

/// Where a castoff can be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// A socket of the file system.
    Path(PathBuf),
    /// An abstract address.
    Abstract(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

/// The places that are tried where none is named, in this order. The second tells containers
/// apart that share a network: their namespaces of processes and of mounts are others.
#[must_use]
pub fn usual_addresses() -> Vec<Address> {
    let path = Address::Path(Path::new(DIRECTORY).join("control.sock"));
    let inode = |name: &str| Some(fs::metadata(format!("/proc/self/ns/{name}")).ok()?.ino());
    let both = inode("pid").and_then(|pid| Some((pid, inode("mnt")?)));
    let named = both.map(|(pid, mount)| Address::Abstract(format!("castoff-control-{pid}-{mount}")));
    [path].into_iter().chain(named).collect()
}

/// A socket that is listened on. One of the file system is removed on drop.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    address: Address,
}

impl ControlSocket {
    /// Listens at `address`.
    ///
    /// # Errors
    /// EADDRINUSE: somebody listens there. EPERM: others could exchange the socket. EEXIST:
    /// something else stands there. And the kernel's.
    pub fn bind(address: Address) -> Result<Self, Errno> {
        let listener = match &address {
            Address::Path(path) => bind_path(path)?,
            Address::Abstract(name) => {
                let address = SocketAddr::from_abstract_name(name).map_err(errno)?;
                UnixListener::bind_addr(&address).map_err(errno)?
            }
        };
        listener.set_nonblocking(true).map_err(errno)?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// For poll(2): readable when somebody wants a connection.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.listener.as_raw_fd()
    }

    /// The next connection.
    ///
    /// # Errors
    /// EAGAIN where nobody wants one; the kernel's (accept(2)).
    pub fn accept(&self) -> Result<Connection, Errno> {
        let (stream, _) = self.listener.accept().map_err(errno)?;
        stream.set_nonblocking(true).map_err(errno)?;
        Ok(Connection::from(OwnedFd::from(stream)))
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Address::Path(path) = &self.address {
            // one that stays is replaced by the next castoff
            let _ = fs::remove_file(path);
        }
    }
}

/// A connection to the castoff that listens at `address`.
///
/// # Errors
/// The kernel's: ENOENT, ECONNREFUSED (nobody listens), EACCES, EAGAIN (too many ask).
pub fn connect(address: &Address) -> Result<Connection, Errno> {
    match address {
        Address::Path(path) => Connection::begin_unix(path),
        Address::Abstract(name) => {
            let address = SocketAddr::from_abstract_name(name).map_err(errno)?;
            let stream = UnixStream::connect_addr(&address).map_err(errno)?;
            stream.set_nonblocking(true).map_err(errno)?;
            Ok(Connection::from(OwnedFd::from(stream)))
        }
    }
}

/// A socket that is whole before it stands at `path`: it is renamed to there.
fn bind_path(path: &Path) -> Result<UnixListener, Errno> {
    let directory = path.parent().ok_or(Errno::EINVAL)?;
    if directory == Path::new(DIRECTORY) {
        make_directory(directory)?;
    } else {
        check_directory(directory)?;
    }
    check_vacant(path)?;
    let name = path.file_name().ok_or(Errno::EINVAL)?.to_string_lossy();
    let made = directory.join(format!(".{name}.{}", own_pid()));
    let _ = fs::remove_file(&made);
    let listener = UnixListener::bind(&made).map_err(errno)?;
    let placed =
        fs::set_permissions(&made, Permissions::from_mode(0o600)).and_then(|()| fs::rename(&made, path));
    if let Err(error) = placed {
        let _ = fs::remove_file(&made);
        return Err(errno(error));
    }
    Ok(listener)
}

/// Nothing, or a socket that nobody listens on.
fn check_vacant(path: &Path) -> Result<(), Errno> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(errno(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(Errno::EEXIST),
        Ok(_) => {}
    }
    match Connection::begin_unix(path) {
        Err(Errno::ECONNREFUSED | Errno::ENOENT) => Ok(()),
        Ok(_) | Err(Errno::EAGAIN) => Err(Errno::EADDRINUSE),
        Err(other) => Err(other),
    }
}

/// The directory of the usual place, made if it is missing. The rights are the socket's: a
/// castoff of another user looks in this directory for the container's state, and must see that
/// none is there.
fn make_directory(directory: &Path) -> Result<(), Errno> {
    check_directory(directory.parent().ok_or(Errno::EINVAL)?)?;
    match DirBuilder::new().mode(0o755).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(errno(error)),
        _ => {}
    }
    // a link in its place is not followed
    let flags = libc::O_PATH | libc::O_NOFOLLOW | libc::O_DIRECTORY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(directory).map_err(errno)?;
    let status = Status::of(&opened)?;
    if is_ours(&status) && status.mode & 0o022 == 0 { Ok(()) } else { Err(Errno::EPERM) }
}

fn check_directory(directory: &Path) -> Result<(), Errno> {
    let status = Status::at(directory)?;
    let others_write = status.mode & 0o022 != 0 && status.mode & 0o1000 == 0;
    if is_ours(&status) && !others_write { Ok(()) } else { Err(Errno::EPERM) }
}

fn is_ours(status: &Status) -> bool {
    status.uid == 0 || status.uid == nix::unistd::geteuid().as_raw()
}

fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use nix::errno::Errno;

    use super::{Address, ControlSocket, connect};
    use crate::sys::fixture::Scratch;
    use crate::sys::itself::own_pid;
    use crate::sys::poll;

    #[test]
    fn both_sides_know_each_other() {
        let scratch = Scratch::new();
        for address in [
            Address::Path(scratch.path("control.sock")),
            Address::Abstract(format!("castoff-test-control-{}", own_pid())),
        ] {
            let socket = ControlSocket::bind(address.clone()).unwrap();
            assert_eq!(socket.accept().map(drop), Err(Errno::EAGAIN));
            let client = connect(&address).unwrap();
            poll::readable(&[socket.descriptor()], None);
            let server = socket.accept().unwrap();
            for side in [&client, &server] {
                let peer = side.peer().unwrap();
                assert_eq!((peer.pid, peer.uid), (own_pid(), nix::unistd::geteuid().as_raw()));
            }
            assert_eq!(ControlSocket::bind(address.clone()).map(drop), Err(Errno::EADDRINUSE));
            drop(socket);
            assert!(connect(&address).is_err());
        }
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_replaced_and_nothing_else() {
        let scratch = Scratch::new();
        let path = scratch.path("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        let socket = ControlSocket::bind(Address::Path(path.clone())).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        drop(socket);
        assert!(!path.exists());
        scratch.file("file", "kept");
        symlink(scratch.path("file"), &path).unwrap();
        for name in ["file", "control.sock"] {
            let refused = ControlSocket::bind(Address::Path(scratch.path(name))).map(drop);
            assert_eq!(refused, Err(Errno::EEXIST), "{name}");
        }
        assert_eq!(scratch.read("file"), "kept");
    }

    #[test]
    fn not_where_others_could_exchange_it() {
        let scratch = Scratch::new();
        scratch.directory("open", 0o777);
        scratch.directory("sticky", 0o1777);
        for (directory, expected) in
            [("open", Err(Errno::EPERM)), ("sticky", Ok(())), ("missing", Err(Errno::ENOENT))]
        {
            let path = scratch.path(directory).join("control.sock");
            assert_eq!(ControlSocket::bind(Address::Path(path)).map(drop), expected, "{directory}");
        }
    }
}

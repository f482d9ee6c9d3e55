//! One try at an open file description lock (fcntl_locking(2)): it never waits, it covers
//! the whole file, and the kernel drops it with the last descriptor, however a process ends.
#![allow(unsafe_code, reason = "struct flock has padding on some targets and is made of zeros")]

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};

use super::retry::retry;

/// Who may hold the lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sys) enum Share {
    /// Others that lock shared; needs a descriptor open for reading.
    Shared,
    /// Nobody; needs a descriptor open for writing.
    Exclusive,
}

/// What came of the try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sys) enum Attempt {
    /// The lock is held until the descriptor is closed.
    Locked,
    /// Another open file description holds it.
    Taken,
    /// The file system or kernel has no such locks.
    NotSupported(Errno),
}

pub(in crate::sys) fn try_lock(descriptor: impl AsFd, share: Share) -> nix::Result<Attempt> {
    // SAFETY: struct flock is plain integers, for which zero is a value; zero as start and
    // length means the whole file, and l_pid has to be zero for these locks.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    let kind = match share {
        Share::Shared => libc::F_RDLCK,
        Share::Exclusive => libc::F_WRLCK,
    };
    lock.l_type = libc::c_short::try_from(kind).unwrap_or_default();
    lock.l_whence = libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default();
    match retry(|| fcntl(descriptor.as_fd(), FcntlArg::F_OFD_SETLK(&lock))) {
        Ok(_) => Ok(Attempt::Locked),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(Attempt::Taken),
        Err(errno @ (Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL)) => {
            Ok(Attempt::NotSupported(errno))
        }
        Err(errno) => Err(errno),
    }
}

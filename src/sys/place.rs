//! Puts names in their places: one rename each, over what is there or only where nothing
//! is.
//!
//! Both names are in held directories; a link at the destination is replaced or respected
//! itself, never followed.
#![allow(unsafe_code, reason = "nix has renameat2(2) for glibc only, and no syncfs(2)")]

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::sys::stat::fstatat;

use super::file_error::{FileError, Operation};
use super::retry::retry;

/// A name in a held directory.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The directory.
    pub directory: BorrowedFd<'a>,
    /// The name in it.
    pub name: &'a OsStr,
}

/// Renames, and whatever `to` stood for is gone.
///
/// # Errors
/// What renameat(2) fails with.
pub fn replace(from: Name<'_>, to: Name<'_>) -> nix::Result<()> {
    retry(|| renameat(from.directory, from.name, to.directory, to.name))
}

/// Renames, unless there is something already.
///
/// Where the file system can't do both in one step (renameat2(2), EINVAL), it is looked
/// first: only somebody who makes the name in between would lose it.
///
/// # Errors
/// EEXIST, or what renameat2(2) fails with.
pub fn add(from: Name<'_>, to: Name<'_>) -> nix::Result<()> {
    let source = CString::new(from.name.as_bytes()).map_err(|_| Errno::EINVAL)?;
    let target = CString::new(to.name.as_bytes()).map_err(|_| Errno::EINVAL)?;
    let outcome = retry(|| {
        // SAFETY: both paths are NUL-terminated and outlive the call, as do the descriptors.
        let outcome = unsafe {
            libc::syscall(
                libc::SYS_renameat2,
                from.directory.as_raw_fd(),
                source.as_ptr(),
                to.directory.as_raw_fd(),
                target.as_ptr(),
                libc::RENAME_NOREPLACE,
            )
        };
        Errno::result(outcome).map(drop)
    });
    match outcome {
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EPERM) => {
            match retry(|| fstatat(to.directory, to.name, AtFlags::AT_SYMLINK_NOFOLLOW)) {
                Ok(_) => Err(Errno::EEXIST),
                Err(Errno::ENOENT) => replace(from, to),
                Err(errno) => Err(errno),
            }
        }
        outcome => outcome,
    }
}

/// Brings everything that was written to the file system of `directory` to stable storage,
/// names included (syncfs(2)). `path` is for the message.
///
/// # Errors
/// EIO, ENOSPC, EDQUOT: something that was written did not get there.
pub fn sync_all(directory: impl AsFd, path: &Path) -> Result<(), FileError> {
    let descriptor = directory.as_fd().as_raw_fd();
    // SAFETY: takes a number; the descriptor is open as long as `directory` is.
    let synced = retry(|| Errno::result(unsafe { libc::syncfs(descriptor) }).map(drop));
    match synced {
        // a sandbox that lacks the call has nothing that outlives it
        Ok(()) | Err(Errno::ENOSYS) => Ok(()),
        Err(errno) => Err(FileError::system(Operation::Sync, path, errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::os::fd::AsFd;

    use nix::errno::Errno;

    use super::{Name, add, replace, sync_all};
    use crate::sys::fixture::Scratch;

    #[test]
    fn over_what_is_there_or_only_where_nothing_is() {
        let scratch = Scratch::new();
        for name in ["one", "two", "three"] {
            scratch.file(name, name);
        }
        let directory = File::open(scratch.path("")).unwrap();
        let name = |name| Name { directory: directory.as_fd(), name: OsStr::new(name) };
        assert_eq!(add(name("one"), name("two")), Err(Errno::EEXIST));
        assert_eq!(scratch.read("two"), "two");
        add(name("one"), name("new")).unwrap();
        replace(name("three"), name("two")).unwrap();
        assert_eq!((scratch.read("new"), scratch.read("two")), ("one".to_owned(), "three".to_owned()));
        scratch.link("link", "nowhere");
        assert_eq!(add(name("new"), name("link")), Err(Errno::EEXIST), "a link is something");
        sync_all(&directory, &scratch.path("")).unwrap();
    }
}

//! Extended attributes of open files and directories: access control lists, capabilities,
//! what users put there. Those that the target doesn't take are counted, never lost silently.
#![allow(unsafe_code, reason = "xattr(7) has no safe wrappers in nix")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;

use crate::sys::retry::retry;

/// Most files have none, or a few whose names fit.
const USUAL: usize = 1 << 10;
/// How often a value is read anew that grows meanwhile.
const MOST_ATTEMPTS: u32 = 16;
/// Files inherit the entries of their directory's default list.
const DEFAULT_ACL: &CStr = c"system.posix_acl_default";

/// A name and its value.
pub(super) type Xattr = (CString, Vec<u8>);

/// Attributes that the target did not take, each with the number of files.
#[derive(Debug, Default)]
pub(super) struct Dropped(Mutex<BTreeMap<OsString, u64>>);

impl Dropped {
    pub(super) fn into_counts(self) -> BTreeMap<OsString, u64> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, name: &OsStr) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}

/// All that a file has. None where the file system has no attributes.
///
/// # Errors
/// What flistxattr(2) and fgetxattr(2) fail with otherwise.
pub(super) fn read(file: impl AsFd) -> nix::Result<Vec<Xattr>> {
    let names = match names(file.as_fd()) {
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => return Ok(Vec::new()),
        outcome => outcome?,
    };
    let mut found = Vec::new();
    for name in names {
        match sized(0, |room| get(file.as_fd(), &name, room)) {
            Ok(value) => found.push((name, value)),
            // gone meanwhile, or not for castoff's user to see
            Err(Errno::ENODATA) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(found)
}

/// Gives a file attributes. What the file system or castoff's user can't is counted.
///
/// # Errors
/// What fsetxattr(2) fails with otherwise: ENOSPC, EDQUOT, EIO.
pub(super) fn write(file: impl AsFd, xattrs: &[Xattr], dropped: &Dropped) -> nix::Result<()> {
    for (name, value) in xattrs {
        match retry(|| set(file.as_fd(), name, value)) {
            Ok(()) => {}
            Err(Errno::EOPNOTSUPP | Errno::EPERM | Errno::EACCES | Errno::EINVAL) => {
                dropped.count(OsStr::from_bytes(name.to_bytes()))
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What is made in this directory inherits nothing from it.
pub(super) fn stop_inheriting(directory: impl AsFd) {
    // SAFETY: the name is NUL-terminated. That there is no such list, or none can be, is fine.
    unsafe { libc::fremovexattr(directory.as_fd().as_raw_fd(), DEFAULT_ACL.as_ptr()) };
}

fn names(file: impl AsFd) -> nix::Result<Vec<CString>> {
    let mut usual = [0_u8; USUAL];
    let list = match retry(|| list(file.as_fd(), &mut usual)) {
        Ok(0) => return Ok(Vec::new()),
        Ok(length) => usual.get(..length).unwrap_or_default().to_vec(),
        Err(Errno::ERANGE) => sized(4 * USUAL, |room| list(file.as_fd(), room))?,
        Err(errno) => return Err(errno),
    };
    Ok(list
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|name| CString::from_vec_with_nul(name.into()).ok())
        .collect())
}

/// Asks for the size first where none is known, and again where it was too small.
fn sized(guess: usize, call: impl Fn(&mut [u8]) -> nix::Result<usize>) -> nix::Result<Vec<u8>> {
    let mut room = vec![0_u8; guess];
    for _ in 0..MOST_ATTEMPTS {
        if room.is_empty() {
            let size = retry(|| call(&mut []))?;
            if size == 0 {
                return Ok(room);
            }
            room.resize(size, 0);
        }
        match retry(|| call(&mut room)) {
            Ok(length) => {
                room.truncate(length);
                return Ok(room);
            }
            Err(Errno::ERANGE) => room.clear(),
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::ERANGE)
}

fn list(file: impl AsFd, room: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: the kernel writes at most as many bytes as there is room for (listxattr(2)).
    let length = unsafe { libc::flistxattr(file.as_fd().as_raw_fd(), room.as_mut_ptr().cast(), room.len()) };
    Errno::result(length).map(|length| usize::try_from(length).unwrap_or(0))
}

fn get(file: impl AsFd, name: &CStr, room: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: as in `list`; the name is NUL-terminated (getxattr(2)).
    let length = unsafe {
        libc::fgetxattr(file.as_fd().as_raw_fd(), name.as_ptr(), room.as_mut_ptr().cast(), room.len())
    };
    Errno::result(length).map(|length| usize::try_from(length).unwrap_or(0))
}

fn set(file: impl AsFd, name: &CStr, value: &[u8]) -> nix::Result<()> {
    // SAFETY: the name is NUL-terminated, the value as long as is said (setxattr(2)).
    let outcome = unsafe {
        libc::fsetxattr(file.as_fd().as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0)
    };
    Errno::result(outcome).map(drop)
}

#[cfg(test)]
#[path = "xattrs_tests.rs"]
mod tests;

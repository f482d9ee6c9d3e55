//! Makes a directory, or corrects the owner and mode of one that exists; what is in it is
//! never touched.
//!
//! Works on a held descriptor, so what is corrected is what was looked at. A link at the
//! location is not followed, and anything that is no directory is an error.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};

use super::attributes::Attributes;
use super::file_error::{Cause, FileError, Operation};
use super::path_walk::Location;
use super::retry::retry;
use super::status::{Kind, Status};

/// What had to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// It was missing and was made.
    Created,
    /// It had another owner or mode.
    Adjusted,
    /// It was right.
    Unchanged,
}

/// Makes sure that there is a directory with these attributes.
///
/// # Errors
/// [`Cause::WrongKind`] where something else is in the way; what mkdirat(2), openat(2) and
/// [`Attributes::apply_to`] fail with.
pub fn ensure(location: &Location, attributes: Attributes) -> Result<Ensured, FileError> {
    let fails = |operation, errno| FileError::system(operation, location.path(), errno);
    // No rights for others before it has its owner.
    let created = match retry(|| mkdirat(location.directory(), location.name(), Mode::S_IRWXU)) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        // An existing directory on a read-only file system may be right already.
        Err(errno) => match hold(location)? {
            Some(_) => false,
            None => return Err(fails(Operation::CreateDirectory, errno)),
        },
    };
    let directory = hold(location)?.ok_or_else(|| fails(Operation::CreateDirectory, Errno::ENOENT))?;
    let status = Status::of(&directory).map_err(|errno| fails(Operation::Inspect, errno))?;
    if attributes.hold_for(&status) {
        return Ok(if created { Ensured::Created } else { Ensured::Unchanged });
    }
    // fchown(2) and fchmod(2) want more than O_PATH; "." is the same directory.
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let opened = retry(|| openat(directory.as_fd(), ".", flags, Mode::empty()))
        .map_err(|errno| fails(Operation::ChangeMode { mode: attributes.mode }, errno))?;
    attributes.apply_to(&opened, location.path())?;
    Ok(if created { Ensured::Created } else { Ensured::Adjusted })
}

/// `None`: nothing is there.
fn hold(location: &Location) -> Result<Option<OwnedFd>, FileError> {
    let fails = |errno| FileError::system(Operation::Inspect, location.path(), errno);
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let held = match retry(|| openat(location.directory(), location.name(), flags, Mode::empty())) {
        Ok(held) => held,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(fails(errno)),
    };
    match Status::of(&held).map_err(fails)?.kind {
        Kind::Directory => Ok(Some(held)),
        found => {
            let cause = Cause::WrongKind { found, expected: Kind::Directory };
            Err(FileError::new(Operation::CreateDirectory, location.path(), cause))
        }
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;

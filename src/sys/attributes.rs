//! Owner and mode of an open file: changes what differs and nothing else.
//!
//! Takes descriptors, never paths. The owner is set before the mode, because chown(2)
//! clears the set-user-id and set-group-id bits.

use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchown};

use super::file_error::{FileError, Operation};
use super::retry::retry;
use super::status::Status;

/// Owner and mode that a file or directory shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Owner; `None`: as it is. For a new file that is castoff's own user.
    pub uid: Option<u32>,
    /// Group; `None`: as it is. For a new file that is castoff's own group, or the
    /// directory's where that has the set-group-id bit.
    pub gid: Option<u32>,
}

impl Attributes {
    /// Whether a file with this status has them already.
    #[must_use]
    pub fn hold_for(&self, status: &Status) -> bool {
        self.mode == status.mode
            && self.uid.is_none_or(|uid| uid == status.uid)
            && self.gid.is_none_or(|gid| gid == status.gid)
    }

    /// Gives them to an open file, which must not be open with O_PATH. Returns whether
    /// anything had to be changed. `path` is for the message.
    ///
    /// # Errors
    /// EPERM where castoff may not give the file away; what fstat(2), fchown(2) and
    /// fchmod(2) fail with.
    pub fn apply_to(&self, descriptor: impl AsFd, path: &Path) -> Result<bool, FileError> {
        let inspect = || {
            Status::of(descriptor.as_fd()).map_err(|errno| FileError::system(Operation::Inspect, path, errno))
        };
        let before = inspect()?;
        // Only what differs: a file system without owners (vfat, some network mounts)
        // refuses even a chown that changes nothing.
        let uid = self.uid.filter(|uid| *uid != before.uid);
        let gid = self.gid.filter(|gid| *gid != before.gid);
        let owner_differs = uid.is_some() || gid.is_some();
        if owner_differs {
            retry(|| fchown(descriptor.as_fd(), uid.map(Uid::from_raw), gid.map(Gid::from_raw)))
                .map_err(|errno| FileError::system(Operation::ChangeOwner { uid, gid }, path, errno))?;
        }
        let mode = if owner_differs { inspect()?.mode } else { before.mode };
        let mode_differs = mode != self.mode;
        if mode_differs {
            retry(|| fchmod(descriptor.as_fd(), Mode::from_bits_truncate(self.mode)))
                .map_err(|errno| FileError::system(Operation::ChangeMode { mode: self.mode }, path, errno))?;
        }
        Ok(owner_differs || mode_differs)
    }
}

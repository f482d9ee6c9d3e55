//! Whether a file is still what it was: by what the kernel says of it, without reading it.

use std::path::Path;

use nix::sys::stat::stat;

use super::retry::retry;
use super::status::Status;

/// What differs as soon as a name leads to another file, or the file was written to or had its
/// attributes changed. Its time is the kernel's (ctime, inode(7)), which nobody can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileVersion {
    /// Device and inode.
    pub identity: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// When it changed last: seconds and nanoseconds since 1970.
    pub changed: (i64, i64),
}

impl FileVersion {
    /// Of what is at `path`, all links followed. `None`: it can't be looked at.
    #[must_use]
    #[allow(clippy::useless_conversion, reason = "the widths of stat's fields differ between targets")]
    pub fn at(path: &Path) -> Option<Self> {
        let found = retry(|| stat(path)).ok()?;
        let Status { identity, size, .. } = Status::from_stat(&found);
        Some(Self { identity, size, changed: (found.st_ctime.into(), found.st_ctime_nsec.into()) })
    }
}

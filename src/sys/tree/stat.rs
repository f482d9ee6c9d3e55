//! What a name or a descriptor stands for, in as much detail as trees need. Follows no link.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use nix::sys::stat::FileStat;

use crate::sys::status::{Kind, kind};
use crate::sys::statx::{Statx, statx_or_stat};

/// Everything of stat(2) that castoff copies, compares or decides by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) links: u64,
    pub(super) size: u64,
    /// Of 512 bytes.
    pub(super) blocks: u64,
    pub(super) identity: (u64, u64),
    pub(super) device: u64,
    pub(super) mtime: (i64, u32),
    pub(super) ctime: (i64, u32),
    pub(super) mount_point: bool,
}

impl Stat {
    /// Of `name` in `directory`.
    pub(super) fn at(directory: impl AsFd, name: &OsStr) -> nix::Result<Self> {
        // where statx(2) can't be had, no mount is seen but by who tries to open it
        statx_or_stat(directory, name, Self::from_statx, Self::from_stat)
    }

    /// Of an open descriptor, O_PATH included.
    pub(super) fn of(descriptor: impl AsFd) -> nix::Result<Self> {
        Self::at(descriptor, OsStr::new(""))
    }

    /// Whether some of its blocks are not there.
    pub(super) fn is_sparse(&self) -> bool {
        self.blocks.saturating_mul(512) < self.size
    }

    fn from_statx(found: &Statx) -> Self {
        Self {
            kind: kind(found.mode.into()),
            mode: u32::from(found.mode) & 0o7777,
            uid: found.uid,
            gid: found.gid,
            links: found.links.into(),
            size: found.size,
            blocks: found.blocks,
            identity: found.identity(),
            device: found.device(),
            mtime: (found.modified.seconds, found.modified.nanoseconds),
            ctime: (found.changed.seconds, found.changed.nanoseconds),
            mount_point: found.is_mount_point(),
        }
    }

    #[allow(clippy::useless_conversion, reason = "the widths of stat's fields differ between targets")]
    fn from_stat(found: &FileStat) -> Self {
        let nanoseconds = |number: i64| u32::try_from(number).unwrap_or(0);
        Self {
            kind: kind(found.st_mode),
            mode: found.st_mode & 0o7777,
            uid: found.st_uid,
            gid: found.st_gid,
            links: u64::from(found.st_nlink),
            size: u64::try_from(found.st_size).unwrap_or(0),
            blocks: u64::try_from(found.st_blocks).unwrap_or(0),
            identity: (u64::from(found.st_dev), u64::from(found.st_ino)),
            device: u64::from(found.st_rdev),
            mtime: (found.st_mtime, nanoseconds(found.st_mtime_nsec)),
            ctime: (found.st_ctime, nanoseconds(found.st_ctime_nsec)),
            mount_point: false,
        }
    }
}

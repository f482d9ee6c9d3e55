//! What an open file descriptor stands for: kind, mode, owner, links, mount point.
//!
//! The answer about a descriptor is about the very file that is used afterwards; what is said of a
//! name may be another file's a moment later. It opens nothing and changes nothing.

use std::ffi::OsStr;
use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::stat::{FileStat, SFlag, fstat, lstat, stat};

use super::retry::retry;
use super::statx::{Statx, statx_or_stat};

/// The kind of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::CharacterDevice | Self::BlockDevice => "a device",
        })
    }
}

/// The part of stat(2) that castoff decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-id, set-group-id and sticky: 0 to 0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of hard links.
    pub links: u64,
    /// Bytes.
    pub size: u64,
    /// Device and inode: two descriptors with the same pair are the same file.
    pub identity: (u64, u64),
}

impl Status {
    /// Of an open descriptor, O_PATH included.
    ///
    /// # Errors
    /// What fstat(2) fails with.
    pub fn of(descriptor: impl AsFd) -> nix::Result<Self> {
        retry(|| fstat(descriptor.as_fd())).map(|stat| Self::from_stat(&stat))
    }

    /// Of `name` in `directory`, a link itself, and whether something is mounted exactly there
    /// (`false` where the kernel can't say: before Linux 5.8, or where a sandbox forbids statx(2)).
    ///
    /// # Errors
    /// What fstatat(2) fails with.
    pub fn of_name(directory: impl AsFd, name: &OsStr) -> nix::Result<(Self, bool)> {
        statx_or_stat(
            directory,
            name,
            |found| (Self::from_statx(found), found.is_mount_point()),
            |found| (Self::from_stat(found), false),
        )
    }

    /// Of what is at `path`, all links followed: for places that nobody but the image's author
    /// chose.
    ///
    /// # Errors
    /// What stat(2) fails with.
    pub fn at(path: &Path) -> nix::Result<Self> {
        retry(|| stat(path)).map(|stat| Self::from_stat(&stat))
    }

    #[allow(clippy::useless_conversion, reason = "the widths of stat's fields differ between targets")]
    pub(in crate::sys) fn from_stat(stat: &FileStat) -> Self {
        Self {
            kind: kind(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: u64::from(stat.st_nlink),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            identity: (u64::from(stat.st_dev), u64::from(stat.st_ino)),
        }
    }

    fn from_statx(found: &Statx) -> Self {
        Self {
            kind: kind(found.mode.into()),
            mode: u32::from(found.mode) & 0o7777,
            uid: found.uid,
            gid: found.gid,
            links: found.links.into(),
            size: found.size,
            identity: found.identity(),
        }
    }
}

/// The kind that a mode of stat(2) tells.
pub(in crate::sys) fn kind(mode: libc::mode_t) -> Kind {
    match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => Kind::Regular,
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFLNK => Kind::Symlink,
        SFlag::S_IFIFO => Kind::Fifo,
        SFlag::S_IFSOCK => Kind::Socket,
        SFlag::S_IFBLK => Kind::BlockDevice,
        _ => Kind::CharacterDevice,
    }
}

/// Device and inode of what has that name, a link itself. `None`: it can't be looked at.
#[must_use]
pub fn identity_at(path: &Path) -> Option<(u64, u64)> {
    retry(|| lstat(path)).ok().map(|stat| Status::from_stat(&stat).identity)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{Kind, Status};

    #[test]
    fn kinds() {
        for (path, kind) in
            [("/", Kind::Directory), ("/dev/null", Kind::CharacterDevice), ("/proc/self/maps", Kind::Regular)]
        {
            assert_eq!(Status::of(File::open(path).unwrap()).unwrap().kind, kind, "{path}");
        }
    }

    #[test]
    fn a_name_is_as_its_descriptor_and_tells_what_is_mounted_there() {
        let root = File::open("/").unwrap();
        for (directory, name, is_mount_point) in
            [("/", "proc", true), ("/proc", "self", false), ("/", "etc", false)]
        {
            let (status, mounted) = Status::of_name(File::open(directory).unwrap(), name.as_ref()).unwrap();
            assert_eq!(mounted, is_mount_point, "{name}");
            assert_eq!(status.kind == Kind::Symlink, name == "self");
        }
        let etc = Status::of(File::open("/etc").unwrap()).unwrap();
        assert_eq!(Status::of_name(&root, "etc".as_ref()).unwrap().0, etc);
    }
}

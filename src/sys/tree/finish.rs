//! What a copy gets once its content is there, in this order: its owner, its extended
//! attributes, its time of modification, and its mode, if that isn't right by then.
//!
//! The owner before the rest, because chown(2) takes set-user-id bits and capabilities
//! away; the mode after the access control list, whose mask it is. Works on copies in
//! castoff's own staging directory, where nobody can exchange anything.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FchmodatFlags, Mode, UtimensatFlags, fchmod, fchmodat, futimens, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchownat};

use super::stat::Stat;
use super::xattrs::{self, Dropped, Xattr};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::Operation;
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// A copy that is to be finished.
#[derive(Clone, Copy)]
pub(super) enum Copy<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// What can't be opened: a link, a pipe, a socket, a device.
    Named(BorrowedFd<'a>, &'a OsStr),
}

/// What it gets.
pub(super) struct Finish<'a> {
    pub(super) attributes: Attributes,
    pub(super) xattrs: &'a [Xattr],
    pub(super) mtime: (i64, u32),
}

impl Copy<'_> {
    /// Finishes it, and looks at what came out.
    ///
    /// # Errors
    /// EPERM where castoff's user may not give it away; what the system calls fail with.
    pub(super) fn finish(
        self,
        kind: Kind,
        finish: &Finish<'_>,
        dropped: &Dropped,
    ) -> Result<Stat, (Operation, Errno)> {
        let fails = |operation| move |errno| (operation, errno);
        let Attributes { uid, gid, mode } = finish.attributes;
        if uid.is_some() || gid.is_some() {
            self.unless_so(|| self.chown(uid, gid), |stat| owner_is(stat, uid, gid))
                .map_err(fails(Operation::ChangeOwner { uid, gid }))?;
        }
        if let Self::Open(file) = self {
            xattrs::write(file, finish.xattrs, dropped).map_err(fails(Operation::Xattrs))?;
        }
        retry(|| self.set_time(finish.mtime)).map_err(fails(Operation::SetTime))?;
        let stat = self.stat().map_err(fails(Operation::Inspect))?;
        if stat.mode == mode || kind == Kind::Symlink {
            return Ok(stat);
        }
        retry(|| self.chmod(mode)).map_err(fails(Operation::ChangeMode { mode }))?;
        self.stat().map_err(fails(Operation::Inspect))
    }

    /// A file system without owners (vfat, some network mounts) refuses even what changes
    /// nothing.
    fn unless_so(
        self,
        change: impl Fn() -> nix::Result<()>,
        is_so: impl Fn(&Stat) -> bool,
    ) -> nix::Result<()> {
        match retry(change) {
            Err(Errno::EPERM | Errno::EOPNOTSUPP) if self.stat().is_ok_and(|stat| is_so(&stat)) => Ok(()),
            outcome => outcome,
        }
    }

    fn stat(self) -> nix::Result<Stat> {
        match self {
            Self::Open(file) => Stat::of(file),
            Self::Named(directory, name) => Stat::at(directory, name),
        }
    }

    fn chown(self, uid: Option<u32>, gid: Option<u32>) -> nix::Result<()> {
        let (directory, name, flag) = match self {
            Self::Open(file) => (file, OsStr::new(""), AtFlags::AT_EMPTY_PATH),
            Self::Named(directory, name) => (directory, name, AtFlags::AT_SYMLINK_NOFOLLOW),
        };
        fchownat(directory, name, uid.map(Uid::from_raw), gid.map(Gid::from_raw), flag)
    }

    fn chmod(self, mode: u32) -> nix::Result<()> {
        let mode = Mode::from_bits_truncate(mode);
        match self {
            Self::Open(file) => fchmod(file, mode),
            // Would follow a link; there is none, nobody else can get here.
            Self::Named(directory, name) => fchmodat(directory, name, mode, FchmodatFlags::FollowSymlink),
        }
    }

    fn set_time(self, mtime: (i64, u32)) -> nix::Result<()> {
        let (accessed, modified) = (TimeSpec::UTIME_OMIT, TimeSpec::new(mtime.0, mtime.1.into()));
        match self {
            Self::Open(file) => futimens(file.as_fd(), &accessed, &modified),
            Self::Named(directory, name) => {
                utimensat(directory, name, &accessed, &modified, UtimensatFlags::NoFollowSymlink)
            }
        }
    }
}

fn owner_is(stat: &Stat, uid: Option<u32>, gid: Option<u32>) -> bool {
    uid.is_none_or(|uid| uid == stat.uid) && gid.is_none_or(|gid| gid == stat.gid)
}

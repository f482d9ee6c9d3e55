//! statx(2): all about a name or a descriptor in one call, its mount included.
//!
//! The layout is the kernel's, not a libc's, so that both libcs read the same. Nothing is
//! followed: no link, no automount.
#![allow(unsafe_code, reason = "statx(2) has no safe wrapper in nix")]

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, fstatat};

use super::retry::retry;

/// `STATX_BASIC_STATS`.
const BASIC: u32 = 0x7ff;
/// `STATX_MNT_ID`, Linux 5.8.
const MOUNT_ID: u32 = 0x1000;
/// `STATX_ATTR_MOUNT_ROOT`, Linux 5.8.
const MOUNT_ROOT: u64 = 0x2000;

/// `struct statx_timestamp`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(in crate::sys) struct Timestamp {
    pub(in crate::sys) seconds: i64,
    pub(in crate::sys) nanoseconds: u32,
    padding: i32,
}

/// `struct statx`, 256 bytes by ABI.
#[repr(C)]
pub(in crate::sys) struct Statx {
    mask: u32,
    block_size: u32,
    attributes: u64,
    pub(in crate::sys) links: u32,
    pub(in crate::sys) uid: u32,
    pub(in crate::sys) gid: u32,
    pub(in crate::sys) mode: u16,
    padding: u16,
    pub(in crate::sys) inode: u64,
    pub(in crate::sys) size: u64,
    pub(in crate::sys) blocks: u64,
    attributes_mask: u64,
    accessed: Timestamp,
    born: Timestamp,
    pub(in crate::sys) changed: Timestamp,
    pub(in crate::sys) modified: Timestamp,
    device_major: u32,
    device_minor: u32,
    on_major: u32,
    on_minor: u32,
    mount_id: u64,
    spare: [u64; 13],
}

const _: () = assert!(size_of::<Statx>() == 256);

impl Statx {
    /// Whether something is mounted exactly here. `false` where the kernel can't say
    /// (before Linux 5.8).
    pub(in crate::sys) fn is_mount_point(&self) -> bool {
        self.attributes_mask & self.attributes & MOUNT_ROOT != 0
    }

    /// The mount that it is seen through; `None` before Linux 5.8.
    pub(in crate::sys) fn mount(&self) -> Option<u64> {
        (self.mask & MOUNT_ID != 0).then_some(self.mount_id)
    }

    /// The device that it stands for, as mknod(2) takes it.
    pub(in crate::sys) fn device(&self) -> u64 {
        libc::makedev(self.device_major, self.device_minor)
    }

    /// Device and inode, as stat(2) has them.
    pub(in crate::sys) fn identity(&self) -> (u64, u64) {
        (libc::makedev(self.on_major, self.on_minor), self.inode)
    }
}

/// What `new` makes of it, or `old` of the older call's answer, which knows no mounts: the kernel has
/// no statx(2) (before Linux 4.11), or a sandbox forbids it, with whatever error it likes.
///
/// # Errors
/// What fstatat(2) fails with.
pub(in crate::sys) fn statx_or_stat<T>(
    directory: impl AsFd,
    name: &OsStr,
    new: impl FnOnce(&Statx) -> T,
    old: impl FnOnce(&FileStat) -> T,
) -> nix::Result<T> {
    match statx(directory.as_fd(), name) {
        Ok(found) => Ok(new(&found)),
        Err(Errno::ENOENT) => Err(Errno::ENOENT),
        Err(_) => {
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_EMPTY_PATH;
            retry(|| fstatat(directory.as_fd(), name, flags)).map(|found| old(&found))
        }
    }
}

/// Of `name` in `directory`; of the descriptor itself where the name is empty.
///
/// # Errors
/// What statx(2) fails with; ENOSYS before Linux 4.11, EPERM where a sandbox forbids it.
pub(in crate::sys) fn statx(directory: impl AsFd, name: &OsStr) -> nix::Result<Statx> {
    let flags = libc::AT_EMPTY_PATH | libc::AT_SYMLINK_NOFOLLOW | libc::AT_NO_AUTOMOUNT;
    let descriptor = directory.as_fd().as_raw_fd();
    retry(|| {
        let mut found = MaybeUninit::<Statx>::zeroed();
        name.with_nix_path(|name| {
            // SAFETY: the name is NUL-terminated, the buffer is as long and as aligned as
            // `struct statx`, and both outlive the call.
            let outcome = unsafe {
                libc::syscall(
                    libc::SYS_statx,
                    descriptor,
                    name.as_ptr(),
                    flags,
                    BASIC | MOUNT_ID,
                    found.as_mut_ptr(),
                )
            };
            Errno::result(outcome)
        })??;
        // SAFETY: plain integers, for which zeros are values; the kernel wrote over them.
        Ok(unsafe { found.assume_init() })
    })
}

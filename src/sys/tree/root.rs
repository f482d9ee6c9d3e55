//! The root of a tree, and the way to the directories below it.
//!
//! Each directory is opened anew from the root, by openat2(2), which follows no link and
//! crosses no mount; so however deep a tree is, few descriptors are open. Where openat2 is
//! missing (before Linux 5.6) or forbidden by a sandbox, the way is gone component by
//! component, with the same rules.
//!
//! A directory that somebody moves meanwhile is the same directory all the same. Paths are
//! at most `PATH_MAX` bytes, 4,095, from the root: longer ones are ENAMETOOLONG.

use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;

use crate::sys::file_error::{FileError, Operation};
use crate::sys::path_walk::Location;
use crate::sys::retry::retry;
use crate::sys::status::Status;
use crate::sys::statx::statx;

/// `PATH_MAX` without its NUL.
const LONGEST_PATH: usize = 4095;
/// openat2(2) fails with EAGAIN where a rename anywhere made its answer uncertain.
const MOST_ATTEMPTS: u32 = 64;

const DIRECTORY: OFlag =
    OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

/// A directory and all below it.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
    shown: PathBuf,
    has_openat2: AtomicBool,
}

impl Tree {
    /// The directory at `location`, which may be a mount point, and is no link.
    ///
    /// # Errors
    /// What openat(2) fails with: ENOENT, ENOTDIR, EACCES.
    pub fn open(location: &Location) -> Result<Self, FileError> {
        let opened = retry(|| {
            openat(location.directory(), location.name(), DIRECTORY | OFlag::O_RDONLY, Mode::empty())
        })
        .map_err(|errno| FileError::system(Operation::Resolve, location.path(), errno))?;
        Ok(Self::of(opened, location.path()))
    }

    /// An open directory; `shown` is its path, for messages.
    #[must_use]
    pub fn of(root: OwnedFd, shown: impl Into<PathBuf>) -> Self {
        Self { root, shown: shown.into(), has_openat2: AtomicBool::new(true) }
    }

    /// As on a system without openat2(2).
    #[cfg(test)]
    pub(super) fn without_openat2(self) -> Self {
        Self { has_openat2: AtomicBool::new(false), ..self }
    }

    /// A directory of this tree, as a tree.
    ///
    /// # Errors
    /// As [`Tree::directory`].
    pub fn below(&self, relative: &Path) -> Result<Self, FileError> {
        let root = self.directory(relative)?;
        let has_openat2 = AtomicBool::new(self.has_openat2.load(Ordering::Relaxed));
        Ok(Self { root, shown: self.path_of(relative), has_openat2 })
    }

    /// The root, open for reading.
    #[must_use]
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The path of what is below, for messages.
    #[must_use]
    pub fn path_of(&self, relative: &Path) -> PathBuf {
        if relative.as_os_str().is_empty() { self.shown.clone() } else { self.shown.join(relative) }
    }

    /// The error of something about what is below.
    #[must_use]
    pub fn fails(&self, operation: Operation, relative: &Path, errno: Errno) -> FileError {
        FileError::system(operation, self.path_of(relative), errno)
    }

    /// Opens a directory below the root for reading; the root itself for an empty path.
    ///
    /// # Errors
    /// EXDEV where something is mounted on the way or there; ELOOP or ENOTDIR for a link or
    /// anything else that is no directory; EINVAL for a path that is absolute or contains
    /// `..`; what openat2(2) fails with otherwise.
    pub fn directory(&self, relative: &Path) -> Result<OwnedFd, FileError> {
        self.open_directory(relative)
            .map_err(|errno| FileError::system(Operation::Resolve, self.path_of(relative), errno))
    }

    /// The directory that holds `relative`, and the name in it.
    ///
    /// # Errors
    /// As [`Tree::directory`]; EINVAL for an empty path.
    pub fn parent<'p>(&self, relative: &'p Path) -> Result<(OwnedFd, &'p OsStr), FileError> {
        let (Some(parent), Some(name)) = (relative.parent(), relative.file_name()) else {
            return Err(FileError::system(Operation::Resolve, self.path_of(relative), Errno::EINVAL));
        };
        Ok((self.directory(parent)?, name))
    }

    pub(super) fn open_directory(&self, relative: &Path) -> nix::Result<OwnedFd> {
        if relative.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(Errno::EINVAL);
        }
        if relative.as_os_str().len() > LONGEST_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        if self.has_openat2.load(Ordering::Relaxed) {
            match self.open_by_openat2(relative) {
                Err(Errno::ENOSYS | Errno::EPERM) => self.has_openat2.store(false, Ordering::Relaxed),
                outcome => return outcome,
            }
        }
        self.open_by_components(relative)
    }

    fn open_by_openat2(&self, relative: &Path) -> nix::Result<OwnedFd> {
        let path = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        let how = OpenHow::new().flags(DIRECTORY | OFlag::O_RDONLY).resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_MAGICLINKS
                | ResolveFlag::RESOLVE_NO_XDEV,
        );
        let mut outcome = Err(Errno::EAGAIN);
        for _ in 0..MOST_ATTEMPTS {
            outcome = retry(|| openat2(&self.root, path, how));
            if !matches!(outcome, Err(Errno::EAGAIN)) {
                break;
            }
        }
        outcome
    }

    fn open_by_components(&self, relative: &Path) -> nix::Result<OwnedFd> {
        let mount = Mount::of(&self.root)?;
        let here = |name: &OsStr, from: BorrowedFd<'_>, way: OFlag| {
            let opened = retry(|| openat(from, name, DIRECTORY | way, Mode::empty()))?;
            if Mount::of(&opened)? == mount { Ok(opened) } else { Err(Errno::EXDEV) }
        };
        let mut directory: Option<OwnedFd> = None;
        let parents = relative.parent().unwrap_or(relative);
        for component in parents.components() {
            let from = directory.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            directory = Some(here(component.as_os_str(), from, OFlag::O_PATH)?);
        }
        let from = directory.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
        here(relative.file_name().unwrap_or(OsStr::new(".")), from, OFlag::O_RDONLY)
    }
}

/// Whether a name was removed, or exchanged for something else, since it was listed.
pub(super) fn is_gone(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP)
}

/// What tells mounts apart: their number, where the kernel or /proc says it; else the
/// device, which can't tell a bind mount of the same file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mount {
    Number(u64),
    Device(u64),
}

impl Mount {
    fn of(descriptor: impl AsFd) -> nix::Result<Self> {
        let told = statx(descriptor.as_fd(), OsStr::new("")).ok().and_then(|found| found.mount());
        match told.or_else(|| number_from_proc(descriptor.as_fd())) {
            Some(number) => Ok(Self::Number(number)),
            None => Status::of(descriptor).map(|status| Self::Device(status.identity.0)),
        }
    }
}

/// The line `mnt_id:` of proc_pid_fdinfo(5).
fn number_from_proc(descriptor: BorrowedFd<'_>) -> Option<u64> {
    let mut text = String::new();
    let path = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
    std::fs::File::open(path).ok()?.take(4096).read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim().parse().ok()
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;

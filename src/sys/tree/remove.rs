//! Removes a name below a root and all that is below it.
//!
//! Follows no link, enters no mount and goes up no `..`: files are removed by name in
//! directories that were opened from the root, then the empty directories, those inside
//! before those around them. Whoever keeps putting things there meanwhile has them removed
//! too, until after a few passes castoff gives up.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::error::TreeError;
use super::listing::list;
use super::progress::{Asking, Stop, go_on};
use super::root::{Tree, is_gone};
use crate::sys::file_error::{Cause, FileError, Operation};
use crate::sys::retry::retry;
use crate::sys::status::Kind;

const MOST_PASSES: u32 = 16;

/// Removes what is at `path` below `tree`, and all below it. That nothing is there is fine.
///
/// # Errors
/// EBUSY where something is mounted inside; what removing fails with; [`Cause::Changing`];
/// [`TreeError::Stopped`]. What was removed until then is gone.
pub fn remove_tree(tree: &Tree, path: &Path, stop: Stop<'_>) -> Result<(), TreeError> {
    let asking = Asking::new(stop);
    let stop: Stop<'_> = &|| asking.stops();
    let removing = Removing { tree, stop };
    let (parent, name) = match tree.parent(path) {
        Err(error) if matches!(error.errno(), Some(Errno::ENOENT)) => return Ok(()),
        found => found?,
    };
    for _ in 0..MOST_PASSES {
        if removing.file(&parent, name, path)? == Removal::Gone {
            return Ok(());
        }
        removing.pass(path)?;
        if removing.directory(&parent, name, path)? == Removal::Gone {
            return Ok(());
        }
    }
    Err(FileError::new(Operation::Remove, tree.path_of(path), Cause::Changing).into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removal {
    /// Nothing is there any more.
    Gone,
    /// It needs the other call, or is not empty.
    Stays,
}

struct Removing<'a> {
    tree: &'a Tree,
    stop: Stop<'a>,
}

impl Removing<'_> {
    fn fails(&self, path: &Path, errno: Errno) -> TreeError {
        self.tree.fails(Operation::Remove, path, errno).into()
    }

    /// Removes all files below a directory, then its directories as far as they are empty.
    fn pass(&self, top: &Path) -> Result<(), TreeError> {
        let mut waiting = vec![top.to_owned()];
        let mut entered: Vec<(PathBuf, Vec<OsString>)> = Vec::new();
        while let Some(path) = waiting.pop() {
            let Some(held) = self.open(&path)? else { continue };
            let inside = self.files(&held, &path)?;
            waiting.extend(inside.iter().map(|name| path.join(name)));
            entered.push((path, inside));
        }
        for (path, inside) in entered.into_iter().rev().filter(|(_, inside)| !inside.is_empty()) {
            go_on(self.stop)?;
            let Some(held) = self.open(&path)? else { continue };
            for name in inside {
                self.directory(&held, &name, &path.join(&name))?;
            }
        }
        Ok(())
    }

    /// `None`: it is no directory any more.
    fn open(&self, path: &Path) -> Result<Option<OwnedFd>, TreeError> {
        let opened = match self.tree.open_directory(path) {
            Err(Errno::EACCES) => {
                self.let_in(path);
                self.tree.open_directory(path)
            }
            opened => opened,
        };
        match opened {
            Ok(held) => Ok(Some(held)),
            Err(errno) if is_gone(errno) => Ok(None),
            Err(Errno::EXDEV) => Err(self.fails(path, Errno::EBUSY)),
            Err(errno) => Err(self.fails(path, errno)),
        }
    }

    /// Removes what is no directory. Returns the names of the directories.
    fn files(&self, held: &OwnedFd, path: &Path) -> Result<Vec<OsString>, TreeError> {
        let listed = list(held, self.stop).map_err(|errno| self.fails(path, errno))?;
        go_on(self.stop)?;
        let mut inside = Vec::new();
        for listed in listed {
            go_on(self.stop)?;
            let is_directory = listed.kind == Some(Kind::Directory);
            if is_directory || self.file(held, &listed.name, &path.join(&listed.name))? == Removal::Stays {
                inside.push(listed.name);
            }
        }
        Ok(inside)
    }

    fn file(&self, held: &OwnedFd, name: &OsStr, path: &Path) -> Result<Removal, TreeError> {
        match self.unlink(held, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(Removal::Gone),
            // unlink(2) on Linux; POSIX has EPERM, which is also said of an immutable file
            Err(Errno::EISDIR) => Ok(Removal::Stays),
            Err(errno) => Err(self.fails(path, errno)),
        }
    }

    fn directory(&self, held: &OwnedFd, name: &OsStr, path: &Path) -> Result<Removal, TreeError> {
        match self.unlink(held, name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(Removal::Gone),
            Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::ENOTDIR) => Ok(Removal::Stays),
            Err(errno) => Err(self.fails(path, errno)),
        }
    }

    /// Who is not root lacks the right to remove from a directory of its own that has no
    /// write bit.
    fn unlink(&self, held: &OwnedFd, name: &OsStr, flag: UnlinkatFlags) -> nix::Result<()> {
        match retry(|| unlinkat(held, name, flag)) {
            Err(Errno::EACCES) if nix::sys::stat::fchmod(held, Mode::S_IRWXU).is_ok() => {
                retry(|| unlinkat(held, name, flag))
            }
            outcome => outcome,
        }
    }

    /// The same where it can't even be opened. fchmod(2) takes no O_PATH descriptor; the
    /// link in /proc leads to what is held and nowhere else (proc_pid_fd(5)).
    fn let_in(&self, path: &Path) {
        let Ok((parent, name)) = self.tree.parent(path) else { return };
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let Ok(held) = retry(|| openat(&parent, name, flags, Mode::empty())) else { return };
        let link = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        // That it failed, opening says.
        let _ = fchmodat(nix::fcntl::AT_FDCWD, &link, Mode::S_IRWXU, FchmodatFlags::FollowSymlink);
    }
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;

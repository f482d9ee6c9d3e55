//! The state directory of a volume, held open: its records, and where what is shipped waits.
//!
//! It belongs to root or castoff's user and nobody else can write it, which is asked of the
//! very directory that is held. So what is in it is castoff's own, whoever owns the volume.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{Mode, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::apply::keep::own_directory;
use crate::observe::state::StateError;
use crate::state::{Garbled, STAGING_DIRECTORY, VOLUME_DIRECTORY};
use crate::sys::atomic_write::{Swept, stage, sweep};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{FileError, Operation};
use crate::sys::files::{Entry, look, read_open};
use crate::sys::path_walk::{Base, Location};
use crate::sys::retry::retry;
use crate::sys::status::Status;
use crate::sys::tree::{Stop, Tree, TreeError, remove_tree};

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// A manifest has about a hundred bytes for each path.
const LARGEST: u64 = 1 << 30;

/// An open state directory.
pub(super) struct Records {
    tree: Tree,
    path: PathBuf,
}

impl Records {
    /// Opens the state directory of a volume, making it where it is missing.
    pub(super) fn open(base: &Base, volume: &Path) -> Result<Self, StateError> {
        let path = volume.join(VOLUME_DIRECTORY);
        own_directory(base, &path)?;
        let location = base.resolve(&path)?.or_create(DIRECTORY_MODE)?;
        let tree = Tree::open(&location)?;
        let status = Status::of(tree.root())
            .map_err(|errno| FileError::system(Operation::Inspect, location.path(), errno))?;
        let own = [0, nix::unistd::geteuid().as_raw()];
        if !own.contains(&status.uid) || status.mode & 0o022 != 0 {
            return Err(StateError::Untrusted(path));
        }
        Ok(Self { tree, path: location.path().to_owned() })
    }

    /// The directory itself.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn location(&self, name: &str) -> Result<Location, FileError> {
        Location::within(self.tree.root(), OsStr::new(name), self.path.join(name))
    }

    /// Reads a record with what understands it; `None` where it is missing.
    pub(super) fn read<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&[u8]) -> Result<T, Garbled>,
    ) -> Result<Option<T>, StateError> {
        let location = self.location(name)?;
        let Some(Entry { file, .. }) = look(&location)? else { return Ok(None) };
        let Some(file) = file else { return Err(StateError::Untrusted(location.path().to_owned())) };
        let text = read_open(&file?, location.path(), LARGEST)?;
        let parsed = parse(&text);
        parsed.map(Some).map_err(|garbled| StateError::Garbled(location.path().to_owned(), garbled))
    }

    /// Writes a record: it is on stable storage afterwards.
    pub(super) fn write(&self, name: &str, text: &[u8]) -> Result<(), FileError> {
        let attributes = Attributes { mode: FILE_MODE, uid: None, gid: None };
        stage(self.location(name)?, text, attributes, &mut Swept::default())?.commit().map(drop)
    }

    /// Removes a record. The removal is on stable storage when something later is.
    pub(super) fn remove(&self, name: &str) -> Result<(), FileError> {
        match retry(|| unlinkat(self.tree.root(), name, UnlinkatFlags::NoRemoveDir)) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(FileError::system(Operation::Remove, self.path.join(name), errno)),
        }
    }

    /// The inode of a record and the time of its last change. `None`: it is missing.
    pub(super) fn stamp(&self, name: &str) -> Result<Option<(u64, i64, u32)>, FileError> {
        match retry(|| fstatat(self.tree.root(), name, AtFlags::AT_SYMLINK_NOFOLLOW)) {
            Ok(stat) => {
                Ok(Some((stat.st_ino, stat.st_ctime, u32::try_from(stat.st_ctime_nsec).unwrap_or(0))))
            }
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(FileError::system(Operation::Inspect, self.path.join(name), errno)),
        }
    }

    /// An empty directory for what is about to be shipped. What an earlier start left in it
    /// is removed.
    pub(super) fn new_staging(&self, stop: Stop<'_>) -> Result<Tree, TreeError> {
        self.remove_staging(stop)?;
        self.make_directory(Path::new(STAGING_DIRECTORY))?;
        Ok(self.tree.below(Path::new(STAGING_DIRECTORY))?)
    }

    /// Removes what a start left that did not get as far as changing anything.
    pub(super) fn clear(&self, stop: Stop<'_>) -> Result<(), TreeError> {
        if self.stamp(STAGING_DIRECTORY)?.is_some() {
            sweep(&self.location(STAGING_DIRECTORY)?);
            self.remove_staging(stop)?;
        }
        Ok(())
    }

    /// Removes the staging directory with all that is in it.
    pub(super) fn remove_staging(&self, stop: Stop<'_>) -> Result<(), TreeError> {
        remove_tree(&self.tree, Path::new(STAGING_DIRECTORY), stop)
    }

    /// Makes a directory below, with those that lead to it.
    pub(super) fn make_directory(&self, path: &Path) -> Result<(), FileError> {
        let mut made = PathBuf::new();
        for name in path {
            let parent = self.tree.directory(&made)?;
            made.push(name);
            match retry(|| mkdirat(&parent, name, Mode::S_IRWXU)) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(errno) => {
                    return Err(FileError::system(Operation::CreateDirectory, self.path.join(&made), errno));
                }
            }
        }
        Ok(())
    }
}

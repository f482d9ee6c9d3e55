//! Builds a tree name by name in castoff's own staging directory, from what somebody tells
//! of it: a member of an archive, and then its content. What a finished name gets is what a
//! copy gets.
//!
//! The target is as in copying: empty, of mode 0700, castoff's own. Who calls sees to it
//! that each name's directory was made before, and that nothing stands where something is
//! made.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, mkdirat, mknodat};
use nix::unistd::{UnlinkatFlags, ftruncate, linkat, symlinkat, unlinkat};
use xxhash_rust::xxh3::Xxh3;

use super::content::Hash;
use super::copy::Copied;
use super::entry::{Content, Entry, sort};
use super::error::TreeError;
use super::finish::{Copy, Finish};
use super::progress::{Stop, go_on};
use super::root::Tree;
use super::xattrs::{self, Dropped, Xattr};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{FileError, Operation};
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// Zeros to hash.
const ZEROS: [u8; 4096] = [0; 4096];

/// Content that comes in pieces: hashed, and written where there is a file for it.
pub struct Incoming {
    hasher: Xxh3,
    at: u64,
    ends_in_hole: bool,
    file: Option<File>,
}

impl Incoming {
    /// For content from its start. `file` is empty; without one it is only hashed.
    #[must_use]
    pub fn new(file: Option<File>) -> Self {
        Self { hasher: Xxh3::new(), at: 0, ends_in_hole: false, file }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// What pwrite(2) fails with.
    pub fn data(&mut self, piece: &[u8]) -> nix::Result<()> {
        self.hasher.update(piece);
        if let Some(file) = &self.file {
            let written = file.write_all_at(piece, self.at);
            written.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
        }
        self.at += u64::try_from(piece.len()).unwrap_or(0);
        self.ends_in_hole = false;
        Ok(())
    }

    /// Takes so many zeros, which are not written.
    pub fn hole(&mut self, length: u64) {
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
            self.hasher.update(ZEROS.get(..most).unwrap_or_default());
            left -= u64::try_from(most).unwrap_or(left);
        }
        self.at += length;
        self.ends_in_hole = true;
    }

    /// The hash and the size of all, and the file.
    ///
    /// # Errors
    /// What ftruncate(2) fails with, for a file that ends in a hole.
    pub fn end(self) -> nix::Result<(Hash, u64, Option<File>)> {
        if let (Some(file), true) = (&self.file, self.ends_in_hole) {
            let length = libc::off_t::try_from(self.at).map_err(|_| Errno::EFBIG)?;
            retry(|| ftruncate(file, length))?;
        }
        Ok((Hash(self.hasher.digest128()), self.at, self.file))
    }
}

/// A tree that is being built.
pub struct Building<'a> {
    to: &'a Tree,
    attributes: &'a (dyn Fn(&Entry) -> Attributes + Sync),
    /// What is no directory; without attributes, which it has already.
    entries: BTreeMap<PathBuf, (Entry, Vec<Xattr>)>,
    /// They get their owner, mode and time when nothing is made in them any more.
    directories: BTreeMap<PathBuf, (Entry, Vec<Xattr>)>,
    /// The directory that was worked in last.
    held: Option<(PathBuf, OwnedFd)>,
    dropped: Dropped,
}

impl<'a> Building<'a> {
    /// In the empty directory `to`. `attributes` says from an entry, as it is told, what
    /// owner and mode it gets.
    #[must_use]
    pub fn new(to: &'a Tree, attributes: &'a (dyn Fn(&Entry) -> Attributes + Sync)) -> Self {
        xattrs::stop_inheriting(to.root());
        let (entries, directories) = (BTreeMap::new(), BTreeMap::new());
        Self { to, attributes, entries, directories, held: None, dropped: Dropped::default() }
    }

    /// Whether something that is no directory was made there.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        self.entries.contains_key(path)
    }

    /// Whether a directory was made there.
    #[must_use]
    pub fn holds_directory(&self, path: &Path) -> bool {
        self.directories.contains_key(path)
    }

    /// Does something in the directory that holds `path`.
    fn within<T>(
        &mut self,
        operation: Operation,
        path: &Path,
        act: impl Fn(&OwnedFd, &OsStr) -> nix::Result<T>,
    ) -> Result<T, FileError> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let held = match self.held.take() {
            Some((held, directory)) if held == parent => directory,
            _ => self.to.directory(parent)?,
        };
        let outcome = retry(|| act(&held, path.file_name().unwrap_or_default()));
        self.held = Some((parent.to_owned(), held));
        outcome.map_err(|errno| self.to.fails(operation, path, errno))
    }

    /// Makes a directory, or describes one anew that was made.
    ///
    /// # Errors
    /// What mkdirat(2) fails with.
    pub fn directory(&mut self, entry: Entry, xattrs: &[(CString, Vec<u8>)]) -> Result<(), FileError> {
        let path = entry.path.clone();
        if !self.directories.contains_key(&path) {
            self.within(Operation::CreateDirectory, &path, |parent, name| {
                mkdirat(parent, name, Mode::S_IRWXU)
            })?;
        }
        self.directories.insert(path, (entry, xattrs.to_vec()));
        Ok(())
    }

    /// Removes what was made at a path, if anything was. A directory must be empty.
    ///
    /// # Errors
    /// What unlinkat(2) fails with.
    pub fn remove(&mut self, path: &Path) -> Result<(), FileError> {
        let flags = if self.directories.remove(path).is_some() {
            // who holds it open would make names in a directory that is gone
            self.held = None;
            UnlinkatFlags::RemoveDir
        } else if self.entries.remove(path).is_some() {
            UnlinkatFlags::NoRemoveDir
        } else {
            return Ok(());
        };
        self.within(Operation::Remove, path, |parent, name| unlinkat(parent, name, flags))
    }

    /// An empty file, open for writing. It is of the tree only when it is `filled`.
    ///
    /// # Errors
    /// What openat(2) fails with.
    pub fn file(&mut self, path: &Path) -> Result<File, FileError> {
        let made = self.within(Operation::Create, path, |parent, name| new_file(parent, name));
        made.map(File::from)
    }

    /// Finishes a file whose content is there: `entry` has its hash and size.
    ///
    /// # Errors
    /// What giving it its owner, attributes, mode and time fails with.
    pub fn filled(
        &mut self,
        entry: Entry,
        file: &File,
        xattrs: &[(CString, Vec<u8>)],
    ) -> Result<(), FileError> {
        let finished = self.finished(Copy::Open(file.as_fd()), entry, xattrs)?;
        self.entries.insert(finished.path.clone(), (finished, Vec::new()));
        Ok(())
    }

    /// Makes a symbolic link, which leads where the content of `entry` says.
    ///
    /// # Errors
    /// What symlinkat(2) fails with; as `filled`.
    pub fn symlink(&mut self, entry: Entry) -> Result<(), FileError> {
        let Content::Link(target) = &entry.content else {
            return Err(self.to.fails(Operation::Link, &entry.path, Errno::EINVAL));
        };
        self.within(Operation::Link, &entry.path, |parent, name| {
            symlinkat(target.as_os_str(), parent, name)
        })?;
        self.named(entry)
    }

    /// Makes a pipe, a socket or a device, whose number is the content of `entry`.
    ///
    /// # Errors
    /// EPERM for a device that castoff may not make; what mknodat(2) fails with; as `filled`.
    pub fn node(&mut self, entry: Entry) -> Result<(), FileError> {
        let device = match entry.content {
            Content::Device(number) => number,
            _ => 0,
        };
        self.within(Operation::MakeNode(entry.kind), &entry.path, |parent, name| {
            make_node(parent, name, entry.kind, device)
        })?;
        self.named(entry)
    }

    /// Gives what was made at `target`, and is no directory, another name.
    ///
    /// # Errors
    /// What linkat(2) fails with.
    pub fn link(&mut self, path: &Path, target: &Path) -> Result<(), FileError> {
        let Some((known, _)) = self.entries.get(target).cloned() else {
            return Err(self.to.fails(Operation::Link, path, Errno::ENOENT));
        };
        let (first, first_name) = self.to.parent(target)?;
        self.within(Operation::Link, path, |parent, name| {
            linkat(&first, first_name, parent, name, AtFlags::empty())
        })?;
        let entry = Entry { path: path.to_owned(), ..known };
        self.entries.insert(path.to_owned(), (entry, Vec::new()));
        Ok(())
    }

    /// Notes an attribute that can't be given to what is being made.
    pub fn untaken(&self, name: &str) {
        self.dropped.count(OsStr::new(name));
    }

    /// What can't be opened, finished.
    fn named(&mut self, entry: Entry) -> Result<(), FileError> {
        let path = entry.path.clone();
        let (parent, name) = self.to.parent(&path)?;
        let finished = self.finished(Copy::Named(parent.as_fd(), name), entry, &[])?;
        self.entries.insert(path, (finished, Vec::new()));
        Ok(())
    }

    fn finished(&self, copy: Copy<'_>, entry: Entry, xattrs: &[Xattr]) -> Result<Entry, FileError> {
        let attributes = (self.attributes)(&entry);
        let finish = Finish { attributes, xattrs, mtime: entry.mtime };
        let stat = copy
            .finish(entry.kind, &finish, &self.dropped)
            .map_err(|(operation, errno)| self.to.fails(operation, &entry.path, errno))?;
        Ok(Entry { size: entry.size, ..Entry::new(entry.path, &stat, entry.content) })
    }

    /// Finishes the directories, those inside before those around them.
    ///
    /// # Errors
    /// As `filled`; [`TreeError::Stopped`].
    pub fn finish(mut self, stop: Stop<'_>) -> Result<Copied, TreeError> {
        let made = std::mem::take(&mut self.entries).into_values();
        let mut entries: Vec<Entry> = made.map(|(entry, _)| entry).collect();
        for (path, (entry, xattrs)) in std::mem::take(&mut self.directories).into_iter().rev() {
            go_on(stop)?;
            let copy = self.to.directory(&path)?;
            entries.push(self.finished(Copy::Open(copy.as_fd()), entry, &xattrs)?);
        }
        let dropped: BTreeMap<OsString, u64> = self.dropped.into_counts();
        Ok(Copied { entries: sort(entries, stop)?, dropped })
    }
}

/// An empty file that was not there.
pub(super) fn new_file(directory: impl AsFd, name: &OsStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(directory, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)
}

/// A pipe, a socket or a device.
pub(super) fn make_node(directory: impl AsFd, name: &OsStr, kind: Kind, device: u64) -> nix::Result<()> {
    let kind = match kind {
        Kind::Fifo => SFlag::S_IFIFO,
        Kind::Socket => SFlag::S_IFSOCK,
        Kind::BlockDevice => SFlag::S_IFBLK,
        _ => SFlag::S_IFCHR,
    };
    mknodat(directory, name, kind, Mode::S_IRUSR | Mode::S_IWUSR, device)
}

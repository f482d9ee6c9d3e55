//! Copies one name that is no directory: a file with its content and holes, a link, a pipe,
//! a socket, a device.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::Mode;
use nix::unistd::symlinkat;

use super::build::make_node;
use super::content::{CHUNK, go_through, open, share_blocks};
use super::entry::{Content, Entry};
use super::error::TreeError;
use super::finish::{Copy, Finish};
use super::links::Links;
use super::progress::Progress;
use super::root::Tree;
use super::stat::Stat;
use super::xattrs::{self, Dropped, Xattr};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{Cause, FileError, Operation};
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// A directory of the source and its copy.
pub(super) struct Pair {
    pub(super) source: OwnedFd,
    pub(super) target: OwnedFd,
}

/// A name, the same in the source and in the copy.
pub(super) struct Place<'a> {
    pub(super) pair: &'a Pair,
    pub(super) name: &'a OsStr,
    pub(super) path: &'a Path,
}

/// What all threads share.
pub(super) struct Copying<'a> {
    pub(super) from: &'a Tree,
    pub(super) to: &'a Tree,
    pub(super) attributes: &'a (dyn Fn(&Entry) -> Attributes + Sync),
    pub(super) progress: &'a Progress,
    /// Whether blocks can be shared, as far as is known.
    pub(super) shares: AtomicBool,
    pub(super) links: Links,
    pub(super) dropped: Dropped,
}

impl<'a> Copying<'a> {
    pub(super) fn new(
        from: &'a Tree,
        to: &'a Tree,
        attributes: &'a (dyn Fn(&Entry) -> Attributes + Sync),
        progress: &'a Progress,
    ) -> Self {
        let (links, dropped) = (Links::default(), Dropped::default());
        Self { from, to, attributes, progress, shares: AtomicBool::new(true), links, dropped }
    }

    /// The error of something about a name of the source.
    pub(super) fn reading(&self, operation: Operation, path: &Path) -> impl Fn(Errno) -> TreeError {
        move |errno| self.from.fails(operation, path, errno).into()
    }

    /// The error of something about a name of the copy.
    pub(super) fn making(&self, operation: Operation, path: &Path) -> impl Fn(Errno) -> TreeError {
        move |errno| self.to.fails(operation, path, errno).into()
    }

    /// Copies what is no directory. `None`: a file with several names, kept for later.
    pub(super) fn one(
        &self,
        stops: &dyn Fn() -> bool,
        buffer: &mut Vec<u8>,
        place: &Place<'_>,
        kind: Option<Kind>,
    ) -> Result<Option<Entry>, TreeError> {
        let file = match kind {
            Some(Kind::Regular) => Some(self.open(place)?),
            _ => None,
        };
        let stat = match &file {
            Some(file) => Stat::of(file),
            None => Stat::at(&place.pair.source, place.name),
        };
        let stat = stat.map_err(self.reading(Operation::Inspect, place.path))?;
        let entry = Entry::new(place.path.to_owned(), &stat, Content::None);
        if stat.mount_point {
            return Ok(Some(entry));
        }
        if stat.links > 1 && !self.links.is_first(stat.identity, place.path) {
            return Ok(None);
        }
        let copied = match (file, stat.kind) {
            (Some(file), Kind::Regular) => self.regular(stops, buffer, place, &file, &stat)?,
            (None, Kind::Regular) => self.regular(stops, buffer, place, &self.open(place)?, &stat)?,
            (_, Kind::Symlink) => self.symlink(place, &entry)?,
            (None, Kind::Fifo | Kind::Socket | Kind::CharacterDevice | Kind::BlockDevice) => {
                self.node(place, &entry, stat.device)?
            }
            _ => return Err(self.changing(place.path)),
        };
        self.progress.add_file();
        if stat.links > 1 {
            self.links.copied(stat.identity, copied);
            return Ok(None);
        }
        Ok(Some(copied))
    }

    fn changing(&self, path: &Path) -> TreeError {
        FileError::new(Operation::ReadContent, self.from.path_of(path), Cause::Changing).into()
    }

    fn open(&self, place: &Place<'_>) -> Result<File, TreeError> {
        open(place.pair.source.as_fd(), place.name).map_err(self.reading(Operation::ReadContent, place.path))
    }

    fn regular(
        &self,
        stops: &dyn Fn() -> bool,
        buffer: &mut Vec<u8>,
        place: &Place<'_>,
        file: &File,
        stat: &Stat,
    ) -> Result<Entry, TreeError> {
        let entry = Entry::new(place.path.to_owned(), stat, Content::None);
        let attributes = (self.attributes)(&entry);
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let copy = retry(|| openat(&place.pair.target, place.name, flags, first_mode(attributes.mode)))
            .map(File::from)
            .map_err(self.making(Operation::Create, place.path))?;
        let shared = stat.size > 0 && self.share(file, &copy, place)?;
        buffer.resize(CHUNK, 0);
        let mut step = |bytes| {
            self.progress.add_bytes(bytes);
            stops()
        };
        let contents = go_through(file, stat, (!shared).then_some(&copy), buffer, &mut step)
            .map_err(|broken| broken.named(&self.from.path_of(place.path), &self.to.path_of(place.path)))?;
        let xattrs = xattrs::read(file).map_err(self.reading(Operation::Xattrs, place.path))?;
        let entry = Entry { size: contents.size, content: Content::File(contents.hash), ..entry };
        self.finished(Copy::Open(copy.as_fd()), entry, attributes, &xattrs)
    }

    /// Tries to share the blocks; where the file systems can't, that is remembered.
    fn share(&self, file: &File, copy: &File, place: &Place<'_>) -> Result<bool, TreeError> {
        if !self.shares.load(Ordering::Relaxed) {
            return Ok(false);
        }
        match retry(|| share_blocks(file, copy)) {
            Ok(()) => Ok(true),
            Err(errno @ (Errno::ENOSPC | Errno::EDQUOT | Errno::EIO | Errno::EROFS)) => {
                Err(self.making(Operation::Write, place.path)(errno))
            }
            Err(_) => {
                self.shares.store(false, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    fn symlink(&self, place: &Place<'_>, entry: &Entry) -> Result<Entry, TreeError> {
        let target = retry(|| readlinkat(&place.pair.source, place.name))
            .map_err(self.reading(Operation::ReadContent, place.path))?;
        retry(|| symlinkat(target.as_os_str(), &place.pair.target, place.name))
            .map_err(self.making(Operation::Link, place.path))?;
        let entry = Entry { content: Content::Link(target), ..entry.clone() };
        let attributes = (self.attributes)(&entry);
        self.finished(Copy::Named(place.pair.target.as_fd(), place.name), entry, attributes, &[])
    }

    fn node(&self, place: &Place<'_>, entry: &Entry, device: u64) -> Result<Entry, TreeError> {
        retry(|| make_node(&place.pair.target, place.name, entry.kind, device))
            .map_err(self.making(Operation::MakeNode(entry.kind), place.path))?;
        let attributes = (self.attributes)(entry);
        self.finished(Copy::Named(place.pair.target.as_fd(), place.name), entry.clone(), attributes, &[])
    }

    /// Gives a copy what it gets, and describes what came out.
    pub(super) fn finished(
        &self,
        copy: Copy<'_>,
        entry: Entry,
        attributes: Attributes,
        xattrs: &[Xattr],
    ) -> Result<Entry, TreeError> {
        let finish = Finish { attributes, xattrs, mtime: entry.mtime };
        let stat = copy
            .finish(entry.kind, &finish, &self.dropped)
            .map_err(|(operation, errno)| self.making(operation, &entry.path)(errno))?;
        let Entry { path, content, size, mount_point, .. } = entry;
        Ok(Entry { size, mount_point, ..Entry::new(path, &stat, content) })
    }
}

/// The rights that a file is made with: those that it gets in the end, where its owner may
/// write. Nobody else can get to it meanwhile, and a umask only takes away.
fn first_mode(mode: u32) -> Mode {
    let owners = Mode::S_IRUSR | Mode::S_IWUSR;
    let wanted = Mode::from_bits_truncate(mode & 0o777);
    if wanted.contains(owners) { wanted } else { owners }
}

//! The bytes of regular files: hashed, compared, and copied with their holes.
//!
//! The hash is XXH3 with 128 bits: as fast as memory, and no defence against somebody who
//! wants two files to look alike. Who must be sure compares bytes.
#![allow(unsafe_code, reason = "FICLONE, see ioctl_ficlone(2), has no safe wrapper in nix")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Whence, ftruncate, lseek};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use xxhash_rust::xxh3::Xxh3;

use super::entry::{Content, Entry};
use super::error::TreeError;
use super::progress::{Stop, go_on};
use super::root::Tree;
use super::stat::Stat;
use crate::sys::file_error::{Cause, FileError, Operation};
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// How much is read at once: what fits into the cache of a core, so that hashing and
/// writing find it there. Between two reads castoff can be stopped.
pub(super) const CHUNK: usize = 128 << 10;

const READ: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .union(OFlag::O_CLOEXEC);

/// 128 bits that tell contents apart, XXH3 with seed 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub u128);

impl Hash {
    /// Of bytes that are at hand.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(bytes))
    }
}

/// Opens what is believed to be a regular file, for reading. Blocks on nothing, follows no
/// link; what it is must be looked at.
pub(super) fn open(directory: BorrowedFd<'_>, name: &OsStr) -> nix::Result<File> {
    retry(|| openat(directory, name, READ, Mode::empty())).map(File::from)
}

/// What came of going through a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) hash: Hash,
    /// Bytes.
    pub(super) size: u64,
}

/// Why it ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Read(Errno),
    Write(Errno),
    Stopped,
}

impl Broken {
    /// Named: what was read, and what was written.
    pub(super) fn named(self, read: &Path, written: &Path) -> TreeError {
        match self {
            Self::Read(errno) => FileError::system(Operation::ReadContent, read, errno).into(),
            Self::Write(errno) => FileError::system(Operation::Write, written, errno).into(),
            Self::Stopped => TreeError::Stopped,
        }
    }
}

/// Goes through an open file: hashes it and, where there is a `copy`, an empty file, writes
/// the same there, holes as holes. `step` is told of each piece, and says whether to stop.
pub(super) fn go_through(
    file: &File,
    stat: &Stat,
    copy: Option<&File>,
    buffer: &mut [u8],
    step: &mut dyn FnMut(u64) -> bool,
) -> Result<Contents, Broken> {
    let mut going = Going { file, copy, buffer, step, hasher: Xxh3::new(), at: 0 };
    if stat.is_sparse() {
        going.sparse(stat.size)?;
    } else {
        going.dense(stat.size)?;
    }
    Ok(Contents { hash: Hash(going.hasher.digest128()), size: going.at })
}

struct Going<'a> {
    file: &'a File,
    copy: Option<&'a File>,
    buffer: &'a mut [u8],
    step: &'a mut dyn FnMut(u64) -> bool,
    hasher: Xxh3,
    at: u64,
}

impl Going<'_> {
    /// To where nothing more is read. One read of less than was asked for, at the size that
    /// the file had, is the end.
    fn dense(&mut self, size: u64) -> Result<(), Broken> {
        loop {
            let (read, asked) = (self.piece(u64::MAX)?, self.buffer.len());
            if read == 0 || (read < asked && self.at == size) {
                return Ok(());
            }
        }
    }

    /// Reads, hashes and writes one piece, at most `most` bytes. Returns its length.
    fn piece(&mut self, most: u64) -> Result<usize, Broken> {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.buffer.len());
        let room = self.buffer.get_mut(..most).unwrap_or_default();
        let read = read_at(self.file, room, self.at).map_err(Broken::Read)?;
        let piece = room.get(..read).unwrap_or_default();
        self.hasher.update(piece);
        if let Some(copy) = self.copy {
            copy.write_all_at(piece, self.at).map_err(|error| Broken::Write(errno(&error)))?;
        }
        self.advance(u64::try_from(read).unwrap_or(0))?;
        Ok(read)
    }

    fn advance(&mut self, bytes: u64) -> Result<(), Broken> {
        self.at += bytes;
        if (self.step)(bytes) { Err(Broken::Stopped) } else { Ok(()) }
    }

    /// Data by data, by lseek(2) with SEEK_DATA and SEEK_HOLE. A file system without them
    /// says that all is data, or EINVAL.
    fn sparse(&mut self, size: u64) -> Result<(), Broken> {
        while self.at < size {
            let data = match self.seek(self.at, Whence::SeekData) {
                Ok(data) => data.min(size),
                Err(Errno::ENXIO) => size,
                Err(Errno::EINVAL | Errno::EOPNOTSUPP) => return self.dense(size),
                Err(errno) => return Err(Broken::Read(errno)),
            };
            self.hole(data)?;
            let hole = match data < size {
                true => self.seek(data, Whence::SeekHole).map_err(Broken::Read)?.min(size),
                false => size,
            };
            while self.at < hole {
                if self.piece(hole - self.at)? == 0 {
                    return Ok(());
                }
            }
        }
        let length = libc::off_t::try_from(self.at).unwrap_or(libc::off_t::MAX);
        match self.copy {
            Some(copy) => retry(|| ftruncate(copy, length)).map_err(Broken::Write),
            None => Ok(()),
        }
    }

    fn seek(&self, from: u64, whence: Whence) -> nix::Result<u64> {
        let from = libc::off_t::try_from(from).map_err(|_| Errno::EOVERFLOW)?;
        retry(|| lseek(self.file, from, whence)).map(|at| u64::try_from(at).unwrap_or(0))
    }

    /// A hole is hashed as the zeros that it reads as.
    fn hole(&mut self, to: u64) -> Result<(), Broken> {
        if self.at < to {
            self.buffer.fill(0);
        }
        while self.at < to {
            let length = usize::try_from(to - self.at).unwrap_or(usize::MAX).min(self.buffer.len());
            self.hasher.update(self.buffer.get(..length).unwrap_or_default());
            self.advance(u64::try_from(length).unwrap_or(0))?;
        }
        Ok(())
    }
}

fn read_at(file: &File, buffer: &mut [u8], at: u64) -> nix::Result<usize> {
    retry(|| file.read_at(buffer, at).map_err(|error| errno(&error)))
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Makes `copy` share the blocks of `file`.
///
/// # Errors
/// EOPNOTSUPP, EXDEV, EINVAL, ENOTTY where the file systems can't; see ioctl_ficlone(2).
pub(super) fn share_blocks(file: &File, copy: &File) -> nix::Result<()> {
    // SAFETY: takes two open descriptors as numbers.
    let outcome = unsafe { libc::ioctl(copy.as_raw_fd(), libc::FICLONE, file.as_raw_fd()) };
    Errno::result(outcome).map(drop)
}

/// Looks at one regular file and hashes it.
///
/// # Errors
/// What resolving, openat(2) and read(2) fail with; [`Cause::WrongKind`] where it is no
/// regular file; [`TreeError::Stopped`].
pub fn hash_file(tree: &Tree, path: &Path, stop: Stop<'_>) -> Result<Entry, TreeError> {
    let (file, stat) = open_regular(tree, path)?;
    let mut buffer = vec![0; CHUNK];
    let shown = tree.path_of(path);
    let contents = go_through(&file, &stat, None, &mut buffer, &mut |_| stop())
        .map_err(|broken| broken.named(&shown, &shown))?;
    let stat = Stat { size: contents.size, ..stat };
    Ok(Entry::new(path.to_owned(), &stat, Content::File(contents.hash)))
}

/// Reads one regular file, and gives each piece to `take`.
///
/// # Errors
/// As [`hash_file`].
pub fn read_file(
    tree: &Tree,
    path: &Path,
    take: &mut dyn FnMut(&[u8]),
    stop: Stop<'_>,
) -> Result<(), TreeError> {
    let (file, _) = open_regular(tree, path)?;
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        go_on(stop)?;
        let filled = fill(&file, &mut buffer, at)
            .map_err(|errno| FileError::system(Operation::ReadContent, tree.path_of(path), errno))?;
        take(buffer.get(..filled).unwrap_or_default());
        if filled < buffer.len() {
            return Ok(());
        }
        at += u64::try_from(filled).unwrap_or(0);
    }
}

/// Whether two regular files have the same bytes, each of them read and compared.
///
/// # Errors
/// As [`hash_file`].
pub fn same_bytes(one: (&Tree, &Path), other: (&Tree, &Path), stop: Stop<'_>) -> Result<bool, TreeError> {
    let (first, first_stat) = open_regular(one.0, one.1)?;
    let (second, second_stat) = open_regular(other.0, other.1)?;
    if first_stat.size != second_stat.size {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut at = 0;
    loop {
        go_on(stop)?;
        let filled = fill(&first, &mut a, at)
            .map_err(|errno| FileError::system(Operation::ReadContent, one.0.path_of(one.1), errno))?;
        let also = fill(&second, &mut b, at)
            .map_err(|errno| FileError::system(Operation::ReadContent, other.0.path_of(other.1), errno))?;
        if a.get(..filled) != b.get(..also) {
            return Ok(false);
        }
        if filled < a.len() {
            return Ok(true);
        }
        at += u64::try_from(filled).unwrap_or(0);
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &File, buffer: &mut [u8], from: u64) -> nix::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        match read_at(file, room, from + u64::try_from(filled).unwrap_or(0))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn open_regular(tree: &Tree, path: &Path) -> Result<(File, Stat), TreeError> {
    let (directory, name) = tree.parent(path)?;
    let fails = |cause| TreeError::from(FileError::new(Operation::ReadContent, tree.path_of(path), cause));
    let found = Stat::at(&directory, name).map_err(|errno| fails(Cause::System(errno)))?;
    if found.kind != Kind::Regular {
        return Err(fails(Cause::WrongKind { found: found.kind, expected: Kind::Regular }));
    }
    let file = open(directory.as_fd(), name).map_err(|errno| fails(Cause::System(errno)))?;
    let stat = Stat::of(&file).map_err(|errno| fails(Cause::System(errno)))?;
    if stat.kind != Kind::Regular {
        return Err(fails(Cause::WrongKind { found: stat.kind, expected: Kind::Regular }));
    }
    Ok((file, stat))
}

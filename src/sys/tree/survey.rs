//! Finds what is in a tree that somebody else may be changing: names, kinds, owners, times
//! and, where asked for, the hash of what is in a file.
//!
//! Changes nothing. What is gone when it is looked at is left out. What its directory or a
//! look calls a regular file is opened, without waiting for anybody, and read only if it is
//! one.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::readlinkat;

use super::content::{CHUNK, go_through, open};
use super::crew::{Batch, Crew, Entered, Job, walk};
use super::entry::{Content, Entry, Want, below, sort};
use super::error::TreeError;
use super::listing::Listed;
use super::progress::{Asking, Progress, Stop};
use super::root::{Tree, is_gone};
use super::stat::Stat;
use crate::sys::file_error::{Cause, FileError, Operation};
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// How often a file that another process exchanges meanwhile is looked at again.
const MOST_LOOKS: u32 = 16;

/// Finds all that is `wanted` below `root`, sorted as `Path` sorts; the root itself is not
/// among it. `hashing`: regular files are read.
///
/// # Errors
/// What can't be listed, looked at or read, with its path; a path of more than 4,095 bytes
/// (ENAMETOOLONG); [`Cause::Changing`]; [`TreeError::Stopped`].
pub fn survey(
    root: &Tree,
    wanted: &(dyn Fn(&Path, Kind) -> Want + Sync),
    hashing: bool,
    stop: Stop<'_>,
    progress: &Progress,
) -> Result<Vec<Entry>, TreeError> {
    let asking = Asking::new(stop);
    let stop: Stop<'_> = &|| asking.stops();
    let surveying = Surveying { root, wanted, hashing, progress };
    let start = || Own { entries: Vec::new(), mounts: Vec::new(), buffer: Vec::new() };
    let all = walk(stop, start, |crew, own, job| surveying.perform(crew, own, job))?;
    let (mut entries, mut mounts) = (Vec::new(), Vec::new());
    for own in all {
        entries.extend(own.entries);
        mounts.extend(own.mounts);
    }
    flag_mounts(&mut entries, &mounts);
    sort(entries, stop)
}

struct Surveying<'a> {
    root: &'a Tree,
    wanted: &'a (dyn Fn(&Path, Kind) -> Want + Sync),
    hashing: bool,
    progress: &'a Progress,
}

/// What each thread has for itself.
struct Own {
    entries: Vec<Entry>,
    /// Directories that turned out to be mount points when they were opened.
    mounts: Vec<PathBuf>,
    buffer: Vec<u8>,
}

impl Surveying<'_> {
    fn perform(&self, crew: &Crew<'_, OwnedFd>, own: &mut Own, job: Job<OwnedFd>) -> Result<(), TreeError> {
        match job {
            Job::Files(batch) => self.files(crew, own, &batch),
            Job::Directory(path, _) => self.directory(crew, own, path),
        }
    }

    fn fails(&self, operation: Operation, path: &Path, errno: Errno) -> TreeError {
        self.root.fails(operation, path, errno).into()
    }

    fn directory(&self, crew: &Crew<'_, OwnedFd>, own: &mut Own, path: PathBuf) -> Result<(), TreeError> {
        let (held, listed) = match crew.enter(self.root, &path)? {
            Entered::Directory(held, listed) => (held, listed),
            Entered::Gone => return Ok(()),
            Entered::Mounted => {
                own.mounts.push(path);
                return Ok(());
            }
        };
        let (mut directories, mut names) = (Vec::new(), Vec::new());
        for Listed { name, kind } in listed {
            let below = below(&path, &name);
            let kind = match kind {
                Some(kind) => kind,
                None => match Stat::at(&*held, &name) {
                    Ok(stat) => stat.kind,
                    Err(Errno::ENOENT) => continue,
                    Err(errno) => return Err(self.fails(Operation::Inspect, &below, errno)),
                },
            };
            let want = (self.wanted)(&below, kind);
            if want == Want::Skip {
                continue;
            }
            if kind != Kind::Directory {
                names.push(Listed { name, kind: Some(kind) });
                continue;
            }
            let Some(entry) =
                self.entry(crew, own, held.as_fd(), &Listed { name, kind: Some(kind) }, below.clone())?
            else {
                continue;
            };
            if entry.kind == Kind::Directory && !entry.mount_point && want == Want::Take {
                directories.push((below, want));
            }
            own.entries.push(entry);
            self.progress.add_file();
        }
        let directory = Arc::new(path);
        let names = crew.pass_on(directories, &held, &directory, names);
        self.files(crew, own, &Batch { held, directory, names })
    }

    fn files(
        &self,
        crew: &Crew<'_, OwnedFd>,
        own: &mut Own,
        batch: &Batch<OwnedFd>,
    ) -> Result<(), TreeError> {
        for listed in &batch.names {
            crew.go_on()?;
            let path = below(&batch.directory, &listed.name);
            if let Some(entry) = self.entry(crew, own, batch.held.as_fd(), listed, path)? {
                own.entries.push(entry);
            }
            self.progress.add_file();
        }
        Ok(())
    }

    /// What is there; `None`: nothing any more.
    fn entry(
        &self,
        crew: &Crew<'_, OwnedFd>,
        own: &mut Own,
        directory: BorrowedFd<'_>,
        listed: &Listed,
        path: PathBuf,
    ) -> Result<Option<Entry>, TreeError> {
        let mut kind = listed.kind;
        for _ in 0..MOST_LOOKS {
            let looked = match kind {
                Some(Kind::Regular) if self.hashing => self.hash(crew, own, directory, &listed.name, &path),
                _ => self.look(directory, &listed.name, &path),
            }?;
            match looked {
                Looked::Found(stat, content) => return Ok(Some(Entry::new(path, &stat, content))),
                Looked::Gone => return Ok(None),
                Looked::Another(found) => kind = found,
            }
        }
        Err(FileError::new(Operation::Inspect, self.root.path_of(&path), Cause::Changing).into())
    }

    /// Looks at a name, and into no file.
    fn look(&self, directory: BorrowedFd<'_>, name: &OsStr, path: &Path) -> Result<Looked, TreeError> {
        let stat = match Stat::at(directory, name) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => return Ok(Looked::Gone),
            Err(errno) => return Err(self.fails(Operation::Inspect, path, errno)),
        };
        match stat.kind {
            _ if stat.mount_point => {}
            Kind::Regular if self.hashing => return Ok(Looked::Another(Some(Kind::Regular))),
            Kind::Symlink => match retry(|| readlinkat(directory, name)) {
                Ok(target) => return Ok(Looked::Found(stat, Content::Link(target))),
                // gone, or no link any more
                Err(Errno::ENOENT | Errno::EINVAL) => return Ok(Looked::Another(None)),
                Err(errno) => return Err(self.fails(Operation::Inspect, path, errno)),
            },
            _ => {}
        }
        Ok(Looked::Found(stat, Content::None))
    }

    /// Reads what was said to be a regular file.
    fn hash(
        &self,
        crew: &Crew<'_, OwnedFd>,
        own: &mut Own,
        directory: BorrowedFd<'_>,
        name: &OsStr,
        path: &Path,
    ) -> Result<Looked, TreeError> {
        let file = match open(directory, name) {
            Ok(file) => file,
            Err(errno) if is_gone(errno) || errno == Errno::ENXIO => return Ok(Looked::Another(None)),
            Err(errno) => return Err(self.fails(Operation::ReadContent, path, errno)),
        };
        let stat = Stat::of(&file).map_err(|errno| self.fails(Operation::Inspect, path, errno))?;
        if stat.mount_point {
            return Ok(Looked::Found(stat, Content::None));
        }
        if stat.kind != Kind::Regular {
            return Ok(Looked::Another(None));
        }
        own.buffer.resize(CHUNK, 0);
        let mut step = |bytes| {
            self.progress.add_bytes(bytes);
            crew.stops()
        };
        let contents = go_through(&file, &stat, None, &mut own.buffer, &mut step).map_err(|broken| {
            let shown = self.root.path_of(path);
            broken.named(&shown, &shown)
        })?;
        Ok(Looked::Found(Stat { size: contents.size, ..stat }, Content::File(contents.hash)))
    }
}

/// What came of looking at a name.
enum Looked {
    Found(Stat, Content),
    /// Nothing is there any more.
    Gone,
    /// It is something else than was thought: of this kind, if that is known.
    Another(Option<Kind>),
}

/// Flags what turned out to be a mount point only when it was opened.
pub(super) fn flag_mounts(entries: &mut [Entry], mounts: &[PathBuf]) {
    if !mounts.is_empty() {
        let mounted = entries.iter_mut().filter(|entry| mounts.contains(&entry.path));
        mounted.for_each(|entry| entry.mount_point = true);
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;

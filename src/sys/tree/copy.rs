//! Copies a tree into castoff's own staging directory: content, links, kinds, holes,
//! extended attributes, times; owner and mode as who calls says. Hashes in the same pass.
//!
//! The target is empty, of mode 0700 and castoff's own, so nobody can exchange anything in
//! it. What fails leaves it half filled: who calls removes it. What is mounted inside the
//! source is not copied; of a directory there is an empty one, as `cp -x` has it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::linkat;

use super::copy_one::{Copying, Pair, Place};
use super::crew::{Batch, Crew, Job, walk};
use super::entry::{Content, Entry, Want, below, sort};
use super::error::TreeError;
use super::finish::Copy;
use super::links::Several;
use super::listing::{Listed, list};
use super::progress::{Asking, Progress, Stop, go_on};
use super::root::Tree;
use super::stat::Stat;
use super::xattrs::{self, Xattr};
use crate::path_map::compare;
use crate::sys::attributes::Attributes;
use crate::sys::file_error::Operation;
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// Each name, sorted as `Path` sorts: owner, mode, times and identity are the copy's.
    /// A flagged mount point in the source was not copied.
    pub entries: Vec<Entry>,
    /// The names of extended attributes that the target or castoff's user couldn't take,
    /// with the number of files.
    pub dropped: BTreeMap<OsString, u64>,
}

/// Copies what `choice` wants below `from` into the empty directory `to`. `attributes` says
/// from an entry of the source, whose content is not read yet, what owner and mode its copy
/// gets; of a file with several names, any of them may be the one that is asked about.
///
/// # Errors
/// What can't be read, made or written, with its path; EPERM for devices, owners and modes
/// that castoff's user can't make or give; [`TreeError::Stopped`].
pub fn copy_tree(
    from: &Tree,
    to: &Tree,
    choice: &(dyn Fn(&Path, Kind) -> Want + Sync),
    attributes: &(dyn Fn(&Entry) -> Attributes + Sync),
    stop: Stop<'_>,
    progress: &Progress,
) -> Result<Copied, TreeError> {
    let asking = Asking::new(stop);
    let stop: Stop<'_> = &|| asking.stops();
    xattrs::stop_inheriting(to.root());
    let copying = Copying::new(from, to, attributes, progress);
    let all = walk(stop, Own::default, |crew, own, job| copying.perform(crew, own, choice, job))?;
    let (mut entries, mut directories) = (Vec::new(), Vec::new());
    for own in all {
        entries.extend(own.entries);
        directories.extend(own.directories);
    }
    copying.finish(entries, directories, stop)
}

/// What each thread has for itself.
#[derive(Default)]
struct Own {
    entries: Vec<Entry>,
    directories: Vec<Unfinished>,
    buffer: Vec<u8>,
}

/// A directory that gets its owner, mode and time when nothing is made in it any more.
struct Unfinished {
    entry: Entry,
    xattrs: Vec<Xattr>,
}

impl Copying<'_> {
    fn perform(
        &self,
        crew: &Crew<'_, Pair>,
        own: &mut Own,
        choice: &(dyn Fn(&Path, Kind) -> Want + Sync),
        job: Job<Pair>,
    ) -> Result<(), TreeError> {
        match job {
            Job::Files(batch) => self.files(crew, own, &batch),
            Job::Directory(path, want) => self.directory(crew, own, choice, path, want),
        }
    }

    fn directory(
        &self,
        crew: &Crew<'_, Pair>,
        own: &mut Own,
        choice: &(dyn Fn(&Path, Kind) -> Want + Sync),
        path: PathBuf,
        want: Want,
    ) -> Result<(), TreeError> {
        let Some(source) = self.enter(own, &path)? else { return Ok(()) };
        if want == Want::TakeAlone {
            return Ok(());
        }
        let listed = list(&source, || crew.stops()).map_err(self.reading(Operation::List, &path))?;
        crew.go_on()?;
        let target = self.to.directory(&path)?;
        let (mut directories, mut names) = (Vec::new(), Vec::new());
        for Listed { name, kind } in listed {
            let below = below(&path, &name);
            let kind = match kind {
                Some(kind) => kind,
                None => Stat::at(&source, &name).map_err(self.reading(Operation::Inspect, &below))?.kind,
            };
            match choice(&below, kind) {
                Want::Skip => {}
                want if kind == Kind::Directory => {
                    retry(|| mkdirat(&target, name.as_os_str(), Mode::S_IRWXU))
                        .map_err(self.making(Operation::CreateDirectory, &below))?;
                    directories.push((below, want));
                }
                Want::Take | Want::TakeAlone => names.push(Listed { name, kind: Some(kind) }),
            }
        }
        let (held, directory) = (Arc::new(Pair { source, target }), Arc::new(path));
        let names = crew.pass_on(directories, &held, &directory, names);
        self.files(crew, own, &Batch { held, directory, names })
    }

    /// Opens a directory of the source, and notes what its copy gets in the end. `None`:
    /// something is mounted there.
    fn enter(&self, own: &mut Own, path: &Path) -> Result<Option<OwnedFd>, TreeError> {
        let source = match self.from.open_directory(path) {
            Ok(source) => source,
            Err(Errno::EXDEV) => {
                let (parent, name) = self.from.parent(path)?;
                let stat = Stat::at(parent, name).map_err(self.reading(Operation::Inspect, path))?;
                let stat = Stat { mount_point: true, ..stat };
                let entry = Entry::new(path.to_owned(), &stat, Content::None);
                own.directories.push(Unfinished { entry, xattrs: Vec::new() });
                return Ok(None);
            }
            Err(errno) => return Err(self.reading(Operation::List, path)(errno)),
        };
        if !path.as_os_str().is_empty() {
            let stat = Stat::of(&source).map_err(self.reading(Operation::Inspect, path))?;
            let xattrs = xattrs::read(&source).map_err(self.reading(Operation::Xattrs, path))?;
            let entry = Entry::new(path.to_owned(), &stat, Content::None);
            own.directories.push(Unfinished { entry, xattrs });
        }
        Ok(Some(source))
    }

    fn files(&self, crew: &Crew<'_, Pair>, own: &mut Own, batch: &Batch<Pair>) -> Result<(), TreeError> {
        for Listed { name, kind } in &batch.names {
            crew.go_on()?;
            let path = below(&batch.directory, name);
            let place = Place { pair: &batch.held, name, path: &path };
            if let Some(entry) = self.one(&|| crew.stops(), &mut own.buffer, &place, *kind)? {
                own.entries.push(entry);
            }
        }
        Ok(())
    }

    /// What is done when every file is there: the other names of files, then the
    /// directories, those inside before those around them.
    fn finish(
        mut self,
        mut entries: Vec<Entry>,
        mut directories: Vec<Unfinished>,
        stop: Stop<'_>,
    ) -> Result<Copied, TreeError> {
        for Several { copied, others } in std::mem::take(&mut self.links).into_all() {
            let Some(copied) = copied else { continue };
            for other in others {
                go_on(stop)?;
                entries.push(self.link(&copied, other)?);
                self.progress.add_file();
            }
            entries.push(copied);
        }
        directories.sort_unstable_by(|one, other| compare(&other.entry.path, &one.entry.path));
        for Unfinished { entry, xattrs } in directories {
            go_on(stop)?;
            let copy = self.to.directory(&entry.path)?;
            let attributes = (self.attributes)(&entry);
            entries.push(self.finished(Copy::Open(copy.as_fd()), entry, attributes, &xattrs)?);
            self.progress.add_file();
        }
        Ok(Copied { entries: sort(entries, stop)?, dropped: self.dropped.into_counts() })
    }

    /// Gives a copy another name.
    fn link(&self, copied: &Entry, path: PathBuf) -> Result<Entry, TreeError> {
        let (first, first_name) = self.to.parent(&copied.path)?;
        let (target, name) = self.to.parent(&path)?;
        retry(|| linkat(&first, first_name, &target, name, AtFlags::empty()))
            .map_err(self.making(Operation::Link, &path))?;
        Ok(Entry { path, ..copied.clone() })
    }
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;

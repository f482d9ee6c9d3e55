//! Gives all below a directory to an owner, and writes nothing where that is so already.
//!
//! Follows no link and enters no mount. What is given away is held by a descriptor and
//! looked at first: it has one name, or all its names are below the root, in directories
//! that nobody but root or castoff's user can write. Any other file may be somebody else's
//! that was linked here, and is left and named. Directories are given away last, those
//! inside before those around them, so that nobody new can write where castoff still works.
//!
//! chown(2) takes set-user-id and set-group-id bits of files and their capabilities away.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchownat};

use super::crew::{Batch, Crew, Entered, Job, walk};
use super::entry::Want;
use super::error::TreeError;
use super::listing::Listed;
use super::progress::{Asking, Progress, Stop, go_on};
use super::root::{Tree, is_gone};
use super::stat::Stat;
use crate::path_map::compare;
use crate::sys::accounts::Owner;
use crate::sys::file_error::Operation;
use crate::sys::retry::retry;
use crate::sys::status::Kind;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// How many names were given away.
    pub changed: u64,
    /// What was left as it was, sorted by path.
    pub left: Vec<(PathBuf, Left)>,
}

/// Why something was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Something is mounted there.
    MountPoint,
    /// The file has as many names, and not all of them are where only root or castoff's
    /// user could have put them.
    SeveralNames(u64),
}

/// What is not given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spare {
    /// It is given away.
    Nothing,
    /// It stays, and what is below it is given away.
    Itself,
    /// It stays with all that is below it.
    WithAllBelow,
}

/// Gives all that is below the root of `tree`, but not the root itself, to `owner`, except
/// what is to be `spared`.
///
/// # Errors
/// EPERM where castoff may not give something away; what can't be listed or looked at;
/// [`TreeError::Stopped`]. What was given away until then stays so.
pub fn own_tree(
    tree: &Tree,
    owner: Owner,
    spared: &(dyn Fn(&Path) -> Spare + Sync),
    stop: Stop<'_>,
    progress: &Progress,
) -> Result<Owned, TreeError> {
    let asking = Asking::new(stop);
    let stop: Stop<'_> = &|| asking.stops();
    let owning = Owning { tree, owner, spared, progress, castoff: nix::unistd::geteuid().as_raw() };
    let all = walk(stop, Own::default, |crew, own, job| owning.perform(crew, own, job))?;
    let mut whole = Own::default();
    for own in all {
        whole.owned.changed += own.owned.changed;
        whole.owned.left.extend(own.owned.left);
        whole.directories.extend(own.directories);
        whole.names.extend(own.names);
    }
    owning.several(&mut whole, stop)?;
    owning.directories(&mut whole, stop)?;
    whole.owned.left.sort_unstable_by(|(one, _), (other, _)| compare(one, other));
    Ok(whole.owned)
}

struct Owning<'a> {
    tree: &'a Tree,
    owner: Owner,
    spared: &'a (dyn Fn(&Path) -> Spare + Sync),
    progress: &'a Progress,
    castoff: u32,
}

/// What each thread has for itself.
#[derive(Default)]
struct Own {
    owned: Owned,
    /// Those that are to be given away.
    directories: Vec<PathBuf>,
    /// Of files that are to be given away and have several.
    names: Vec<Name>,
}

/// One name of a file that has several.
struct Name {
    file: (u64, u64),
    links: u64,
    directory: (u64, u64),
    name: OsString,
    path: PathBuf,
    /// Only root or castoff's user can write its directory.
    trusted: bool,
}

impl Owning<'_> {
    fn fails(&self, operation: Operation, path: &Path, errno: Errno) -> TreeError {
        self.tree.fails(operation, path, errno).into()
    }

    fn is_right(&self, stat: &Stat) -> bool {
        self.owner.uid.is_none_or(|uid| uid == stat.uid) && self.owner.gid.is_none_or(|gid| gid == stat.gid)
    }

    fn perform(&self, crew: &Crew<'_, OwnedFd>, own: &mut Own, job: Job<OwnedFd>) -> Result<(), TreeError> {
        match job {
            Job::Files(batch) => self.files(crew, own, &batch),
            Job::Directory(path, _) => self.directory(crew, own, path),
        }
    }

    fn directory(&self, crew: &Crew<'_, OwnedFd>, own: &mut Own, path: PathBuf) -> Result<(), TreeError> {
        let (held, listed) = match crew.enter(self.tree, &path)? {
            Entered::Directory(held, listed) => (held, listed),
            Entered::Gone => return Ok(()),
            Entered::Mounted => {
                own.owned.left.push((path, Left::MountPoint));
                return Ok(());
            }
        };
        let (inside, names) = listed
            .into_iter()
            .partition::<Vec<_>, _>(|listed| listed.kind.is_none_or(|kind| kind == Kind::Directory));
        let directory = Arc::new(path);
        let batch = Batch { held: Arc::clone(&held), directory: Arc::clone(&directory), names: inside };
        let below = self.names(crew, own, &batch)?;
        let directories = below.into_iter().map(|path| (path, Want::Take)).collect();
        let names = crew.pass_on(directories, &held, &directory, names);
        self.files(crew, own, &Batch { held, directory, names })
    }

    fn files(
        &self,
        crew: &Crew<'_, OwnedFd>,
        own: &mut Own,
        batch: &Batch<OwnedFd>,
    ) -> Result<(), TreeError> {
        // what became a directory since it was listed is for the next start
        self.names(crew, own, batch).map(drop)
    }

    /// Sees to some names of a directory. Returns those that are directories.
    fn names(
        &self,
        crew: &Crew<'_, OwnedFd>,
        own: &mut Own,
        batch: &Batch<OwnedFd>,
    ) -> Result<Vec<PathBuf>, TreeError> {
        let mut directories = Vec::new();
        for Listed { name, .. } in &batch.names {
            crew.go_on()?;
            let path = batch.directory.join(name);
            let spare = (self.spared)(&path);
            if spare == Spare::WithAllBelow {
                continue;
            }
            let stat = match Stat::at(&*batch.held, name) {
                Ok(stat) => stat,
                Err(Errno::ENOENT) => continue,
                Err(errno) => return Err(self.fails(Operation::Inspect, &path, errno)),
            };
            self.progress.add_file();
            if stat.mount_point {
                own.owned.left.push((path, Left::MountPoint));
                continue;
            }
            if stat.kind == Kind::Directory {
                directories.push(path.clone());
            }
            if spare == Spare::Nothing && !self.is_right(&stat) {
                self.differs(own, batch, name, path, &stat)?;
            }
        }
        Ok(directories)
    }

    /// Gives a file away at once, if that needs no look at other names.
    fn differs(
        &self,
        own: &mut Own,
        batch: &Batch<OwnedFd>,
        name: &OsStr,
        path: PathBuf,
        stat: &Stat,
    ) -> Result<(), TreeError> {
        if stat.kind == Kind::Directory {
            own.directories.push(path);
        } else if stat.links > 1 {
            own.names.push(self.name(batch, name, stat)?);
        } else {
            own.owned.changed += u64::from(self.give(&*batch.held, name, &path, (stat.identity, 1))?);
        }
        Ok(())
    }

    fn name(&self, batch: &Batch<OwnedFd>, name: &OsStr, stat: &Stat) -> Result<Name, TreeError> {
        let holder = Stat::of(&*batch.held)
            .map_err(|errno| self.fails(Operation::Inspect, &batch.directory, errno))?;
        let trusted = [0, self.castoff].contains(&holder.uid) && holder.mode & 0o022 == 0;
        let (path, directory) = (batch.directory.join(name), holder.identity);
        Ok(Name { file: stat.identity, links: stat.links, directory, name: name.to_owned(), path, trusted })
    }

    /// Gives a file away that still is the one that was looked at, with as many names.
    /// Returns whether it was.
    fn give(
        &self,
        directory: impl AsFd,
        name: &OsStr,
        path: &Path,
        expected: ((u64, u64), u64),
    ) -> Result<bool, TreeError> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let held = match retry(|| openat(directory.as_fd(), name, flags, Mode::empty())) {
            Ok(held) => held,
            Err(errno) if is_gone(errno) => return Ok(false),
            Err(errno) => return Err(self.fails(Operation::Inspect, path, errno)),
        };
        let stat = Stat::of(&held).map_err(|errno| self.fails(Operation::Inspect, path, errno))?;
        if (stat.identity, stat.links) != expected || stat.kind == Kind::Directory || stat.mount_point {
            return Ok(false);
        }
        self.change(&held, path)?;
        Ok(true)
    }

    fn change(&self, held: &OwnedFd, path: &Path) -> Result<(), TreeError> {
        let Owner { uid, gid } = self.owner;
        let (user, group) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        retry(|| fchownat(held, "", user, group, AtFlags::AT_EMPTY_PATH))
            .map_err(|errno| self.fails(Operation::ChangeOwner { uid, gid }, path, errno))
    }

    /// Files with several names.
    fn several(&self, own: &mut Own, stop: Stop<'_>) -> Result<(), TreeError> {
        let mut files: BTreeMap<(u64, u64), Vec<Name>> = BTreeMap::new();
        for name in own.names.drain(..) {
            files.entry(name.file).or_default().push(name);
        }
        for (file, names) in files {
            go_on(stop)?;
            let Some(Name { links, path, .. }) = names.first() else { continue };
            // A directory that was renamed meanwhile may have been met twice.
            let trusted = names.iter().filter(|name| name.trusted);
            let known: BTreeSet<_> = trusted.map(|name| (name.directory, &name.name)).collect();
            let all_known = u64::try_from(known.len()).is_ok_and(|known| known == *links);
            if all_known {
                let (parent, name) = self.tree.parent(path)?;
                own.owned.changed += u64::from(self.give(&parent, name, path, (file, *links))?);
            } else {
                let left = names.into_iter().map(|name| (name.path, Left::SeveralNames(name.links)));
                own.owned.left.extend(left);
            }
        }
        Ok(())
    }

    fn directories(&self, own: &mut Own, stop: Stop<'_>) -> Result<(), TreeError> {
        own.directories.sort_unstable_by(|one, other| compare(other, one));
        for path in &own.directories {
            go_on(stop)?;
            let held = match self.tree.open_directory(path) {
                Ok(held) => held,
                Err(errno) if is_gone(errno) || errno == Errno::EXDEV => continue,
                Err(errno) => return Err(self.fails(Operation::Inspect, path, errno)),
            };
            self.change(&held, path)?;
            own.owned.changed += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "own_tests.rs"]
mod tests;

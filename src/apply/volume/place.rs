//! Puts what is staged into its places, and takes away what the image no longer has. One
//! rename or removal per path, each on held descriptors: the volume may belong to a service
//! that was broken into, which moves and links while castoff works.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::compare::Decided;
use super::records::Records;
use crate::state::ASIDE_DIRECTORY;
use crate::sys::file_error::{FileError, Operation};
use crate::sys::place::{Name, add, replace};
use crate::sys::retry::retry;
use crate::sys::status::{Kind, Status};
use crate::sys::tree::{Entry, Stop, Tree, TreeError};
use crate::timestamp::rfc3339;
use crate::volume::Action;

/// What a file gets added to its name when it is put beside an edited one.
pub(super) const BESIDE: &str = ".castoff-new";
const LONGEST_NAME: usize = 255;

/// Places one volume's paths.
pub(super) struct Placing<'a> {
    /// The volume.
    pub(super) volume: &'a Tree,
    /// Where what is shipped waits, under its own paths.
    pub(super) staged: &'a Tree,
    /// The volume's state directory.
    pub(super) records: &'a Records,
    /// Whether castoff was asked to stop: asked between any two names.
    pub(super) stop: Stop<'a>,
}

/// What came of placing.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// Paths that somebody made impossible meanwhile: they stay as they are.
    pub(super) refused: Vec<PathBuf>,
}

impl Placing<'_> {
    /// Puts the names of an empty volume into their places.
    pub(super) fn place_top(&self, names: impl Iterator<Item = OsString>) -> Result<Placed, TreeError> {
        let mut placed = Placed::default();
        for name in names {
            self.go_on()?;
            if !self.add(Path::new(&name))? {
                placed.refused.push(PathBuf::from(name));
            }
        }
        Ok(placed)
    }

    /// Does what was decided: first what goes, the innermost first, then what comes.
    pub(super) fn place(&self, decided: &[Decided]) -> Result<Placed, TreeError> {
        let mut placed = Placed::default();
        let mut aside = None;
        let changes = |decided: &&Decided| !matches!(decided.action, Action::Leave(_));
        for decided in decided.iter().rev().filter(changes) {
            self.go_on()?;
            match decided.action {
                Action::Remove => self.remove(&decided.path, decided.found.as_ref())?,
                Action::PutAside => self.put_aside(&decided.path, &mut aside)?,
                _ => {}
            }
        }
        let mut carried: Option<&Path> = None;
        for decided in decided.iter().filter(changes) {
            if carried.is_some_and(|carried| decided.path.starts_with(carried)) {
                continue;
            }
            self.go_on()?;
            let done = match decided.action {
                Action::Add => self.add(&decided.path)?,
                Action::Replace => self.replace(decided)?,
                Action::AddBeside => self.add_beside(&decided.path)?,
                Action::SetMode(mode) => self.set_mode(&decided.path, mode, decided.found.as_ref())?,
                _ => continue,
            };
            let moves_all = matches!(decided.action, Action::Add | Action::Replace);
            if moves_all || !done {
                carried = Some(&decided.path);
            }
            if !done {
                placed.refused.push(decided.path.clone());
            }
        }
        Ok(placed)
    }

    fn go_on(&self) -> Result<(), TreeError> {
        if (self.stop)() { Err(TreeError::Stopped) } else { Ok(()) }
    }

    /// Returns whether it is in its place: somebody may have made the name meanwhile, or
    /// taken away the directory for it.
    fn add(&self, path: &Path) -> Result<bool, FileError> {
        self.rename(path, None, add)
    }

    fn add_beside(&self, path: &Path) -> Result<bool, FileError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(BESIDE);
        if name.len() > LONGEST_NAME {
            return Ok(false);
        }
        self.rename(path, Some(&name), replace)
    }

    fn rename(
        &self,
        path: &Path,
        beside: Option<&OsStr>,
        how: fn(Name<'_>, Name<'_>) -> nix::Result<()>,
    ) -> Result<bool, FileError> {
        let (from, name) = self.staged.parent(path)?;
        let to = match self.volume.parent(path) {
            Ok((to, _)) => to,
            Err(error) if is_in_the_way(error.errno()) => return Ok(false),
            Err(error) => return Err(error),
        };
        let from = Name { directory: from.as_fd(), name };
        let to = Name { directory: to.as_fd(), name: beside.unwrap_or(name) };
        match how(from, to) {
            Ok(()) => Ok(true),
            Err(errno) if is_in_the_way(Some(errno)) => Ok(false),
            Err(errno) => Err(self.volume.fails(Operation::Replace, path, errno)),
        }
    }

    /// What is found goes first where a rename can't take its place.
    fn replace(&self, decided: &Decided) -> Result<bool, FileError> {
        let found = decided.found.as_ref().map(|found| found.kind);
        let now = decided.now.as_ref().map(|now| now.kind);
        let turns = found.is_some_and(|kind| kind == Kind::Directory)
            != now.is_some_and(|kind| kind == Kind::Directory);
        if turns {
            self.remove(&decided.path, decided.found.as_ref())?;
        }
        self.rename(&decided.path, None, replace)
    }

    /// A directory that is not empty stays: what is in it is not castoff's.
    fn remove(&self, path: &Path, found: Option<&Entry>) -> Result<(), FileError> {
        let (directory, name) = match self.volume.parent(path) {
            Ok(parent) => parent,
            Err(error) if is_in_the_way(error.errno()) => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_directory = found.is_some_and(|found| found.kind == Kind::Directory);
        let flags = if is_directory { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
        match retry(|| unlinkat(&directory, name, flags)) {
            Ok(()) => Ok(()),
            Err(errno) if is_in_the_way(Some(errno)) => Ok(()),
            Err(errno) => Err(self.volume.fails(Operation::Remove, path, errno)),
        }
    }

    /// Into a directory that this start made, under the same path.
    fn put_aside(&self, path: &Path, aside: &mut Option<PathBuf>) -> Result<(), FileError> {
        let place = aside.get_or_insert_with(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            Path::new(ASIDE_DIRECTORY).join(rfc3339(now.as_secs()))
        });
        let target = place.join(path);
        self.records.make_directory(target.parent().unwrap_or(place))?;
        let (from, name) = match self.volume.parent(path) {
            Ok(parent) => parent,
            Err(error) if is_in_the_way(error.errno()) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (to, new_name) = self.records.tree().parent(&target)?;
        let from = Name { directory: from.as_fd(), name };
        match replace(from, Name { directory: to.as_fd(), name: new_name }) {
            Ok(()) => Ok(()),
            Err(errno) if is_in_the_way(Some(errno)) => Ok(()),
            Err(errno) => Err(self.volume.fails(Operation::Replace, path, errno)),
        }
    }

    /// Only of the very directory that was found: another one may have been moved there.
    fn set_mode(&self, path: &Path, mode: u32, found: Option<&Entry>) -> Result<bool, FileError> {
        let directory = match self.volume.directory(path) {
            Ok(directory) => directory,
            Err(error) if is_in_the_way(error.errno()) => return Ok(false),
            Err(error) => return Err(error),
        };
        let status =
            Status::of(&directory).map_err(|errno| self.volume.fails(Operation::Inspect, path, errno))?;
        if found.is_none_or(|found| found.identity != status.identity) {
            return Ok(false);
        }
        retry(|| fchmod(&directory, Mode::from_bits_truncate(mode)))
            .map_err(|errno| self.volume.fails(Operation::ChangeMode { mode }, path, errno))?;
        Ok(true)
    }
}

/// What somebody else's doing in the volume looks like: a name that is there or gone, a
/// link or a mount on the way, a directory that is not empty.
fn is_in_the_way(errno: Option<Errno>) -> bool {
    use Errno::{EBUSY, EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV};
    let ways = [EBUSY, EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV];
    errno.is_some_and(|errno| ways.contains(&errno))
}

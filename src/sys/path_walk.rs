//! Finds the directory in which a destination lies, without being led astray.
//!
//! The walk goes component by component over held descriptors, so a directory that is
//! exchanged behind its back can't change where it is. A symbolic link is followed only if
//! nobody but root or castoff's own user could have put it there: the link and the
//! directory that holds it belong to one of them, and nobody else may write the directory.
//! Any other link on the way is an error; as the last component it is left alone, so that
//! a write replaces the link itself.
//!
//! `..` goes back along the held descriptors and stops at the base; absolute links start
//! at the base again. So nothing leads out of a private root, not even a directory that is
//! moved out of it during the walk. It creates nothing unless `MissingParent::create` is
//! called, and never touches what stands at the destination.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{AccessFlags, faccessat};

use super::file_error::{Cause, Distrust, FileError, Operation};
use super::retry::retry;
use super::status::{Kind, Status};

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: u32 = 40;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The directory that destinations are resolved below.
#[derive(Debug)]
pub struct Base {
    directory: OwnedFd,
    shown: PathBuf,
}

/// A place for a file: a held directory and a name in it.
#[derive(Debug)]
pub struct Location {
    directory: OwnedFd,
    name: OsString,
    path: PathBuf,
}

/// Where a destination lies.
#[derive(Debug)]
pub enum Resolution {
    /// Its directory exists.
    Found(Location),
    /// Some of its directories don't.
    ParentMissing(MissingParent),
}

/// A destination some of whose directories don't exist.
#[derive(Debug)]
pub struct MissingParent {
    deepest: OwnedFd,
    shown: PathBuf,
    /// In order; never empty.
    missing: Vec<OsString>,
    name: OsString,
}

impl Base {
    /// The root directory of this process.
    ///
    /// # Errors
    /// What open(2) of `/` fails with.
    pub fn host() -> Result<Self, FileError> {
        Self::private(Path::new("/"))
    }

    /// A private root: for everything below, `directory` is `/`, as chroot(2) would have
    /// it. Links in the path of `directory` itself are followed.
    ///
    /// # Errors
    /// What open(2) of it fails with.
    pub fn private(directory: &Path) -> Result<Self, FileError> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = retry(|| nix::fcntl::open(directory, flags, Mode::empty()))
            .map_err(|errno| FileError::system(Operation::Resolve, directory, errno))?;
        Ok(Self { directory: opened, shown: directory.to_owned() })
    }

    /// Finds the directory of `destination`, which is taken from the base, whether it
    /// starts with `/` or not. A trailing `/` is ignored.
    ///
    /// # Errors
    /// An untrusted link on the way, too many links, a component that is no directory, a
    /// path without a last name, or what openat(2) fails with.
    pub fn resolve(&self, destination: &Path) -> Result<Resolution, FileError> {
        let components = components(destination.as_os_str());
        match self.resolve_without_links(&components) {
            Ok(location) => Ok(Resolution::Found(location)),
            Err(_) => Walk::new(self, components).run(&self.shown_below(destination)),
        }
    }

    /// As [`Base::resolve`], for who makes nothing: how much of the way is there is not looked at.
    ///
    /// # Errors
    /// As for [`Base::resolve`].
    pub fn find(&self, destination: &Path) -> Result<Option<Location>, FileError> {
        let components = components(destination.as_os_str());
        match self.resolve_without_links(&components) {
            Ok(location) => Ok(Some(location)),
            Err(Errno::ENOENT) => Ok(None),
            Err(_) => match Walk::new(self, components).run(&self.shown_below(destination))? {
                Resolution::Found(location) => Ok(Some(location)),
                Resolution::ParentMissing(_) => Ok(None),
            },
        }
    }

    fn shown_below(&self, destination: &Path) -> PathBuf {
        self.shown.join(destination.strip_prefix("/").unwrap_or(destination))
    }

    /// One system call for the usual case, a path without links. ENOENT: no link was met, and a
    /// directory is missing. Everything else, an openat2(2) that is missing (before Linux 5.6) or
    /// forbidden by seccomp included, is for the walk, which finds the way, or the reason why
    /// there is none.
    fn resolve_without_links(&self, components: &[Component]) -> nix::Result<Location> {
        let Some((Component::Name(name), parents)) = components.split_last() else {
            return Err(Errno::EXDEV);
        };
        let mut parent = PathBuf::from(".");
        for component in parents {
            match component {
                Component::Name(name) => parent.push(name),
                Component::Up => return Err(Errno::EXDEV),
            }
        }
        let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        );
        let directory = retry(|| openat2(&self.directory, &parent, how))?;
        let path = self.shown.join(parent.strip_prefix(".").unwrap_or(&parent)).join(name);
        match Status::of_name(&directory, name) {
            Err(Errno::ENOENT) => {}
            Ok((status, _)) if status.kind != Kind::Symlink => {}
            _ => return Err(Errno::ELOOP),
        }
        Ok(Location { directory, name: name.clone(), path })
    }
}

impl Location {
    /// A name in a directory that is held already; `path` is for messages.
    ///
    /// # Errors
    /// What dup(2) fails with.
    pub fn within(directory: BorrowedFd<'_>, name: &OsStr, path: PathBuf) -> Result<Self, FileError> {
        Ok(Self { directory: duplicate(directory, &path)?, name: name.to_owned(), path })
    }

    /// The directory, open with O_PATH: for the *at system calls only.
    #[must_use]
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The last component, without a `/`.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The path as it was found, links resolved: for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Resolution {
    /// The location; missing directories are made, with the rights `mode` and castoff's
    /// own user as their owner.
    ///
    /// # Errors
    /// See [`MissingParent::create`].
    pub fn or_create(self, mode: u32) -> Result<Location, FileError> {
        match self {
            Self::Found(location) => Ok(location),
            Self::ParentMissing(missing) => missing.create(mode),
        }
    }

    /// Whether castoff may make what is missing there. Nothing is tried: the system is asked,
    /// and whoever writes may still meet another answer.
    ///
    /// # Errors
    /// EACCES of faccessat(2), or EROFS where all is read-only.
    pub fn may_create(&self) -> Result<(), FileError> {
        let (directory, operation, path) = match self {
            Self::Found(location) => (&location.directory, Operation::Create, location.path.clone()),
            Self::ParentMissing(missing) => {
                (&missing.deepest, Operation::CreateDirectory, missing.first_missing())
            }
        };
        let writing = AccessFlags::W_OK | AccessFlags::X_OK;
        match retry(|| faccessat(directory, ".", writing, AtFlags::AT_EACCESS)) {
            Err(errno @ (Errno::EACCES | Errno::EROFS)) => Err(FileError::system(operation, path, errno)),
            // anything else, such as EPERM of an old seccomp filter, says nothing of the place
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl MissingParent {
    /// The first directory that is missing.
    #[must_use]
    pub fn first_missing(&self) -> PathBuf {
        self.missing.first().map_or_else(|| self.shown.clone(), |name| self.shown.join(name))
    }

    /// The destination.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let mut path = self.shown.clone();
        path.extend(&self.missing);
        path.join(&self.name)
    }

    /// Makes what is missing, each with the rights `mode` (0o755 where nothing else was
    /// asked for). A directory that somebody else made meanwhile is taken as it is; a link
    /// put there meanwhile is refused.
    ///
    /// # Errors
    /// What mkdirat(2), openat(2) or fchmod(2) fail with.
    pub fn create(self, mode: u32) -> Result<Location, FileError> {
        let (mut directory, mut shown) = (self.deepest, self.shown);
        for name in self.missing {
            shown.push(&name);
            directory = create_directory(directory.as_fd(), &name, mode)
                .map_err(|errno| FileError::system(Operation::CreateDirectory, &shown, errno))?;
        }
        let path = shown.join(&self.name);
        Ok(Location { directory, name: self.name, path })
    }

    /// The error for those who want the directory to exist already.
    #[must_use]
    pub fn error(&self) -> FileError {
        FileError::system(Operation::Resolve, self.path(), Errno::ENOENT)
    }
}

fn create_directory(parent: BorrowedFd<'_>, name: &OsStr, mode: u32) -> nix::Result<OwnedFd> {
    let made = match retry(|| mkdirat(parent, name, Mode::S_IRWXU)) {
        Ok(()) => true,
        Err(Errno::EEXIST) => false,
        Err(errno) => return Err(errno),
    };
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    if !made {
        return retry(|| openat(parent, name, flags | OFlag::O_PATH, Mode::empty()));
    }
    let directory = retry(|| openat(parent, name, flags | OFlag::O_RDONLY, Mode::empty()))?;
    // Not ours: it was exchanged between the two calls, and its mode is not for us to set.
    if Status::of(&directory)?.uid == nix::unistd::geteuid().as_raw() {
        retry(|| fchmod(&directory, Mode::from_bits_truncate(mode)))?;
    }
    Ok(directory)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    Up,
    Name(OsString),
}

fn components(path: &OsStr) -> Vec<Component> {
    let parts = path.as_bytes().split(|byte| *byte == b'/');
    parts
        .filter(|part| !part.is_empty() && *part != b".")
        .map(|part| match part {
            b".." => Component::Up,
            name => Component::Name(OsStr::from_bytes(name).to_owned()),
        })
        .collect()
}

fn look(directory: BorrowedFd<'_>, name: &OsStr) -> nix::Result<(OwnedFd, Status)> {
    let found = retry(|| openat(directory, name, LOOK, Mode::empty()))?;
    let status = Status::of(&found)?;
    Ok((found, status))
}

fn duplicate(descriptor: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, FileError> {
    let raw = |error: std::io::Error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    retry(|| descriptor.try_clone_to_owned().map_err(raw))
        .map_err(|errno| FileError::system(Operation::Resolve, path, errno))
}

/// Why a link is not followed; `None`: it is.
fn distrust(link: &Status, holder: &Status, own: u32) -> Option<Distrust> {
    let trusted = |uid: u32| uid == 0 || uid == own;
    if !trusted(link.uid) {
        Some(Distrust::LinkOwner(link.uid))
    } else if !trusted(holder.uid) {
        Some(Distrust::DirectoryOwner(holder.uid))
    } else if holder.mode & 0o022 != 0 {
        Some(Distrust::DirectoryMode(holder.mode))
    } else {
        None
    }
}

struct Walk<'a> {
    base: &'a Base,
    /// The directories from the base (which is not in it) to where the walk is.
    entered: Vec<(OwnedFd, OsString)>,
    /// What is still to be walked, the next one last.
    pending: Vec<Component>,
    links: u32,
}

impl<'a> Walk<'a> {
    fn new(base: &'a Base, mut components: Vec<Component>) -> Self {
        components.reverse();
        Self { base, entered: Vec::new(), pending: components, links: 0 }
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.entered.last().map_or(self.base.directory.as_fd(), |(directory, _)| directory.as_fd())
    }

    fn shown(&self) -> PathBuf {
        let mut shown = self.base.shown.clone();
        shown.extend(self.entered.iter().map(|(_, name)| name));
        shown
    }

    fn run(mut self, destination: &Path) -> Result<Resolution, FileError> {
        while let Some(component) = self.pending.pop() {
            let Component::Name(name) = component else {
                self.entered.pop();
                continue;
            };
            let last = self.pending.is_empty();
            let fails =
                |errno, walk: &Self| FileError::system(Operation::Resolve, walk.shown().join(&name), errno);
            match look(self.here(), &name) {
                Err(Errno::ENOENT) if !last => return self.missing(name),
                Err(Errno::ENOENT) => return self.found(name),
                Err(errno) => return Err(fails(errno, &self)),
                Ok((link, status)) if status.kind == Kind::Symlink => {
                    let holder = Status::of(self.here()).map_err(|errno| fails(errno, &self))?;
                    match distrust(&status, &holder, nix::unistd::geteuid().as_raw()) {
                        None => self.follow(link.as_fd(), &name)?,
                        Some(_) if last => return self.found(name),
                        Some(reason) => {
                            let link = self.shown().join(&name);
                            let cause = Cause::UntrustedLink { link, reason };
                            return Err(FileError::new(Operation::Resolve, destination, cause));
                        }
                    }
                }
                Ok(_) if last => return self.found(name),
                Ok((directory, status)) if status.kind == Kind::Directory => {
                    self.entered.push((directory, name))
                }
                Ok(_) => return Err(fails(Errno::ENOTDIR, &self)),
            }
        }
        Err(FileError::new(Operation::Resolve, destination, Cause::NoName))
    }

    /// The text is read from the held link, the very one that was judged.
    fn follow(&mut self, link: BorrowedFd<'_>, name: &OsStr) -> Result<(), FileError> {
        let fails =
            |errno, walk: &Self| FileError::system(Operation::Resolve, walk.shown().join(name), errno);
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(fails(Errno::ELOOP, self));
        }
        let target = retry(|| readlinkat(link, "")).map_err(|errno| fails(errno, self))?;
        if target.as_bytes().starts_with(b"/") {
            self.entered.clear();
        }
        self.pending.extend(components(&target).into_iter().rev());
        Ok(())
    }

    fn found(mut self, name: OsString) -> Result<Resolution, FileError> {
        let path = self.shown().join(&name);
        let directory = match self.entered.pop() {
            Some((directory, _)) => directory,
            None => duplicate(self.base.directory.as_fd(), &path)?,
        };
        Ok(Resolution::Found(Location { directory, name, path }))
    }

    fn missing(mut self, first: OsString) -> Result<Resolution, FileError> {
        let shown = self.shown();
        let mut missing = vec![first];
        while let Some(component) = self.pending.pop() {
            match component {
                Component::Name(name) => missing.push(name),
                // As the kernel has it: `..` of what does not exist does not exist.
                Component::Up => {
                    let path = shown.join(missing.first().map_or(OsStr::new(""), OsString::as_os_str));
                    return Err(FileError::system(Operation::Resolve, path, Errno::ENOENT));
                }
            }
        }
        let deepest = match self.entered.pop() {
            Some((directory, _)) => directory,
            None => duplicate(self.base.directory.as_fd(), &shown)?,
        };
        let name = missing.pop().unwrap_or_default();
        Ok(Resolution::ParentMissing(MissingParent { deepest, shown, missing, name }))
    }
}

#[cfg(test)]
#[path = "path_walk_tests.rs"]
mod tests;

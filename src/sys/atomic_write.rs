//! Writes a file so that its name always stands for one whole content, in two phases:
//! `stage` makes everything that can fail, `Staged::commit` is one rename.
//!
//! The temporary file lies in the destination's directory as `.NAME.castoff-RANDOM`, mode
//! 0600 until it has its owner, then its mode; so no reader ever sees the new content under
//! other rights. It is removed on drop, and what a killed start left is swept by the next
//! start that writes in that directory.
//!
//! A temporary file is locked as long as its writer lives, so the sweep can tell the dead
//! from the living, also across containers that share a volume. Swept is an entry that has
//! our name pattern, is a regular file with one link, belongs to castoff's user (or castoff
//! is root, who gives files away before they are in place), and is not locked. Where the
//! file system has no locks nothing is swept.
//!
//! It follows no link: the destination's own name is replaced, whatever it is, except a
//! directory, which is refused, and a mount point, which is kept.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use super::attributes::Attributes;
use super::file_error::{Cause, FileError, Operation};
use super::ofd_lock::{Attempt, Share, try_lock};
use super::path_walk::Location;
use super::randomness::{RandomnessError, random_text};
use super::retry::retry;
use super::status::{Kind, Status};

const MARK: &[u8] = b".castoff-";
const RANDOM_LENGTH: usize = 12;
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
/// The longest name of Linux's own file systems, in bytes.
const LONGEST_NAME: usize = 255;
const MOST_ATTEMPTS: u32 = 16;

/// The directories that this start has already swept: each is read once.
#[derive(Debug, Default)]
pub struct Swept(BTreeSet<(u64, u64)>);

/// A finished file that is not yet in its place. Dropping it removes it.
#[derive(Debug)]
pub struct Staged {
    location: Location,
    temporary: OsString,
    /// Holds the lock that says its writer lives.
    file: File,
    in_place: bool,
}

/// What came of putting a file in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The name stands for the new content, on stable storage.
    Replaced,
    /// Something is mounted on the destination (rename(2), EBUSY). It belongs to whoever
    /// mounted it and is as it was.
    KeptMountPoint,
}

/// Writes `content` beside its destination, with its owner and mode.
///
/// # Errors
/// A directory at the destination; what creating, writing, chown, chmod and fsync fail
/// with. Nothing is left behind then.
pub fn stage(
    location: Location,
    content: &[u8],
    attributes: Attributes,
    swept: &mut Swept,
) -> Result<Staged, FileError> {
    refuse_directory(&location)?;
    swept.sweep(&location);
    let mut staged = create(location)?;
    let path = staged.location.path();
    staged.file.write_all(content).map_err(|error| FileError::io(Operation::Write, path, &error))?;
    attributes.apply_to(&staged.file, path)?;
    sync(&staged.file, path)?;
    Ok(staged)
}

/// Removes what killed starts left beside `location`.
pub fn sweep(location: &Location) {
    Swept::default().sweep(location);
}

impl Staged {
    /// Where it will be.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Puts it in its place and brings the directory to stable storage.
    ///
    /// # Errors
    /// What renameat(2) and fsync(2) fail with; a failed fsync means that the file is in
    /// its place and may not outlive a crash of the machine.
    pub fn commit(mut self) -> Result<Commit, FileError> {
        let (directory, name) = (self.location.directory(), self.location.name());
        match retry(|| renameat(directory, self.temporary.as_os_str(), directory, name)) {
            Ok(()) => {}
            Err(Errno::EBUSY) => return Ok(Commit::KeptMountPoint),
            Err(errno) => return Err(FileError::system(Operation::Replace, self.location.path(), errno)),
        }
        self.in_place = true;
        sync_directory(&self.location)?;
        Ok(Commit::Replaced)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.in_place {
            // Nothing to be done about a failure: the next start sweeps.
            let _ =
                unlinkat(self.location.directory(), self.temporary.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// rename(2) would refuse it too, but only when others may be in their places already.
fn refuse_directory(location: &Location) -> Result<(), FileError> {
    let found = retry(|| fstatat(location.directory(), location.name(), AtFlags::AT_SYMLINK_NOFOLLOW));
    match found.map(|stat| Status::from_stat(&stat).kind) {
        Ok(Kind::Directory) => {
            let cause = Cause::WrongKind { found: Kind::Directory, expected: Kind::Regular };
            Err(FileError::new(Operation::Replace, location.path(), cause))
        }
        Ok(_) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(FileError::system(Operation::Inspect, location.path(), errno)),
    }
}

/// Makes the temporary file and locks it. A sweep that finds it between the two removes it;
/// then there is another try.
fn create(location: Location) -> Result<Staged, FileError> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let rights = Mode::S_IRUSR | Mode::S_IWUSR;
    let mut failure = Errno::EEXIST;
    for _ in 0..MOST_ATTEMPTS {
        let temporary = temporary_name(location.name()).map_err(|error| match error {
            RandomnessError::System(errno) => FileError::system(Operation::Create, location.path(), errno),
            RandomnessError::Alphabet => FileError::system(Operation::Create, location.path(), Errno::EINVAL),
        })?;
        match retry(|| openat(location.directory(), temporary.as_os_str(), flags, rights)) {
            Ok(file) if is_alive(&file) => {
                return Ok(Staged { location, temporary, file: File::from(file), in_place: false });
            }
            // swept already; or it can't be locked or looked at, and must not stay
            Ok(_) => {
                let _ = unlinkat(location.directory(), temporary.as_os_str(), UnlinkatFlags::NoRemoveDir);
            }
            Err(Errno::EEXIST) => {}
            Err(errno) => {
                failure = errno;
                break;
            }
        }
    }
    Err(FileError::system(Operation::Create, location.path(), failure))
}

fn is_alive(file: impl std::os::fd::AsFd) -> bool {
    let locked = try_lock(file.as_fd(), Share::Exclusive);
    !matches!(locked, Ok(Attempt::Taken)) && Status::of(file).is_ok_and(|status| status.links > 0)
}

/// `.NAME.castoff-RANDOM`, NAME cut so that it fits, between characters: some file systems
/// take only UTF-8.
fn temporary_name(name: &OsStr) -> Result<OsString, RandomnessError> {
    let room = LONGEST_NAME - 1 - MARK.len() - RANDOM_LENGTH;
    let mut end = name.len().min(room);
    if end < name.len() {
        let continues = |at: usize| name.as_bytes().get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        while end > 0 && continues(end) {
            end -= 1;
        }
    }
    let mut temporary = vec![b'.'];
    temporary.extend(name.as_bytes().iter().take(end));
    temporary.extend(MARK);
    temporary.extend(random_text(RANDOM_LENGTH, ALPHABET)?.into_bytes());
    Ok(OsString::from_vec(temporary))
}

fn is_temporary_name(name: &[u8]) -> bool {
    let Some(at) = name.len().checked_sub(RANDOM_LENGTH) else { return false };
    let (front, random) = name.split_at(at);
    front.strip_suffix(MARK).is_some_and(|front| front.len() > 1 && front.starts_with(b"."))
        && random.iter().all(|byte| ALPHABET.as_bytes().contains(byte))
}

impl Swept {
    /// Removes what killed starts left in the directory. That it can't be done is no
    /// failure of the write that comes after.
    fn sweep(&mut self, location: &Location) {
        let Ok(status) = Status::of(location.directory()) else { return };
        if !self.0.insert(status.identity) {
            return;
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let Ok(mut entries) = Dir::openat(location.directory(), ".", flags, Mode::empty()) else { return };
        for entry in entries.iter().flatten() {
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if is_temporary_name(name.as_bytes()) {
                remove_if_dead(location, name);
            }
        }
    }
}

/// The lock is held until the entry is gone, so its writer can't start to use it meanwhile.
fn remove_if_dead(location: &Location, name: &OsStr) {
    let own = nix::unistd::geteuid();
    let ours = |status: &Status| {
        status.kind == Kind::Regular && status.links == 1 && (own.is_root() || status.uid == own.as_raw())
    };
    let before = fstatat(location.directory(), name, AtFlags::AT_SYMLINK_NOFOLLOW);
    if !before.is_ok_and(|stat| ours(&Status::from_stat(&stat))) {
        return;
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let Ok(file) = openat(location.directory(), name, flags, Mode::empty()) else { return };
    let dead = matches!(try_lock(&file, Share::Shared), Ok(Attempt::Locked));
    if dead && Status::of(&file).is_ok_and(|status| ours(&status)) {
        let _ = unlinkat(location.directory(), name, UnlinkatFlags::NoRemoveDir);
    }
}

fn sync(descriptor: impl std::os::fd::AsFd, path: &Path) -> Result<(), FileError> {
    match retry(|| fsync(descriptor.as_fd())) {
        // The file system has nothing to bring anywhere (fsync(2)).
        Ok(()) | Err(Errno::EINVAL | Errno::EROFS | Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(()),
        Err(errno) => Err(FileError::system(Operation::Sync, path, errno)),
    }
}

/// Brings the names in the location's directory to stable storage. A directory that may be
/// written but not read can't be opened for fsync(2): then they reach it when the kernel sees
/// fit.
///
/// # Errors
/// What fsync(2) fails with.
pub fn sync_directory(location: &Location) -> Result<(), FileError> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match retry(|| openat(location.directory(), ".", flags, Mode::empty())) {
        Ok(directory) => sync(directory, location.path()),
        Err(Errno::EACCES) => Ok(()),
        Err(errno) => Err(FileError::system(Operation::Sync, location.path(), errno)),
    }
}

#[cfg(test)]
#[path = "atomic_write_tests.rs"]
mod tests;

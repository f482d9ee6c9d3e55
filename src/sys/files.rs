//! Reading files and correcting their owner and mode, without ever being blocked or led
//! astray by what stands there.
//!
//! Nothing is opened for reading before it is known to be a regular file: opening a named
//! pipe blocks, and opening a device can have effects of its own. No read is unbounded.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;

use super::attributes::Attributes;
use super::file_error::{Cause, FileError, Operation};
use super::path_walk::Location;
use super::retry::retry;
use super::status::{Kind, Status};

/// How often a file that another process exchanges meanwhile is looked at again.
const MOST_LOOKS: u32 = 16;

const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// What stands at a location.
#[derive(Debug)]
pub struct Entry {
    /// Kind, mode, owner.
    pub status: Status,
    /// Whether something is mounted exactly here.
    pub mount_point: bool,
    /// Regular files only: open for reading, or why that failed.
    pub file: Option<Result<File, FileError>>,
}

/// Looks at what stands at `location`, without following a link there. `None`: nothing.
///
/// # Errors
/// What statx(2), openat(2) and fstat(2) fail with; [`Cause::Changing`].
pub fn look(location: &Location) -> Result<Option<Entry>, FileError> {
    let fails = |errno| FileError::system(Operation::Inspect, location.path(), errno);
    for _ in 0..MOST_LOOKS {
        let (status, mount_point) = match Status::of_name(location.directory(), location.name()) {
            Ok(found) => found,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(fails(errno)),
        };
        if status.kind != Kind::Regular {
            return Ok(Some(Entry { status, mount_point, file: None }));
        }
        match open_same(location, &status) {
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO) | Ok(None) => {}
            // what the file itself says: its inode may have been another's a moment ago
            Ok(Some((file, status))) => return Ok(Some(Entry { status, mount_point, file: Some(Ok(file)) })),
            Err(errno) => {
                let error = FileError::system(Operation::Read, location.path(), errno);
                return Ok(Some(Entry { status, mount_point, file: Some(Err(error)) }));
            }
        }
    }
    Err(FileError::new(Operation::Inspect, location.path(), Cause::Changing))
}

/// Opens the regular file that `expected` was taken from; `None`: another one is there now.
fn open_same(location: &Location, expected: &Status) -> nix::Result<Option<(File, Status)>> {
    let flags = READ | OFlag::O_NOFOLLOW;
    let opened = retry(|| openat(location.directory(), location.name(), flags, Mode::empty()))?;
    let status = Status::of(&opened)?;
    let is_same = status.identity == expected.identity && status.kind == Kind::Regular;
    Ok(is_same.then(|| (File::from(opened), status)))
}

/// Bytes that are read at once where nobody knows how many there are.
const FIRST_READ: usize = 2048;

/// Reads an open file from where it stands to its end.
///
/// # Errors
/// [`Cause::TooLarge`] beyond `limit` bytes, or what read(2) fails with.
pub fn read_open(file: &File, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    // the kernel's own files say that they are empty: one read is enough for most
    let mut content = Vec::with_capacity(FIRST_READ);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|error| FileError::io(Operation::Read, path, &error))?;
    if u64::try_from(content.len()).is_ok_and(|length| length <= limit) {
        Ok(content)
    } else {
        Err(FileError::new(Operation::Read, path, Cause::TooLarge { limit }))
    }
}

/// Reads a file that was named, following links: orchestrators mount secrets as links.
/// Pipes and devices are refused, not waited for.
///
/// # Errors
/// [`Cause::System`] with ENOENT where it is missing and EACCES where it can't be read,
/// [`Cause::WrongKind`] for a directory or anything else that is no regular file,
/// [`Cause::TooLarge`] beyond `limit` bytes.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let fails = |errno| FileError::system(Operation::Read, path, errno);
    must_be_regular(Status::at(path).map_err(fails)?, path)?;
    let opened = open_to_read(path).map_err(fails)?;
    // another one may be there by now
    must_be_regular(Status::of(&opened).map_err(fails)?, path)?;
    read_open(&File::from(opened), path, limit)
}

/// Reads the beginning of one of the kernel's own small files, as much as `room` holds: they
/// are given whole by one read. Nothing for what can't be read; what may stand in such a
/// file's place is not waited for (O_NONBLOCK). For who must not look twice: it is done at
/// every start.
#[must_use]
pub fn read_beginning<'a>(path: &Path, room: &'a mut [u8]) -> &'a [u8] {
    let mut read = || File::from(open_to_read(path).ok()?).read(room).ok();
    let length = read().unwrap_or(0);
    room.get(..length).unwrap_or_default()
}

/// By openat(2): where musl's open(2) is asked to close on exec, it makes a second call to say
/// so again.
fn open_to_read(path: &Path) -> nix::Result<OwnedFd> {
    retry(|| openat(AT_FDCWD, path, READ, Mode::empty()))
}

fn must_be_regular(status: Status, path: &Path) -> Result<(), FileError> {
    if status.kind == Kind::Regular {
        return Ok(());
    }
    let cause = Cause::WrongKind { found: status.kind, expected: Kind::Regular };
    Err(FileError::new(Operation::Read, path, cause))
}

/// What came of correcting owner and mode in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// They were right already.
    Unchanged,
    /// They are right now.
    Adjusted,
    /// This file must not be touched: write a fresh one in its place.
    MustReplace,
}

/// Corrects owner and mode of the file at `location`, whose content is right.
///
/// [`Adjustment::MustReplace`] where that would not be safe: it is no regular file any
/// more; it has another name (a hard link that a service's user planted would lead the
/// chown to somebody else's file); or somebody who is not its owner afterwards could have
/// it open for writing, and would keep that right.
///
/// # Errors
/// As [`look`] and [`Attributes::apply_to`].
pub fn adjust(location: &Location, wanted: Attributes) -> Result<Adjustment, FileError> {
    let Some(Entry { file: Some(Ok(file)), .. }) = look(location)? else {
        return Ok(Adjustment::MustReplace);
    };
    let status = Status::of(file.as_fd())
        .map_err(|errno| FileError::system(Operation::Inspect, location.path(), errno))?;
    if wanted.hold_for(&status) {
        return Ok(Adjustment::Unchanged);
    }
    if status.links != 1 || others_can_write(&status, &wanted) {
        return Ok(Adjustment::MustReplace);
    }
    wanted.apply_to(&file, location.path())?;
    Ok(Adjustment::Adjusted)
}

fn others_can_write(status: &Status, wanted: &Attributes) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    let owner_stays = wanted.uid.is_none_or(|uid| uid == status.uid);
    let trusted = status.uid == 0 || status.uid == own || owner_stays;
    !trusted || status.mode & 0o022 != 0
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;

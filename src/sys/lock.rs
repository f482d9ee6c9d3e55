//! One start at a time: a lock on a file that dies with its holder.
//!
//! The lock file itself is never removed, because a lock on a removed file excludes nobody.
//! It holds a line that says who has the lock, for those that wait.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::file_error::{Cause, FileError, Operation};
use super::files::read_open;
use super::ofd_lock::{Attempt, Share, try_lock};
use super::path_walk::Location;
use super::retry::retry;
use super::status::{Kind, Status};

const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// The most that is read of what the holder says about itself, in bytes.
const LONGEST_HOLDER: u64 = 512;

/// A lock that is held until it is dropped or the process ends, however it does.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What came of waiting.
#[derive(Debug)]
pub enum Acquired {
    /// The lock is held.
    Locked(Lock),
    /// The caller no longer wanted to wait.
    GivenUp,
}

/// Takes the lock file at `location`, making it (mode 0600) where it is missing. `holder`
/// says in one line who has it. While another has it, `waiting` is called with what that
/// one said about itself, at first at once, then about ten times a second; it decides
/// whether to go on waiting.
///
/// # Errors
/// [`Cause::LocksNotSupported`]; [`Cause::WrongKind`]; what openat(2) and write(2) fail with.
pub fn acquire(
    location: &Location,
    holder: &str,
    mut waiting: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<Acquired, FileError> {
    let mut file = open(location)?;
    let mut wait = FIRST_WAIT;
    loop {
        match try_lock(&file, Share::Exclusive) {
            Ok(Attempt::Locked) => break,
            Ok(Attempt::Taken) => {}
            Ok(Attempt::NotSupported(errno)) => {
                let cause = Cause::LocksNotSupported(errno);
                return Err(FileError::new(Operation::Lock, location.path(), cause));
            }
            Err(errno) => return Err(fails(location, errno)),
        }
        if waiting(&read_holder(&mut file, location.path())).is_break() {
            return Ok(Acquired::GivenUp);
        }
        // F_OFD_SETLKW would wait without waking, but only a signal could end it.
        std::thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    write_holder(&file, holder).map_err(|error| FileError::io(Operation::Write, location.path(), &error))?;
    Ok(Acquired::Locked(Lock { _file: file }))
}

fn fails(location: &Location, errno: Errno) -> FileError {
    FileError::system(Operation::Lock, location.path(), errno)
}

fn open(location: &Location) -> Result<File, FileError> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let rights = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = retry(|| openat(location.directory(), location.name(), flags, rights))
        .map_err(|errno| fails(location, errno))?;
    let found = Status::of(&file).map_err(|errno| fails(location, errno))?.kind;
    if found == Kind::Regular {
        return Ok(File::from(file));
    }
    let cause = Cause::WrongKind { found, expected: Kind::Regular };
    Err(FileError::new(Operation::Lock, location.path(), cause))
}

/// For a message: one line without control characters, and empty where it can't be read.
fn read_holder(file: &mut File, path: &Path) -> String {
    let read = file.seek(SeekFrom::Start(0)).ok().and_then(|_| read_open(file, path, LONGEST_HOLDER).ok());
    let text = String::from_utf8_lossy(&read.unwrap_or_default()).into_owned();
    text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
}

fn write_holder(file: &File, holder: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.write_all_at(format!("{holder}\n").as_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::mpsc;

    use super::{Acquired, Lock, acquire};
    use crate::sys::file_error::Cause;
    use crate::sys::fixture::Scratch;

    fn lock(scratch: &Scratch, holder: &str) -> Option<Lock> {
        match acquire(&scratch.location("lock"), holder, |_| ControlFlow::Break(())).unwrap() {
            Acquired::Locked(lock) => Some(lock),
            Acquired::GivenUp => None,
        }
    }

    #[test]
    fn one_at_a_time_and_released_on_drop() {
        let scratch = Scratch::new();
        let first = lock(&scratch, "one").unwrap();
        assert!(lock(&scratch, "two").is_none());
        drop(first);
        let second = lock(&scratch, "2").unwrap();
        assert_eq!(scratch.read("lock"), "2\n");
        drop(second);
    }

    #[test]
    fn who_waits_learns_for_whom_and_gets_it() {
        let scratch = Scratch::new();
        let first = lock(&scratch, "start of web-1, pid 7").unwrap();
        let location = scratch.location("lock");
        let (tell, told) = mpsc::channel();
        let waiter = std::thread::spawn(move || {
            let mut calls = 0;
            let acquired = acquire(&location, "web-2", |holder| {
                calls += 1;
                let _ = tell.send(holder.to_owned());
                ControlFlow::Continue(())
            });
            (matches!(acquired, Ok(Acquired::Locked(_))), calls)
        });
        assert_eq!(told.recv().unwrap(), "start of web-1, pid 7");
        drop(first);
        let (locked, calls) = waiter.join().unwrap();
        assert!(locked && calls > 0);
    }

    #[test]
    fn not_a_regular_file() {
        let scratch = Scratch::new();
        scratch.fifo("lock");
        let error = acquire(&scratch.location("lock"), "x", |_| ControlFlow::Break(())).unwrap_err();
        assert!(matches!(error.cause, Cause::WrongKind { .. }), "{error}");
    }
}

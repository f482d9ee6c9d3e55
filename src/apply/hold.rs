//! Holds the locks of the volumes that a start changes. They die with castoff, and are let
//! go when the preparation is over.
//!
//! Locks are taken in the order of the paths, so that two starts never wait for each other.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use super::keep::own_directory;
use super::perform::Stopped;
use super::tasks::REMEMBERED_THERE;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::plan::VolumeLock;
use crate::signal::Signal;
use crate::spec::WithoutLocks;
use crate::state::{LOCK_FILE, VOLUME_DIRECTORY};
use crate::sys::file_error::{Cause, FileError};
use crate::sys::lock::{Acquired, Lock, acquire};
use crate::sys::machine::hostname;
use crate::sys::path_walk::Base;
use crate::timestamp::rfc3339;

/// The locks that are held.
#[derive(Debug, Default)]
pub struct Held {
    locks: Vec<(PathBuf, Option<Lock>)>,
}

impl Held {
    /// Whether no other start changes the volume meanwhile, as far as that can be had.
    #[must_use]
    pub fn has(&self, volume: &Path) -> bool {
        self.locks.iter().any(|(held, _)| held == volume)
    }

    /// Whether all these are held.
    #[must_use]
    pub fn has_all(&self, locks: &[VolumeLock]) -> bool {
        locks.iter().all(|lock| self.has(&lock.path))
    }
}

/// What castoff says of itself to those that wait for it.
pub(super) fn holder() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("the start of {} at {}", hostname(), rfc3339(since.as_secs()))
}

/// Takes the locks that are not held yet. Returns whether another start had to be waited
/// for.
///
/// # Errors
/// A lock that can't be had in time or at all; castoff was asked to stop.
pub fn hold(
    base: &Base,
    locks: &[VolumeLock],
    held: &mut Held,
    stop_requested: &dyn Fn() -> Option<Signal>,
) -> Result<(), Stopped> {
    for lock in locks {
        if !held.has(&lock.path) {
            let taken = take(base, lock, stop_requested)?;
            held.locks.push((lock.path.clone(), taken));
        }
    }
    Ok(())
}

/// `None`: there are no locks, and the spec says to go on.
fn take(
    base: &Base,
    lock: &VolumeLock,
    stop_requested: &dyn Fn() -> Option<Signal>,
) -> Result<Option<Lock>, Stopped> {
    let directory = lock.path.join(VOLUME_DIRECTORY);
    own_directory(base, &directory)
        .map_err(|error| Stopped::Failed(Box::new(Diagnostic::from(&error).note(REMEMBERED_THERE))))?;
    let location = base.resolve(&directory.join(LOCK_FILE))?.or_create(0o700)?;
    let begun = Instant::now();
    let mut waited_for: Option<String> = None;
    let acquired = acquire(&location, &holder(), |holder| {
        if waited_for.is_none() {
            tracing::info!("waiting for {}: {holder} works on it", lock.path.display());
        }
        waited_for = Some(holder.to_owned());
        let over = stop_requested().is_some() || begun.elapsed() >= lock.timeout;
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match acquired {
        Ok(Acquired::Locked(taken)) => Ok(Some(taken)),
        Ok(Acquired::GivenUp) => match stop_requested() {
            Some(signal) => Err(Stopped::Interrupted(signal)),
            None => Err(Stopped::Failed(Box::new(timed_out(lock, &waited_for.unwrap_or_default())))),
        },
        Err(error) => without_lock(lock, error),
    }
}

fn timed_out(lock: &VolumeLock, holder: &str) -> Diagnostic {
    let title = format!("{} is still being worked on after {:?}", lock.path.display(), lock.timeout);
    Diagnostic::error(ExitCode::TIMEOUT, title)
        .note(format!("{holder} holds it"))
        .help("look at what that container does; `lock-timeout` in [[volume]] sets how long to wait")
}

fn without_lock(lock: &VolumeLock, error: FileError) -> Result<Option<Lock>, Stopped> {
    let unsupported = matches!(error.cause, Cause::LocksNotSupported(_));
    match lock.without_locks {
        WithoutLocks::GoOn if unsupported => {
            tracing::warn!(
                "{} has no locks: nothing keeps another start from working on it at the same time",
                lock.path.display()
            );
            Ok(None)
        }
        WithoutLocks::Fail if unsupported => {
            let problem = Diagnostic::from(&error).help(
                "where only one container at a time uses the volume: `without-locks = \"go-on\"` in [[volume]]",
            );
            Err(Stopped::Failed(Box::new(problem)))
        }
        _ => Err(error.into()),
    }
}

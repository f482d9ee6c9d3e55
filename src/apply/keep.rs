//! Writes castoff's own state: generated secrets and the record of written files.
//!
//! Under a lock, because several containers may start on one volume at once: who comes
//! second must use what the first one made, and says so (`Kept::Raced`).

use std::path::{Path, PathBuf};

use super::hold::{Held, holder};
use crate::observe::state::{self, StateError, generated_of_volume};
use crate::state::{GENERATED_FILE, LOCK_FILE, WRITTEN_FILE, Written};
use std::ops::ControlFlow;

use crate::sys::atomic_write::{Swept, stage, sync_directory};
use crate::sys::attributes::Attributes;
use crate::sys::directory::{self, Ensured};
use crate::sys::file_error::FileError;
use crate::sys::files::look;
use crate::sys::lock::{Acquired, acquire};
use crate::sys::path_walk::Base;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What came of keeping secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// They are on stable storage.
    Done,
    /// Another start kept one of them first.
    Raced,
    /// castoff was asked to stop while it waited for the lock.
    Interrupted,
    /// There is nowhere to keep them: the last reason.
    Nowhere(StateError),
}

/// Keeps generated secrets in a volume, or in the first of the container's state
/// directories that can be written.
pub(super) fn keep_generated(
    base: &Base,
    scope: Option<&Path>,
    state_directories: &[PathBuf],
    values: &[(String, String)],
    held: &Held,
    interrupted: &dyn Fn() -> bool,
) -> Result<Kept, StateError> {
    if let Some(scope) = scope {
        let file = generated_of_volume(scope);
        let directory = file.parent().unwrap_or(scope).to_owned();
        own_directory(base, &directory)?;
        return match held.has(scope) {
            true => merge(base, &directory, values),
            false => locked_merge(base, &directory, values, interrupted),
        };
    }
    let mut last = None;
    for directory in state_directories {
        match own_directory(base, directory) {
            Ok(()) => return locked_merge(base, directory, values, interrupted),
            Err(error) => last = Some(error),
        }
    }
    Ok(last.map_or(Kept::Done, Kept::Nowhere))
}

/// Makes the directory. One that is there already must be castoff's own: what lies in a
/// directory of somebody else's may have been planted.
pub(super) fn own_directory(base: &Base, path: &Path) -> Result<(), StateError> {
    let location = base.resolve(path)?.or_create(0o755)?;
    let own = [0, nix::unistd::geteuid().as_raw()];
    if let Some(entry) = look(&location)?
        && (!own.contains(&entry.status.uid) || entry.status.mode & 0o022 != 0)
    {
        return Err(StateError::Untrusted(path.to_owned()));
    }
    let attributes = Attributes { mode: DIRECTORY_MODE, uid: None, gid: None };
    let ensured = directory::ensure(&location, attributes)?;
    if ensured == Ensured::Created {
        // a record on stable storage is of no use in a directory that isn't
        sync_directory(&location)?;
        tracing::debug!("made {} for castoff's state", path.display());
    }
    Ok(())
}

fn locked_merge(
    base: &Base,
    directory: &Path,
    values: &[(String, String)],
    interrupted: &dyn Fn() -> bool,
) -> Result<Kept, StateError> {
    let lock_location = base.resolve(&directory.join(LOCK_FILE))?.or_create(DIRECTORY_MODE)?;
    let mut told = false;
    let acquired = acquire(&lock_location, &holder(), |holder| {
        if !std::mem::replace(&mut told, true) {
            tracing::info!("waiting for {holder}, which holds {}", directory.display());
        }
        if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let Acquired::Locked(_lock) = acquired else { return Ok(Kept::Interrupted) };
    merge(base, directory, values)
}

/// The lock must be held.
fn merge(base: &Base, directory: &Path, values: &[(String, String)]) -> Result<Kept, StateError> {
    let path = directory.join(GENERATED_FILE);
    let mut generated = state::generated(base, &path)?;
    if values.iter().any(|(name, value)| generated.get(name).is_some_and(|kept| kept != value)) {
        return Ok(Kept::Raced);
    }
    for (name, value) in values {
        generated.add(name, value);
    }
    write(base, &path, generated.to_text().as_bytes())?;
    Ok(Kept::Done)
}

/// Keeps the record of written files in the first state directory that can be written.
/// `Err`: none could; the last reason.
pub(super) fn keep_written(
    base: &Base,
    state_directories: &[PathBuf],
    written: &Written,
) -> Result<(), StateError> {
    keep_file(base, state_directories, WRITTEN_FILE, &written.to_text())
}

/// Keeps a file of castoff's state in the first of the directories that can be written, on
/// stable storage. `Err`: none could; the last reason.
pub(super) fn keep_file(
    base: &Base,
    directories: &[PathBuf],
    name: &str,
    content: &[u8],
) -> Result<(), StateError> {
    let mut outcome = Ok(());
    for directory in directories {
        let kept =
            own_directory(base, directory).and_then(|()| Ok(write(base, &directory.join(name), content)?));
        match kept {
            Ok(()) => return Ok(()),
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

fn write(base: &Base, path: &Path, content: &[u8]) -> Result<(), FileError> {
    let location = base.resolve(path)?.or_create(DIRECTORY_MODE)?;
    let attributes = Attributes { mode: FILE_MODE, uid: None, gid: None };
    stage(location, content, attributes, &mut Swept::default())?.commit().map(|_| ())
}

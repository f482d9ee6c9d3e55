//! Reads what castoff remembers: the secrets it generated, the files it wrote.
//!
//! A state file is believed only if nobody but root or castoff's own user could have
//! written it: a volume may belong to a service that was broken into.

use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::state::{
    GENERATED_FILE, Garbled, Generated, STARTED_FILE, SUCCEEDED_FILE, Started, Succeeded, VOLUME_DIRECTORY,
    WRITTEN_FILE, Written,
};
use crate::sys::file_error::FileError;
use crate::sys::files::{Entry, look, read_open};
use crate::sys::path_walk::Base;
use crate::sys::status::Kind;

/// State is small; anything larger is not castoff's.
const LARGEST: u64 = 1 << 20;

/// Why state can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The system refused.
    File(FileError),
    /// Somebody else could have written it.
    Untrusted(PathBuf),
    /// castoff did not write it like this.
    Garbled(PathBuf, Garbled),
}

impl From<FileError> for StateError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<&StateError> for Diagnostic {
    fn from(error: &StateError) -> Self {
        match error {
            StateError::File(error) => Self::from(error),
            StateError::Untrusted(path) => Self::error(
                ExitCode::PERMISSION,
                format!("{} can't be trusted: castoff did not make it", path.display()),
            )
            .note("it must be a file that belongs to root or castoff's user and that nobody else can write")
            .help("find out who put it there; then move it away, or give it back: chown root, chmod 600"),
            StateError::Garbled(path, garbled) => Self::error(
                ExitCode::IO,
                format!("{} is damaged: line {} is not castoff's", path.display(), garbled.line),
            )
            .help("restore it from a backup; castoff makes it anew if it is moved away"),
        }
    }
}

/// Where the secrets of a volume are kept.
#[must_use]
pub fn generated_of_volume(scope: &Path) -> PathBuf {
    scope.join(VOLUME_DIRECTORY).join(GENERATED_FILE)
}

/// The secrets kept in the file at `path`; none where it is missing.
///
/// # Errors
/// It can't be read, trusted or understood.
pub fn generated(base: &Base, path: &Path) -> Result<Generated, StateError> {
    match read(base, path)? {
        None => Ok(Generated::default()),
        Some(text) => {
            Generated::parse(&text).map_err(|garbled| StateError::Garbled(path.to_owned(), garbled))
        }
    }
}

/// The record of written files in the first of the directories that has one.
///
/// # Errors
/// It can't be read, trusted or understood.
pub fn written(base: &Base, directories: &[PathBuf]) -> Result<Written, StateError> {
    Ok(first(base, directories, WRITTEN_FILE, Written::parse)?.unwrap_or_default())
}

/// The record of the last completed preparation in the first of the directories that has one.
///
/// # Errors
/// It can't be read, trusted or understood.
pub fn started(base: &Base, directories: &[PathBuf]) -> Result<Option<Started>, StateError> {
    first(base, directories, STARTED_FILE, Started::parse)
}

/// The record of successful steps in the first of the directories that has one.
///
/// # Errors
/// It can't be read, trusted or understood.
pub fn succeeded(base: &Base, directories: &[PathBuf]) -> Result<Succeeded, StateError> {
    Ok(first(base, directories, SUCCEEDED_FILE, Succeeded::parse)?.unwrap_or_default())
}

fn first<T>(
    base: &Base,
    directories: &[PathBuf],
    name: &str,
    parse: fn(&[u8]) -> Result<T, Garbled>,
) -> Result<Option<T>, StateError> {
    for directory in directories {
        let path = directory.join(name);
        if let Some(text) = read(base, &path)? {
            return parse(&text).map(Some).map_err(|garbled| StateError::Garbled(path, garbled));
        }
    }
    Ok(None)
}

/// The text of a state file; `None` where it is missing.
pub(super) fn read(base: &Base, path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let Some(location) = base.find(path)? else { return Ok(None) };
    let Some(Entry { status, file, .. }) = look(&location)? else { return Ok(None) };
    let own = [0, nix::unistd::geteuid().as_raw()];
    if status.kind != Kind::Regular || !own.contains(&status.uid) || status.mode & 0o022 != 0 {
        return Err(StateError::Untrusted(path.to_owned()));
    }
    match file {
        Some(Ok(file)) => Ok(Some(read_open(&file, path, LARGEST)?)),
        Some(Err(error)) => Err(error.into()),
        None => Ok(None),
    }
}

//! What is recorded of a volume. Nothing in it is looked at but castoff's own records, so
//! that a restart costs the same whatever the volume holds.

use std::path::Path;

use super::state::{StateError, read};
use crate::state::{COMPLETION_FILE, Completion, JOURNAL_FILE, STAGING_DIRECTORY, VOLUME_DIRECTORY};
use crate::sys::files::look;
use crate::sys::path_walk::Base;

/// What is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// It is complete.
    pub completion: Option<Completion>,
    /// A change to it was cut short.
    pub unfinished: bool,
    /// A start ended while it copied what it was about to ship.
    pub staged: bool,
}

/// Reads the records of the volume at `path`.
///
/// # Errors
/// They can't be read, trusted or understood.
pub fn observe(base: &Base, path: &Path) -> Result<Recorded, StateError> {
    let directory = path.join(VOLUME_DIRECTORY);
    let file = directory.join(COMPLETION_FILE);
    let completion = match read(base, &file)? {
        None => None,
        Some(text) => Some(Completion::parse(&text).map_err(|garbled| StateError::Garbled(file, garbled))?),
    };
    let is_there = |name| match base.find(&directory.join(name))? {
        Some(location) => Ok::<_, StateError>(look(&location)?.is_some()),
        None => Ok(false),
    };
    let (unfinished, staged) = (is_there(JOURNAL_FILE)?, is_there(STAGING_DIRECTORY)?);
    Ok(Recorded { completion, unfinished, staged })
}

//! The files that values and templates were read from, and which version of each it was: where
//! the spec says `watch`, for whoever is to notice that they change.
//!
//! The version is noted before the reading: what changes in between is another version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::sys::file_version::FileVersion;

/// Notes them down, or nothing.
#[derive(Debug)]
pub(crate) struct Readings(Option<Mutex<BTreeMap<PathBuf, FileVersion>>>);

impl Readings {
    /// Nothing is read yet.
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self(is_wanted.then(Mutex::default))
    }

    /// Reads by `read`, and notes what was there.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn read<E>(
        &self,
        path: &Path,
        read: impl FnOnce(&Path) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Vec<u8>>, E> {
        let Some(noted) = &self.0 else { return read(path) };
        let version = FileVersion::at(path);
        let bytes = read(path)?;
        if let (Some(version), Some(_), Ok(path)) = (version, &bytes, std::path::absolute(path)) {
            noted.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_insert(version);
        }
        Ok(bytes)
    }

    /// All that were there, with the versions that were read first.
    pub(crate) fn all(&self) -> Vec<(PathBuf, FileVersion)> {
        let Some(noted) = &self.0 else { return Vec::new() };
        let noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().map(|(path, version)| (path.clone(), *version)).collect()
    }
}

//! Finds template files: by a name below one directory, never outside it. Keeps what was
//! read, so that diagnostics can quote it.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnostic::Source;

/// Why a template file can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// It does not exist.
    Missing,
    /// The name leads out of the directory.
    Outside,
    /// It can't be read: the reason.
    Unreadable(String),
    /// It is not UTF-8: the line.
    NotUtf8(usize),
}

impl SourceError {
    /// The reason, as the end of "can't be used: ...".
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Missing => "there is no such file".to_owned(),
            Self::Outside => "it lies outside the folder of the templates".to_owned(),
            Self::Unreadable(reason) => reason.clone(),
            Self::NotUtf8(line) => format!("line {line} is not UTF-8"),
        }
    }
}

/// Reads a template file. `Ok(None)`: it does not exist.
pub type ReadTemplate = dyn Fn(&Path) -> std::io::Result<Option<Vec<u8>>> + Send + Sync;

/// The template files of one directory.
pub(super) struct Sources {
    directory: std::path::PathBuf,
    read: Arc<ReadTemplate>,
    loaded: Mutex<BTreeMap<String, Result<Arc<Source>, SourceError>>>,
}

impl Sources {
    pub(super) fn new(directory: &Path, read: Arc<ReadTemplate>) -> Self {
        Self { directory: directory.to_owned(), read, loaded: Mutex::default() }
    }

    /// The file called `name`, read once.
    pub(super) fn get(&self, name: &str) -> Result<Arc<Source>, SourceError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.entry(name.to_owned()).or_insert_with(|| self.load(name)).clone()
    }

    fn load(&self, name: &str) -> Result<Arc<Source>, SourceError> {
        let path = Path::new(name);
        if name.is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(SourceError::Outside);
        }
        let path = self.directory.join(path);
        let bytes = (self.read)(&path)
            .map_err(|error| SourceError::Unreadable(error.to_string()))?
            .ok_or(SourceError::Missing)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(path.display().to_string(), text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let lines = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
                Err(SourceError::NotUtf8(lines + 1))
            }
        }
    }

    /// All files that were read, by name.
    pub(super) fn loaded(&self) -> Vec<(String, Arc<Source>)> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.iter().filter_map(|(name, source)| Some((name.clone(), source.clone().ok()?))).collect()
    }
}

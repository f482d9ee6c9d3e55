//! Files with several names: the first name that any thread meets is copied, the others
//! are linked to that copy when all is copied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::entry::Entry;

/// The files with several names that were met.
#[derive(Debug, Default)]
pub(super) struct Links(Mutex<BTreeMap<(u64, u64), Several>>);

/// A file with several names.
#[derive(Debug, Default)]
pub(super) struct Several {
    /// The name that was copied, as it came out; `None`: not finished.
    pub(super) copied: Option<Entry>,
    /// Its other names.
    pub(super) others: Vec<PathBuf>,
}

impl Links {
    /// Whether who calls is to copy the file: nobody else does. Otherwise the name is kept
    /// for later.
    pub(super) fn is_first(&self, identity: (u64, u64), path: &Path) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&identity) {
            Some(several) => {
                several.others.push(path.to_owned());
                false
            }
            None => {
                known.insert(identity, Several::default());
                true
            }
        }
    }

    /// Notes how a copy came out.
    pub(super) fn copied(&self, identity: (u64, u64), entry: Entry) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(identity).or_default().copied = Some(entry);
    }

    /// All of them, when all is copied.
    pub(super) fn into_all(self) -> impl Iterator<Item = Several> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into_values()
    }
}

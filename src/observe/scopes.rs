//! What castoff remembers of earlier starts: of the container's, and of those on each volume.
//! A first start is one without a record; an upgrade one whose record has another version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::state::{StateError, started, succeeded};
use crate::env::facts::StartFacts;
use crate::state::{Started, Succeeded, VOLUME_DIRECTORY};
use crate::sys::path_walk::Base;

/// What is remembered in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The preparation that was completed last.
    pub started: Option<Started>,
    /// The steps that succeeded.
    pub succeeded: Succeeded,
}

/// What is remembered everywhere: the container (`None`), and each volume by its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    remembered: BTreeMap<Option<PathBuf>, Remembered>,
}

impl Remembered {
    /// Reads it from the first of the directories that has it.
    fn read(base: &Base, directories: &[PathBuf]) -> Result<Self, StateError> {
        Ok(Self { started: started(base, directories)?, succeeded: succeeded(base, directories)? })
    }

    /// What a start of an image with this version is.
    #[must_use]
    pub fn facts(&self, version: Option<&str>) -> StartFacts {
        let earlier = self.started.as_ref().map(|started| started.version.as_deref());
        let from = earlier.filter(|earlier| version.is_some() && *earlier != version);
        StartFacts {
            first_start: earlier.is_none(),
            upgraded_from: from.map(|from| from.unwrap_or_default().to_owned()),
        }
    }
}

impl Scopes {
    /// Reads all that is remembered; what can't be read is told.
    #[must_use]
    pub fn read<'p>(
        base: &Base,
        state_directories: &[PathBuf],
        volumes: impl Iterator<Item = &'p Path>,
    ) -> (Self, Vec<StateError>) {
        let mut scopes = Self::default();
        let mut errors = Vec::new();
        let places = volumes.map(|path| (Some(path.to_owned()), vec![state_of_volume(path)]));
        for (scope, directories) in std::iter::once((None, state_directories.to_vec())).chain(places) {
            match Remembered::read(base, &directories) {
                Ok(remembered) => drop(scopes.remembered.insert(scope, remembered)),
                Err(error) => errors.push(error),
            }
        }
        (scopes, errors)
    }

    /// What is remembered of a volume, or (`None`) of the container.
    #[must_use]
    pub fn get(&self, scope: Option<&Path>) -> Remembered {
        self.remembered.get(&scope.map(Path::to_owned)).cloned().unwrap_or_default()
    }
}

/// The directory in a volume that holds castoff's state.
#[must_use]
pub fn state_of_volume(volume: &Path) -> PathBuf {
    volume.join(VOLUME_DIRECTORY)
}

#[cfg(test)]
mod tests {
    use super::Remembered;
    use crate::state::Started;

    #[test]
    fn first_start_restart_and_upgrade() {
        let record =
            |version: Option<&str>| Some(Started { name: None, version: version.map(str::to_owned) });
        for (started, version, first_start, from) in [
            (None, Some("2"), true, None),
            (None, None, true, None),
            (record(Some("2")), Some("2"), false, None),
            (record(Some("1")), Some("2"), false, Some("1")),
            (record(Some("3")), Some("2"), false, Some("3")),
            (record(None), Some("2"), false, Some("")),
            // an image that doesn't know its version isn't known to be another one
            (record(Some("1")), None, false, None),
            (record(None), None, false, None),
        ] {
            let facts = Remembered { started, ..Remembered::default() }.facts(version);
            assert_eq!((facts.first_start, facts.upgraded_from.as_deref()), (first_start, from));
        }
    }
}

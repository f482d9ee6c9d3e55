//! The variables that castoff was given, byte by byte, taken once. Nothing is decoded,
//! typed or judged here, and the process's own environment is never changed.
//!
//! castoff's own settings (`CASTOFF_*`) are left out: they are no variables of the image and
//! reach no service.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::dotenv::Entry;
use crate::diagnostic::Place;

/// Names of castoff's own settings begin so.
pub const OWN_PREFIX: &str = "CASTOFF_";

/// The variables, castoff's own settings apart.
#[derive(Clone, Default)]
pub struct Snapshot {
    variables: BTreeMap<OsString, OsString>,
    places: BTreeMap<OsString, Place>,
}

impl Snapshot {
    /// What is given. Of a name that comes twice the first counts, as in getenv(3).
    #[must_use]
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let mut snapshot = Self::default();
        for (name, value) in pairs {
            let name = name.into();
            if !name.as_bytes().starts_with(OWN_PREFIX.as_bytes()) {
                snapshot.variables.entry(name).or_insert_with(|| value.into());
            }
        }
        snapshot
    }

    /// What an env file sets; messages can then point at its lines.
    #[must_use]
    pub fn from_entries(entries: Vec<Entry>) -> Self {
        let places = entries.iter().map(|entry| (entry.name.clone().into(), entry.place.clone())).collect();
        let pairs = entries.into_iter().map(|entry| (entry.name, entry.value));
        Self { places, ..Self::from_pairs(pairs) }
    }

    /// These variables, and those of `others` whose names are not among them.
    pub(super) fn over<'a>(mut self, others: impl Iterator<Item = (&'a OsStr, &'a OsStr)>) -> Self {
        for (name, value) in others {
            self.variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        self
    }

    /// The bytes of a variable, empty or not.
    #[must_use]
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.variables.get(name.as_ref()).map(OsString::as_os_str)
    }

    /// Where a variable was set, if in an env file.
    #[must_use]
    pub fn place(&self, name: impl AsRef<OsStr>) -> Option<&Place> {
        self.places.get(name.as_ref())
    }

    /// The variables in the order of their names, without castoff's own settings.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

/// Names only: any value may be a secret.
impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStringExt;

    use super::Snapshot;

    #[test]
    fn castoff_s_settings_are_left_out_and_the_first_of_a_name_counts() {
        let snapshot = Snapshot::from_pairs([
            ("B", "1"),
            ("CASTOFF_CONFIG", "/x"),
            ("A", "2"),
            ("B", "3"),
            ("CASTOFF", "4"),
        ]);
        let names: Vec<_> = snapshot.variables().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "B", "CASTOFF"]);
        assert_eq!(snapshot.get("B"), Some(OsStr::new("1")));
        assert_eq!(snapshot.get("CASTOFF_CONFIG"), None);
    }

    #[test]
    fn bytes_stay_and_debug_shows_no_value() {
        let bytes = OsString::from_vec(b"hunter2\xff".to_vec());
        let snapshot = Snapshot::from_pairs([(OsString::from("A"), bytes.clone())]);
        assert_eq!(snapshot.get("A"), Some(bytes.as_os_str()));
        assert_eq!(format!("{snapshot:?}"), r#"{"A"}"#);
    }
}

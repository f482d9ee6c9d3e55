//! The environment that services get: what castoff was given, byte by byte, without its own
//! settings and without secrets. Pure; nobody's environment is changed here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::resolved::Resolved;
use super::snapshot::Snapshot;
use super::source::declared_names;
use crate::spec::Spec;

/// Everything as given, except:
///
/// - castoff's own settings are left out;
/// - of a secret, and of what has `export = false`, NAME, NAME_FILE and the old names with
///   their `_FILE` are left out;
/// - of what has `export = true` these are replaced by NAME with the resolved value, as the
///   text that it was read from; by nothing where it is unset.
///
/// A variable that is neither a secret nor says `export` is passed on as it was given,
/// old names and empty values too, and its default is not. In the order of the names.
#[must_use]
pub fn service_environment(
    snapshot: &Snapshot,
    resolved: &Resolved,
    spec: &Spec,
) -> Vec<(OsString, OsString)> {
    let declared = declared_names(spec);
    let mut environment: BTreeMap<&OsStr, &OsStr> = snapshot.variables().collect();
    let mut exported: BTreeMap<&OsStr, &OsStr> = BTreeMap::new();
    for (variable, found) in spec.variables.iter().zip(&resolved.variables) {
        if variable.export.is_none() && !found.secret {
            continue;
        }
        for name in std::iter::once(&variable.name).chain(&variable.aliases) {
            environment.remove(OsStr::new(&name.value));
            let file_name = format!("{}_FILE", name.value);
            if !declared.contains(file_name.as_str()) {
                environment.remove(OsStr::new(&file_name));
            }
        }
        if let (Some(true), Some(text)) = (variable.export, &found.text) {
            exported.insert(OsStr::new(&variable.name.value), OsStr::new(text));
        }
    }
    environment.extend(exported);
    environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

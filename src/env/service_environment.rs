//! The environment that services get: what castoff was given, byte by byte, without its own
//! settings and without secrets. Pure; nobody's environment is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use super::declared::{Declarations, Declared};
use super::resolved::Resolved;
use super::snapshot::Snapshot;
use super::source::declared_names;
use crate::spec::{Spec, Variable};

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
    let mut environment: Environment<'_> = snapshot.variables().collect();
    let mut exported = Environment::new();
    for (variable, found) in spec.variables.iter().zip(&resolved.variables) {
        if variable.export.is_none() && !found.secret {
            continue;
        }
        remove(&mut environment, variable, &declared);
        if let (Some(true), Some(text)) = (variable.export, &found.text) {
            exported.insert(OsStr::new(&variable.name.value), OsStr::new(text));
        }
    }
    environment.extend(exported);
    owned(environment)
}

/// The environment of a command that nothing is prepared for: everything as given, without
/// castoff's own settings, and without secrets and what has `export = false`, under all
/// their names.
#[must_use]
pub fn unprepared_environment(snapshot: &Snapshot, spec: &Spec) -> Vec<(OsString, OsString)> {
    let declared = declared_names(spec);
    let mut environment: Environment<'_> = snapshot.variables().collect();
    for Declared { variable, secret, .. } in Declarations::read(spec).variables {
        if variable.export == Some(false) || (secret && variable.export != Some(true)) {
            remove(&mut environment, variable, &declared);
        }
    }
    owned(environment)
}

type Environment<'a> = BTreeMap<&'a OsStr, &'a OsStr>;

/// Leaves out NAME, NAME_FILE, and the old names with their `_FILE`.
fn remove(environment: &mut Environment<'_>, variable: &Variable, declared: &BTreeSet<&str>) {
    for name in std::iter::once(&variable.name).chain(&variable.aliases) {
        environment.remove(OsStr::new(&name.value));
        let file_name = format!("{}_FILE", name.value);
        if !declared.contains(file_name.as_str()) {
            environment.remove(OsStr::new(&file_name));
        }
    }
}

fn owned(environment: Environment<'_>) -> Vec<(OsString, OsString)> {
    environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

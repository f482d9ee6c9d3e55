//! castoff's own settings, `CASTOFF_*`, read through envy from a filtered snapshot.
//!
//! Never `envy::from_env`: it panics on bytes that aren't UTF-8. None of these is passed on
//! to a service.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::diagnostic::{Diagnostic, nearest};
use crate::env::OWN_PREFIX as PREFIX;
use crate::sys::environment;

/// Whether a variable is castoff's own.
#[must_use]
pub fn is_own(name: &OsStr) -> bool {
    name.as_bytes().starts_with(PREFIX.as_bytes())
}

/// Those among castoff's own variables.
#[must_use]
pub fn own() -> Vec<(OsString, OsString)> {
    let mut own = Vec::new();
    environment::each(PREFIX, |name, value| own.push((name.to_owned(), value.to_owned())));
    own
}

/// Those among these variables.
#[must_use]
pub fn among(variables: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    variables.iter().filter(|(name, _)| is_own(name)).cloned().collect()
}

/// The settings given; an option of the command line beats its variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Settings {
    /// `CASTOFF_CONFIG`: the spec.
    pub config: Option<PathBuf>,
    /// `CASTOFF_STATE`: the directory of the container's state.
    pub state: Option<PathBuf>,
    /// `CASTOFF_ROOT`: the directory below which destinations are.
    pub root: Option<PathBuf>,
    /// `CASTOFF_LOG_LEVEL`.
    pub log_level: Option<String>,
    /// `CASTOFF_LOG_FORMAT`.
    pub log_format: Option<String>,
    /// `CASTOFF_GRACE`.
    pub grace: Option<String>,
    /// `CASTOFF_CONTROL`: where castoff's control socket is, or `none`.
    pub control: Option<PathBuf>,
}

const NAMES: [&str; 7] = [
    "CASTOFF_CONFIG",
    "CASTOFF_STATE",
    "CASTOFF_ROOT",
    "CASTOFF_LOG_LEVEL",
    "CASTOFF_LOG_FORMAT",
    "CASTOFF_GRACE",
    "CASTOFF_CONTROL",
];

/// Reads the settings among `variables`; empty ones count as unset.
///
/// # Errors
/// A name that castoff doesn't know, or a value that isn't UTF-8.
pub fn read(variables: Vec<(OsString, OsString)>) -> Result<Settings, Vec<Diagnostic>> {
    if variables.is_empty() { Ok(Settings::default()) } else { read_some(variables) }
}

/// Apart, because a plain init usually has none.
#[cold]
#[inline(never)]
fn read_some(variables: Vec<(OsString, OsString)>) -> Result<Settings, Vec<Diagnostic>> {
    let mut own = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if !NAMES.contains(&name) {
            let problem = Diagnostic::environment(format!("castoff has no setting {name}"));
            problems.push(match nearest(name, NAMES) {
                Some(near) => problem.help(format!("did you mean {near}?")),
                None => problem.help(format!("its settings are {}", NAMES.join(", "))),
            });
            continue;
        }
        match value.into_string() {
            Ok(value) if value.is_empty() => {}
            Ok(value) => own.push((name.to_owned(), value)),
            Err(_) => problems.push(Diagnostic::environment(format!("{name} is not UTF-8"))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    envy::prefixed(PREFIX)
        .from_iter(own)
        .map_err(|error| vec![Diagnostic::environment(format!("castoff's settings can't be read: {error}"))])
}

#[cfg(test)]
mod tests {
    use super::{Settings, read};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn pair(name: &str, value: &str) -> (OsString, OsString) {
        (name.into(), value.into())
    }

    #[test]
    fn known_names_are_read_and_others_left_alone() {
        let settings = read(vec![
            pair("CASTOFF_CONFIG", "/x.toml"),
            pair("CASTOFF_GRACE", ""),
            pair("PATH", "/bin"),
            ("BINARY".into(), OsString::from_vec(vec![0xff])),
        ]);
        assert_eq!(settings, Ok(Settings { config: Some("/x.toml".into()), ..Settings::default() }));
    }

    #[test]
    fn a_misspelt_name_and_bytes_are_refused() {
        let problems =
            read(vec![pair("CASTOFF_CONFG", "x"), ("CASTOFF_ROOT".into(), OsString::from_vec(vec![0xff]))])
                .unwrap_err();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].helps, ["did you mean CASTOFF_CONFIG?"]);
    }
}

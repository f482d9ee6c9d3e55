//! Parses the keys of `[service.NAME]` about what it prints: `log` and `follow`. Syntax only.

use std::path::PathBuf;

use super::fields::{Fields, Reading};
use crate::diagnostic::Diagnostic;

/// `log = "..."`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Log {
    /// It prints to castoff's own stdout and stderr.
    Pass,
    /// Its lines begin with its name.
    Prefix,
    /// Its lines become JSON objects.
    Json,
}

pub(super) fn read_log(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Log {
    let words = [("pass", Log::Pass), ("prefix", Log::Prefix), ("json", Log::Json)];
    fields.word(reading, "log", &words).unwrap_or(Log::Pass)
}

/// Files whose new lines are shown.
pub(super) fn read_followed(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<PathBuf> {
    let paths = fields.strings(reading, "follow").map(|paths| paths.value).unwrap_or_default();
    let mut found = Vec::new();
    for path in paths {
        let place = &path.place;
        if !path.value.starts_with('/') {
            let title = format!("`{}` can't be followed", path.value);
            reading.report(Diagnostic::spec(title).at(place, "must be an absolute path"));
        } else if found.contains(&PathBuf::from(&path.value)) {
            let title = format!("`{}` is followed twice", path.value);
            reading.report(Diagnostic::spec(title).at(place, "named before"));
        } else {
            found.push(PathBuf::from(path.value));
        }
    }
    found
}

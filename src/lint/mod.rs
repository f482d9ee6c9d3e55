//! Known traps of the programs that read the files: settings that are accepted and then hurt.
//! Looks at what was rendered; nothing here is about castoff's own rules.

mod nginx;
mod php;
mod secrets;
mod settings;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Place};
use crate::spec::Service;

/// A rendered file.
#[derive(Clone, Debug)]
pub struct File<'a> {
    /// Where it goes.
    pub dest: PathBuf,
    /// The name of its format.
    pub format: &'a str,
    /// Its content: may hold secrets, so no lint repeats a text from it.
    pub content: &'a str,
    /// Whether it holds a secret.
    pub secret: bool,
    /// Its permission bits.
    pub mode: Option<u32>,
    /// Where the spec asks for it.
    pub place: &'a Place,
}

/// Everything that lints look at.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The files.
    pub files: Vec<File<'a>>,
    /// The services.
    pub services: &'a [Service],
    /// Bytes that the container may use.
    pub memory: u64,
}

/// All traps that are found, each with the reason and the fix.
#[must_use]
pub fn lint(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let mut found = php::lint(scene);
    found.extend(nginx::lint(scene));
    found.extend(secrets::lint(scene));
    found
}

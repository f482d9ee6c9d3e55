//! Finds what a variable was given: NAME, else NAME_FILE, else a secret's mounted file,
//! else an old name. Decodes bytes; types are not looked at. Defaults come later.
//!
//! Invariant: what can't be read is an error, never an empty value.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::declared::Declared;
use super::resolved::Origin;
use super::snapshot::Snapshot;
use super::words::{Hush, described};
use crate::diagnostic::{Diagnostic, Severity};
use crate::spec::Spec;

/// Where Docker, Podman and compose mount secrets.
const SECRET_MOUNT: &str = "/run/secrets";

/// Reads a whole file: `Ok(None)` where there is none, and the reason in words where it
/// can't be read. Whoever provides it bounds the size.
pub type ReadFile<'a> = dyn Fn(&Path) -> Result<Option<Vec<u8>>, String> + 'a;

/// What was found.
pub(super) enum Found {
    /// A text, not empty unless the variable keeps that.
    Given(String, Origin),
    /// Nothing. In words: what was there and was empty.
    Absent(Vec<String>),
    /// Something wrong, which was said.
    Wrong,
}

/// Where to look.
pub(super) struct Search<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) read_file: &'a ReadFile<'a>,
    pub(super) hush: &'a Hush,
    declared: BTreeSet<&'a str>,
}

/// What one look-up needs and finds besides the value.
struct Look<'l> {
    declared: &'l Declared<'l>,
    empty: Vec<String>,
}

type Text = Option<(String, Origin)>;

impl<'a> Search<'a> {
    pub(super) fn new(
        spec: &'a Spec,
        snapshot: &'a Snapshot,
        read_file: &'a ReadFile<'a>,
        hush: &'a Hush,
    ) -> Self {
        Self { snapshot, read_file, hush, declared: declared_names(spec) }
    }

    /// Looks for one variable; what is wrong or obsolete is added to `problems`.
    pub(super) fn find(&self, declared: &Declared<'_>, problems: &mut Vec<Diagnostic>) -> Found {
        let mut look = Look { declared, empty: Vec::new() };
        let mut wrong = false;
        let mut keep = |result: Result<Text, Diagnostic>, wrong: &mut bool| {
            result.unwrap_or_else(|problem| {
                problems.push(described(declared, problem));
                *wrong = true;
                None
            })
        };
        let name = declared.variable.name.value.as_str();
        let mut found = keep(self.direct(name, &mut look), &mut wrong);
        // a wrong NAME or NAME_FILE is not made up for by another source
        if found.is_none() && declared.secret && !wrong {
            found = keep(self.mounted(name, &mut look), &mut wrong);
        }
        let mut old = Vec::new();
        for alias in &declared.variable.aliases {
            let text = keep(self.direct(&alias.value, &mut look), &mut wrong);
            old.extend(text.map(|(text, _)| (text, alias)));
        }
        for (text, alias) in old {
            let problem = obsolete(declared, &alias.value, found.as_ref().map(|(text, _)| text), &text);
            wrong |= problem.severity == Severity::Error;
            problems.push(problem.at(&alias.place, "an old name of it"));
            found.get_or_insert((text, Origin::Alias(alias.value.clone())));
        }
        match found {
            _ if wrong => Found::Wrong,
            Some((text, origin)) => Found::Given(text, origin),
            None => Found::Absent(look.empty),
        }
    }

    /// NAME or NAME_FILE.
    fn direct(&self, name: &str, look: &mut Look<'_>) -> Result<Text, Diagnostic> {
        let file_name = format!("{name}_FILE");
        let own = self.snapshot.get(name);
        let path =
            if self.declared.contains(file_name.as_str()) { None } else { self.snapshot.get(&file_name) };
        let path = path.filter(|path| !path.is_empty());
        let own_counts = own.is_some_and(|own| !own.is_empty());
        match (own, path) {
            (Some(_), Some(_)) if own_counts => Err(self.pointed(
                look,
                name,
                Diagnostic::environment(format!("`{name}` and `{file_name}` are both set"))
                    .help("set one of them: the value, or the path of a file that holds it"),
            )),
            (_, Some(path)) => self.file(&file_name, Path::new(path), look),
            (Some(own), None) if own_counts || look.declared.variable.keep_empty => {
                let text = decode(own.as_bytes()).map_err(|reason| {
                    self.pointed(look, name, Diagnostic::environment(format!("`{name}` {reason}")))
                })?;
                Ok(Some((text, Origin::Environment)))
            }
            (Some(_), None) => {
                look.empty.push(format!("`{name}` is set to nothing, which"));
                Ok(None)
            }
            (None, None) => Ok(None),
        }
    }

    /// The file that NAME_FILE names.
    fn file(&self, file_name: &str, path: &Path, look: &mut Look<'_>) -> Result<Text, Diagnostic> {
        let shown = self.hush.path(path, look.declared.secret);
        let bytes = match (self.read_file)(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let problem = Diagnostic::environment(format!(
                    "`{file_name}` names a file that doesn't exist: {shown}"
                ));
                return Err(self.pointed(look, file_name, problem));
            }
            Err(reason) => {
                let title = format!("`{file_name}` names a file that can't be read: {shown}");
                return Err(self.pointed(look, file_name, Diagnostic::environment(title).note(reason)));
            }
        };
        let text = decode(without_newline(&bytes)).map_err(|reason| {
            let title = format!("the file that `{file_name}` names {reason}: {shown}");
            self.pointed(look, file_name, Diagnostic::environment(title))
        })?;
        if text.is_empty() && !look.declared.variable.keep_empty {
            look.empty.push(format!("`{file_name}` names an empty file, {shown}, which"));
            return Ok(None);
        }
        Ok(Some((text, Origin::File(path.to_owned()))))
    }

    /// A secret's file of the mount, by the variable's name or that in lower case.
    fn mounted(&self, name: &str, look: &mut Look<'_>) -> Result<Text, Diagnostic> {
        let lower = name.to_ascii_lowercase();
        let names = if lower == name { vec![name] } else { vec![name, lower.as_str()] };
        for file in names {
            let path: PathBuf = Path::new(SECRET_MOUNT).join(file);
            let shown = path.display();
            let fail = |what: &str| {
                let title = format!("the secret `{name}` {what}: {shown}");
                self.pointed(look, name, Diagnostic::environment(title))
            };
            let Some(bytes) = (self.read_file)(&path)
                .map_err(|reason| fail("is mounted and can't be read").note(reason))?
            else {
                continue;
            };
            let text = decode(without_newline(&bytes)).map_err(|reason| fail(&reason))?;
            if !text.is_empty() || look.declared.variable.keep_empty {
                return Ok(Some((text, Origin::SecretMount(path))));
            }
            look.empty.push(format!("an empty file is mounted as {shown}, which"));
        }
        Ok(None)
    }

    /// Points at the declaration, and at the line of an env file.
    fn pointed(&self, look: &Look<'_>, name: &str, problem: Diagnostic) -> Diagnostic {
        let problem = problem.at(&look.declared.variable.name.place, "declared here");
        match self.snapshot.place(name) {
            Some(place) => problem.and_at(place, "set here"),
            None => problem,
        }
    }
}

/// Every name that is a variable's, old ones too: `X_FILE` among them names no file for `X`.
pub(super) fn declared_names(spec: &Spec) -> BTreeSet<&str> {
    let names =
        spec.variables.iter().flat_map(|variable| std::iter::once(&variable.name).chain(&variable.aliases));
    names.map(|name| name.value.as_str()).collect()
}

/// A value was given under an old name, and perhaps under the name too.
fn obsolete(declared: &Declared<'_>, alias: &str, other: Option<&String>, text: &str) -> Diagnostic {
    let name = &declared.variable.name.value;
    match other {
        None => Diagnostic::warning(format!("`{alias}` is now called `{name}`"))
            .help(format!("set `{name}` in its place: the old name may go one day")),
        Some(other) if other == text => {
            Diagnostic::warning(format!("`{name}` is set, and its old name `{alias}` too, to the same value"))
                .help(format!("remove `{alias}`"))
        }
        Some(_) => {
            Diagnostic::environment(format!("`{name}` is set, and its old name `{alias}` to another value"))
                .help(format!("remove `{alias}`"))
        }
    }
}

/// One newline at the end is the editor's, not the value's.
fn without_newline(bytes: &[u8]) -> &[u8] {
    let Some(line) = bytes.strip_suffix(b"\n") else { return bytes };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Text that a variable can hold. The reason holds none of the bytes.
fn decode(bytes: &[u8]) -> Result<String, String> {
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("holds a NUL, which no variable can (byte {at}, counted from 0)"));
    }
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|error| format!("is not UTF-8 (byte {}, counted from 0)", error.valid_up_to()))
}

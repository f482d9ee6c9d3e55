//! A directory of hooks: which of its files are to be executed, in which order, and what is
//! wrong with the others. Looks, and executes nothing.
//!
//! What is executed must be what root or castoff's own user put there: the directory, each
//! directory above it and each hook belong to one of them and can be written by nobody else.
//! On a read-only mount the rights don't matter, since nobody writes there.

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};

use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::sys::file_error::FileError;
use crate::sys::path_walk::Base;

/// Ends of names that editors and package managers leave behind.
const LEFT_BEHIND: [&str; 11] = [
    "~",
    ".bak",
    ".orig",
    ".swp",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".dpkg-tmp",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
];
/// Beginnings and ends of names that are documentation.
const DOCUMENTS: [&str; 3] = ["readme", "license", "copying"];
const DOCUMENT_ENDS: [&str; 3] = [".md", ".txt", ".rst"];

/// A file that is to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// As the spec would name it: the directory's path there and the file's name.
    pub name: String,
    /// The file itself, links resolved; absolute.
    pub path: PathBuf,
}

/// What a directory of hooks holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// What is to be executed, in the order of the names' bytes.
    pub ready: Vec<Hook>,
    /// What is passed over, and why.
    pub passed_over: Vec<(String, PassedOver)>,
    /// What is wrong.
    pub refused: Vec<Refused>,
}

/// Why a file of the directory is no hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// Its name begins with a dot.
    Hidden,
    /// An editor or a package manager left it behind.
    LeftBehind,
    /// A directory.
    Directory,
    /// It reads like documentation and is not executable.
    Document,
}

impl PassedOver {
    /// The reason in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Hidden => "its name begins with a dot",
            Self::LeftBehind => "an editor or a package manager left it behind",
            Self::Directory => "it is a directory",
            Self::Document => "it reads like documentation and is not executable",
        }
    }
}

/// A file or directory that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// As the spec would name it.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why it can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody else can change it, or what leads to it: which path, its mode and owner.
    OthersCanWrite(PathBuf, u32, u32),
    /// It has no right to be executed: its mode.
    NotExecutable(u32),
    /// Neither a file nor a directory.
    NoFile,
    /// A link that leads nowhere, or something that can't be looked at.
    Unreachable(String),
    /// Its name is not UTF-8.
    NameNotUtf8,
}

impl From<&Refused> for Diagnostic {
    fn from(refused: &Refused) -> Self {
        let name = &refused.name;
        let no_hook = |why: &str| Self::environment(format!("{name} can't be a hook: {why}"));
        match &refused.reason {
            Reason::OthersCanWrite(path, mode, owner) => {
                let who = "others than root and castoff's user can change it";
                let path = path.display();
                Self::error(ExitCode::PERMISSION, format!("{name} can't be trusted: {who}"))
                    .note(format!("{path} has the mode {mode:04o} and belongs to uid {owner}"))
                    .help(format!("chown root {path} and chmod go-w {path}"))
            }
            Reason::NotExecutable(mode) => no_hook(&format!("it is not executable (mode {mode:04o})"))
                .note("hooks are executed, never sourced, whatever their names end with")
                .help(format!("chmod +x {name}; in a Dockerfile: COPY --chmod=0755 …"))
                .help("or move it out of the directory"),
            Reason::NoFile => no_hook("it is no file").help("move it out of the directory"),
            Reason::Unreachable(reason) => no_hook(reason),
            Reason::NameNotUtf8 => no_hook("its name is not UTF-8").help("rename it"),
        }
    }
}

/// Looks at the directory `path` below `base`. One that is missing holds nothing.
///
/// # Errors
/// It can't be resolved or listed.
pub fn list(base: &Base, path: &Path) -> Result<Hooks, FileError> {
    // a name in it, so that a link to the directory is followed by the rules of the walk
    let Some(location) = base.find(&path.join("hook"))? else { return Ok(Hooks::default()) };
    let real = location.path().parent().unwrap_or(path).to_owned();
    let fails = |error: &std::io::Error| FileError::io(crate::sys::file_error::Operation::Read, &real, error);
    let real = fs::canonicalize(&real).map_err(|error| fails(&error))?;
    let mut hooks = Hooks::default();
    if let Err(reason) = trust_directory(&real) {
        hooks.refused.push(Refused { name: path.display().to_string(), reason });
        return Ok(hooks);
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&real).map_err(|error| fails(&error))? {
        names.push(entry.map_err(|error| fails(&error))?.file_name());
    }
    names.sort();
    for file in names {
        let name = path.join(&file).display().to_string();
        match file.to_str().ok_or(Reason::NameNotUtf8).and_then(|text| judge(text, &real.join(&file))) {
            Ok(Ok(path)) => hooks.ready.push(Hook { name, path }),
            Ok(Err(why)) => hooks.passed_over.push((name, why)),
            Err(reason) => hooks.refused.push(Refused { name, reason }),
        }
    }
    Ok(hooks)
}

/// What an entry is: the file to execute, or why it is passed over.
fn judge(name: &str, path: &Path) -> Result<Result<PathBuf, PassedOver>, Reason> {
    if name.starts_with('.') {
        return Ok(Err(PassedOver::Hidden));
    }
    if LEFT_BEHIND.iter().any(|end| name.ends_with(end)) || (name.starts_with('#') && name.ends_with('#')) {
        return Ok(Err(PassedOver::LeftBehind));
    }
    let unreachable = |error: std::io::Error| Reason::Unreachable(error.to_string());
    let real = fs::canonicalize(path).map_err(unreachable)?;
    let status = fs::metadata(&real).map_err(unreachable)?;
    if status.is_dir() {
        return Ok(Err(PassedOver::Directory));
    }
    let kind = status.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
        return Err(Reason::NoFile);
    }
    if status.mode() & 0o111 == 0 {
        let lower = name.to_ascii_lowercase();
        let is_document = DOCUMENTS.iter().any(|start| lower.starts_with(start))
            || DOCUMENT_ENDS.iter().any(|end| lower.ends_with(end));
        return if is_document {
            Ok(Err(PassedOver::Document))
        } else {
            Err(Reason::NotExecutable(status.mode() & 0o7777))
        };
    }
    trust(&real, &status, false)?;
    // a link may lead out of the directory
    real.parent().map_or(Ok(()), trust_directory)?;
    Ok(Ok(real))
}

/// Whether nobody else can exchange what is in the directory, or the directory itself.
fn trust_directory(real: &Path) -> Result<(), Reason> {
    for directory in real.ancestors() {
        let status = fs::metadata(directory).map_err(|error| Reason::Unreachable(error.to_string()))?;
        // in a sticky directory nobody can move what belongs to others
        trust(directory, &status, directory != real)?;
    }
    Ok(())
}

fn trust(path: &Path, status: &Metadata, sticky_will_do: bool) -> Result<(), Reason> {
    let own = [0, nix::unistd::geteuid().as_raw()];
    let is_sticky = sticky_will_do && status.mode() & 0o1000 != 0;
    let others_write = status.mode() & 0o022 != 0 && !is_sticky;
    if own.contains(&status.uid()) && !others_write {
        return Ok(());
    }
    let read_only = statvfs(path).is_ok_and(|mount| mount.flags().contains(FsFlags::ST_RDONLY));
    if read_only {
        return Ok(());
    }
    Err(Reason::OthersCanWrite(path.to_owned(), status.mode() & 0o7777, status.uid()))
}

#[cfg(test)]
#[path = "hooks_tests.rs"]
mod tests;

//! Where a command may be: the candidates of a PATH lookup, as execvp(3) tries them.
//!
//! Only what is surely absent is left out; the kernel judges the rest when it is executed,
//! with the rights of the user who will run it. A file that the kernel refuses with ENOEXEC
//! is never handed to /bin/sh, as execvp would.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::environment::Variables;

/// The PATH where the environment has none: that of container images.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// The files to try, in order.
    pub files: Vec<PathBuf>,
    /// The directories that were searched; `None` where the command names a file by itself.
    pub searched: Option<OsString>,
}

/// Looks `command` up in the PATH of an environment. A command with a slash is itself the only
/// candidate. An empty element of PATH is the working directory, an empty PATH counts as none.
#[must_use]
pub fn candidates(command: &OsStr, environment: Variables<'_>) -> Candidates {
    if command.as_bytes().contains(&b'/') || command.is_empty() {
        return Candidates { files: vec![PathBuf::from(command)], searched: None };
    }
    let path = environment.get("PATH").filter(|path| !path.is_empty());
    let path = path.unwrap_or_else(|| DEFAULT_PATH.into());
    let files = directories(&path).map(|directory| directory.join(command));
    Candidates { files: files.filter(|file| may_exist(file)).collect(), searched: Some(path) }
}

/// The directories of a PATH.
pub fn directories(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    path.as_bytes().split(|byte| *byte == b':').map(|element| {
        let element = if element.is_empty() { b"." } else { element };
        PathBuf::from(OsString::from_vec(element.to_vec()))
    })
}

/// Whether it can't be ruled out. A relative path is resolved in the service's working
/// directory, which castoff is not in.
fn may_exist(file: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    file.is_relative()
        || !matches!(file.metadata().map_err(|error| error.kind()), Err(NotFound | NotADirectory))
}

#[cfg(test)]
mod tests {
    use super::{candidates, directories};
    use std::ffi::{OsStr, OsString};
    use std::path::PathBuf;

    use crate::sys::environment::Variables;

    /// What is found of a command where PATH is this.
    fn found(command: &str, path: Option<&str>) -> (Vec<PathBuf>, Option<OsString>) {
        let listed: Vec<_> = path.map(|path| ("PATH".into(), path.into())).into_iter().collect();
        let found = candidates(OsStr::new(command), Variables::Listed(&listed));
        (found.files, found.searched)
    }

    #[test]
    fn a_command_with_a_slash_is_not_searched() {
        for command in ["/bin/sh", "./x", "a/b", ""] {
            assert_eq!(found(command, Some("/bin")), (vec![PathBuf::from(command)], None));
        }
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let (files, _) = found("sh", Some("/nonexistent:/bin:/etc/passwd:"));
        assert_eq!(files, [PathBuf::from("/bin/sh"), PathBuf::from("./sh")]);
    }

    #[test]
    fn an_unset_or_empty_path_is_that_of_images() {
        for path in [None, Some("")] {
            assert!(found("sh", path).0.contains(&PathBuf::from("/bin/sh")));
        }
    }

    #[test]
    fn empty_elements_are_the_working_directory() {
        let found: Vec<_> = directories(OsStr::new(":/bin:")).collect();
        assert_eq!(found, [PathBuf::from("."), PathBuf::from("/bin"), PathBuf::from(".")]);
    }
}

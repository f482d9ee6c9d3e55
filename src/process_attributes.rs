//! What a process has of its own beyond its command, environment and user, as plain data:
//! read by `spec`, completed by `plan`, set by the child of `sys`.
//!
//! The default changes nothing: the process has what castoff has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::capability::CapabilitySet;
use crate::resource::Limit;

/// What is set in a process before it executes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessAttributes {
    /// Groups besides those that its user gives it.
    pub groups: Vec<u32>,
    /// The bits that new files don't get, 0 to 0o777 (umask(2)).
    pub umask: Option<u32>,
    /// -20, the most favoured, to 19 (setpriority(2)).
    pub nice: Option<i32>,
    /// -1000, never, to 1000, first: how soon the kernel kills it where memory is short
    /// (proc_pid_oom_score_adj(5)).
    pub oom_score_adj: Option<i32>,
    /// How much it may have of what (setrlimit(2)); none twice.
    pub limits: Vec<Limit>,
    /// The capabilities that nothing it executes goes beyond.
    pub bounding: Option<CapabilitySet>,
    /// The capabilities that it has whoever it runs as. `None`: castoff's, and with another
    /// user none.
    pub ambient: Option<CapabilitySet>,
    /// Whether nothing that it executes gets more rights than it has (`no_new_privs`,
    /// prctl(2)).
    pub no_new_privs: bool,
    /// Absolute paths beneath which it can't write (landlock(7)); implies `no_new_privs`.
    pub read_only_paths: Vec<PathBuf>,
}

/// Changes nothing.
static UNCHANGED: ProcessAttributes = ProcessAttributes {
    groups: Vec::new(),
    umask: None,
    nice: None,
    oom_score_adj: None,
    limits: Vec::new(),
    bounding: None,
    ambient: None,
    no_new_privs: false,
    read_only_paths: Vec::new(),
};

/// The directories above protected paths, but for what lies beneath one of these: where
/// nothing new can be made, because whoever may do that in a directory may do it in all that
/// is beneath it (landlock(7)).
#[must_use]
pub fn above(protected: &BTreeSet<PathBuf>) -> BTreeSet<&Path> {
    let ancestors = protected.iter().flat_map(|path| path.ancestors().skip(1));
    ancestors.filter(|above| !protected.iter().any(|path| above.starts_with(path))).collect()
}

impl Default for &ProcessAttributes {
    fn default() -> Self {
        &UNCHANGED
    }
}

#[cfg(test)]
mod tests {
    use super::above;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_way_to_what_is_protected() {
        for (protected, expected) in [
            (&["/var/www/html"][..], &["/", "/var", "/var/www"][..]),
            (&["/a", "/a/b/c"], &["/"]),
            (&["/a/b", "/a/c/d"], &["/", "/a", "/a/c"]),
            (&["/a/b", "/a/bc/d"], &["/", "/a", "/a/bc"]),
            (&[], &[]),
        ] {
            let protected: BTreeSet<PathBuf> = protected.iter().map(PathBuf::from).collect();
            let expected: Vec<&Path> = expected.iter().map(Path::new).collect();
            assert_eq!(above(&protected).into_iter().collect::<Vec<_>>(), expected, "{protected:?}");
        }
    }
}

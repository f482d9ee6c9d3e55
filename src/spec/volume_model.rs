//! What `[[volume]]` says, as plain data.

use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Located;
use crate::wildcard::PathPattern;

/// `[[volume]]`.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Absolute.
    pub path: Located<PathBuf>,
    /// What it is filled from: a directory or an archive of the image; absolute. `None`: it
    /// is not filled, and only has a first start.
    pub seed: Option<Located<PathBuf>>,
    /// What happens to it after its first start.
    pub policy: Policy,
    /// Shipped once, and then left to whoever uses the volume.
    pub keep: Vec<PathPattern>,
    /// Never shipped.
    pub exclude: Vec<PathPattern>,
    /// Who owns what is shipped; `None`: who owns it in the seed.
    pub owner: Option<Located<String>>,
    /// Permission bits of what is shipped; the last rule that fits decides.
    pub modes: Vec<ModeRule>,
    /// What a first start does to files that differ from the seed's.
    pub existing: Existing,
    /// What an upgrade does to an edited file that the image changed too.
    pub conflicts: Conflicts,
    /// Whether an older image may take over the volume.
    pub allow_downgrade: bool,
    /// How long a start waits for another one.
    pub lock_timeout: Duration,
    /// What a start does where the file system has no locks.
    pub without_locks: WithoutLocks,
}

/// `policy = "..."`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Filled once.
    Once,
    /// Filled, and missing files are added at each start.
    Missing,
    /// Filled, and brought to the image's version, edited files apart.
    Upgrade,
    /// Always exactly what the image has, `keep` apart.
    Mirror,
}

/// One of `modes`.
#[derive(Clone, Debug)]
pub struct ModeRule {
    /// For which paths.
    pub paths: PathPattern,
    /// Of regular files.
    pub file: Option<u32>,
    /// Of directories.
    pub directory: Option<u32>,
}

/// `existing = "..."`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The start ends: somebody else filled the volume.
    Refuse,
    /// They stay, and what is missing is added.
    Fill,
    /// The volume is taken as it is.
    Adopt,
    /// They are replaced.
    Replace,
}

/// `conflicts = "..."`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflicts {
    /// The edited file stays.
    Keep,
    /// The edited file stays, the image's is put beside it.
    NewFile,
    /// The image's takes its place.
    Replace,
}

/// `without-locks = "..."`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutLocks {
    /// The start ends.
    Fail,
    /// It goes on, and says so.
    GoOn,
}

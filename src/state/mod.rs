//! What castoff remembers between starts, as text: read and written elsewhere.

mod generated;
mod written;

pub use generated::Generated;
pub use written::{Digest, Written, digest};

/// Why a state file can't be understood: the line, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled {
    /// The line.
    pub line: usize,
}

/// The directory in a volume that holds castoff's state, mode 0700.
pub const VOLUME_DIRECTORY: &str = ".castoff";
/// The file of generated secrets, mode 0600.
pub const GENERATED_FILE: &str = "generated";
/// The record of what castoff wrote.
pub const WRITTEN_FILE: &str = "written";
/// The file that is locked while the state is changed.
pub const LOCK_FILE: &str = "lock";

//! What castoff remembers between starts, as text: read and written elsewhere.

mod completion;
mod generated;
mod journal;
mod manifest;
mod started;
mod succeeded;
mod written;

pub use completion::Completion;
pub use generated::Generated;
pub use journal::Journal;
pub use manifest::{Manifest, Shipped};
pub use started::Started;
pub use succeeded::{Succeeded, Success};
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
/// The record of the preparation that was completed last.
pub const STARTED_FILE: &str = "started";
/// The record of the steps that succeeded.
pub const SUCCEEDED_FILE: &str = "steps";
/// The file that is locked while the state is changed.
pub const LOCK_FILE: &str = "lock";
/// The record that a volume is complete.
pub const COMPLETION_FILE: &str = "complete";
/// What was shipped to a volume.
pub const MANIFEST_FILE: &str = "manifest";
/// The changes to a volume that are under way.
pub const JOURNAL_FILE: &str = "journal";
/// The directory in which what is shipped waits to take its place.
pub const STAGING_DIRECTORY: &str = "staging";
/// The directory in which `mirror` keeps what the image doesn't have.
pub const ASIDE_DIRECTORY: &str = "aside";

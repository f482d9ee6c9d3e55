//! What castoff shipped to a volume before: the manifest of the last completed change, and
//! the journal of one that was cut short.

use std::path::Path;

use super::records::Records;
use crate::observe::state::StateError;
use crate::state::{COMPLETION_FILE, Completion, JOURNAL_FILE, Journal, MANIFEST_FILE, Manifest, Shipped};
use crate::sys::tree::Entry;

/// What was shipped.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) manifest: Manifest,
    pub(super) journal: Journal,
    /// The version of the image that the volume was brought to.
    pub(super) version: Option<String>,
    /// When the manifest was written, by the clock of the file system that holds it. `None`:
    /// it can't be told from what was copied or restored since.
    written: Option<(i64, u32)>,
}

impl History {
    /// Reads it. Without a completion record the manifest says nothing.
    pub(super) fn read(records: &Records) -> Result<Self, StateError> {
        let journal = records.read(JOURNAL_FILE, Journal::parse)?.unwrap_or_default();
        let Some(completion) = records.read(COMPLETION_FILE, Completion::parse)? else {
            return Ok(Self { journal, ..Self::default() });
        };
        let stamp = records.stamp(MANIFEST_FILE)?.filter(|stamp| *stamp == completion.manifest);
        let manifest = records.read(MANIFEST_FILE, Manifest::parse)?.unwrap_or_default();
        let written = stamp.map(|(_, seconds, nanoseconds)| (seconds, nanoseconds));
        Ok(Self { manifest, journal, version: completion.version, written })
    }

    /// Whether castoff ever shipped the path.
    pub(super) fn knows(&self, path: &Path) -> bool {
        self.manifest.entries.contains(path) || self.journal.shipping.contains(path)
    }

    /// Whether the path was missing before a change that was cut short.
    pub(super) fn was_gone(&self, path: &Path) -> bool {
        self.journal.gone.contains(path)
    }

    /// Whether a file is as the manifest records it, without reading it: it is the size and
    /// the time that say so, and that nothing about it changed since the manifest was written.
    /// Nobody but the kernel sets that last time (inode(7)).
    pub(super) fn is_untouched(&self, found: &Entry, recorded: &Shipped) -> bool {
        let unchanged = self.written.is_some_and(|written| found.ctime < written);
        unchanged && found.size == recorded.size && found.mtime == recorded.modified
    }
}

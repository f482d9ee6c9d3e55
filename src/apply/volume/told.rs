//! What is said of the paths of a volume when the work is done. Decides nothing.

use std::path::{Path, PathBuf};

use super::compare::Decided;
use crate::plan::Filling;
use crate::sys::tree::Copied;
use crate::volume::{Action, Reason};

/// Paths that are named in messages; the rest is counted.
const MOST_NAMED: usize = 20;

/// What is left alone although it is not the image's.
pub(super) fn tell_kept(filling: &Filling, decided: &[Decided]) {
    let of = |reason| {
        let action = Action::Leave(reason);
        decided.iter().filter(move |decided| decided.action == action).map(|decided| &decided.path)
    };
    tell_paths("was edited, and stays", &filling.path, of(Reason::Conflict));
    tell_paths(
        "is not castoff's, and stays although the image has another",
        &filling.path,
        of(Reason::InTheWay),
    );
}

/// Tells of each path of a volume that this holds, of the first few by name.
pub(super) fn tell_paths<'p>(what: &str, root: &Path, paths: impl Iterator<Item = &'p PathBuf>) {
    let paths: Vec<&PathBuf> = paths.collect();
    for path in paths.iter().take(MOST_NAMED) {
        tracing::warn!("{} {what}", root.join(path).display());
    }
    if paths.len() > MOST_NAMED {
        tracing::warn!("and {} more in {}", paths.len() - MOST_NAMED, root.display());
    }
}

/// Attributes that the volume's file system didn't take.
pub(super) fn tell_dropped(filling: &Filling, copied: &Copied) {
    for (name, files) in &copied.dropped {
        tracing::warn!(
            "{}: the extended attribute {} of {files} files could not be set there",
            filling.path.display(),
            name.display()
        );
    }
}

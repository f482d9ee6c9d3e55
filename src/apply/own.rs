//! Gives all below a `[[directory]]` to its owner, except what has an owner of its own: what
//! another table of the spec names, and castoff's state, which is nobody's business.

use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::plan::{Spared, shown_owner};
use crate::state::VOLUME_DIRECTORY;
use crate::sys::accounts::Owner;
use crate::sys::path_walk::Base;
use crate::sys::tree::{Left, Owned, Progress, Spare, Stop, Tree, TreeError, own_tree};

/// How many names a message has at most.
const MOST_NAMED: usize = 5;

/// Gives all below `path` away. Returns whether anything had to be changed.
pub(super) fn own(
    base: &Base,
    path: &Path,
    owner: Owner,
    spared: &[Spared],
    stop: Stop<'_>,
) -> Result<bool, TreeError> {
    let Some(location) = base.find(path)? else { return Ok(false) };
    let tree = match Tree::open(&location) {
        Err(error) if error.errno() == Some(Errno::ENOENT) => return Ok(false),
        opened => opened?,
    };
    let spared = below(base, location.path(), spared);
    let spare = |path: &Path| {
        if path.file_name().is_some_and(|name| name == VOLUME_DIRECTORY) {
            return Spare::WithAllBelow;
        }
        match spared.iter().find(|(spared, _)| spared == path) {
            Some((_, true)) => Spare::WithAllBelow,
            Some((_, false)) => Spare::Itself,
            None => Spare::Nothing,
        }
    };
    let owned = own_tree(&tree, owner, &spare, stop, &Progress::default())?;
    tell(path, owner, &owned);
    Ok(owned.changed > 0)
}

/// What of the spared is below `top`, as a path from there. Links are resolved, as those of
/// `top` were; what can't be resolved isn't there.
fn below(base: &Base, top: &Path, spared: &[Spared]) -> Vec<(PathBuf, bool)> {
    let found = |spared: &Spared| {
        let Ok(Some(location)) = base.find(&spared.path) else { return None };
        let relative = location.path().strip_prefix(top).ok()?;
        Some((relative.to_owned(), spared.with_all_below))
    };
    spared.iter().filter_map(found).collect()
}

fn tell(path: &Path, owner: Owner, owned: &Owned) {
    let path = path.display();
    if owned.changed > 0 {
        tracing::info!("gave what is below {path}/ to {}, {} in all", shown_owner(owner), owned.changed);
    }
    let mut linked = Vec::new();
    for (left, why) in &owned.left {
        match why {
            Left::MountPoint => tracing::debug!("left {path}/{}: something is mounted there", left.display()),
            Left::SeveralNames(_) => linked.push(left.display().to_string()),
        }
    }
    if !linked.is_empty() {
        let named: Vec<&str> = linked.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = linked.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        tracing::warn!(
            "did not give away below {path}/: {}{more}: files with several names (hard links), which could be \
             somebody else's",
            named.join(", ")
        );
    }
}

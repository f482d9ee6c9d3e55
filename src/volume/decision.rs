//! What happens to one path of a volume: three-way, by what castoff shipped then, what is
//! found now and what the image ships now.
//!
//! What castoff never shipped is never changed or removed; `mirror` puts it aside. A file
//! counts as untouched if it has the content of any version that castoff shipped, those of
//! changes that were cut short included.

use crate::spec::{Conflicts, Existing};
use crate::state::Shipped;
use crate::sys::status::Kind;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// Something is mounted there.
    Mount,
    /// This, with these permission bits.
    Entry(Kind, u32),
}

/// What holds for every path of a volume in one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circumstances {
    /// It was never filled to the end.
    Filling(Existing),
    /// It is brought to the image's version.
    Upgrading(Conflicts),
    /// Missing paths are added, nothing else is done.
    Adding,
    /// It is made what the image has.
    Mirroring,
}

/// What is known of a path besides.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// As castoff shipped it, the last version last; empty: never.
    pub then: &'a [Shipped],
    /// The one of them that the last completed change shipped. The others are of changes
    /// that were cut short, so that none of them may ever have been there.
    pub recorded: Option<&'a Shipped>,
    /// As the image ships it.
    pub now: Option<&'a Shipped>,
    /// Whether the spec keeps it.
    pub kept: bool,
    /// Whether castoff may have removed it itself, in a change that was cut short.
    pub may_be_cut_short: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Leave(Reason),
    /// What the image ships is put where nothing is.
    Add,
    /// What the image ships takes the place of what is found.
    Replace,
    /// What the image ships is put beside what is found.
    AddBeside,
    /// What is found is removed: castoff shipped it, and nobody changed it.
    Remove,
    /// What is found is moved out of the way, and kept.
    PutAside,
    /// The directory that is found gets these permission bits.
    SetMode(u32),
    /// The start ends: somebody else filled this volume.
    Refuse,
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is as the image ships it.
    AsShipped,
    /// It was edited, and the image didn't change it.
    Edited,
    /// It was edited, and the image changed or dropped it: to be told.
    Conflict,
    /// It was removed by whoever uses the volume.
    Deleted,
    /// castoff never shipped it.
    NotOurs,
    /// castoff never shipped it, and the image has something of this name: to be told.
    InTheWay,
    /// The spec keeps it.
    Kept,
    /// Something is mounted there.
    Mount,
}

/// Decides. `is` tells whether what is found has the content of a version; it is asked only
/// where something is found, and only as far as needed, because the answer may mean reading
/// a file.
///
/// # Errors
/// Those of `is`.
pub fn decide<E>(
    circumstances: Circumstances,
    path: &Path<'_>,
    found: Found,
    mut is: impl FnMut(&Shipped) -> Result<bool, E>,
) -> Result<Action, E> {
    let filling = matches!(circumstances, Circumstances::Filling(_));
    if found == Found::Mount {
        return Ok(Action::Leave(Reason::Mount));
    }
    if path.kept && !filling {
        return Ok(Action::Leave(Reason::Kept));
    }
    let Found::Entry(kind, mode) = found else { return Ok(missing(circumstances, path)) };
    let Some(now) = path.now else { return unshipped(circumstances, path, is) };
    if circumstances == Circumstances::Adding {
        return Ok(Action::Leave(if path.then.is_empty() { Reason::NotOurs } else { Reason::AsShipped }));
    }
    if kind == Kind::Directory && now.kind == Kind::Directory {
        return Ok(directory(circumstances, path.then, now, mode));
    }
    if circumstances == Circumstances::Mirroring {
        let right = is(now)? && (mode == now.mode || kind == Kind::Symlink);
        return Ok(if right { Action::Leave(Reason::AsShipped) } else { Action::Replace });
    }
    if is(now)? {
        return Ok(new_rights(path.then, now, mode));
    }
    for then in path.then {
        if is(then)? {
            return Ok(Action::Replace);
        }
    }
    Ok(conflict(circumstances, path, now))
}

/// A path where nothing is.
fn missing(circumstances: Circumstances, path: &Path<'_>) -> Action {
    let removed = !path.then.is_empty() && !path.may_be_cut_short;
    match circumstances {
        _ if path.now.is_none() => Action::Leave(Reason::AsShipped),
        Circumstances::Upgrading(_) if removed => Action::Leave(Reason::Deleted),
        _ => Action::Add,
    }
}

/// A path that the image doesn't ship.
fn unshipped<E>(
    circumstances: Circumstances,
    path: &Path<'_>,
    mut is: impl FnMut(&Shipped) -> Result<bool, E>,
) -> Result<Action, E> {
    let mirroring = circumstances == Circumstances::Mirroring;
    if circumstances == Circumstances::Adding || (path.then.is_empty() && !mirroring) {
        return Ok(Action::Leave(Reason::NotOurs));
    }
    for then in path.then {
        if is(then)? {
            return Ok(Action::Remove);
        }
    }
    Ok(if mirroring { Action::PutAside } else { Action::Leave(Reason::Conflict) })
}

/// A directory where the image ships one: only its rights can differ.
fn directory(circumstances: Circumstances, then: &[Shipped], now: &Shipped, mode: u32) -> Action {
    let as_shipped = then.iter().any(|then| then.kind == Kind::Directory && then.mode == mode);
    if mode != now.mode && (circumstances == Circumstances::Mirroring || as_shipped) {
        return Action::SetMode(now.mode);
    }
    Action::Leave(Reason::AsShipped)
}

/// The content is right. Other rights are the user's, unless the image changed its own.
fn new_rights(then: &[Shipped], now: &Shipped, mode: u32) -> Action {
    let as_shipped = then.iter().any(|then| then.mode == mode);
    let differ = mode != now.mode && now.kind != Kind::Symlink;
    if differ && as_shipped { Action::Replace } else { Action::Leave(Reason::AsShipped) }
}

/// What is found is none of the versions that castoff knows.
fn conflict(circumstances: Circumstances, path: &Path<'_>, now: &Shipped) -> Action {
    let ours = path.recorded.or(path.then.last());
    match circumstances {
        Circumstances::Filling(existing) if ours.is_none() => match existing {
            Existing::Refuse => Action::Refuse,
            Existing::Fill | Existing::Adopt => Action::Leave(Reason::InTheWay),
            Existing::Replace => Action::Replace,
        },
        Circumstances::Upgrading(_) if ours.is_some_and(|then| then.same_content(now)) => {
            Action::Leave(Reason::Edited)
        }
        Circumstances::Upgrading(Conflicts::NewFile) => Action::AddBeside,
        Circumstances::Upgrading(Conflicts::Replace) if ours.is_some() => Action::Replace,
        _ if ours.is_none() => Action::Leave(Reason::InTheWay),
        _ => Action::Leave(Reason::Conflict),
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;

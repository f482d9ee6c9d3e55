//! One name of a tree, as plain data, and the order of names.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::content::Hash;
use super::error::TreeError;
use super::progress::{Stop, go_on};
use super::stat::Stat;
use crate::path_map::compare;
use crate::sys::status::Kind;

/// What is wanted of a name in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// It, and if it is a directory, what is below it.
    Take,
    /// It, and nothing below it.
    TakeAlone,
    /// Neither it nor what is below it.
    Skip,
}

/// One name of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root of the tree; never empty.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-id, set-group-id and sticky: 0 to 0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes; 0 of a directory, whose own differ from copy to copy.
    pub size: u64,
    /// Names of this file, in the tree or anywhere else. Of a copy: 1.
    pub links: u64,
    /// Time of modification: seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Time of the last change of anything. Of a copy with several names: before the
    /// others were made.
    pub ctime: (i64, u32),
    /// Device and inode.
    pub identity: (u64, u64),
    /// Something is mounted exactly here. It was not entered, read or copied.
    pub mount_point: bool,
    /// What is in it.
    pub content: Content,
}

/// What is in a file, link or device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing that is kept here: a directory, a pipe, a socket, or a file nobody read.
    None,
    /// The hash of a regular file's bytes.
    File(Hash),
    /// Where a symbolic link leads.
    Link(OsString),
    /// The number of a device, as mknod(2) takes it.
    Device(u64),
}

/// The path of a name in a directory of the tree.
pub(super) fn below(directory: &Path, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(directory.as_os_str().len() + 1 + name.len());
    path.push(directory);
    path.push(name);
    path
}

impl Entry {
    pub(super) fn new(path: PathBuf, stat: &Stat, content: Content) -> Self {
        let content = match stat.kind {
            Kind::CharacterDevice | Kind::BlockDevice => Content::Device(stat.device),
            _ => content,
        };
        Self {
            path,
            kind: stat.kind,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            size: if stat.kind == Kind::Directory { 0 } else { stat.size },
            links: stat.links,
            mtime: stat.mtime,
            ctime: stat.ctime,
            identity: stat.identity,
            mount_point: stat.mount_point,
            content,
        }
    }
}

/// Entries that are sorted without a chance to stop: some milliseconds.
const RUN: usize = 8192;

/// Sorts by path, as `Path` compares: a directory, then what is in it, then the next name.
/// In runs that are merged, so that it can be stopped however many there are.
pub(super) fn sort(mut entries: Vec<Entry>, stop: Stop<'_>) -> Result<Vec<Entry>, TreeError> {
    let mut runs = Vec::new();
    while !entries.is_empty() {
        go_on(stop)?;
        runs.push(sorted(entries.split_off(entries.len().saturating_sub(RUN))));
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        while let Some(one) = runs.pop() {
            merged.push(match runs.pop() {
                Some(other) => merge(one, other, stop)?,
                None => one,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

/// By references: an entry is large, and is moved once.
fn sorted(run: Vec<Entry>) -> Vec<Entry> {
    let mut order: Vec<(&Path, usize)> = run.iter().map(|entry| entry.path.as_path()).zip(0..).collect();
    order.sort_unstable_by(|(one, _), (other, _)| compare(one, other));
    let order: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
    let mut run: Vec<Option<Entry>> = run.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| run.get_mut(at)?.take()).collect()
}

fn merge(one: Vec<Entry>, other: Vec<Entry>, stop: Stop<'_>) -> Result<Vec<Entry>, TreeError> {
    let mut merged = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    loop {
        if merged.len() % RUN == 0 {
            go_on(stop)?;
        }
        let first = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if compare(&a.path, &b.path) == Ordering::Greater => other.next(),
            (Some(_), _) => one.next(),
            (None, _) => other.next(),
        };
        match first {
            Some(entry) => merged.push(entry),
            None => return Ok(merged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Entry, RUN, TreeError, sort};
    use crate::sys::status::Kind;

    fn entry(path: String) -> Entry {
        let (mtime, ctime, identity) = ((0, 0), (0, 0), (0, 0));
        let (kind, content, mount_point) = (Kind::Regular, Content::None, false);
        let (mode, uid, gid, size, links, path) = (0, 0, 0, 0, 1, path.into());
        Entry { path, kind, mode, uid, gid, size, links, mtime, ctime, identity, mount_point, content }
    }

    #[test]
    fn many_entries_are_sorted_and_sorting_can_be_stopped() {
        for count in [0, 1, RUN, 5 * RUN + 1] {
            let name = |at: usize| format!("d{}/f{at}", at.wrapping_mul(7919) % 1000);
            let entries: Vec<Entry> = (0..count).map(|at| entry(name(at))).collect();
            let sorted = sort(entries.clone(), &|| false).unwrap();
            assert_eq!(sorted.len(), count);
            assert!(sorted.is_sorted_by(|one, other| one.path < other.path), "{count}");
            assert_eq!(sort(entries, &|| true).is_err(), count > 0);
        }
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let entries = (0..5 * RUN).map(|at| entry(at.to_string())).collect();
        let in_the_merge = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 8;
        assert_eq!(sort(entries, &in_the_merge).unwrap_err(), TreeError::Stopped);
    }
}

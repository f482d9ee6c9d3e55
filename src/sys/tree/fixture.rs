//! What the tests of trees share: a tree over a path, the answers that change nothing, and
//! an attacker who owns a tree and keeps swapping what is in it.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use super::{Entry, Tree, Want};
use crate::sys::attributes::Attributes;
use crate::sys::fixture::Scratch;
use crate::sys::status::Kind;

pub(super) const NEVER: &(dyn Fn() -> bool + Sync) = &|| false;

pub(super) fn tree(path: &Path) -> Tree {
    Tree::of(OwnedFd::from(File::open(path).unwrap()), path)
}

pub(super) fn all(_: &Path, _: Kind) -> Want {
    Want::Take
}

pub(super) fn as_it_is(entry: &Entry) -> Attributes {
    Attributes { mode: entry.mode, uid: None, gid: None }
}

pub(super) fn paths(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.path.to_str().unwrap()).collect()
}

/// Something that must not change, whatever is planted.
pub(super) struct Canary {
    root: PathBuf,
}

impl Canary {
    /// `canary/inside/file`, root's.
    pub(super) fn new(scratch: &Scratch) -> Self {
        scratch.file("canary/inside/file", "untouched");
        Self { root: scratch.path("canary") }
    }

    pub(super) fn assert_untouched(&self) {
        for below in ["", "inside", "inside/file"] {
            let found = fs::symlink_metadata(self.root.join(below)).unwrap();
            let mode = if below.ends_with("file") { 0o644 } else { 0o755 };
            assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (0, 0, mode), "{below}");
        }
        assert_eq!(fs::read_dir(&self.root).unwrap().count(), 1);
        assert_eq!(fs::read_dir(self.root.join("inside")).unwrap().count(), 1);
        assert_eq!(fs::read(self.root.join("inside/file")).unwrap(), b"untouched");
    }
}

/// Keeps swapping what is in a directory until it is dropped.
pub(super) struct Attacker {
    ends: Arc<AtomicBool>,
    swapped: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Attacker {
    /// Swaps `sub` in `directory` between a directory with files and links to the canary:
    /// `sub` itself, names in it, and hard links.
    pub(super) fn start(directory: &Path, canary: &Canary) -> Self {
        let (ends, swapped) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, count) = (Arc::clone(&ends), Arc::clone(&swapped));
        let (directory, canary) = (directory.to_owned(), canary.root.clone());
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                swap(&directory, &canary, count.fetch_add(1, Ordering::Relaxed));
            }
        });
        Self { ends, swapped, thread: Some(thread) }
    }

    /// Rounds of what is attacked: at least so many, and as many as it takes until the
    /// attacker had its turns, too.
    pub(super) fn during(&self, least: u32) -> impl Iterator<Item = u32> + '_ {
        let attacked = || self.swapped.load(Ordering::Relaxed) > 10;
        (0..).take_while(move |round| *round < least || !attacked())
    }

    /// Ends it.
    pub(super) fn end(mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Each of the calls may fail: castoff is at work on the same names.
fn swap(directory: &Path, canary: &Path, round: u64) {
    let (sub, aside) = (directory.join("sub"), directory.join("aside"));
    let _ = fs::create_dir(&sub);
    let _ = fs::create_dir(sub.join("inside"));
    let _ = fs::write(sub.join("file"), round.to_string());
    let _ = fs::write(sub.join("inside/file"), "planted");
    let _ = fs::hard_link(canary.join("inside/file"), sub.join("hard"));
    let _ = fs::rename(&sub, &aside);
    let _ = symlink(canary, &sub);
    std::thread::yield_now();
    let _ = fs::remove_file(&sub);
    let _ = fs::rename(&aside, &sub);
    let _ = fs::rename(sub.join("inside"), sub.join("moved"));
    let _ = symlink(canary.join("inside"), sub.join("inside"));
    let _ = fs::remove_file(sub.join("file"));
    let _ = symlink(canary.join("inside/file"), sub.join("file"));
    std::thread::yield_now();
    let _ = fs::remove_file(sub.join("inside"));
    let _ = fs::remove_file(sub.join("file"));
    let _ = fs::remove_file(sub.join("hard"));
    let _ = fs::set_permissions(&aside, fs::Permissions::from_mode(0o755));
    let _ = fs::remove_dir_all(sub.join("moved"));
}

//! Finds out, path by path, what happens to a volume that is not empty: what castoff
//! shipped, what the image ships now and what is found are put side by side. Changes
//! nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::path_map::{compare, first};
use crate::plan::Filling;
use crate::state::Shipped;
use crate::sys::status::Kind;
use crate::sys::tree::{Content, Entry, Hash, Progress, Stop, Tree, TreeError, Want, hash_file, survey};
use crate::volume::{self, Action, Circumstances, Found, Reason, decide};

use super::history::History;
use super::seed::{Seed, Surveyed};

/// What fsck(8) wants in the root of some file systems: the file system's own, and no file
/// of anybody.
pub(super) const LOST_AND_FOUND: &str = "lost+found";

/// One path and what happens to it.
#[derive(Debug)]
pub(super) struct Decided {
    /// Relative to the volume.
    pub(super) path: PathBuf,
    /// What happens.
    pub(super) action: Action,
    /// What castoff shipped there before, the last version last.
    pub(super) then: Vec<Shipped>,
    /// What the image ships there; without its content where nobody had to know.
    pub(super) now: Option<Shipped>,
    /// What is found there.
    pub(super) found: Option<Entry>,
}

/// What is compared.
pub(super) struct Comparing<'a> {
    pub(super) filling: &'a Filling,
    pub(super) seed: &'a Seed,
    /// What the seed ships.
    pub(super) surveyed: &'a Surveyed,
    pub(super) volume: &'a Tree,
    pub(super) history: &'a History,
    pub(super) stop: Stop<'a>,
}

/// What the image ships, before it is copied.
pub(super) fn as_shipped(filling: &Filling, entry: &Entry) -> Shipped {
    let (size, content) = match &entry.content {
        Content::None => (entry.size, 0),
        Content::File(hash) => (entry.size, hash.0),
        Content::Link(target) => (entry.size, Hash::of(target.as_encoded_bytes()).0),
        Content::Device(number) => (*number, 0),
    };
    let size = if entry.kind == Kind::Directory { 0 } else { size };
    let mode = filling.rules.mode(&entry.path, entry.kind, entry.mode);
    Shipped { kind: entry.kind, mode, size, modified: entry.mtime, content }
}

impl Comparing<'_> {
    /// Decides for every path that castoff shipped or the image ships, and, for a mirror,
    /// for every path there is. In the order of paths.
    pub(super) fn decide_all(&self) -> Result<Vec<Decided>, TreeError> {
        let image = &self.surveyed.entries;
        let names = names_of_files(image);
        let mut volume = self.survey_volume()?.into_iter().peekable();
        let mut decided: Vec<Decided> = Vec::with_capacity(image.len());
        let mut closed: Option<PathBuf> = None;
        let mut image = image.iter().peekable();
        let mut manifest = self.history.manifest.entries.cursor();
        let mut journal = self.history.journal.shipping.cursor();
        loop {
            let ships = image.peek().map(|entry| entry.path.as_path());
            let has = volume.peek().map(|entry| entry.path.as_path());
            let Some(path) = first([ships, has, manifest.path(), journal.path()]) else { break };
            let path = path.to_owned();
            let now = image.next_if(|entry| entry.path == path).map(|entry| as_shipped(self.filling, entry));
            let found = volume.next_if(|entry| entry.path == path);
            let (recorded, cut_short) = (manifest.take(&path), journal.take(&path));
            if closed.as_ref().is_some_and(|closed| path.starts_with(closed)) {
                continue;
            }
            let then: Vec<Shipped> =
                recorded.into_iter().chain(cut_short.into_iter().flatten()).copied().collect();
            let known = volume::Path {
                then: &then,
                recorded,
                now: now.as_ref(),
                kept: self.filling.rules.keeps(&path),
                may_be_cut_short: self.filling.unfinished && !self.history.was_gone(&path),
            };
            let action = self.decide(&known, found.as_ref())?;
            if ends_here(action, now.as_ref(), found.as_ref()) {
                closed = Some(path.clone());
            }
            decided.push(Decided { path, action, then, now, found });
        }
        if self.filling.circumstances != Circumstances::Adding {
            keep_together(&mut decided, &names);
        }
        Ok(decided)
    }

    /// Only what is compared is looked at: a volume may hold millions of files of its own.
    fn survey_volume(&self) -> Result<Vec<Entry>, TreeError> {
        let rules = &self.filling.rules;
        let mirroring = self.filling.circumstances == Circumstances::Mirroring;
        let image = &self.surveyed.entries;
        let ships = |path: &Path| image.binary_search_by(|entry| compare(&entry.path, path)).is_ok();
        let known = |path: &Path| ships(path) || self.history.knows(path);
        let wanted = |path: &Path, _: Kind| {
            if !rules.ships(path) {
                Want::Skip
            } else if known(path) {
                Want::Take
            } else if mirroring && !rules.keeps(path) && path != Path::new(LOST_AND_FOUND) {
                Want::TakeAlone
            } else {
                Want::Skip
            }
        };
        survey(self.volume, &wanted, false, self.stop, &Progress::default())
    }

    fn decide(&self, known: &volume::Path<'_>, found: Option<&Entry>) -> Result<Action, TreeError> {
        let standing = match found {
            None => Found::Missing,
            Some(entry) if entry.mount_point => Found::Mount,
            Some(entry) => Found::Entry(entry.kind, entry.mode),
        };
        let content = RefCell::new(None);
        let is = |version: &Shipped| match found {
            Some(found) => self.is(version, known, found, &content),
            None => Ok(false),
        };
        let action = decide(self.filling.circumstances, known, standing, is)?;
        Ok(match action {
            Action::Add if self.filling.adopts => Action::Leave(Reason::NotOurs),
            // a directory can't be put beside a file
            Action::AddBeside if known.now.is_some_and(|now| now.kind != Kind::Regular) => {
                Action::Leave(if known.then.is_empty() { Reason::InTheWay } else { Reason::Conflict })
            }
            action => action,
        })
    }

    /// Whether what is found has the content of a version. A file is read at most once.
    fn is(
        &self,
        version: &Shipped,
        known: &volume::Path<'_>,
        found: &Entry,
        content: &RefCell<Option<u128>>,
    ) -> Result<bool, TreeError> {
        if version.kind != found.kind {
            return Ok(false);
        }
        match &found.content {
            Content::Link(target) => Ok(Hash::of(target.as_encoded_bytes()).0 == version.content),
            Content::Device(number) => Ok(*number == version.size),
            _ if found.kind != Kind::Regular => Ok(true),
            _ if found.size != version.size => Ok(false),
            _ if self.filling.circumstances == Circumstances::Mirroring => {
                self.mirrors(version, known, found, content)
            }
            _ if known.recorded == Some(version) && self.history.is_untouched(found, version) => Ok(true),
            _ => Ok(self.content(found, content)? == version.content),
        }
    }

    /// A mirror is sure: what the image has is compared byte by byte, or by SHA-256.
    fn mirrors(
        &self,
        version: &Shipped,
        known: &volume::Path<'_>,
        found: &Entry,
        content: &RefCell<Option<u128>>,
    ) -> Result<bool, TreeError> {
        if known.then.contains(version) && version.content != 0 {
            return Ok(self.content(found, content)? == version.content);
        }
        match self.seed.has_bytes_of(self.surveyed, self.volume, &found.path, self.stop) {
            Err(TreeError::Failed(error)) if error.is_gone() => Ok(false),
            outcome => outcome,
        }
    }

    fn content(&self, found: &Entry, known: &RefCell<Option<u128>>) -> Result<u128, TreeError> {
        if let Some(content) = *known.borrow() {
            return Ok(content);
        }
        let content = match hash_file(self.volume, &found.path, self.stop) {
            Ok(Entry { content: Content::File(hash), .. }) => hash.0,
            Ok(_) => 0,
            Err(TreeError::Failed(error)) if error.is_gone() => 0,
            Err(error) => return Err(error),
        };
        *known.borrow_mut() = Some(content);
        Ok(content)
    }
}

/// The files of the image that have several names, by name.
fn names_of_files(image: &[Entry]) -> BTreeMap<PathBuf, (u64, u64)> {
    let several = image.iter().filter(|entry| entry.kind == Kind::Regular && entry.links > 1);
    several.map(|entry| (entry.path.clone(), entry.identity)).collect()
}

/// Of a file with several names all are put there, if any is: else one that is in its place
/// already, by a start that was cut short, would be a file of its own.
fn keep_together(decided: &mut [Decided], names: &BTreeMap<PathBuf, (u64, u64)>) {
    let comes = |decided: &&Decided| matches!(decided.action, Action::Add | Action::Replace);
    let coming: BTreeSet<(u64, u64)> =
        decided.iter().filter(comes).filter_map(|decided| names.get(&decided.path)).copied().collect();
    for decided in decided {
        let together = names.get(&decided.path).is_some_and(|file| coming.contains(file));
        if together && decided.action == Action::Leave(Reason::AsShipped) {
            decided.action = Action::Replace;
        }
    }
}

/// Whether nothing below the path is decided: there is no directory of the image's then.
fn ends_here(action: Action, now: Option<&Shipped>, found: Option<&Entry>) -> bool {
    let ships_directory = now.is_some_and(|now| now.kind == Kind::Directory);
    let is_directory = found.is_some_and(|found| found.kind == Kind::Directory);
    match action {
        Action::PutAside | Action::Refuse => true,
        Action::Leave(Reason::Mount) => true,
        Action::Leave(Reason::Deleted) => ships_directory,
        Action::Leave(_) => ships_directory && !is_directory && found.is_some(),
        _ => false,
    }
}

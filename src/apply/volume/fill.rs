//! Fills a volume, or brings it up to date, so that it is as if nothing had happened
//! wherever castoff is killed.
//!
//! What is shipped is copied beside its place first, all of it brought to stable storage,
//! the journal written, and then put into place by renames. The completion record is written
//! last. So a start either finds the record, or does all of this again: with the same
//! result, because what is in place already is recognised by the journal.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::compare::{Comparing, Decided, LOST_AND_FOUND, as_shipped};
use super::failure::Failure;
use super::history::History;
use super::place::{BESIDE, Placed, Placing};
use super::records::Records;
use super::seed::{Seed, Staged};
use super::teller::{Teller, amount};
use super::told::{tell_dropped, tell_kept, tell_paths};
use crate::apply::perform::Stopped;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::plan::Filling;
use crate::signal::Signal;
use crate::state::{COMPLETION_FILE, Completion, JOURNAL_FILE, Journal, MANIFEST_FILE, Manifest, Shipped};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{FileError, Operation};
use crate::sys::path_walk::Base;
use crate::sys::place::sync_all;
use crate::sys::status::{Kind, Status};
use crate::sys::tree::{Copied, Entry, Progress, Stop, Tree, TreeError, Want, survey};
use crate::volume::{Action, Circumstances, Reason, Task};

/// Directories that only lead to a volume.
const PARENT_MODE: u32 = 0o755;

/// Does the work.
///
/// # Errors
/// What fails, with its path; castoff was asked to stop. The next start goes on.
pub(in crate::apply) fn fill(
    filling: &Filling,
    base: &Base,
    stop_requested: &(dyn Fn() -> Option<Signal> + Sync),
) -> Result<(), Stopped> {
    let progress = Progress::default();
    let teller = Teller::new(format!("filling {}", filling.path.display()));
    let seed = Seed::open(filling)?;
    let asked_to_stop = || stop_requested().is_some();
    let totals = |progress: &Progress| seed.count(filling, &asked_to_stop, progress);
    let stop = || {
        teller.tell(&progress, totals);
        stop_requested().is_some()
    };
    let work = Work::open(filling, base, &seed, &stop);
    let outcome = work.and_then(|work| work.run(&progress).inspect_err(|failure| work.give_back(failure)));
    drop(teller);
    match outcome {
        Ok(()) => Ok(()),
        Err(Failure::Tree(TreeError::Stopped)) => {
            Err(stop_requested().map_or(Stopped::Raced, Stopped::Interrupted))
        }
        Err(Failure::Tree(TreeError::Failed(error))) => Err(error.into()),
        Err(Failure::State(error)) => Err(Stopped::Failed(Box::new(Diagnostic::from(&error)))),
        Err(Failure::Refused(problem)) => Err(Stopped::Failed(problem)),
    }
}

struct Work<'a> {
    filling: Filling,
    seed: &'a Seed,
    volume: Tree,
    records: Records,
    history: History,
    stop: Stop<'a>,
}

impl<'a> Work<'a> {
    fn open(filling: &'a Filling, base: &Base, seed: &'a Seed, stop: Stop<'a>) -> Result<Self, Failure> {
        let records = Records::open(base, &filling.path)?;
        let location = base.resolve(&filling.path)?.or_create(PARENT_MODE)?;
        let volume = Tree::open(&location)?;
        let history = History::read(&records)?;
        let mut filling = filling.clone();
        if filling.task == Task::Finish && filling.replaces_nothing && history.journal.adding {
            filling.circumstances = Circumstances::Adding;
        }
        Ok(Self { filling, seed, volume, records, history, stop })
    }

    fn run(&self, progress: &Progress) -> Result<(), Failure> {
        if self.filling.task == Task::Clear {
            return Ok(self.records.clear(self.stop)?);
        }
        let is_first = self.filling.task == Task::Fill && !self.filling.adopts;
        if is_first && self.history.journal == Journal::default() && self.is_blank()? {
            return self.fill_blank(progress);
        }
        self.bring_up_to_date(progress)
    }

    /// Whether there is nothing that what is shipped could meet.
    fn is_blank(&self) -> Result<bool, TreeError> {
        let top = |_: &Path, _: Kind| Want::TakeAlone;
        let entries = survey(&self.volume, &top, false, self.stop, &Progress::default())?;
        let harmless = [Path::new(crate::state::VOLUME_DIRECTORY), Path::new(LOST_AND_FOUND)];
        Ok(entries.iter().all(|entry| harmless.contains(&entry.path.as_path())))
    }

    fn fill_blank(&self, progress: &Progress) -> Result<(), Failure> {
        let rules = &self.filling.rules;
        let choice = |path: &Path, _: Kind| if rules.ships(path) { Want::Take } else { Want::Skip };
        let attributes = |entry: &Entry| self.attributes(entry);
        let staged = self.records.new_staging(self.stop)?;
        let Staged { copied, root } = self.seed.stage(&staged, &choice, &attributes, self.stop, progress)?;
        let manifest = self.manifest_of(&copied);
        let mut journal = Journal { root: true, ..Journal::default() };
        journal.add(manifest.entries.iter().map(|(path, shipped)| (path.to_owned(), *shipped)));
        self.note_intent(&journal)?;
        let placing = self.placing(&staged);
        let top = manifest.entries.paths().filter(|path| path.components().count() == 1);
        let placed = placing.place_top(top.map(|path| path.as_os_str().to_owned()))?;
        self.give_root(root)?;
        self.complete(manifest, &placed)?;
        let files = progress.files.load(Ordering::Relaxed);
        let bytes = amount(progress.bytes.load(Ordering::Relaxed));
        let (path, seed) = (self.filling.path.display(), self.filling.seed.display());
        tracing::info!("filled {path}/ from {seed}: {files} files, {bytes}");
        tell_dropped(&self.filling, &copied);
        tell_paths("is in the way of the image's, and stays", &self.filling.path, placed.refused.iter());
        Ok(())
    }

    fn bring_up_to_date(&self, progress: &Progress) -> Result<(), Failure> {
        let surveyed = self.seed.survey(&self.filling, self.stop)?;
        let comparing = Comparing {
            filling: &self.filling,
            seed: self.seed,
            surveyed: &surveyed,
            volume: &self.volume,
            history: &self.history,
            stop: self.stop,
        };
        let decided = comparing.decide_all()?;
        self.refuse(&decided)?;
        let is_always = matches!(self.filling.task, Task::AddMissing | Task::Mirror);
        let nothing = decided.iter().all(|decided| matches!(decided.action, Action::Leave(_)));
        if is_always && nothing && self.history.version == self.filling.version {
            tell_kept(&self.filling, &decided);
            return Ok(self.records.clear(self.stop)?);
        }
        let staged = self.records.new_staging(self.stop)?;
        let Staged { copied, root } = self.stage(&decided, &staged, progress)?;
        self.note_intent(&self.journal(&decided, &copied))?;
        let placing = self.placing(&staged);
        let placed = placing.place(&decided)?;
        if self.history.journal.root {
            self.give_root(root)?;
        }
        let manifest = self.new_manifest(&decided, &copied);
        self.complete(manifest, &placed)?;
        self.tell(&decided, &copied, &placed);
        Ok(())
    }

    /// After a failure the room that the copies take is given back: others may have need of
    /// it, and the next start copies anew. What is in its place already stays, and the
    /// journal with it.
    fn give_back(&self, failure: &Failure) {
        if matches!(failure, Failure::Tree(TreeError::Stopped)) {
            return;
        }
        if let Err(error) = self.records.clear(self.stop) {
            tracing::debug!("{error}");
        }
    }

    fn placing<'w>(&'w self, staged: &'w Tree) -> Placing<'w> {
        Placing { volume: &self.volume, staged, records: &self.records, stop: self.stop }
    }

    /// Copies what comes, and the directories that lead to it.
    fn stage(&self, decided: &[Decided], staged: &Tree, progress: &Progress) -> Result<Staged, Failure> {
        let comes =
            |decided: &&Decided| matches!(decided.action, Action::Add | Action::Replace | Action::AddBeside);
        let chosen: BTreeSet<&Path> =
            decided.iter().filter(comes).map(|decided| decided.path.as_path()).collect();
        let leading: BTreeSet<&Path> = chosen.iter().flat_map(|path| path.ancestors().skip(1)).collect();
        let choice = |path: &Path, _: Kind| {
            if chosen.contains(path) || leading.contains(path) { Want::Take } else { Want::Skip }
        };
        let users: std::collections::BTreeMap<&Path, &Entry> = decided
            .iter()
            .filter_map(|decided| Some((decided.path.as_path(), self.rights_of_users(decided)?)))
            .collect();
        let attributes = |entry: &Entry| match users.get(entry.path.as_path()) {
            Some(found) => as_found(found),
            None => self.attributes(entry),
        };
        self.seed.stage(staged, &choice, &attributes, self.stop, progress)
    }

    /// What is found where a file is replaced whose rights somebody set: the new one gets
    /// the same.
    fn rights_of_users<'d>(&self, decided: &'d Decided) -> Option<&'d Entry> {
        let found = decided.found.as_ref().filter(|found| found.kind == Kind::Regular)?;
        let then = &decided.then;
        let is_users = !then.is_empty() && then.iter().all(|then| then.mode != found.mode);
        let keeps = self.filling.circumstances != Circumstances::Mirroring;
        (is_users && keeps && decided.action == Action::Replace).then_some(found)
    }

    /// Owner and mode of what is shipped.
    fn attributes(&self, entry: &Entry) -> Attributes {
        let root = nix::unistd::geteuid().is_root();
        let owner = self.filling.owner;
        Attributes {
            mode: self.filling.rules.mode(&entry.path, entry.kind, entry.mode),
            uid: owner.uid.or(root.then_some(entry.uid)),
            gid: owner.gid.or(root.then_some(entry.gid)),
        }
    }

    /// The root of a volume that was empty gets what the seed's has, if that says anything.
    fn give_root(&self, seed: Option<Attributes>) -> Result<(), FileError> {
        let root = nix::unistd::geteuid();
        let owner = self.filling.owner;
        let mode = match seed {
            Some(seed) => seed.mode,
            None => self.status()?.mode,
        };
        let given =
            |id: fn(&Attributes) -> Option<u32>| seed.as_ref().and_then(id).filter(|_| root.is_root());
        let attributes = Attributes {
            mode: self.filling.rules.mode(Path::new(""), Kind::Directory, mode),
            uid: owner.uid.or(given(|seed| seed.uid)),
            gid: owner.gid.or(given(|seed| seed.gid)),
        };
        match attributes.apply_to(self.volume.root(), &self.filling.path) {
            // who may only write in it has what is needed
            Err(error) if error.exit() == ExitCode::PERMISSION && !root.is_root() => {
                tracing::debug!("{error}");
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }

    fn status(&self) -> Result<Status, FileError> {
        Status::of(self.volume.root())
            .map_err(|errno| FileError::system(Operation::Inspect, &self.filling.path, errno))
    }

    /// All that waits is on stable storage, and the journal says what will be done.
    fn note_intent(&self, journal: &Journal) -> Result<(), Failure> {
        sync_all(self.volume.root(), &self.filling.path)?;
        self.records.write(JOURNAL_FILE, &journal.to_text())?;
        Ok(())
    }

    /// Everything is in its place: the record says so when it is there to stay.
    fn complete(&self, mut manifest: Manifest, placed: &Placed) -> Result<(), Failure> {
        manifest.entries.retain(|path| !placed.refused.iter().any(|refused| path.starts_with(refused)));
        sync_all(self.volume.root(), &self.filling.path)?;
        self.records.write(MANIFEST_FILE, &manifest.to_text())?;
        let manifest = self.records.stamp(MANIFEST_FILE)?.unwrap_or_default();
        let completion = Completion { version: self.filling.version.clone(), manifest };
        self.records.write(COMPLETION_FILE, completion.to_text().as_bytes())?;
        self.records.remove_staging(self.stop)?;
        self.records.remove(JOURNAL_FILE)?;
        Ok(())
    }

    fn manifest_of(&self, copied: &Copied) -> Manifest {
        let entries = copied.entries.iter().filter(|entry| !entry.mount_point);
        Manifest {
            entries: entries.map(|entry| (entry.path.clone(), as_shipped(&self.filling, entry))).collect(),
        }
    }

    /// What was copied, with the rights that the image gives it: those that a user set before
    /// and that it got again are not the image's.
    fn shipped(&self, decided: &[Decided], copied: &Copied) -> Manifest {
        let mut manifest = self.manifest_of(copied);
        for decided in decided {
            if let (Some(now), Some(shipped)) = (decided.now, manifest.entries.get_mut(&decided.path)) {
                shipped.mode = now.mode;
            }
        }
        manifest
    }

    /// What was shipped before and is being shipped now; what somebody had removed before.
    fn journal(&self, decided: &[Decided], copied: &Copied) -> Journal {
        let mut journal = self.history.journal.clone();
        if journal == Journal::default() {
            journal.adding = self.filling.circumstances == Circumstances::Adding;
        }
        for decided in decided {
            if matches!(decided.action, Action::Leave(Reason::Deleted)) && !decided.then.is_empty() {
                journal.gone.insert(decided.path.clone());
            }
        }
        let set = decided.iter().filter(|decided| matches!(decided.action, Action::SetMode(_)));
        journal.add(set.filter_map(|decided| Some((decided.path.clone(), decided.now?))));
        journal.add(self.shipped(decided, copied).entries);
        journal
    }

    fn new_manifest(&self, decided: &[Decided], copied: &Copied) -> Manifest {
        let shipped = self.shipped(decided, copied);
        let kept = |decided: &Decided| match decided.action {
            Action::Add | Action::Replace => shipped.entries.get(&decided.path).copied(),
            Action::SetMode(_) => decided.now,
            Action::AddBeside if !decided.then.is_empty() => shipped.entries.get(&decided.path).copied(),
            Action::Leave(reason) => self.still_ours(decided, reason),
            _ => None,
        };
        let entries = decided.iter().filter_map(|decided| Some((decided.path.clone(), kept(decided)?)));
        Manifest { entries: entries.collect() }
    }

    /// What castoff counts as shipped of a path that it left alone.
    fn still_ours(&self, decided: &Decided, reason: Reason) -> Option<Shipped> {
        let last = decided.then.last().copied();
        match reason {
            // nobody looked at what is in it
            Reason::AsShipped if self.filling.circumstances == Circumstances::Adding => last,
            // the time of the file that is there: it tells whether somebody touches it
            Reason::AsShipped if last.is_some() || decided.now.is_some() => {
                let found = decided.found.as_ref()?;
                let known =
                    decided.now.filter(|now| now.content != 0 || now.kind != Kind::Regular).or(last)?;
                Some(Shipped { modified: found.mtime, ..known })
            }
            Reason::Edited | Reason::Deleted => decided.now.filter(|now| now.content != 0).or(last),
            Reason::Conflict => decided.now,
            Reason::Kept | Reason::Mount => last,
            Reason::AsShipped | Reason::NotOurs | Reason::InTheWay => None,
        }
    }

    fn refuse(&self, decided: &[Decided]) -> Result<(), Failure> {
        let refused: Vec<&PathBuf> = decided
            .iter()
            .filter(|decided| decided.action == Action::Refuse)
            .map(|decided| &decided.path)
            .collect();
        let Some(first) = refused.first() else { return Ok(()) };
        let others = match refused.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let title = format!("{} holds files that castoff did not put there", self.filling.path.display());
        let problem = Diagnostic::error(ExitCode::CANT_CREATE, title)
            .at(&self.filling.place, "the image has others of the same names here")
            .note(format!("{}{others} differ from the image's; nothing was changed", first.display()))
            .help("if they are of another version of the same software: `existing = \"adopt\"` takes the volume as it is")
            .help("`existing = \"fill\"` keeps them and adds what is missing, `\"replace\"` replaces them");
        Err(Failure::Refused(Box::new(problem)))
    }

    fn tell(&self, decided: &[Decided], copied: &Copied, placed: &Placed) {
        let count =
            |action: fn(&Action) -> bool| decided.iter().filter(|decided| action(&decided.action)).count();
        let added = count(|action| *action == Action::Add);
        let replaced = count(|action| *action == Action::Replace);
        let removed = count(|action| *action == Action::Remove);
        let path = self.filling.path.display();
        tracing::info!(
            "{path}/: {}: {added} added, {replaced} replaced, {removed} removed",
            self.filling.why()
        );
        let of = |action: fn(&Action) -> bool| {
            decided.iter().filter(move |decided| action(&decided.action)).map(|decided| &decided.path)
        };
        let root = &self.filling.path;
        let beside = format!("was edited and stays; the image's is beside it, as *{BESIDE}");
        tell_paths(&beside, root, of(|action| *action == Action::AddBeside));
        tell_paths(
            "is not of the image: put aside in .castoff/aside",
            root,
            of(|action| *action == Action::PutAside),
        );
        tell_kept(&self.filling, decided);
        tell_paths("is in the way of the image's, and stays", root, placed.refused.iter());
        tell_dropped(&self.filling, copied);
    }
}

/// Without the bits that lend an owner's rights: who set them may not be who gets them.
fn as_found(found: &Entry) -> Attributes {
    let root = nix::unistd::geteuid().is_root();
    Attributes { mode: found.mode & 0o1777, uid: root.then_some(found.uid), gid: root.then_some(found.gid) }
}

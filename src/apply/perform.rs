//! Performs the steps of a plan.
//!
//! Every file is staged beside its place, with its content, owner and mode, before the
//! first one is put there: whatever fails before that leaves the old files as they were.

use std::path::{Path, PathBuf};

use super::hold::Held;
use super::keep::{self, Kept};
use super::own::own;
use super::volume::fill;
use super::wait::{Commands, wait_for};
use crate::diagnostic::Diagnostic;
use crate::plan::{self, KeptReason, Plan, Step};
use crate::signal::Signal;
use crate::state::{Digest, Written};
use crate::sys::atomic_write::{Commit, Staged, Swept, stage};
use crate::sys::attributes::Attributes;
use crate::sys::directory::{self, Ensured};
use crate::sys::file_error::FileError;
use crate::sys::files::{Adjustment, adjust};
use crate::sys::path_walk::Base;
use crate::sys::tree::TreeError;

/// Rights of directories that only lead to a destination.
const PARENT_MODE: u32 = 0o755;

/// Where and how steps are performed.
pub struct Applying<'a> {
    /// What destinations are below.
    pub base: &'a Base,
    /// The directories of the container's state, the preferred one first.
    pub state_directories: &'a [PathBuf],
    /// What castoff wrote before.
    pub written: &'a Written,
    /// The volumes whose locks this start holds.
    pub held: &'a Held,
    /// A signal that asks castoff to stop, if one came.
    pub stop_requested: &'a (dyn Fn() -> Option<Signal> + Sync),
    /// What commands that are waited for are run with.
    pub commands: Commands<'a>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Files written or corrected, directories made or corrected.
    pub changed: usize,
}

/// Why not all was done.
#[derive(Debug)]
pub enum Stopped {
    /// Something failed.
    Failed(Box<Diagnostic>),
    /// Another start kept a secret first: everything has to be resolved again.
    Raced,
    /// castoff was asked to stop.
    Interrupted(Signal),
}

impl From<FileError> for Stopped {
    fn from(error: FileError) -> Self {
        Self::Failed(Box::new(Diagnostic::from(&error)))
    }
}

/// Performs all steps.
///
/// # Errors
/// The first failure; no further step is performed then, and no file is half written.
pub fn apply(plan: &Plan, applying: &Applying<'_>) -> Result<Applied, Stopped> {
    let mut performing = Performing {
        applying,
        staged: Vec::new(),
        swept: Swept::default(),
        written: applying.written.clone(),
        news: false,
        applied: Applied::default(),
    };
    tell_kept(&plan.kept);
    for planned in &plan.steps {
        performing.check_stop()?;
        performing.perform(&planned.step)?;
    }
    performing.check_stop()?;
    performing.finish_files()?;
    Ok(performing.applied)
}

/// Says what is left alone although it may differ from what the spec would write.
fn tell_kept(kept: &[plan::Kept]) {
    for kept in kept {
        let (path, why) = (kept.path.display(), kept.why());
        match kept.reason {
            KeptReason::MountPoint | KeptReason::Edited | KeptReason::NotOurs => {
                tracing::info!("kept {path}: {why}");
            }
            KeptReason::Unchanged | KeptReason::Exists | KeptReason::NotWanted | KeptReason::Complete => {
                tracing::debug!("kept {path}: {why}");
            }
        }
    }
}

struct Performing<'a> {
    applying: &'a Applying<'a>,
    staged: Vec<(Staged, PathBuf, Option<Digest>)>,
    swept: Swept,
    written: Written,
    news: bool,
    applied: Applied,
}

impl Performing<'_> {
    fn check_stop(&self) -> Result<(), Stopped> {
        (self.applying.stop_requested)().map_or(Ok(()), |signal| Err(Stopped::Interrupted(signal)))
    }

    fn perform(&mut self, step: &Step) -> Result<(), Stopped> {
        match step {
            Step::KeepGenerated { scope, values } => self.keep_generated(scope.as_ref(), values),
            Step::Fill(filling) => {
                self.applied.changed += 1;
                fill(filling, self.applying.base, self.applying.stop_requested)
            }
            Step::Directory { path, attributes } => {
                let location = self.applying.base.resolve(path)?.or_create(PARENT_MODE)?;
                match directory::ensure(&location, *attributes)? {
                    Ensured::Created => tracing::info!("made {}/", path.display()),
                    Ensured::Adjusted => tracing::info!("corrected owner and mode of {}/", path.display()),
                    Ensured::Unchanged => return Ok(()),
                }
                self.applied.changed += 1;
                Ok(())
            }
            Step::Own { path, owner, spared } => {
                let stop = || (self.applying.stop_requested)().is_some();
                match own(self.applying.base, path, *owner, spared, &stop) {
                    Ok(changed) => self.applied.changed += usize::from(changed),
                    Err(TreeError::Failed(error)) => return Err(error.into()),
                    Err(TreeError::Stopped) => self.check_stop()?,
                }
                Ok(())
            }
            Step::Write { path, content, attributes, remember } => {
                self.stage(path, content, *attributes, remember.clone())
            }
            Step::Adjust { path, attributes, content } => {
                let location = self.applying.base.resolve(path)?.or_create(PARENT_MODE)?;
                match adjust(&location, *attributes)? {
                    Adjustment::MustReplace => self.stage(path, content, *attributes, None),
                    Adjustment::Adjusted | Adjustment::Unchanged => {
                        tracing::info!("corrected owner and mode of {}", path.display());
                        self.applied.changed += 1;
                        Ok(())
                    }
                }
            }
            Step::Wait(wait) => {
                self.finish_files()?;
                wait_for(wait, &self.applying.commands)
            }
        }
    }

    /// Puts all that is staged in its place. Once there is nothing more, it changes nothing.
    fn finish_files(&mut self) -> Result<(), Stopped> {
        self.commit()?;
        self.remember();
        Ok(())
    }

    fn stage(
        &mut self,
        path: &Path,
        content: &[u8],
        attributes: Attributes,
        remember: Option<Digest>,
    ) -> Result<(), Stopped> {
        let location = self.applying.base.resolve(path)?.or_create(PARENT_MODE)?;
        let staged = stage(location, content, attributes, &mut self.swept)?;
        self.staged.push((staged, path.to_owned(), remember));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Stopped> {
        for (staged, path, remember) in std::mem::take(&mut self.staged) {
            match staged.commit()? {
                Commit::Replaced => {
                    tracing::info!("wrote {}", path.display());
                    self.applied.changed += 1;
                    if let Some(digest) = remember {
                        self.news |= self.written.set(&path, digest);
                    }
                }
                Commit::KeptMountPoint => tracing::warn!(
                    "kept {}: something is mounted there, it belongs to whoever mounted it",
                    path.display()
                ),
            }
        }
        Ok(())
    }

    fn keep_generated(
        &mut self,
        scope: Option<&PathBuf>,
        values: &[(String, String)],
    ) -> Result<(), Stopped> {
        let applying = self.applying;
        let interrupted = || (applying.stop_requested)().is_some();
        let kept = keep::keep_generated(
            applying.base,
            scope.map(PathBuf::as_path),
            applying.state_directories,
            values,
            applying.held,
            &interrupted,
        );
        let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
        match kept {
            Ok(Kept::Done) => {
                let place = scope.map_or("the container's state".into(), |scope| scope.display().to_string());
                tracing::info!("generated {}, kept in {place}", names.join(", "));
                Ok(())
            }
            Ok(Kept::Raced) => Err(Stopped::Raced),
            Ok(Kept::Interrupted) => {
                self.check_stop()?;
                Err(Stopped::Raced)
            }
            Ok(Kept::Nowhere(error)) => {
                let reason = Diagnostic::from(&error).title;
                tracing::warn!(
                    "{} will change at the next start: there is nowhere to keep what is generated ({reason})",
                    names.join(", ")
                );
                Ok(())
            }
            Err(error) => Err(Stopped::Failed(Box::new(Diagnostic::from(&error)))),
        }
    }

    /// Without the record, `unless-edited` keeps every file: said, but no reason to stop.
    fn remember(&mut self) {
        if !std::mem::take(&mut self.news) {
            return;
        }
        if let Err(error) =
            keep::keep_written(self.applying.base, self.applying.state_directories, &self.written)
        {
            tracing::warn!(
                "castoff can't remember what it wrote, so `unless-edited` files will be kept: {}",
                Diagnostic::from(&error).title
            );
        }
    }
}

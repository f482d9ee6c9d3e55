//! What has to be done to a volume, decided by its records alone.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::{Diagnostic, Place};
use crate::observe::volume::Recorded;
use crate::spec::{Conflicts, Directory, Existing, Policy, Volume, WithoutLocks};
use crate::sys::accounts::Owner;
use crate::volume::{Circumstances, Refusal, Rules, Task, task};

/// A volume with what is recorded of it.
#[derive(Clone, Debug)]
pub struct VolumeWish<'a> {
    /// What the spec says.
    pub volume: &'a Volume,
    /// What is recorded.
    pub recorded: Recorded,
}

/// A volume that is to be filled or brought up to date.
#[derive(Clone)]
pub struct Filling {
    /// The volume.
    pub path: PathBuf,
    /// The directory or archive of the image.
    pub seed: PathBuf,
    /// Where the spec names the seed.
    pub place: Place,
    /// Why.
    pub task: Task,
    /// How conflicts are decided.
    pub circumstances: Circumstances,
    /// Files that a first start finds are taken for the image's, whatever is in them.
    pub adopts: bool,
    /// A change was cut short, so what is missing may be castoff's own doing.
    pub unfinished: bool,
    /// The policy replaces nothing: what only added before it was cut short goes on adding.
    pub replaces_nothing: bool,
    /// What is shipped, and how.
    pub rules: Rules,
    /// Who gets it; neither: who has it in the seed.
    pub owner: Owner,
    /// The image's version, to be recorded.
    pub version: Option<String>,
}

impl fmt::Debug for Filling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filling")
            .field("path", &self.path)
            .field("seed", &self.seed)
            .field("task", &self.task)
            .finish_non_exhaustive()
    }
}

/// A volume on which one start at a time may work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeLock {
    /// The volume.
    pub path: PathBuf,
    /// How long another start is waited for.
    pub timeout: Duration,
    /// What happens where the file system has no locks.
    pub without_locks: WithoutLocks,
}

impl VolumeLock {
    /// The lock of a volume.
    #[must_use]
    pub fn of(volume: &Volume) -> Self {
        Self {
            path: volume.path.value.clone(),
            timeout: volume.lock_timeout,
            without_locks: volume.without_locks,
        }
    }
}

impl VolumeWish<'_> {
    /// Whether a directory lies in this volume.
    #[must_use]
    pub fn holds(&self, directory: &Directory) -> bool {
        directory.path.value.starts_with(&self.volume.path.value)
    }

    /// What has to be done. `None`: nothing.
    ///
    /// # Errors
    /// The volume belongs to a newer image.
    pub fn filling(
        &self,
        version: Option<&str>,
        owner: Owner,
        others: &[PathBuf],
    ) -> Result<Option<Filling>, Diagnostic> {
        let Recorded { completion, unfinished, staged } = &self.recorded;
        let volume = self.volume;
        let Some(seed) = &volume.seed else { return Ok(None) };
        let task = task(volume, version, completion.as_ref(), *unfinished, *staged);
        let task = task.map_err(|refusal| downgrade(volume, &refusal))?;
        Ok(task.map(|task| Filling {
            path: volume.path.value.clone(),
            seed: seed.value.clone(),
            place: seed.place.clone(),
            circumstances: circumstances(volume, &task),
            adopts: task == Task::Fill && volume.existing == Existing::Adopt,
            task,
            unfinished: *unfinished,
            replaces_nothing: matches!(volume.policy, Policy::Once | Policy::Missing),
            rules: Rules::of(volume, others),
            owner,
            version: version.map(str::to_owned),
        }))
    }
}

fn circumstances(volume: &Volume, task: &Task) -> Circumstances {
    match (task, volume.policy) {
        (Task::Fill, _) => Circumstances::Filling(volume.existing),
        (_, Policy::Mirror) => Circumstances::Mirroring,
        (Task::AddMissing, _) => Circumstances::Adding,
        // what was cut short may have been an upgrade whatever the policy is now; the journal
        // says if it was not
        (_, Policy::Once | Policy::Missing) => Circumstances::Upgrading(Conflicts::Keep),
        (_, Policy::Upgrade) => Circumstances::Upgrading(volume.conflicts),
    }
}

fn downgrade(volume: &Volume, refusal: &Refusal) -> Diagnostic {
    let path = volume.path.value.display();
    let Refusal { volume: found, image } = refusal;
    Diagnostic::environment(format!("{path} was brought to version {found}, and this image is {image}"))
        .at(&volume.path.place, "this volume")
        .note("an older image can't be expected to understand what a newer one left there")
        .help(format!("run version {found} or a newer one, or restore a backup made with {image}"))
        .help("`allow-downgrade = true` in [[volume]] lets the older image take over")
}

impl Filling {
    /// The reason in words.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.task {
            Task::Fill if self.unfinished => "an earlier start did not finish filling it".to_owned(),
            Task::Fill => "it was never filled".to_owned(),
            Task::Upgrade { from: Some(from), to } => format!("upgrade from {from} to {to}"),
            Task::Upgrade { from: None, to } => format!("upgrade to {to}"),
            Task::Finish => "an earlier start did not finish changing it".to_owned(),
            Task::AddMissing => "what is missing is added at each start".to_owned(),
            Task::Mirror => "it is made what the image has at each start".to_owned(),
            Task::Clear => "an earlier start left its copies there".to_owned(),
        }
    }
}

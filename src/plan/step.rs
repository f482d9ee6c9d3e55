//! The steps of a start, as plain data. A closed list: `apply` does each in its own way,
//! and modes choose among them.

use std::path::PathBuf;

use super::run::Running;
use super::task::Tasks;
use super::volume::{Filling, VolumeLock};
use super::wait::Wait;
use crate::diagnostic::Diagnostic;
use crate::spec::Volume;
use crate::state::Digest;
use crate::sys::accounts::Owner;
use crate::sys::attributes::Attributes;
use crate::sys::file_error::FileError;
use crate::sys::status::Kind;

/// All that a start will do, in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is changed.
    pub steps: Vec<Planned>,
    /// The volumes on which no other start may work meanwhile.
    pub locks: Vec<VolumeLock>,
    /// What is looked at and left alone.
    pub kept: Vec<Kept>,
    /// Commands that must succeed on files before these are written.
    pub validations: Vec<Validation>,
    /// Steps and hooks that are run then.
    pub tasks: Tasks,
    /// What is run afterwards.
    pub run: Option<Running>,
}

impl Plan {
    /// The steps that will fail, as far as can be known without trying.
    pub fn obstacles(&self) -> impl Iterator<Item = Diagnostic> {
        self.steps.iter().filter_map(|planned| planned.obstacle.as_ref()).map(Diagnostic::from)
    }
}

impl Plan {
    /// Whether a volume is filled or changed.
    #[must_use]
    pub fn fills(&self, volume: &std::path::Path) -> bool {
        let mut steps = self.steps.iter().map(|planned| &planned.step);
        steps.any(|step| matches!(step, Step::Fill(filling) if filling.path == volume))
    }

    /// Adds the locks of the volumes in whose scope something is run or remembered.
    pub fn lock_for_tasks(&mut self, volumes: &[Volume]) {
        let used = self.tasks.volumes();
        let needed = volumes.iter().filter(|volume| used.contains(volume.path.value.as_path()));
        for lock in needed.map(VolumeLock::of) {
            if !self.locks.contains(&lock) {
                self.locks.push(lock);
            }
        }
        // the order that keeps two starts from waiting for each other
        self.locks.sort_by(|one, other| one.path.cmp(&other.path));
    }

    /// The validations of files that are about to be written. What stays as it is was
    /// validated when it was written.
    pub fn due_validations(&self) -> impl Iterator<Item = &Validation> {
        let written = |dest: &std::path::Path| {
            self.steps.iter().any(|planned| matches!(&planned.step, Step::Write { path, .. } if path == dest))
        };
        self.validations.iter().filter(move |validation| written(&validation.dest))
    }

    /// The permission bits that a file will be given; `None`: it stays as it is.
    #[must_use]
    pub fn mode_of(&self, dest: &std::path::Path) -> Option<u32> {
        self.steps.iter().find_map(|planned| match &planned.step {
            Step::Write { path, attributes, .. } | Step::Adjust { path, attributes, .. } if path == dest => {
                Some(attributes.mode)
            }
            _ => None,
        })
    }
}

/// A step and its reason.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// Why it is needed.
    pub why: Why,
    /// For files: what would change, secrets hidden, as unified diff.
    pub diff: Option<String>,
    /// Why it will fail, as far as can be known without trying.
    pub obstacle: Option<FileError>,
}

/// One thing to do.
#[derive(Clone)]
pub enum Step {
    /// Keep secrets that were just generated, before anything uses them.
    KeepGenerated {
        /// The volume's directory; `None`: the container's state.
        scope: Option<PathBuf>,
        /// Names and values.
        values: Vec<(String, String)>,
    },
    /// Fill a volume, or bring it up to date.
    Fill(Box<Filling>),
    /// Make a directory or correct its owner and mode.
    Directory {
        /// Where.
        path: PathBuf,
        /// How.
        attributes: Attributes,
    },
    /// Give all below a directory to an owner. Before the directory itself is given away,
    /// so that nobody new can write where castoff works.
    Own {
        /// The directory.
        path: PathBuf,
        /// Whose all below it shall be.
        owner: Owner,
        /// What has an owner of its own.
        spared: Vec<Spared>,
    },
    /// Put a file in its place.
    Write {
        /// Where.
        path: PathBuf,
        /// What: may hold secrets.
        content: Vec<u8>,
        /// How.
        attributes: Attributes,
        /// Whether the container's state remembers what was written.
        remember: Option<Digest>,
    },
    /// Correct owner and mode of a file whose content is right.
    Adjust {
        /// Where.
        path: PathBuf,
        /// How.
        attributes: Attributes,
        /// The content, should the file have to be replaced: may hold secrets.
        content: Vec<u8>,
    },
    /// Wait for something, once all files are in their places.
    Wait(Wait),
}

/// Never shows content.
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KeepGenerated { scope, values } => {
                let names: Vec<&String> = values.iter().map(|(name, _)| name).collect();
                f.debug_struct("KeepGenerated").field("scope", scope).field("names", &names).finish()
            }
            Self::Fill(filling) => f.debug_tuple("Fill").field(filling).finish(),
            Self::Directory { path, attributes } => {
                f.debug_struct("Directory").field("path", path).field("attributes", attributes).finish()
            }
            Self::Own { path, owner, spared } => {
                let mut shown = f.debug_struct("Own");
                shown.field("path", path).field("owner", owner).field("spared", spared).finish()
            }
            Self::Write { path, attributes, .. } => {
                f.debug_struct("Write").field("path", path).field("attributes", attributes).finish()
            }
            Self::Adjust { path, attributes, .. } => {
                f.debug_struct("Adjust").field("path", path).field("attributes", attributes).finish()
            }
            Self::Wait(wait) => wait.fmt(f),
        }
    }
}

/// What a table of the spec names inside of a recursive directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// Where.
    pub path: PathBuf,
    /// Whether all below it is spared too: another recursive directory.
    pub with_all_below: bool,
}

/// Why a step is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing is there.
    Missing,
    /// The content differs.
    ContentDiffers,
    /// Owner or mode differ.
    AttributesDiffer,
    /// Something else than a regular file is there, and is replaced.
    OtherKind(Kind),
    /// No value was given or kept.
    NotGenerated,
    /// What is recorded of the volume.
    Recorded,
    /// Whose what is below a recursive directory is, is found while it is seen to.
    Recursive,
    /// The spec says so.
    Asked,
}

/// Something that stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What.
    pub path: PathBuf,
    /// Why.
    pub reason: KeptReason,
}

/// Why something stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptReason {
    /// It is as it should be.
    Unchanged,
    /// Something is mounted there: it belongs to whoever mounted it.
    MountPoint,
    /// `overwrite = "if-missing"`, and it is there.
    Exists,
    /// `overwrite = "unless-edited"`, and somebody changed it.
    Edited,
    /// `overwrite = "unless-edited"`, and castoff has no record of having written it.
    NotOurs,
    /// Its `when` is false.
    NotWanted,
    /// It is a volume with nothing to do.
    Complete,
}

/// A command that must succeed on a rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// The destination of the file.
    pub dest: PathBuf,
    /// The command, `{file}` still in it.
    pub command: Vec<String>,
    /// Where the spec says so.
    pub place: crate::diagnostic::Place,
    /// The file's content: may hold secrets.
    pub content: Hidden,
    /// The texts in it that the command's output must not show.
    pub secrets: Secrets,
}

/// Bytes that are not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub Vec<u8>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Texts that are not shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secrets(pub Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

//! The steps of a start, as plain data. A closed list: `apply` does each in its own way,
//! and modes choose among them.

use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::service::RunPlan;
use crate::state::Digest;
use crate::sys::attributes::Attributes;
use crate::sys::file_error::FileError;
use crate::sys::status::Kind;

/// All that a start will do, in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is changed.
    pub steps: Vec<Planned>,
    /// What is looked at and left alone.
    pub kept: Vec<Kept>,
    /// Commands that must succeed on files before these are written.
    pub validations: Vec<Validation>,
    /// What is run afterwards.
    pub run: Option<RunPlan>,
}

impl Plan {
    /// The steps that will fail, as far as can be known without trying.
    pub fn obstacles(&self) -> impl Iterator<Item = Diagnostic> {
        self.steps.iter().filter_map(|planned| planned.obstacle.as_ref()).map(Diagnostic::from)
    }
}

impl Plan {
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
    /// Make a directory or correct its owner and mode.
    Directory {
        /// Where.
        path: PathBuf,
        /// How.
        attributes: Attributes,
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
}

/// Never shows content.
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KeepGenerated { scope, values } => {
                let names: Vec<&String> = values.iter().map(|(name, _)| name).collect();
                f.debug_struct("KeepGenerated").field("scope", scope).field("names", &names).finish()
            }
            Self::Directory { path, attributes } => {
                f.debug_struct("Directory").field("path", path).field("attributes", attributes).finish()
            }
            Self::Write { path, attributes, .. } => {
                f.debug_struct("Write").field("path", path).field("attributes", attributes).finish()
            }
            Self::Adjust { path, attributes, .. } => {
                f.debug_struct("Adjust").field("path", path).field("attributes", attributes).finish()
            }
        }
    }
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

//! Why the work on a volume ended early.

use crate::diagnostic::Diagnostic;
use crate::observe::state::StateError;
use crate::sys::file_error::FileError;
use crate::sys::tree::TreeError;

/// Why the work ended early.
pub(super) enum Failure {
    /// The work on a tree.
    Tree(TreeError),
    /// What is remembered of the volume.
    State(StateError),
    /// The volume or its seed can't be taken as it is.
    Refused(Box<Diagnostic>),
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::Tree(error.into())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

//! Why work on a tree ended early.

use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::sys::file_error::FileError;

/// Why work on a tree ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// Something failed; what was done until then stays.
    Failed(FileError),
    /// castoff was asked to stop.
    Stopped,
}

impl From<FileError> for TreeError {
    fn from(error: FileError) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Stopped => f.write_str("asked to stop"),
        }
    }
}

impl std::error::Error for TreeError {}

/// For those who have dealt with [`TreeError::Stopped`] already.
impl From<&TreeError> for Diagnostic {
    fn from(error: &TreeError) -> Self {
        match error {
            TreeError::Failed(error) => Self::from(error),
            TreeError::Stopped => Self::error(crate::exit::ExitCode::IO, error.to_string()),
        }
    }
}

//! What the command line asks of a castoff that runs, as plain data.

use std::time::Duration;

use crate::service::control::Verb;

/// How long is waited for what was asked for where nothing else is said.
pub(crate) const USUAL_TIMEOUT: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Something about the services, or one of them.
    Verb(Verb, Option<String>),
    /// Whether all that is essential is well.
    Healthcheck,
}

/// The form of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFormat {
    /// A table for people.
    Text,
    /// As castoff answers.
    Json,
    /// The text format of Prometheus.
    Prometheus,
}

impl StatusFormat {
    /// As the command line has them.
    pub const WORDS: [(&'static str, Self); 3] =
        [("text", Self::Text), ("json", Self::Json), ("prometheus", Self::Prometheus)];
}

impl Wish {
    /// The option by which it is asked.
    #[must_use]
    pub fn option(&self) -> &'static str {
        match self {
            Self::Verb(Verb::Status, _) => "--status",
            Self::Verb(Verb::Start, _) => "--start",
            Self::Verb(Verb::Stop, _) => "--stop",
            Self::Verb(Verb::Restart, _) => "--restart",
            Self::Verb(Verb::Reload, _) => "--reload",
            Self::Healthcheck => "--healthcheck",
        }
    }

    /// Whether something is waited for.
    #[must_use]
    pub fn waits(&self) -> bool {
        match self {
            Self::Verb(Verb::Start | Verb::Stop | Verb::Restart, _) | Self::Verb(Verb::Reload, Some(_)) => {
                true
            }
            Self::Verb(Verb::Status | Verb::Reload, _) | Self::Healthcheck => false,
        }
    }
}

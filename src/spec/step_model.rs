//! What `[[step]]` and `[[hooks]]` say, as plain data.

use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Located;

/// `[[step]]`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name, unique.
    pub name: Located<String>,
    /// The command; items may be templates.
    pub command: Located<Vec<Located<String>>>,
    /// When, as whom and how long.
    pub terms: Terms,
}

/// `[[hooks]]`.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// The directory; absolute.
    pub path: Located<PathBuf>,
    /// When, as whom and how long: of each hook.
    pub terms: Terms,
}

/// When, as whom and how long something is run during the preparation.
#[derive(Clone, Debug)]
pub struct Terms {
    /// At which starts.
    pub occasion: Located<Occasion>,
    /// The first start, the restarts and the upgrades of what; `None`: the container.
    pub scope: Option<Located<PathBuf>>,
    /// An expression; it is run only where it is true.
    pub when: Option<Located<String>>,
    /// Who it runs as.
    pub user: Option<Located<String>>,
    /// Its primary group.
    pub group: Option<Located<String>>,
    /// Where it runs.
    pub working_directory: Option<Located<PathBuf>>,
    /// How long one attempt may take; `None`: as long as it needs.
    pub timeout: Option<Duration>,
    /// How often a failure is tried again.
    pub retries: u32,
}

/// `run = "..."`, with what `changes` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// At each start.
    Always,
    /// Until it has succeeded once, as long as the first start isn't over.
    FirstStart,
    /// Once for each change of the image's version.
    Upgrade,
    /// Whenever one of these isn't as it was at the last success.
    OnChange(Vec<Located<Watched>>),
}

/// One of `changes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The destination of a template.
    File(PathBuf),
    /// A variable, by its name.
    Variable(String),
}

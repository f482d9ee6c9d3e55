//! What is run during the preparation, as plain data: steps and directories of hooks, and what
//! is remembered when all of them succeeded.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::turn::{Decision, Turn};
use crate::diagnostic::Place;
use crate::observe::hooks::Hooks;
use crate::service::Credentials;
use crate::state::{Started, Succeeded};

/// All that is run after files were written and before the service, in order.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Steps, then hooks.
    pub tasks: Vec<Task>,
    /// What succeeded before, by scope.
    pub succeeded: BTreeMap<Option<PathBuf>, Succeeded>,
    /// What is remembered of this start once it is prepared.
    pub image: Started,
    /// Where that is news.
    pub news: Vec<News>,
}

/// A scope of which this start has something new to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// A volume, or (`None`) the container.
    pub scope: Option<PathBuf>,
    /// Whether this image asks for it. A later one may: so it is remembered where it can be.
    pub asked: bool,
}

/// A step, or a directory of hooks.
#[derive(Clone, Debug)]
pub struct Task {
    /// What is run.
    pub work: Work,
    /// When.
    pub turn: Turn,
    /// As whom.
    pub runner: Runner,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How often a failure is tried again.
    pub retries: u32,
    /// Where the spec says so.
    pub place: Place,
}

/// What is run.
#[derive(Clone, Debug)]
pub enum Work {
    /// Nothing: its `when` is false.
    NotWanted(What),
    /// A step.
    Step {
        /// Its name.
        name: String,
        /// Whether it is run.
        decision: Decision,
        /// Its command; where it is not run, only the program, or nothing if that has to be
        /// computed.
        argv: Vec<OsString>,
    },
    /// Each hook of a directory, as it is found when its time has come.
    Hooks {
        /// The directory, as the spec names it.
        path: PathBuf,
        /// What is there now; files that this start writes may come.
        found: Hooks,
    },
}

/// What messages call a step or a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A step, by its name.
    Step(String),
    /// A hook by its path, or a directory of them.
    Hook(String),
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Step(name) => write!(f, "step `{name}`"),
            Self::Hook(path) => write!(f, "hook {path}"),
        }
    }
}

/// As whom and where something is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runner {
    /// Who; `None`: as castoff does.
    pub credentials: Option<Credentials>,
    /// The home directory that goes with it.
    pub home: Option<PathBuf>,
    /// Where; `None`: where castoff was started.
    pub working_directory: Option<OsString>,
}

impl Runner {
    /// The environment of a process of this user.
    #[must_use]
    pub fn environment(&self, given: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
        let mut environment = given.to_vec();
        if let Some(home) = &self.home {
            environment.retain(|(name, _)| name != "HOME");
            environment.push(("HOME".into(), home.clone().into_os_string()));
        }
        environment
    }
}

impl Tasks {
    /// The volumes that only one start at a time may work on: those in whose scope something
    /// will be run, or in which something will be remembered.
    #[must_use]
    pub fn volumes(&self) -> BTreeSet<&Path> {
        let runs = |task: &&Task| match &task.work {
            Work::NotWanted(_) => false,
            Work::Step { decision, .. } => matches!(decision, Decision::Run(_)),
            Work::Hooks { .. } => true,
        };
        let of_tasks = self.tasks.iter().filter(runs).filter_map(|task| task.turn.scope.as_deref());
        let news = self.news.iter().filter(|news| news.asked);
        of_tasks.chain(news.filter_map(|news| news.scope.as_deref())).collect()
    }

    /// What is remembered of a step or a hook of that scope.
    #[must_use]
    pub fn decide(&self, turn: &Turn, name: &str) -> Decision {
        turn.decide(self.succeeded.get(&turn.scope).and_then(|succeeded| succeeded.get(name)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Decision, News, Runner, Task, Tasks, Turn, What, Work};
    use crate::diagnostic::{Place, Source};
    use crate::env::facts::StartFacts;
    use crate::plan::TurnOf;

    fn task(scope: Option<&str>, work: Work) -> Task {
        let turn = Turn {
            occasion: TurnOf::Always,
            scope: scope.map(PathBuf::from),
            facts: StartFacts::default(),
            version: None,
        };
        let place = Place::new(&Source::new("s", ""), 0..0);
        Task { work, turn, runner: Runner::default(), timeout: None, retries: 0, place }
    }

    fn step(decision: Decision) -> Work {
        Work::Step { name: "a".to_owned(), decision, argv: Vec::new() }
    }

    #[test]
    fn volumes_on_which_something_is_done() {
        let tasks = Tasks {
            tasks: vec![
                task(None, step(Decision::Run(String::new()))),
                task(Some("/b"), step(Decision::Run(String::new()))),
                task(Some("/c"), step(Decision::Rest(String::new()))),
                task(Some("/d"), Work::NotWanted(What::Step(String::new()))),
                task(Some("/b"), step(Decision::Rest(String::new()))),
            ],
            news: vec![
                News { scope: None, asked: true },
                News { scope: Some("/a".into()), asked: true },
                News { scope: Some("/e".into()), asked: false },
            ],
            ..Tasks::default()
        };
        assert_eq!(tasks.volumes().into_iter().collect::<Vec<_>>(), [Path::new("/a"), Path::new("/b")]);
    }

    #[test]
    fn the_environment_has_the_home_of_the_user() {
        let given = [("HOME".into(), "/root".into()), ("A".into(), "1".into())];
        let runner = Runner { home: Some("/home/app".into()), ..Runner::default() };
        assert_eq!(runner.environment(&given), [given[1].clone(), ("HOME".into(), "/home/app".into())]);
        assert_eq!(Runner::default().environment(&given), given);
    }
}

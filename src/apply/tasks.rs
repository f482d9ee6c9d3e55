//! Runs the steps and hooks of a plan, one after the other, and writes down what succeeded.
//!
//! What succeeded is remembered before the next one begins, so that a start which is killed or
//! fails goes on there; that this start is complete is remembered last. A step that has to be
//! remembered in a volume is not run before it is sure that it can be.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keep::keep_file;
use super::perform::Stopped;
use crate::diagnostic::Diagnostic;
use crate::duration;
use crate::exit::ExitCode;
use crate::observe::hooks::{self, Hooks, PassedOver};
use crate::observe::scopes::state_of_volume;
use crate::plan::{Decision, News, Task, Tasks, What, Work};
use crate::state::{STARTED_FILE, SUCCEEDED_FILE, Succeeded};
use crate::sys::environment::Variables;
use crate::sys::exec_failure::foresee;
use crate::sys::lookup;
use crate::sys::path_walk::Base;
use crate::sys::pause::pause;
use crate::sys::program_file::has_carriage_return;
use crate::sys::reap::Ending;
use crate::sys::signals::stop_requested;
use crate::sys::spawn::Program;
use crate::sys::start::Inherited;
use crate::sys::visible_command::{Outcome, Over, run_visible};

/// The first wait before a failure is tried again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) const REMEMBERED_THERE: &str = "castoff remembers there which starts and steps succeeded";

/// With what steps and hooks are run.
pub struct Tasking<'a> {
    /// What destinations are below.
    pub base: &'a Base,
    /// The directories of the container's state, the preferred one first.
    pub state_directories: &'a [PathBuf],
    /// The environment, as the service gets it.
    pub environment: &'a [(OsString, OsString)],
    /// What castoff was started with.
    pub inherited: &'a Inherited,
}

/// Runs what is to be run, and remembers that this start was prepared.
///
/// # Errors
/// The first failure, or castoff was asked to stop; what comes after it is not run.
pub fn run_tasks(tasks: &Tasks, tasking: &Tasking<'_>) -> Result<(), Stopped> {
    let mut running = Performing {
        tasks,
        tasking,
        succeeded: tasks.succeeded.clone(),
        sure: Vec::new(),
        without_state: false,
    };
    for task in &tasks.tasks {
        running.perform(task)?;
    }
    check_stop()?;
    for News { scope, asked } in &tasks.news {
        match running.keep(scope.as_deref(), STARTED_FILE, &tasks.image.to_text()) {
            // a volume may be mounted read-only where nothing is asked of it
            Err(Stopped::Failed(problem)) if !asked => tracing::debug!("{}", problem.title),
            outcome => outcome?,
        }
    }
    Ok(())
}

/// What `--check` can tell of programs without running them: that they are there, and can be
/// executed. What this start may still put in its place is left out: `will_change` knows.
pub fn check_programs(
    tasks: &Tasks,
    environment: &[(OsString, OsString)],
    will_change: &dyn Fn(&Path) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for task in &tasks.tasks {
        let commands: Vec<(Vec<OsString>, ExitCode)> = match &task.work {
            Work::Step { argv, .. } if !argv.is_empty() => vec![(argv.clone(), ExitCode::SPEC)],
            Work::Hooks { found, .. } => {
                let ready = found.ready.iter().filter(|hook| !will_change(Path::new(&hook.name)));
                ready.map(|hook| (vec![hook.path.clone().into()], ExitCode::ENVIRONMENT)).collect()
            }
            Work::Step { .. } | Work::NotWanted(_) => Vec::new(),
        };
        let environment = task.runner.environment(environment);
        for (argv, exit) in commands {
            if argv.first().is_some_and(|command| may_come(task, command, &environment, will_change)) {
                continue;
            }
            let problem = foresee(&program(task, &argv, &environment));
            problems.extend(
                problem.map(|problem| Diagnostic { exit, ..problem.at(&task.place, "declared here") }),
            );
        }
    }
    problems
}

/// Whether a command may be something that this start still puts in its place: by its path, or
/// in a directory of PATH.
fn may_come(
    task: &Task,
    command: &OsStr,
    environment: &[(OsString, OsString)],
    will_change: &dyn Fn(&Path) -> bool,
) -> bool {
    if command.as_bytes().contains(&b'/') {
        let directory = task.runner.working_directory.as_ref().map_or(Path::new(""), Path::new);
        return will_change(&directory.join(command));
    }
    let path = environment.iter().find(|(name, _)| name == "PATH");
    let mut directories = path.into_iter().flat_map(|(_, path)| lookup::directories(path));
    directories.any(|directory| will_change(&directory.join(command)))
}

/// What `--check` can tell of the places where successes are remembered in volumes.
pub fn check_places(tasks: &Tasks, base: &Base) -> Vec<Diagnostic> {
    let places = tasks.volumes().into_iter().map(|volume| state_of_volume(volume).join(STARTED_FILE));
    let errors = places.filter_map(|place| base.resolve(&place).and_then(|place| place.may_create()).err());
    errors.map(|error| Diagnostic::from(&error).note(REMEMBERED_THERE)).collect()
}

fn program<'p>(task: &'p Task, argv: &'p [OsString], environment: &'p [(OsString, OsString)]) -> Program<'p> {
    Program {
        argv,
        environment: Variables::Listed(environment),
        credentials: task.runner.credentials.as_ref(),
        working_directory: task.runner.working_directory.as_deref(),
        ..Program::default()
    }
}

fn check_stop() -> Result<(), Stopped> {
    stop_requested().map_or(Ok(()), |signal| Err(Stopped::Interrupted(signal)))
}

struct Performing<'a> {
    tasks: &'a Tasks,
    tasking: &'a Tasking<'a>,
    succeeded: BTreeMap<Option<PathBuf>, Succeeded>,
    /// Where writing down has worked in this start.
    sure: Vec<Option<PathBuf>>,
    /// Whether it was said that the container has nowhere to remember anything.
    without_state: bool,
}

impl Performing<'_> {
    fn perform(&mut self, task: &Task) -> Result<(), Stopped> {
        match &task.work {
            Work::NotWanted(what) => {
                tracing::debug!("{what} is not run: its `when` is false");
                Ok(())
            }
            Work::Step { name, decision: Decision::Run(why), argv } => {
                self.run(task, &What::Step(name.clone()), argv, why)
            }
            Work::Step { name, decision: Decision::Rest(why), .. } => {
                tracing::debug!("step `{name}` is not run: {why}");
                Ok(())
            }
            Work::Hooks { path, .. } => self.perform_hooks(task, path),
        }
    }

    /// The directory is looked at again: what wrote files meanwhile may have written hooks.
    fn perform_hooks(&mut self, task: &Task, path: &Path) -> Result<(), Stopped> {
        let Hooks { ready, passed_over, refused } = hooks::list(self.tasking.base, path)?;
        if let Some(refused) = refused.first() {
            let problem = Diagnostic::from(refused).at(&task.place, "named here");
            return Err(Stopped::Failed(Box::new(problem)));
        }
        for (name, why) in passed_over {
            match why {
                PassedOver::Document => tracing::info!("{name} is no hook: {}", why.words()),
                _ => tracing::debug!("{name} is no hook: {}", why.words()),
            }
        }
        for hook in ready {
            match self.tasks.decide(&task.turn, &hook.name) {
                Decision::Run(why) => {
                    self.run(task, &What::Hook(hook.name), &[hook.path.into_os_string()], &why)?;
                }
                Decision::Rest(why) => tracing::debug!("hook {} is not run: {why}", hook.name),
            }
        }
        Ok(())
    }

    fn run(&mut self, task: &Task, what: &What, argv: &[OsString], why: &str) -> Result<(), Stopped> {
        check_stop()?;
        let success = task.turn.success();
        if success.is_some() {
            self.make_sure(&task.turn.scope)?;
        }
        tracing::info!("running {what} ({why})");
        self.attempts(task, what, argv)?;
        tracing::debug!("{what} is done");
        let Some(success) = success else { return Ok(()) };
        let scope = &task.turn.scope;
        let (What::Step(name) | What::Hook(name)) = what;
        let succeeded = self.succeeded.entry(scope.clone()).or_default();
        succeeded.set(name, success);
        let text = succeeded.to_text();
        self.keep(scope.as_deref(), SUCCEEDED_FILE, &text)
    }

    /// Writes down what is known already: where that fails, nothing is run in vain.
    fn make_sure(&mut self, scope: &Option<PathBuf>) -> Result<(), Stopped> {
        if self.sure.contains(scope) {
            return Ok(());
        }
        let text = self.succeeded.entry(scope.clone()).or_default().to_text();
        self.keep(scope.as_deref(), SUCCEEDED_FILE, &text)?;
        self.sure.push(scope.clone());
        Ok(())
    }

    /// A volume that can't remember is an error; a container that can't is one that starts for
    /// the first time whenever it starts.
    fn keep(&mut self, scope: Option<&Path>, file: &str, text: &str) -> Result<(), Stopped> {
        let directories = match scope {
            Some(volume) => &[state_of_volume(volume)][..],
            None => self.tasking.state_directories,
        };
        let Err(error) = keep_file(self.tasking.base, directories, file, text.as_bytes()) else {
            return Ok(());
        };
        let problem = Diagnostic::from(&error);
        if scope.is_some() {
            return Err(Stopped::Failed(Box::new(problem.note(REMEMBERED_THERE))));
        }
        if !std::mem::replace(&mut self.without_state, true) {
            tracing::warn!(
                "each start of this container is a first start: there is nowhere to keep its state ({})",
                problem.title
            );
        }
        Ok(())
    }

    fn attempts(&self, task: &Task, what: &What, argv: &[OsString]) -> Result<(), Stopped> {
        let environment = task.runner.environment(self.tasking.environment);
        let program = program(task, argv, &environment);
        let mut wait = FIRST_WAIT;
        for retried in 0..=task.retries {
            let Some(how) = self.attempt(task, what, &program)? else { return Ok(()) };
            if let Some(signal) = stop_requested() {
                tracing::warn!("{what} {}", how.words());
                return Err(Stopped::Interrupted(signal));
            }
            if retried == task.retries {
                return Err(Stopped::Failed(Box::new(failed(task, what, argv, how, retried))));
            }
            let how = how.words();
            let (again, left) = (duration::format(wait), task.retries - retried);
            tracing::warn!("{what} {how}; trying again in {again}, {left} more at most");
            if let Some(signal) = pause(wait) {
                return Err(Stopped::Interrupted(signal));
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Ok(())
    }

    /// `None`: it succeeded.
    fn attempt(&self, task: &Task, what: &What, program: &Program<'_>) -> Result<Option<How>, Stopped> {
        let Over { outcome, left } = run_visible(program, self.tasking.inherited, task.timeout);
        if !left.is_empty() {
            let left: Vec<String> =
                left.iter().map(|process| format!("{} ({})", process.name, process.pid)).collect();
            tracing::warn!("{what} left processes running, which were ended: {}", left.join(", "));
        }
        match outcome {
            Outcome::Ended(Ending::Exited(0)) => Ok(None),
            Outcome::Ended(ending) => Ok(Some(How::Ended(ending))),
            Outcome::TimedOut(_) => Ok(Some(How::TimedOut(task.timeout.unwrap_or_default()))),
            Outcome::CannotStart(problem) => Err(Stopped::Failed(Box::new(cannot(task, what, *problem)))),
            Outcome::Interrupted(signal) => {
                tracing::info!("{what} was interrupted");
                Err(Stopped::Interrupted(signal))
            }
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
enum How {
    Ended(Ending),
    TimedOut(Duration),
}

impl How {
    fn words(self) -> String {
        match self {
            Self::Ended(Ending::Exited(status)) => format!("ended with status {status}"),
            Self::Ended(Ending::Killed(signal)) => format!("was killed by {signal}"),
            Self::TimedOut(limit) => format!("took longer than {}", duration::format(limit)),
        }
    }
}

fn failed(task: &Task, what: &What, argv: &[OsString], how: How, retried: u32) -> Diagnostic {
    let exit = match how {
        How::Ended(_) => ExitCode::STEP,
        How::TimedOut(_) => ExitCode::TIMEOUT,
    };
    let mut problem =
        Diagnostic::error(exit, format!("{what} {}", how.words())).at(&task.place, "declared here");
    if retried > 0 {
        problem = problem.note(format!("it was tried {} times", retried + 1));
    }
    let problem = problem.note("what it printed stands above; the next start runs it again");
    // `#!/usr/bin/env bash` with one is run, and env finds no `bash\r`
    match argv.first().map(Path::new) {
        Some(file) if has_carriage_return(file) => problem
            .note("its first line ends with a carriage return")
            .help(format!("save it with Unix line ends: sed -i 's/\\r$//' {}", file.display())),
        _ => problem,
    }
}

/// A program that can't be run: the image's mistake, or that of who put the hook there.
fn cannot(task: &Task, what: &What, problem: Diagnostic) -> Diagnostic {
    let exit = match (problem.exit, what) {
        (ExitCode::NOT_FOUND | ExitCode::NOT_EXECUTABLE, What::Step(_)) => ExitCode::SPEC,
        (ExitCode::NOT_FOUND | ExitCode::NOT_EXECUTABLE, What::Hook(_)) => ExitCode::ENVIRONMENT,
        (exit, _) => exit,
    };
    Diagnostic { exit, ..problem.at(&task.place, format!("for the {what}")) }
}

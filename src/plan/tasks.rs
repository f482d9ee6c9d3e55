//! From `[[step]]` and `[[hooks]]` to tasks. Pure: everything it needs is given.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use minijinja::Value;

use super::program::{argument, compiled, identity};
use super::step::{Plan, Step};
use super::task::{News, Runner, Task, Tasks, What, Work};
use super::turn::{Decision, Turn, TurnOf};
use crate::diagnostic::{Diagnostic, Located, Place};
use crate::env::{Names, Resolved};
use crate::expression::Expression;
use crate::observe::hooks::Hooks;
use crate::observe::scopes::Scopes;
use crate::observe::target::{Content, Found, Target};
use crate::render::Outputs;
use crate::service::Credentials;
use crate::spec::{self, Occasion, Spec, Terms, Watched};
use crate::state::{Digest, Started, digest};
use crate::sys::accounts::{Accounts, Identity};

/// All that is known.
pub struct TaskWishes<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// What expressions see.
    pub context: &'a Value,
    /// The variables.
    pub resolved: &'a Resolved,
    /// The image's users and groups.
    pub accounts: &'a Accounts,
    /// The image, as it will be remembered.
    pub image: Started,
    /// What is remembered.
    pub scopes: &'a Scopes,
    /// Whether something asks which start of the container this is.
    pub asks_which_start: bool,
    /// What each directory of `[[hooks]]` holds.
    pub hooks: Vec<Hooks>,
    /// The rendered files.
    pub outputs: &'a Outputs<'a>,
    /// What stands at each destination.
    pub targets: &'a BTreeMap<PathBuf, Target>,
    /// What will be written.
    pub plan: &'a Plan,
}

/// What is wrong with steps and hooks whatever the values are: expressions, the words of
/// commands, users and groups.
#[must_use]
pub fn check_tasks(
    spec: &Spec,
    names: &Names<'_>,
    accounts: Option<&Accounts>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for step in &spec.steps {
        for word in &step.command.value {
            match compiled(word, is_secret) {
                Ok(Some(template)) => problems.extend(names.check(template.names(), word, &[])),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
    }
    for terms in spec.terms() {
        if let Some(when) = &terms.when {
            match Expression::compile(when) {
                Ok(expression) => problems.extend(names.check(expression.names(), when, &[])),
                Err(problem) => problems.push(problem),
            }
        }
        // one that may not be wanted may have its user in another variant of the image
        if let (None, Some(accounts)) = (&terms.when, accounts) {
            problems.extend(runner(terms, accounts).err().unwrap_or_default());
        }
    }
    problems
}

/// Makes the tasks.
///
/// # Errors
/// Expressions and arguments that can't be computed, users that the image doesn't know, hooks
/// that can't be executed.
pub fn plan_tasks(wishes: &TaskWishes<'_>) -> Result<Tasks, Vec<Diagnostic>> {
    let mut tasks = remembered(wishes);
    let steps = wishes.spec.steps.iter().map(|step| step_task(wishes, &tasks, step));
    let hooks = wishes.spec.hooks.iter().zip(&wishes.hooks);
    let hooks = hooks.map(|(hooks, found)| hooks_task(wishes, hooks, found));
    let mut made = Vec::new();
    let mut problems = Vec::new();
    for task in steps.chain(hooks) {
        match task {
            Ok(task) => made.push(task),
            Err(found) => problems.extend(found),
        }
    }
    tasks.tasks = made;
    if problems.is_empty() { Ok(tasks) } else { Err(problems) }
}

/// What is remembered of each scope, and where this start is news.
fn remembered(wishes: &TaskWishes<'_>) -> Tasks {
    let mut tasks = Tasks { image: wishes.image.clone(), ..Tasks::default() };
    let volumes = wishes.spec.volumes.iter().map(|volume| Some(volume.path.value.clone()));
    for scope in std::iter::once(None).chain(volumes) {
        let remembered = wishes.scopes.get(scope.as_deref());
        let asked = is_asked(wishes, scope.as_deref());
        if (asked || scope.is_some()) && remembered.started.as_ref() != Some(&wishes.image) {
            tasks.news.push(News { scope: scope.clone(), asked });
        }
        tasks.succeeded.insert(scope, remembered.succeeded);
    }
    tasks
}

/// Whether it must be remembered that the container was started.
fn is_asked(wishes: &TaskWishes<'_>, scope: Option<&Path>) -> bool {
    let is_scope = |terms: &Terms| terms.scope.as_ref().map(|scope| scope.value.as_path()) == scope;
    let is_filled = scope.is_some_and(|volume| wishes.plan.fills(volume));
    wishes.asks_which_start || is_filled || wishes.spec.terms().any(is_scope)
}

fn step_task(wishes: &TaskWishes<'_>, tasks: &Tasks, step: &spec::Step) -> Result<Task, Vec<Diagnostic>> {
    let turn = turn(wishes, &step.terms);
    let name = step.name.value.clone();
    let work = if is_wanted(wishes, &step.terms)? {
        let decision = tasks.decide(&turn, &name);
        let argv = match decision {
            Decision::Run(_) => arguments(wishes, &step.command.value),
            Decision::Rest(_) => Ok(known_program(&step.command.value)),
        };
        argv.map(|argv| Work::Step { name, decision, argv })
    } else {
        Ok(Work::NotWanted(What::Step(name)))
    };
    task(wishes, &step.terms, &step.name.place, turn, work)
}

fn hooks_task(wishes: &TaskWishes<'_>, hooks: &spec::Hooks, found: &Hooks) -> Result<Task, Vec<Diagnostic>> {
    let path = hooks.path.value.clone();
    let work = if is_wanted(wishes, &hooks.terms)? {
        let refused = found.refused.iter().filter(|refused| !will_change(wishes, Path::new(&refused.name)));
        let problems: Vec<_> =
            refused.map(|refused| Diagnostic::from(refused).at(&hooks.path.place, "named here")).collect();
        if problems.is_empty() { Ok(Work::Hooks { path, found: found.clone() }) } else { Err(problems) }
    } else {
        Ok(Work::NotWanted(What::Hook(path.display().to_string())))
    };
    task(wishes, &hooks.terms, &hooks.path.place, turn(wishes, &hooks.terms), work)
}

/// Whether this start may still change what stands there.
fn will_change(wishes: &TaskWishes<'_>, path: &Path) -> bool {
    let in_volume = wishes.spec.volumes.iter().any(|volume| path.starts_with(&volume.path.value));
    in_volume || wishes.outputs.files.iter().any(|file| file.dest == path)
}

fn turn(wishes: &TaskWishes<'_>, terms: &Terms) -> Turn {
    let scope = terms.scope.as_ref().map(|scope| scope.value.clone());
    let version = wishes.image.version.clone();
    let facts = wishes.scopes.get(scope.as_deref()).facts(version.as_deref());
    let occasion = match &terms.occasion.value {
        Occasion::Always => TurnOf::Always,
        Occasion::FirstStart => TurnOf::FirstStart,
        Occasion::Upgrade => TurnOf::Upgrade,
        Occasion::OnChange(changes) => TurnOf::OnChange(watched_digest(wishes, changes)),
    };
    Turn { occasion, scope, facts, version }
}

fn is_wanted(wishes: &TaskWishes<'_>, terms: &Terms) -> Result<bool, Vec<Diagnostic>> {
    let Some(when) = &terms.when else { return Ok(true) };
    let holds = Expression::compile(when).and_then(|expression| expression.holds("when", wishes.context));
    holds.map_err(|problem| vec![problem])
}

/// All problems of one step together.
fn task(
    wishes: &TaskWishes<'_>,
    terms: &Terms,
    place: &Place,
    turn: Turn,
    work: Result<Work, Vec<Diagnostic>>,
) -> Result<Task, Vec<Diagnostic>> {
    let runner = match &work {
        Ok(Work::NotWanted(_)) => Ok(Runner::default()),
        _ => runner(terms, wishes.accounts),
    };
    match (runner, work) {
        (Ok(runner), Ok(work)) => {
            let (timeout, retries) = (terms.timeout, terms.retries);
            Ok(Task { work, turn, runner, timeout, retries, place: place.clone() })
        }
        (runner, work) => Err(runner.err().into_iter().chain(work.err()).flatten().collect()),
    }
}

/// The program of a command that is not computed.
fn known_program(words: &[Located<String>]) -> Vec<OsString> {
    words
        .first()
        .filter(|word| !word.value.contains("{{"))
        .map(|word| word.value.clone().into())
        .into_iter()
        .collect()
}

fn arguments(wishes: &TaskWishes<'_>, words: &[Located<String>]) -> Result<Vec<OsString>, Vec<Diagnostic>> {
    let is_secret = |name: &str| wishes.resolved.is_secret(name);
    let mut problems = Vec::new();
    let mut argv = Vec::new();
    for word in words {
        match argument(word, wishes.context, &is_secret) {
            Ok(argument) => argv.push(argument),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(argv) } else { Err(problems) }
}

fn runner(terms: &Terms, accounts: &Accounts) -> Result<Runner, Vec<Diagnostic>> {
    let identity = identity(terms.user.as_ref(), terms.group.as_ref(), accounts)?;
    let working_directory = terms.working_directory.as_ref().map(|path| path.value.clone().into());
    Ok(match identity {
        Some(Identity { uid, gid, groups, home, .. }) => Runner {
            credentials: Some(Credentials { uid, gid, groups }),
            home: Some(home),
            working_directory,
        },
        None => Runner { working_directory, ..Runner::default() },
    })
}

/// A digest of all that a step depends on, as it will be once files were written.
fn watched_digest(wishes: &TaskWishes<'_>, changes: &[Located<Watched>]) -> Digest {
    let mut text = Vec::new();
    for watched in changes {
        let (kind, name, content) = match &watched.value {
            Watched::File(path) => ("file", path.display().to_string(), content(wishes, path)),
            Watched::Variable(name) => {
                let found = wishes.resolved.get(name).and_then(|variable| variable.text.as_ref());
                ("variable", name.clone(), found.map(|text| text.clone().into_bytes()))
            }
        };
        let length = content.as_ref().map(Vec::len);
        text.extend_from_slice(format!("{kind} {} {name} {length:?}\n", name.len()).as_bytes());
        text.extend(content.unwrap_or_default());
    }
    digest(&text)
}

/// What a file will hold; `None`: it won't be there, or nobody can tell.
fn content(wishes: &TaskWishes<'_>, path: &Path) -> Option<Vec<u8>> {
    let written = wishes.plan.steps.iter().find_map(|planned| match &planned.step {
        Step::Write { path: dest, content, .. } if dest == path => Some(content.clone()),
        _ => None,
    });
    written.or_else(|| match &wishes.targets.get(path)?.found {
        Found::File { content: Content::Whole(content), .. } => Some(content.clone()),
        _ => None,
    })
}

//! What is to be run: the command line's command, or the spec's service.

use std::ffi::OsString;
use std::time::Duration;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Located};
use crate::env::Names;
use crate::expression::TextTemplate;
use crate::service::{Credentials, InitOptions, Manner, RunPlan, Scope, SignalPolicy};
use crate::signal::Signal;
use crate::spec::{Service, StopScope};
use crate::sys::accounts::{Accounts, Identity};

/// How long the rest may take to end after the main process did, where nothing else is said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// What the command line says about running.
#[derive(Clone, Debug)]
pub struct RunWish {
    /// The command in the service's place; empty: the service.
    pub command: Vec<OsString>,
    /// The environment of the command.
    pub environment: Vec<(OsString, OsString)>,
    /// `--exec`.
    pub exec: bool,
    /// `--scope`.
    pub scope: Option<Scope>,
    /// `--rewrite`.
    pub rewrite: Vec<(Signal, Option<Signal>)>,
    /// `--grace`.
    pub grace: Option<Duration>,
    /// `--stop-delay`.
    pub stop_delay: Option<Duration>,
    /// `--stop-is-success`.
    pub stop_is_success: bool,
    /// `--subreaper`, `--setsid`, `--remap-exit`.
    pub init: InitOptions,
}

/// Makes the run plan. `None`: there is nothing to run.
///
/// # Errors
/// A user that the image doesn't know, an argument that can't be computed or would show a
/// secret.
pub fn run_plan(
    mut wish: RunWish,
    service: Option<&Service>,
    accounts: &Accounts,
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<Option<RunPlan>, Vec<Diagnostic>> {
    let mut plan = RunPlan {
        argv: std::mem::take(&mut wish.command),
        environment: std::mem::take(&mut wish.environment),
        credentials: None,
        working_directory: None,
        manner: if wish.exec { Manner::Exec } else { Manner::Supervise },
        signals: SignalPolicy {
            scope: wish.scope.unwrap_or(Scope::Main),
            rewrite: wish.rewrite.clone(),
            stop_timeout: None,
            stop_delay: wish.stop_delay,
            stop_is_success: wish.stop_is_success,
        },
        grace: wish.grace.unwrap_or(DEFAULT_GRACE),
        init: wish.init.clone(),
    };
    if plan.argv.is_empty() {
        let Some(service) = service else { return Ok(None) };
        fill_from_service(&mut plan, &wish, service, accounts, context, is_secret)?;
    }
    if plan.init.own_session {
        plan.signals.stop_for_certain();
    }
    Ok(Some(plan))
}

/// What is wrong with a service whatever the values are: the words of its command, and with
/// `accounts` its user and group.
#[must_use]
pub fn check_service(
    service: &Service,
    names: &Names<'_>,
    accounts: Option<&Accounts>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for word in &service.command.value {
        match compiled(word, is_secret) {
            Ok(Some(template)) => problems.extend(names.check(template.names(), word, &[])),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(
        accounts
            .and_then(|accounts| identity(service.user.as_ref(), service.group.as_ref(), accounts).err())
            .unwrap_or_default(),
    );
    problems
}

fn fill_from_service(
    plan: &mut RunPlan,
    wish: &RunWish,
    service: &Service,
    accounts: &Accounts,
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    for word in &service.command.value {
        match argument(word, context, is_secret) {
            Ok(argument) => plan.argv.push(argument),
            Err(problem) => problems.push(problem),
        }
    }
    match identity(service.user.as_ref(), service.group.as_ref(), accounts) {
        Ok(Some(identity)) => {
            set_home(&mut plan.environment, &identity);
            let Identity { uid, gid, groups, .. } = identity;
            plan.credentials = Some(Credentials { uid, gid, groups });
        }
        Ok(None) => {}
        Err(found) => problems.extend(found),
    }
    plan.working_directory = service.working_directory.as_ref().map(|path| path.value.clone().into());
    plan.signals.stop_timeout = service.stop_timeout.as_ref().map(|timeout| timeout.value);
    plan.signals.stop_delay = wish.stop_delay.or(service.stop_delay.as_ref().map(|delay| delay.value));
    plan.signals.stop_is_success |= service.stop_is_success;
    if wish.scope.is_none() {
        plan.signals.scope = match service.stop_scope {
            StopScope::Main => Scope::Main,
            StopScope::Group => Scope::Group,
            StopScope::All => Scope::All,
        };
    }
    // an option of the command line beats the spec
    if let Some(stop) = &service.stop_signal
        && !wish.rewrite.iter().any(|(from, _)| *from == Signal::TERM)
    {
        plan.signals.rewrite.push((Signal::TERM, Some(stop.value)));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// One word of the command; still one word whatever its variables hold.
pub(super) fn argument(
    word: &Located<String>,
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<OsString, Diagnostic> {
    let Some(template) = compiled(word, is_secret)? else { return Ok(OsString::from(&word.value)) };
    let text = template.render(context)?;
    if text.contains('\0') {
        return Err(Diagnostic::environment("an argument can't hold a NUL").at(&word.place, "computed here"));
    }
    Ok(OsString::from(text))
}

/// A word that is to be computed; `None`: it stands as it is.
pub(super) fn compiled(
    word: &Located<String>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<Option<TextTemplate>, Diagnostic> {
    if !word.value.contains("{{") {
        return Ok(None);
    }
    let template = TextTemplate::compile(word)?;
    match template.names().iter().find(|name| is_secret(name)) {
        None => Ok(Some(template)),
        Some(secret) => Err(Diagnostic::spec(format!("`{secret}` is a secret and can't be an argument"))
            .at(&word.place, "the arguments of a process are visible to every other one")
            .help("pass it in a file, or with `export = true` in the environment")),
    }
}

/// Who is meant; `None`: castoff's own user.
pub(super) fn identity(
    user: Option<&Located<String>>,
    group: Option<&Located<String>>,
    accounts: &Accounts,
) -> Result<Option<Identity>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut identity = None;
    if let Some(user) = user {
        match accounts.identity(&user.value) {
            Ok(found) => identity = Some(found),
            Err(error) => problems.push(Diagnostic::from(&error).at(&user.place, "named here")),
        }
    }
    if let Some(group) = group {
        match (accounts.group(&group.value), &mut identity) {
            (Ok(gid), Some(identity)) => {
                identity.gid = gid;
                if !identity.groups.contains(&gid) {
                    identity.groups.insert(0, gid);
                }
            }
            (Ok(_), None) if user.is_none() => problems.push(
                Diagnostic::spec("`group` without `user`").at(&group.place, "add the user that runs with it"),
            ),
            (Ok(_), None) => {}
            (Err(error), _) => problems.push(Diagnostic::from(&error).at(&group.place, "named here")),
        }
    }
    if problems.is_empty() { Ok(identity) } else { Err(problems) }
}

fn set_home(environment: &mut Vec<(OsString, OsString)>, identity: &Identity) {
    environment.retain(|(name, _)| name != "HOME");
    environment.push(("HOME".into(), identity.home.clone().into_os_string()));
}

/// A word as a shell would take it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

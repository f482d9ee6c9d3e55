//! The process of a service or of a cron entry: its command, environment, user and attributes,
//! computed from the spec.

use std::ffi::OsString;
use std::path::PathBuf;

use minijinja::Value;

use super::wait::check_wait;
use crate::diagnostic::{Diagnostic, Located};
use crate::env::Names;
use crate::expression::{Expression, TextTemplate};
use crate::service::log::Form;
use crate::service::{Credentials, Environment, ProgramPlan};
use crate::spec::{EnvironmentChange, Log, Service, Sign};
use crate::sys::accounts::{Accounts, Identity};
use crate::wildcard;

/// What is made of the lines that it prints.
pub(super) fn form(log: Log) -> Form {
    match log {
        Log::Pass => Form::Pass,
        Log::Prefix => Form::Prefix,
        Log::Json => Form::Json,
    }
}

/// What a service executes; `base_environment` is what all services get.
///
/// # Errors
/// A user that the image doesn't know, an argument that can't be computed or would show a
/// secret.
pub(super) fn program_plan(
    service: &Service,
    base_environment: &[(OsString, OsString)],
    accounts: &Accounts,
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<ProgramPlan, Vec<Diagnostic>> {
    let made = command_plan(&commanded(service), base_environment, accounts, context, is_secret);
    let (mut program, mut problems) = match made {
        Ok(program) => (program, Vec::new()),
        Err(problems) => (ProgramPlan::default(), problems),
    };
    program.attributes = service.attributes.clone();
    match groups(&service.groups, accounts) {
        Ok(groups) => program.attributes.groups = groups,
        Err(found) => problems.extend(found),
    }
    let change = |listed: &mut _| problems.extend(change_environment(listed, &service.environment, context));
    program.environment.change(change);
    if problems.is_empty() { Ok(program) } else { Err(problems) }
}

fn commanded(service: &Service) -> Commanded<'_> {
    Commanded {
        command: &service.command,
        user: service.user.as_ref(),
        group: service.group.as_ref(),
        working_directory: service.working_directory.as_ref(),
    }
}

/// A command of the spec, as whom it runs and where.
pub(super) struct Commanded<'a> {
    pub(super) command: &'a Located<Vec<Located<String>>>,
    pub(super) user: Option<&'a Located<String>>,
    pub(super) group: Option<&'a Located<String>>,
    pub(super) working_directory: Option<&'a Located<PathBuf>>,
}

/// The process of a command, with what all processes get as environment.
///
/// # Errors
/// As [`program_plan`].
pub(super) fn command_plan(
    commanded: &Commanded<'_>,
    base_environment: &[(OsString, OsString)],
    accounts: &Accounts,
    context: &Value,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<ProgramPlan, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut program = ProgramPlan {
        environment: Environment::Listed(base_environment.to_vec()),
        working_directory: commanded.working_directory.map(|path| path.value.clone().into()),
        ..ProgramPlan::default()
    };
    for word in &commanded.command.value {
        match argument(word, context, is_secret) {
            Ok(argument) => program.argv.push(argument),
            Err(problem) => problems.push(problem),
        }
    }
    match identity(commanded.user, commanded.group, accounts) {
        Ok(Some(identity)) => {
            program.environment.change(|listed| set_home(listed, &identity));
            let Identity { uid, gid, groups, .. } = identity;
            program.credentials = Some(Credentials { uid, gid, groups });
        }
        Ok(None) => {}
        Err(found) => problems.extend(found),
    }
    if problems.is_empty() { Ok(program) } else { Err(problems) }
}

impl Commanded<'_> {
    /// What is wrong with it whatever the values are: the words of the command, and with
    /// `accounts` its user and group.
    pub(super) fn check(
        &self,
        names: &Names<'_>,
        accounts: Option<&Accounts>,
        is_secret: &dyn Fn(&str) -> bool,
    ) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for word in &self.command.value {
            match compiled(word, is_secret) {
                Ok(Some(template)) => problems.extend(names.check(template.names(), word, &[])),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        let wrong = accounts.and_then(|accounts| identity(self.user, self.group, accounts).err());
        problems.extend(wrong.unwrap_or_default());
        problems
    }
}

/// What is wrong with a service whatever the values are: the words of its command and of its
/// environment, and with `accounts` its user and groups.
#[must_use]
pub fn check_service(
    service: &Service,
    names: &Names<'_>,
    accounts: Option<&Accounts>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = commanded(service).check(names, accounts, is_secret);
    let supervision = &service.supervision;
    if let Some(when) = &supervision.when {
        match Expression::compile(when) {
            Ok(compiled) => problems.extend(names.check(compiled.names(), when, &[])),
            Err(problem) => problems.push(problem),
        }
    }
    let ready = supervision.ready.as_ref().and_then(|ready| match &ready.sign {
        Sign::Seen(wait) => Some(&**wait),
        _ => None,
    });
    let check = supervision.check.as_ref().map(|check| &*check.seen);
    for wait in ready.into_iter().chain(check) {
        problems.extend(check_wait(wait, names, is_secret));
    }
    for (_, value) in &service.environment.add {
        match template(value) {
            Ok(Some(template)) => problems.extend(names.check(template.names(), value, &[])),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(accounts) = accounts {
        problems.extend(groups(&service.groups, accounts).err().unwrap_or_default());
    }
    problems
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
    let Some(template) = template(word)? else { return Ok(None) };
    match template.names().iter().find(|name| is_secret(name)) {
        None => Ok(Some(template)),
        Some(secret) => Err(Diagnostic::spec(format!("`{secret}` is a secret and can't be an argument"))
            .at(&word.place, "the arguments of a process are visible to every other one")
            .help("pass it in a file, or with `export = true` in the environment")),
    }
}

/// A text that is to be computed; `None`: it stands as it is.
fn template(text: &Located<String>) -> Result<Option<TextTemplate>, Diagnostic> {
    if text.value.contains("{{") { TextTemplate::compile(text).map(Some) } else { Ok(None) }
}

/// The numbers of groups.
fn groups(names: &[Located<String>], accounts: &Accounts) -> Result<Vec<u32>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut groups = Vec::new();
    for name in names {
        match accounts.group(&name.value) {
            Ok(group) => groups.push(group),
            Err(error) => problems.push(Diagnostic::from(&error).at(&name.place, "named here")),
        }
    }
    if problems.is_empty() { Ok(groups) } else { Err(problems) }
}

/// Makes a service's environment of that of all services. Unlike an argument a value may be a
/// secret: only who may look into the process sees it (proc_pid_environ(5)).
fn change_environment(
    environment: &mut Vec<(OsString, OsString)>,
    change: &EnvironmentChange,
    context: &Value,
) -> Vec<Diagnostic> {
    let fits = |names: &[Located<String>], name: &OsString| {
        names.iter().any(|pattern| wildcard::matches(&pattern.value, &name.to_string_lossy()))
    };
    if let Some(only) = &change.only {
        environment.retain(|(name, _)| fits(only, name));
    }
    environment.retain(|(name, _)| !fits(&change.remove, name));
    let mut problems = Vec::new();
    for (name, text) in &change.add {
        match value(text, context) {
            Ok(value) => {
                environment.retain(|(known, _)| known != name.as_str());
                environment.push((name.into(), value.into()));
            }
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

fn value(text: &Located<String>, context: &Value) -> Result<String, Diagnostic> {
    let computed = template(text)?.map(|template| template.render(context)).transpose()?;
    let value = computed.unwrap_or_else(|| text.value.clone());
    if value.contains('\0') {
        return Err(Diagnostic::environment("a variable can't hold a NUL").at(&text.place, "computed here"));
    }
    Ok(value)
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

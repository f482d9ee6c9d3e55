//! What is to be run where several services live together, or one that is to be supervised, or
//! cron entries.
//!
//! Nothing is looked up or started here; services whose `when` is false are left out, and
//! with them those that require them.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use minijinja::Value;

use super::cron::{CronPlan, FindZone, cron_plans};
use super::program::{form, program_plan};
use super::run::RunWish;
use super::wait::{self, Target};
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::service::log::Form;
use crate::service::tree::{CheckRule, GiveUp, Id, Readiness, Restart, Rules, StopRule};
use crate::service::{BackoffPolicy, DEFAULT_GRACE, ProgramPlan, Scope, Subreaper};
use crate::signal::Signal;
use crate::spec::{self, Cron, Service, Spec, StopScope};
use crate::sys::accounts::Accounts;
use crate::sys::file_version::FileVersion;

/// Several services, and cron entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreePlan {
    /// In the order of the spec; by their places here they are known.
    pub services: Vec<ServicePlan>,
    /// In the order of the spec. With any the container goes on without services.
    pub crons: Vec<CronPlan>,
    /// When all have ended: how long the rest may take to end after SIGTERM.
    pub grace: Duration,
    /// Whether castoff adopts the orphans among its descendants.
    pub subreaper: Subreaper,
    /// Codes of the whole, and what castoff ends with in their place; the first that fits.
    pub remap_exit: Vec<(ExitCode, ExitCode)>,
    /// The descriptor that holds what castoff was started with, for rendering again.
    pub start: Option<RawFd>,
    /// Whether a terminal may be shown colours.
    pub coloured: bool,
    /// Where castoff can be asked about them.
    pub control: ControlWish,
    /// Files that values and templates were read from, in the version that was read: when one
    /// changes all is rendered again.
    pub watch: Vec<(PathBuf, FileVersion)>,
}

/// Where castoff's control socket is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ControlWish {
    /// At its usual place, or an abstract address where that can't be had.
    #[default]
    Usual,
    /// Nowhere.
    Nowhere,
    /// There.
    At(PathBuf),
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// What it executes.
    pub program: ProgramPlan,
    /// How it lives with the others.
    pub rules: Rules,
    /// By what it is known to be ready, where time alone doesn't tell.
    pub sign: Option<Sign>,
    /// What is made of the lines that it prints.
    pub log: Form,
    /// Files whose new lines are shown.
    pub follow: Vec<PathBuf>,
    /// What is looked at, once it is ready, to know how it does.
    pub check: Option<CheckPlan>,
}

/// What is looked at to know how a service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPlan {
    /// What.
    pub look: Look,
    /// A look that takes longer has failed.
    pub timeout: Duration,
}

/// By what a service is known to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It says so: sd_notify(3).
    Notify,
    /// It writes a line to this descriptor.
    Descriptor(i32),
    /// It can be seen from outside.
    Seen(Look),
}

/// What is looked at, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// In words that hold no secret.
    pub shown: String,
    /// Whether its address is made from a secret, and so is told nowhere.
    pub hides: bool,
    /// What.
    pub target: Target,
    /// The longest pause between two looks.
    pub interval: Duration,
}

/// What services are made from.
pub struct TreeWish<'a> {
    /// What the command line says.
    pub wish: &'a RunWish,
    /// The services of the spec.
    pub services: &'a [Service],
    /// Its cron entries.
    pub crons: &'a [Cron],
    /// Finds time zones.
    pub find_zone: &'a FindZone<'a>,
    /// Who there is.
    pub accounts: &'a Accounts,
    /// What expressions see.
    pub context: &'a Value,
    /// Which variables are shown to nobody.
    pub is_secret: &'a dyn Fn(&str) -> bool,
    /// The files that were read, where they are to be watched.
    pub watch: Vec<(PathBuf, FileVersion)>,
}

/// Whether the services of a spec are to be supervised as a tree: there are several, or one
/// has a key that nothing else knows, or is told of changed files, or there are cron entries.
#[must_use]
pub fn is_tree(spec: &Spec) -> bool {
    let renders_again = spec.watch || spec.templates.iter().any(|template| !template.reload.is_empty());
    spec.services.len() > 1
        || !spec.crons.is_empty()
        || renders_again && !spec.services.is_empty()
        || spec.services.iter().any(|service| service.supervision.is_asked_for())
}

/// Makes the plan.
///
/// # Errors
/// All that is wrong, at once: with the services, and with options that are about one command.
pub fn tree_plan(tree: &TreeWish<'_>) -> Result<TreePlan, Vec<Diagnostic>> {
    let mut problems = refused_options(tree.wish);
    let wanted = match wanted(tree) {
        Ok(wanted) => wanted,
        Err(found) => {
            problems.extend(found);
            problems.extend(cron_plans(tree).err().unwrap_or_default());
            return Err(problems);
        }
    };
    let ids: BTreeMap<&str, Id> =
        wanted.iter().zip(0..).map(|(service, at)| (service.name.value.as_str(), Id(at))).collect();
    let mut services = Vec::new();
    for service in &wanted {
        match service_plan(service, tree, &ids) {
            Ok(plan) => services.push(plan),
            Err(found) => problems.extend(found),
        }
    }
    let crons = cron_plans(tree).unwrap_or_else(|found| {
        problems.extend(found);
        Vec::new()
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(TreePlan {
        services,
        crons,
        grace: tree.wish.grace.unwrap_or(DEFAULT_GRACE),
        subreaper: tree.wish.init.subreaper,
        remap_exit: tree.wish.init.remap_exit.clone(),
        start: None,
        control: tree.wish.control.clone(),
        watch: tree.watch.clone(),
        coloured: !tree.wish.environment.iter().any(|(name, _)| name == "NO_COLOR"),
    })
}

fn refused_options(wish: &RunWish) -> Vec<Diagnostic> {
    let given = [
        ("--exec", wish.exec),
        ("--scope", wish.scope.is_some()),
        ("--rewrite", !wish.rewrite.is_empty()),
        ("--stop-delay", wish.stop_delay.is_some()),
        ("--stop-is-success", wish.stop_is_success),
        ("--setsid", wish.init.own_session),
    ];
    let given = given.into_iter().filter(|(_, given)| *given);
    given
        .map(|(option, _)| {
            Diagnostic::error(ExitCode::USAGE, format!("{option} is about one command"))
                .note("the spec's services are supervised together")
                .help("say it in the spec, for the service that is meant")
        })
        .collect()
}

/// The services that are to run.
fn wanted<'a>(tree: &TreeWish<'a>) -> Result<Vec<&'a Service>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut found: Vec<&Service> = Vec::new();
    for service in tree.services {
        match wait::holds(service.supervision.when.as_ref(), tree.context) {
            Ok(true) => found.push(service),
            Ok(false) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    loop {
        let has = |name: &str| found.iter().any(|service| service.name.value == name);
        let lacks = |service: &&Service| service.supervision.requires.iter().any(|name| !has(&name.value));
        let Some(out) = found.iter().position(lacks) else { return Ok(found) };
        found.remove(out);
    }
}

fn service_plan(
    service: &Service,
    tree: &TreeWish<'_>,
    ids: &BTreeMap<&str, Id>,
) -> Result<ServicePlan, Vec<Diagnostic>> {
    let mut problems = refused_keys(service);
    let given = &tree.wish.environment;
    let program = program_plan(service, given, tree.accounts, tree.context, tree.is_secret);
    let sign = sign(service, tree);
    let check = check(service, tree);
    let supervision = &service.supervision;
    let known = |names: &[crate::diagnostic::Located<String>]| {
        names.iter().filter_map(|name| ids.get(name.value.as_str()).copied()).collect::<Vec<_>>()
    };
    let rules = Rules {
        after: known(&supervision.after),
        requires: known(&supervision.requires),
        essential: supervision.essential,
        restart: match supervision.restart {
            spec::Restart::No => Restart::No,
            spec::Restart::OnFailure => Restart::OnFailure,
            spec::Restart::Always => Restart::Always,
        },
        backoff: BackoffPolicy {
            first: supervision.backoff,
            max: supervision.backoff_max.max(supervision.backoff),
            stable_after: supervision.stable_after,
            limit: supervision.restart_limit,
        },
        gives_up: match supervision.give_up {
            spec::GiveUp::End => GiveUp::End,
            spec::GiveUp::Ignore => GiveUp::Ignore,
        },
        readiness: match &supervision.ready {
            None => Readiness::AtOnce,
            Some(spec::Ready { sign: spec::Sign::Delay(delay), .. }) => Readiness::After(*delay),
            Some(ready) => Readiness::Told(Some(ready.timeout)),
        },
        watchdog: supervision.watchdog,
        check: supervision
            .check
            .as_ref()
            .map(|check| CheckRule { interval: check.interval, retries: check.retries }),
        stop: stop_rule(service),
        reload: supervision.reload_signal,
        forwards: supervision.forward_signals.clone(),
        success: supervision.success_exit.iter().map(|code| ExitCode(*code)).collect(),
    };
    match (program, sign, check) {
        (Ok(program), Ok(sign), Ok(check)) if problems.is_empty() => {
            let log = form(supervision.log);
            let (name, follow) = (service.name.value.clone(), supervision.follow.clone());
            Ok(ServicePlan { name, program, rules, sign, check, log, follow })
        }
        (program, sign, check) => {
            problems.extend(program.err().unwrap_or_default());
            problems.extend(sign.err());
            problems.extend(check.err());
            Err(problems)
        }
    }
}

fn stop_rule(service: &Service) -> StopRule {
    StopRule {
        signal: service.stop_signal.as_ref().map_or(Signal::TERM, |signal| signal.value),
        scope: match service.stop_scope {
            StopScope::Main => Scope::Main,
            StopScope::Group | StopScope::All => Scope::Group,
        },
        timeout: service.stop_timeout.as_ref().map(|timeout| timeout.value),
        is_success: service.stop_is_success,
    }
}

/// Keys that mean something for a single service only.
fn refused_keys(service: &Service) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if service.stop_scope == StopScope::All {
        problems.push(
            Diagnostic::spec("`stop-scope = \"all\"` would reach the other services")
                .at(&service.name.place, "this service is one of several that are supervised")
                .help("write \"group\": what has left the group is told at the end of all"),
        );
    }
    if let Some(delay) = &service.stop_delay {
        problems.push(
            Diagnostic::spec("`stop-delay` is for a service that is alone")
                .at(&delay.place, "not among several that are supervised")
                .help("let the service that takes the work in last stop first: `after` says so"),
        );
    }
    problems
}

fn sign(service: &Service, tree: &TreeWish<'_>) -> Result<Option<Sign>, Diagnostic> {
    let Some(ready) = &service.supervision.ready else { return Ok(None) };
    Ok(match &ready.sign {
        spec::Sign::Delay(_) => None,
        spec::Sign::Notify => Some(Sign::Notify),
        spec::Sign::Descriptor(number) => Some(Sign::Descriptor(*number)),
        spec::Sign::Seen(wish) => Some(Sign::Seen(look(wish, tree)?)),
    })
}

fn check(service: &Service, tree: &TreeWish<'_>) -> Result<Option<CheckPlan>, Diagnostic> {
    let Some(check) = &service.supervision.check else { return Ok(None) };
    Ok(Some(CheckPlan { look: look(&check.seen, tree)?, timeout: check.seen.timeout }))
}

fn look(wish: &spec::Wait, tree: &TreeWish<'_>) -> Result<Look, Diagnostic> {
    let wait::Wait { shown, hides, target, interval, .. } = wait::fill(wish, tree.context, tree.is_secret)?;
    Ok(Look { shown, hides, target, interval })
}

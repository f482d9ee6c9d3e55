//! What is to be run: the command line's command, or the spec's service.

use std::ffi::OsString;
use std::time::Duration;

use minijinja::Value;

use super::program::program_plan;
use super::tree::{ControlWish, TreePlan};
use crate::diagnostic::Diagnostic;
use crate::service::{InitOptions, Manner, RunPlan, Scope, SignalPolicy};
use crate::signal::Signal;
use crate::spec::{Service, StopScope};
use crate::sys::accounts::Accounts;

/// What is run when all is prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Running {
    /// One command, which castoff becomes or stays with.
    One(Box<RunPlan>),
    /// Services that are supervised.
    Tree(TreePlan),
}

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
    /// Where castoff can be asked.
    pub control: ControlWish,
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
    let mut plan = RunPlan::new(std::mem::take(&mut wish.command), std::mem::take(&mut wish.environment));
    if wish.exec {
        plan.manner = Manner::Exec;
    }
    plan.signals = SignalPolicy {
        scope: wish.scope.unwrap_or_default(),
        rewrite: wish.rewrite.clone(),
        stop_timeout: None,
        stop_delay: wish.stop_delay,
        stop_is_success: wish.stop_is_success,
    };
    plan.grace = wish.grace.unwrap_or(plan.grace);
    plan.init = wish.init.clone();
    if plan.program.argv.is_empty() {
        let Some(service) = service else { return Ok(None) };
        let given = plan.program.environment.listed();
        plan.program = program_plan(service, &given, accounts, context, is_secret)?;
        fill_from_service(&mut plan, &wish, service);
    }
    if plan.init.own_session {
        plan.signals.stop_for_certain();
    }
    Ok(Some(plan))
}

fn fill_from_service(plan: &mut RunPlan, wish: &RunWish, service: &Service) {
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

//! The cron entries that are to run: what each executes, when, and by whose clock.
//!
//! Zones are found by whom the wish names; nothing is read here. Entries whose `when` is
//! false are left out, and nothing of them is computed.

use std::time::Duration;

use super::program::{Commanded, command_plan, form};
use super::tree::TreeWish;
use super::wait;
use crate::diagnostic::{Diagnostic, Located};
use crate::env::Names;
use crate::exit::ExitCode;
use crate::expression::{Expression, TextTemplate};
use crate::schedule::{Missed, Overlap, Schedule, Zone, ZoneData};
use crate::service::ProgramPlan;
use crate::service::log::Form;
use crate::spec::{Cron, When};
use crate::sys::accounts::Accounts;

/// A cron entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronPlan {
    /// Its name.
    pub name: String,
    /// What each run executes.
    pub program: ProgramPlan,
    /// When it is due, as written. [`Schedule::parse`] takes it.
    pub expression: String,
    /// By whose clock.
    pub zone: ZoneData,
    /// What becomes of a due time while a run is under way.
    pub overlap: Overlap,
    /// What becomes of due times that nobody was there for.
    pub missed: Missed,
    /// How long a run may take. `None`: as long as it needs.
    pub timeout: Option<Duration>,
    /// By how much each run is delayed at most, by chance.
    pub jitter: Duration,
    /// What is made of the lines that its runs print.
    pub log: Form,
}

impl CronPlan {
    /// When it is due next after `now`, and how far the clock on the wall is from UTC then;
    /// all in seconds, times since 1970.
    #[must_use]
    pub fn next(&self, now: i64) -> Option<(i64, i64)> {
        let (schedule, zone) = (Schedule::parse(&self.expression).ok()?, Zone::of(&self.zone).ok()?);
        let next = schedule.next(now, &zone)?;
        Some((next, zone.offset_at(next)))
    }
}

/// The zone that a name means; of the container's where there is no name.
pub type FindZone<'a> = dyn Fn(Option<&str>) -> Result<ZoneData, Diagnostic> + 'a;

/// What is wrong with an entry whatever the values are: its names, and with `accounts` its
/// user and group.
#[must_use]
pub fn check_cron(
    cron: &Cron,
    names: &Names<'_>,
    accounts: Option<&Accounts>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = commanded(cron).check(names, accounts, is_secret);
    if let Some(when) = &cron.when {
        match Expression::compile(when) {
            Ok(compiled) => problems.extend(names.check(compiled.names(), when, &[])),
            Err(problem) => problems.push(problem),
        }
    }
    for text in shown_texts(cron) {
        match shown_template(text, is_secret) {
            Ok(Some(template)) => problems.extend(names.check(template.names(), text, &[])),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

/// The entries whose `when` holds.
///
/// # Errors
/// All that is wrong with any of them.
pub(super) fn cron_plans(tree: &TreeWish<'_>) -> Result<Vec<CronPlan>, Vec<Diagnostic>> {
    let (mut plans, mut problems) = (Vec::new(), Vec::new());
    for cron in tree.crons {
        match wait::holds(cron.when.as_ref(), tree.context) {
            Ok(true) => match cron_plan(cron, tree) {
                Ok(plan) => plans.push(plan),
                Err(found) => problems.extend(found),
            },
            Ok(false) => {}
            Err(problem) => problems.push(problem),
        }
    }
    // what is wrong with the container's own zone is wrong once
    problems.dedup();
    if problems.is_empty() { Ok(plans) } else { Err(problems) }
}

fn cron_plan(cron: &Cron, tree: &TreeWish<'_>) -> Result<CronPlan, Vec<Diagnostic>> {
    let program =
        command_plan(&commanded(cron), &tree.wish.environment, tree.accounts, tree.context, tree.is_secret);
    let when = schedule(cron, tree);
    let zone = match &when {
        Ok((_, Schedule::Calendar(_))) => zone(cron, tree),
        _ => Ok(ZoneData::Utc),
    };
    match (program, when, zone) {
        (Ok(program), Ok((expression, _)), Ok(zone)) => Ok(CronPlan {
            name: cron.name.value.clone(),
            program,
            expression,
            zone,
            overlap: cron.overlap,
            missed: cron.missed,
            timeout: cron.timeout.as_ref().map(|timeout| timeout.value),
            jitter: cron.jitter,
            log: form(cron.log),
        }),
        (program, when, zone) => {
            let mut problems = program.err().unwrap_or_default();
            problems.extend(when.err().unwrap_or_default());
            problems.extend(zone.err());
            Err(problems)
        }
    }
}

fn commanded(cron: &Cron) -> Commanded<'_> {
    Commanded {
        command: &cron.command,
        user: cron.user.as_ref(),
        group: cron.group.as_ref(),
        working_directory: cron.working_directory.as_ref(),
    }
}

/// What of an entry may be a template, and is shown to everybody.
fn shown_texts(cron: &Cron) -> impl Iterator<Item = &Located<String>> {
    let schedule = match &cron.schedule {
        When::Computed(text) => Some(text),
        When::Known(..) => None,
    };
    schedule.into_iter().chain(&cron.timezone)
}

/// The template that a schedule or a zone is. `None`: it stands as it is.
fn shown_template(
    text: &Located<String>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<Option<TextTemplate>, Diagnostic> {
    if !text.value.contains("{{") {
        return Ok(None);
    }
    let template = TextTemplate::compile(text)?;
    match template.names().iter().find(|name| is_secret(name)) {
        None => Ok(Some(template)),
        Some(secret) => Err(Diagnostic::spec(format!("`{secret}` is a secret and can't say when to run"))
            .at(&text.place, "shown by `--plan` and `--status`")),
    }
}

/// A text as it is computed, and whether it is.
fn computed(text: &Located<String>, tree: &TreeWish<'_>) -> Result<(String, bool), Diagnostic> {
    match shown_template(text, tree.is_secret)? {
        Some(template) => Ok((template.render(tree.context)?, true)),
        None => Ok((text.value.clone(), false)),
    }
}

/// When it is due, with the text that says so.
fn schedule(cron: &Cron, tree: &TreeWish<'_>) -> Result<(String, Schedule), Vec<Diagnostic>> {
    let text = match &cron.schedule {
        When::Known(text, schedule) => return Ok((text.clone(), schedule.value)),
        When::Computed(text) => text,
    };
    let (value, _) = computed(text, tree).map_err(|problem| vec![problem])?;
    let refused = |mistake: crate::schedule::Mistake| {
        let problem = Diagnostic::environment(mistake.title)
            .at(&text.place, mistake.label)
            .note(format!("computed here: \"{}\"", value.escape_debug()));
        match mistake.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    };
    let parsed = Schedule::parse(&value);
    let schedule =
        parsed.map_err(|mistakes| mistakes.into_iter().map(refused).collect::<Vec<Diagnostic>>())?;
    Ok((value, schedule))
}

fn zone(cron: &Cron, tree: &TreeWish<'_>) -> Result<ZoneData, Diagnostic> {
    let Some(text) = &cron.timezone else { return (tree.find_zone)(None) };
    let (name, is_computed) = computed(text, tree)?;
    (tree.find_zone)(Some(&name)).map_err(|problem| {
        let label = if is_computed { "computed here" } else { "named here" };
        let mut problem = problem.at(&text.place, label);
        // what stands in the spec is its author's mistake, or the image's
        if !is_computed {
            problem.exit = ExitCode::SPEC;
        }
        problem
    })
}

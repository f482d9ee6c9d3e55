//! Parses `[cron.NAME]`. Schedules are read here where they are written out; what holds a
//! template, and every time zone, is looked at when its variables are known.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeTable;

use super::fields::{Fields, Reading};
use super::model::Spec;
use super::outputs::absolute_path;
use super::service::read_command;
use super::service_log::{Log, read_log};
use crate::diagnostic::{Diagnostic, Located};
use crate::schedule::{Missed, Mistake, Overlap, Schedule};

const OVERLAPS: [(&str, Overlap); 2] = [("skip", Overlap::Skip), ("allow", Overlap::Allow)];
const MISSED: [(&str, Missed); 2] = [("skip", Missed::Skip), ("run-once", Missed::RunOnce)];

/// `[cron.NAME]`.
#[derive(Clone, Debug)]
pub struct Cron {
    /// Its name.
    pub name: Located<String>,
    /// When it is due.
    pub schedule: When,
    /// The command; items may be templates.
    pub command: Located<Vec<Located<String>>>,
    /// Who it runs as.
    pub user: Option<Located<String>>,
    /// Its primary group.
    pub group: Option<Located<String>>,
    /// Where it runs.
    pub working_directory: Option<Located<PathBuf>>,
    /// How long a run may take; longer than nothing.
    pub timeout: Option<Located<Duration>>,
    /// By how much each run is delayed at most, by chance.
    pub jitter: Duration,
    /// What becomes of a due time while a run is under way.
    pub overlap: Overlap,
    /// What becomes of due times that nobody was there for.
    pub missed: Missed,
    /// By whose clock, maybe a template; `None`: the container's.
    pub timezone: Option<Located<String>>,
    /// What is made of the lines that it prints.
    pub log: Log,
    /// An expression; it is run only where it is true.
    pub when: Option<Located<String>>,
}

impl Cron {
    /// What may be a template.
    pub fn texts(&self) -> impl Iterator<Item = Located<String>> {
        let schedule = match &self.schedule {
            When::Known(..) => None,
            When::Computed(text) => Some(text),
        };
        self.command.value.iter().chain(schedule).chain(&self.timezone).cloned()
    }
}

/// `schedule = "..."`.
#[derive(Clone, Debug)]
pub enum When {
    /// Written out: the text, and what it says.
    Known(String, Located<Schedule>),
    /// A template whose text is one.
    Computed(Located<String>),
}

pub(super) fn read_all(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Cron> {
    let tables = fields.named_tables(reading, "cron");
    tables.into_iter().filter_map(|(name, table)| read(reading, name, table)).collect()
}

fn read(reading: &mut Reading, name: Located<String>, table: &DeTable<'_>) -> Option<Cron> {
    let header = name.place.span.clone();
    let mut fields = Fields::new(table, format!("[cron.{}]", name.value), header);
    let schedule = fields.required_string(reading, "schedule");
    let schedule = schedule.and_then(|text| read_schedule(reading, text));
    let command = read_command(reading, &mut fields);
    let user = fields.string(reading, "user");
    let group = fields.string(reading, "group");
    let working_directory = fields
        .string(reading, "working-directory")
        .and_then(|path| absolute_path(reading, "working-directory", path));
    let timeout = fields.duration(reading, "timeout");
    let jitter = fields.duration(reading, "jitter").map_or(Duration::ZERO, |jitter| jitter.value);
    let overlap = fields.word(reading, "overlap", &OVERLAPS).unwrap_or(Overlap::Skip);
    let missed = fields.word(reading, "missed", &MISSED).unwrap_or(Missed::Skip);
    let timezone = fields.string(reading, "timezone");
    let log = read_log(reading, &mut fields);
    let when = fields.string(reading, "when");
    fields.finish(reading);
    if let Some(zero) = timeout.as_ref().filter(|timeout| timeout.value.is_zero()) {
        reading.report(
            Diagnostic::spec("`timeout` can't be nothing")
                .at(&zero.place, "each run would be ended at once")
                .help("leave it out for runs that may take as long as they need"),
        );
    }
    if let (Some(When::Known(_, schedule)), Some(timezone)) = (&schedule, &timezone)
        && matches!(schedule.value, Schedule::Every(_))
    {
        reading.report(
            Diagnostic::spec("`timezone` has no effect here")
                .at(&timezone.place, "`@every` counts the time that passes")
                .and_at(&schedule.place, "due by no clock on a wall"),
        );
    }
    Some(Cron {
        name,
        schedule: schedule?,
        command: command?,
        user,
        group,
        working_directory,
        timeout,
        jitter,
        overlap,
        missed,
        timezone,
        log,
        when,
    })
}

fn read_schedule(reading: &mut Reading, text: Located<String>) -> Option<When> {
    if text.value.contains("{{") {
        return Some(When::Computed(text));
    }
    match Schedule::parse(&text.value) {
        Ok(schedule) => Some(When::Known(text.value, Located { value: schedule, place: text.place })),
        Err(mistakes) => {
            reading.problems.extend(mistakes.into_iter().map(|mistake| diagnose(mistake, &text)));
            None
        }
    }
}

/// What is wrong with a schedule, for people.
fn diagnose(mistake: Mistake, text: &Located<String>) -> Diagnostic {
    let problem = Diagnostic::spec(mistake.title).at(&text.part(mistake.range), mistake.label);
    match mistake.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Takes over the entries of an included spec: without those that the including file declares
/// itself.
pub(super) fn merge(spec: &mut Spec, crons: Vec<Cron>) {
    let own = |name: &str| {
        let declares =
            |cron: &Cron| cron.name.value == name && Arc::ptr_eq(&cron.name.place.source, &spec.source);
        spec.crons.iter().any(declares)
    };
    let new: Vec<_> = crons.into_iter().filter(|cron| !own(&cron.name.value)).collect();
    spec.crons.extend(new);
}

/// What only the whole spec, its included files merged in, can tell.
pub(super) fn check(spec: &Spec, problems: &mut Vec<Diagnostic>) {
    for (index, cron) in spec.crons.iter().enumerate() {
        let earlier = spec.crons.iter().take(index).find(|earlier| earlier.name.value == cron.name.value);
        if let Some(first) = earlier {
            problems.push(
                Diagnostic::spec(format!("[cron.{}] is declared twice", cron.name.value))
                    .at(&cron.name.place, "again here")
                    .and_at(&first.name.place, "first here"),
            );
        }
    }
}

#[cfg(test)]
#[path = "cron_tests.rs"]
mod tests;

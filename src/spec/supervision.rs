//! Parses the keys of `[service.NAME]` by which services live together: order, readiness,
//! restart, and what their end means. Syntax only: whether the services that a key names are
//! there is asked when all files are read, see [`check`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::fields::{Fields, Reading};
use super::model::{Service, Spec};
use super::service_log::{Log, read_followed, read_log};
use super::wait::{self, Wait};
use crate::diagnostic::{Diagnostic, Located, Place, nearest};
use crate::restart_limit::RestartLimit;
use crate::signal::Signal;

/// The first wait before a restart where nothing else is said.
const BACKOFF: Duration = Duration::from_millis(500);
/// The longest.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How often a service is started again where nothing else is said, and within which time.
const RESTARTS: u16 = 5;
const RESTARTS_WITHIN: Duration = Duration::from_secs(60);
/// A service that ran for so long has not ended quickly.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// The time a check may take, and that between two, where nothing is said.
const CHECK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// The longest pause between two attempts of one check.
const CHECK_PAUSE: Duration = Duration::from_secs(1);
/// So many checks in a row must fail where nothing is said.
const CHECK_RETRIES: u32 = 3;
/// More are a mistake.
const MOST_RETRIES: u32 = 1000;
/// The lowest descriptor that readiness can be told by: those below are the standard ones.
const LOWEST_DESCRIPTOR: i64 = 3;
/// The highest that every limit of open files allows.
const HIGHEST_DESCRIPTOR: i64 = 255;

/// How a service lives with others.
#[derive(Clone, Debug)]
pub struct Supervision {
    /// It starts when these are ready, and ends before them.
    pub after: Vec<Located<String>>,
    /// The same, and it runs only while they do.
    pub requires: Vec<Located<String>>,
    /// Whether its end is the container's.
    pub essential: bool,
    /// When it is started again.
    pub restart: Restart,
    /// The first wait before that.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// After a run of that length the waits begin anew.
    pub stable_after: Duration,
    /// How often.
    pub restart_limit: Option<RestartLimit>,
    /// Whether the rest goes on without it when it has ended too often.
    pub give_up: GiveUp,
    /// How it is known to be ready.
    pub ready: Option<Ready>,
    /// How it is checked once it is ready.
    pub check: Option<Check>,
    /// The longest time between its signs of life.
    pub watchdog: Option<Duration>,
    /// What makes it read its files again.
    pub reload_signal: Option<Signal>,
    /// Signals that castoff passes on to it.
    pub forward_signals: Vec<Signal>,
    /// Codes that count as success, beside 0.
    pub success_exit: Vec<u8>,
    /// An expression; it runs only where it is true.
    pub when: Option<Located<String>>,
    /// What becomes of what it prints.
    pub log: Log,
    /// Files whose new lines are shown.
    pub follow: Vec<PathBuf>,
    /// A key that only a supervisor of services knows.
    pub asked: Option<Place>,
}

/// `restart = "..."`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restart {
    /// Never.
    No,
    /// When it failed.
    OnFailure,
    /// Always.
    Always,
}

/// `give-up = "..."`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GiveUp {
    /// The container ends.
    End,
    /// It goes on without the service.
    Ignore,
}

/// `ready = { ... }`.
#[derive(Clone, Debug)]
pub struct Ready {
    /// How.
    pub sign: Sign,
    /// How long it may take; 60 s where nothing is said.
    pub timeout: Duration,
}

/// `check = { ... }`.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is looked at, and how long that may take.
    pub seen: Box<Wait>,
    /// The time between two looks.
    pub interval: Duration,
    /// So many failures in a row make the service unhealthy.
    pub retries: u32,
}

/// By what a service is known to be ready.
#[derive(Clone, Debug)]
pub enum Sign {
    /// It says so: sd_notify(3).
    Notify,
    /// It writes a line to this descriptor, as s6 has it.
    Descriptor(i32),
    /// Some time has passed.
    Delay(Duration),
    /// It can be seen from outside.
    Seen(Box<Wait>),
}

const KEYS: [&str; 18] = [
    "after",
    "requires",
    "essential",
    "restart",
    "backoff",
    "backoff-max",
    "stable-after",
    "restart-limit",
    "give-up",
    "ready",
    "check",
    "watchdog",
    "reload-signal",
    "forward-signals",
    "success-exit",
    "when",
    "log",
    "follow",
];

pub(super) fn read(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Supervision {
    let asked = fields.first_of(reading, &KEYS);
    let restarts = [("no", Restart::No), ("on-failure", Restart::OnFailure), ("always", Restart::Always)];
    let mut names = |reading: &mut Reading, key| fields.strings(reading, key).map(|names| names.value);
    let after = names(reading, "after").unwrap_or_default();
    let requires = names(reading, "requires").unwrap_or_default();
    let forwarded = names(reading, "forward-signals").unwrap_or_default();
    let supervision = Supervision {
        after,
        requires,
        essential: fields.boolean(reading, "essential").unwrap_or(true),
        restart: fields.word(reading, "restart", &restarts).unwrap_or(Restart::No),
        backoff: positive(reading, fields, "backoff").unwrap_or(BACKOFF),
        backoff_max: positive(reading, fields, "backoff-max").unwrap_or(BACKOFF_MAX),
        stable_after: positive(reading, fields, "stable-after").unwrap_or(STABLE_AFTER),
        restart_limit: read_limit(reading, fields),
        give_up: fields
            .word(reading, "give-up", &[("end", GiveUp::End), ("ignore", GiveUp::Ignore)])
            .unwrap_or(GiveUp::End),
        ready: read_ready(reading, fields),
        check: read_check(reading, fields),
        watchdog: positive(reading, fields, "watchdog"),
        reload_signal: read_signal(reading, fields, "reload-signal").map(|signal| signal.value),
        forward_signals: forwarded.iter().filter_map(|name| signal(reading, name)).collect(),
        success_exit: read_codes(reading, fields),
        when: fields.string(reading, "when"),
        log: read_log(reading, fields),
        follow: read_followed(reading, fields),
        asked,
    };
    check_watchdog(reading, &supervision);
    supervision
}

/// A signal by its name or number.
pub(super) fn read_signal(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
    key: &'static str,
) -> Option<Located<Signal>> {
    let text = fields.string(reading, key)?;
    signal(reading, &text).map(|signal| Located { value: signal, place: text.place })
}

fn signal(reading: &mut Reading, text: &Located<String>) -> Option<Signal> {
    let found = Signal::parse(&text.value);
    if found.is_none() {
        reading.report(
            Diagnostic::spec(format!("there is no signal `{}`", text.value))
                .at(&text.place, "a name such as \"QUIT\" or a number from 1 to 64"),
        );
    }
    found
}

fn positive(reading: &mut Reading, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Duration> {
    let duration = fields.duration(reading, key)?;
    if duration.value.is_zero() {
        reading.report(Diagnostic::spec(format!("`{key}` can't be 0")).at(&duration.place, "must be longer"));
    }
    Some(duration.value)
}

fn read_limit(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<RestartLimit> {
    let Some(text) = fields.string(reading, "restart-limit") else {
        return Some(RestartLimit { count: RESTARTS, window: RESTARTS_WITHIN });
    };
    if text.value == "none" {
        return None;
    }
    match RestartLimit::parse(&text.value) {
        Ok(limit) => Some(limit),
        Err(reason) => {
            let title = format!("`{}` is not a limit of restarts", text.value);
            let problem = Diagnostic::spec(title).at(&text.place, reason);
            reading.report(problem.help("or \"none\""));
            None
        }
    }
}

fn read_codes(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<u8> {
    let codes = fields.integers(reading, "success-exit");
    let mut found = Vec::new();
    for code in codes {
        match u8::try_from(code.value) {
            Ok(code) => found.push(code),
            Err(_) => reading.report(
                Diagnostic::spec(format!("`{}` is not an exit code", code.value))
                    .at(&code.place, "a number from 0 to 255"),
            ),
        }
    }
    found
}

fn read_ready(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Ready> {
    let value = fields.take("ready")?;
    let table = reading.table("ready", value)?;
    let mut ready = Fields::new(table, "ready", value.span());
    let notify = ready.boolean(reading, "notify").unwrap_or(false).then_some(Sign::Notify);
    let descriptor = read_descriptor(reading, &mut ready);
    let delay = positive(reading, &mut ready, "delay").map(Sign::Delay);
    let instead = notify.is_some() || ready.first_of(reading, &["fd", "delay"]).is_some();
    let own: Vec<Sign> = [notify, descriptor, delay].into_iter().flatten().collect();
    let (timeout, seen) = wait::read_sign(reading, &mut ready, table, instead, wait::USUAL);
    ready.finish(reading);
    if own.len() > 1 {
        let place = reading.place(value.span());
        reading.report(
            Diagnostic::spec("`ready` names more than one sign").at(&place, "one of these is enough"),
        );
    }
    let sign = own.into_iter().next().or_else(|| seen.map(|wait| Sign::Seen(Box::new(wait))))?;
    Some(Ready { sign, timeout })
}

fn read_check(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Check> {
    let value = fields.take("check")?;
    let table = reading.table("check", value)?;
    let mut check = Fields::new(table, "check", value.span());
    let (_, seen) = wait::read_sign(reading, &mut check, table, false, CHECK);
    let retries = read_retries(reading, &mut check);
    check.finish(reading);
    let seen = seen?;
    let interval = seen.interval;
    Some(Check { seen: Box::new(Wait { interval: CHECK_PAUSE, ..seen }), interval, retries })
}

fn read_retries(reading: &mut Reading, check: &mut Fields<'_, '_>) -> u32 {
    let Some(number) = check.integer(reading, "retries") else { return CHECK_RETRIES };
    let found = u32::try_from(number.value).ok().filter(|retries| (1..=MOST_RETRIES).contains(retries));
    found.unwrap_or_else(|| {
        reading.report(
            Diagnostic::spec(format!("`retries` can't be {}", number.value))
                .at(&number.place, format!("a number from 1 to {MOST_RETRIES}"))
                .note("so many checks in a row must fail until the service is unhealthy"),
        );
        CHECK_RETRIES
    })
}

fn read_descriptor(reading: &mut Reading, ready: &mut Fields<'_, '_>) -> Option<Sign> {
    let number = ready.integer(reading, "fd")?;
    if (LOWEST_DESCRIPTOR..=HIGHEST_DESCRIPTOR).contains(&number.value) {
        return i32::try_from(number.value).ok().map(Sign::Descriptor);
    }
    reading.report(
        Diagnostic::spec(format!("`fd` can't be {}", number.value))
            .at(&number.place, format!("a number from {LOWEST_DESCRIPTOR} to {HIGHEST_DESCRIPTOR}")),
    );
    None
}

/// Signs of life come by sd_notify(3) too.
fn check_watchdog(reading: &mut Reading, supervision: &Supervision) {
    let notifies = supervision.ready.as_ref().is_some_and(|ready| matches!(ready.sign, Sign::Notify));
    if let (Some(_), false, Some(place)) = (supervision.watchdog, notifies, &supervision.asked) {
        reading.report(
            Diagnostic::spec("`watchdog` without `ready = { notify = true }`")
                .at(place, "this service")
                .note("signs of life come by the same socket as readiness: WATCHDOG=1, sd_notify(3)"),
        );
    }
}

/// What is wrong with the services of a whole spec: names that nobody has, and circles.
pub(super) fn check(spec: &Spec, problems: &mut Vec<Diagnostic>) {
    let names: BTreeMap<&str, &Service> =
        spec.services.iter().map(|service| (service.name.value.as_str(), service)).collect();
    let before = problems.len();
    let of_services = spec
        .services
        .iter()
        .flat_map(|service| service.supervision.after.iter().chain(&service.supervision.requires));
    let of_templates = spec.templates.iter().flat_map(|template| &template.reload);
    for name in of_services.chain(of_templates) {
        {
            if !names.contains_key(name.value.as_str()) {
                let problem = Diagnostic::spec(format!("there is no service `{}`", name.value))
                    .at(&name.place, "named here");
                problems.push(match nearest(&name.value, names.keys().copied()) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
        }
    }
    if problems.len() == before
        && let Some(circle) = circle(&spec.services, &names)
    {
        let path: Vec<String> = circle.iter().map(|name| format!("`{}`", name.value)).collect();
        let mut problem = Diagnostic::spec(format!("services wait for each other: {}", path.join(" → ")));
        for name in circle.iter().take(2) {
            problem = problem.and_at(&name.place, "in this circle");
        }
        problems.push(problem.help("take one of them out of `after` or `requires`"));
    }
}

/// Services that come after each other in a circle, the first one again at its end.
fn circle<'s>(
    services: &'s [Service],
    names: &BTreeMap<&str, &'s Service>,
) -> Option<Vec<&'s Located<String>>> {
    let mut done: Vec<&str> = Vec::new();
    for service in services {
        let mut path = vec![&service.name];
        if let Some(found) = walk(service, names, &mut path, &mut done) {
            return Some(found);
        }
    }
    None
}

fn walk<'s>(
    service: &'s Service,
    names: &BTreeMap<&str, &'s Service>,
    path: &mut Vec<&'s Located<String>>,
    done: &mut Vec<&'s str>,
) -> Option<Vec<&'s Located<String>>> {
    if done.contains(&service.name.value.as_str()) {
        return None;
    }
    for next in service.supervision.after.iter().chain(&service.supervision.requires) {
        let Some(other) = names.get(next.value.as_str()) else { continue };
        let first = path.iter().position(|name| name.value == next.value);
        path.push(next);
        if let Some(first) = first {
            return path.get(first..).map(<[_]>::to_vec);
        }
        if let Some(found) = walk(other, names, path, done) {
            return Some(found);
        }
        path.pop();
    }
    done.push(&service.name.value);
    None
}

impl Supervision {
    /// Whether only a supervisor of services can do what is asked.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        self.asked.is_some()
    }
}

#[cfg(test)]
#[path = "supervision_tests.rs"]
mod tests;

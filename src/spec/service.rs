//! Parses `[service.NAME]`.

use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Reading};
use super::model::{Service, StopScope};
use super::outputs::absolute_path;
use crate::diagnostic::{Diagnostic, Located};
use crate::signal::Signal;

/// Keys of DESIGN that need the supervisor of several services.
const LATER: [&str; 23] = [
    "groups",
    "environment",
    "umask",
    "limits",
    "oom-score-adj",
    "no-new-privs",
    "capabilities",
    "nice",
    "read-only-paths",
    "reload-signal",
    "after",
    "requires",
    "essential",
    "restart",
    "backoff",
    "backoff-max",
    "restart-limit",
    "success-exit",
    "when",
    "ready",
    "log",
    "listen",
    "start",
];

pub(super) fn read(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Service> {
    let mut services: Vec<Service> = Vec::new();
    let mut names: Vec<Located<String>> = Vec::new();
    for (name, table) in fields.named_tables(reading, "service") {
        names.push(name.clone());
        services.extend(read_service(reading, name, table));
    }
    if let [first, second, ..] = names.as_slice() {
        reading.report(
            Diagnostic::spec("several services are not supported yet")
                .at(&second.place, "a second service")
                .and_at(&first.place, "the first one")
                .help("run each in a container of its own"),
        );
    }
    services.into_iter().next()
}

fn read_service(reading: &mut Reading, name: Located<String>, table: &DeTable<'_>) -> Option<Service> {
    let header = name.place.span.clone();
    let mut fields = Fields::new(table, format!("[service.{}]", name.value), header);
    let command = read_command(reading, &mut fields);
    let scopes = [("main", StopScope::Main), ("group", StopScope::Group), ("all", StopScope::All)];
    let user = fields.string(reading, "user");
    let group = fields.string(reading, "group");
    let working_directory = fields
        .string(reading, "working-directory")
        .and_then(|path| absolute_path(reading, "working-directory", path));
    let stop_signal = read_signal(reading, &mut fields);
    let stop_timeout = fields.duration(reading, "stop-timeout");
    let stop_delay = fields.duration(reading, "stop-delay");
    let stop_is_success = fields.boolean(reading, "stop-is-success").unwrap_or(false);
    let stop_scope = fields.word(reading, "stop-scope", &scopes).unwrap_or(StopScope::Main);
    for key in LATER {
        fields.not_yet(reading, key);
    }
    fields.finish(reading);
    Some(Service {
        name,
        command: command?,
        user,
        group,
        working_directory,
        stop_signal,
        stop_timeout,
        stop_delay,
        stop_is_success,
        stop_scope,
    })
}

/// The words of `command`, which must be there.
pub(super) fn read_command(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
) -> Option<Located<Vec<Located<String>>>> {
    match fields.take("command") {
        None => {
            fields.missing(reading, "command");
            None
        }
        Some(value) if matches!(value.get_ref(), DeValue::String(_)) => {
            reading.wrong_type("command", value, "an array of strings");
            if let Some(problem) = reading.problems.last_mut() {
                problem
                    .helps
                    .push("castoff uses no shell: write [\"nginx\", \"-g\", \"daemon off;\"]".to_owned());
            }
            None
        }
        Some(value) => {
            let command = fields.strings(reading, "command")?;
            if command.value.is_empty() {
                let place = reading.place(value.span());
                reading.report(Diagnostic::spec("`command` is empty").at(&place, "there is nothing to run"));
                return None;
            }
            Some(command)
        }
    }
}

fn read_signal(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Located<Signal>> {
    let text = fields.string(reading, "stop-signal")?;
    match Signal::parse(&text.value) {
        Some(signal) => Some(Located { value: signal, place: text.place }),
        None => {
            reading.report(
                Diagnostic::spec(format!("there is no signal `{}`", text.value))
                    .at(&text.place, "a name such as \"QUIT\" or a number from 1 to 64"),
            );
            None
        }
    }
}

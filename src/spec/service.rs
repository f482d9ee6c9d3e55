//! Parses `[service.NAME]`.

use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Reading};
use super::model::{Service, StopScope};
use super::outputs::absolute_path;
use super::process::read_attributes;
use super::service_environment::read_environment;
use super::supervision;
use crate::diagnostic::{Diagnostic, Located};

/// Keys of DESIGN that need the supervisor of several services.
const LATER: [&str; 2] = ["listen", "start"];

pub(super) fn read(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Service> {
    let tables = fields.named_tables(reading, "service");
    tables.into_iter().filter_map(|(name, table)| read_service(reading, name, table)).collect()
}

fn read_service(reading: &mut Reading, name: Located<String>, table: &DeTable<'_>) -> Option<Service> {
    let header = name.place.span.clone();
    let mut fields = Fields::new(table, format!("[service.{}]", name.value), header);
    let command = read_command(reading, &mut fields);
    let scopes = [("main", StopScope::Main), ("group", StopScope::Group), ("all", StopScope::All)];
    let user = fields.string(reading, "user");
    let group = fields.string(reading, "group");
    let groups = fields.strings(reading, "groups").map_or_else(Vec::new, |groups| groups.value);
    let working_directory = fields
        .string(reading, "working-directory")
        .and_then(|path| absolute_path(reading, "working-directory", path));
    let stop_signal = supervision::read_signal(reading, &mut fields, "stop-signal");
    let stop_timeout = fields.duration(reading, "stop-timeout");
    let stop_delay = fields.duration(reading, "stop-delay");
    let stop_is_success = fields.boolean(reading, "stop-is-success").unwrap_or(false);
    let stop_scope = fields.word(reading, "stop-scope", &scopes).unwrap_or(StopScope::Main);
    let supervision = supervision::read(reading, &mut fields);
    let environment = read_environment(reading, &mut fields);
    let attributes = read_attributes(reading, &mut fields);
    for key in LATER {
        fields.not_yet(reading, key);
    }
    fields.finish(reading);
    Some(Service {
        name,
        command: command?,
        user,
        group,
        groups,
        environment,
        attributes,
        working_directory,
        stop_signal,
        stop_timeout,
        stop_delay,
        stop_is_success,
        stop_scope,
        supervision,
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

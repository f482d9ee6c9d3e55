//! Parses `environment` of a service: what it gets otherwise than all services do.

use toml::Spanned;
use toml::de::DeValue;

use super::fields::{Fields, Reading};
use super::model::EnvironmentChange;
use super::process::in_order;
use crate::diagnostic::{Diagnostic, Located};

pub(super) fn read_environment(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> EnvironmentChange {
    let Some(value) = fields.take("environment") else { return EnvironmentChange::default() };
    let Some(table) = reading.table("environment", value) else { return EnvironmentChange::default() };
    let mut environment = Fields::new(table, "`environment`", value.span());
    let change = EnvironmentChange {
        only: environment.strings(reading, "only").map(|names| names.value),
        remove: environment.strings(reading, "remove").map_or_else(Vec::new, |names| names.value),
        add: environment.take("add").map_or_else(Vec::new, |value| read_added(reading, value)),
    };
    environment.finish(reading);
    for name in change.only.iter().flatten().chain(&change.remove) {
        check_name(reading, name);
    }
    change
}

fn read_added(reading: &mut Reading, value: &Spanned<DeValue<'_>>) -> Vec<(String, Located<String>)> {
    let Some(table) = reading.table("add", value) else { return Vec::new() };
    let mut added = Vec::new();
    for (name, value) in in_order(table) {
        let located = reading.located(name.span(), name.get_ref().to_string());
        check_name(reading, &located);
        if let Some(value) = reading.string(&located.value, value) {
            added.push((located.value, value));
        }
    }
    added
}

/// What the environment can't hold as a name (environ(7)).
fn check_name(reading: &mut Reading, name: &Located<String>) {
    if name.value.is_empty() || name.value.contains(['=', '\0']) {
        reading.report(
            Diagnostic::spec(format!("{:?} can't be the name of a variable", name.value))
                .at(&name.place, "at least one character, and no `=`"),
        );
    }
}

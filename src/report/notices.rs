//! What `--check` points out although nothing is wrong: where escaping is switched off, where
//! a format was inferred, and variables that nothing uses.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Located, Place, Severity};
use crate::exit::ExitCode;
use crate::expression::{Expression, TextTemplate};
use crate::render::{Outputs, ReadTemplate, survey};
use crate::spec::{Cron, Default, Spec, Template, Terms};

/// All notices about a spec whose files were rendered.
#[must_use]
pub fn notices(spec: &Spec, outputs: &Outputs<'_>, read: &Arc<ReadTemplate>) -> Vec<Diagnostic> {
    let mut used = names_of_spec(spec);
    let mut raw: Vec<Place> = Vec::new();
    for file in &outputs.files {
        used.extend(file.rendered.names.iter().cloned());
        raw.extend(file.rendered.raw.iter().cloned());
    }
    for template in &outputs.skipped {
        let seen = survey(Path::new(&template.directory), &template.source.value, read);
        used.extend(seen.names);
        raw.extend(seen.raw);
    }
    // one template may make several files
    let mut notices: Vec<Diagnostic> = Vec::new();
    for place in raw {
        let notice = Diagnostic::notice("a value is printed as it is")
            .at(&place, "not escaped: whoever sets it can change what the file means");
        push_once(&mut notices, notice);
    }
    for file in outputs.files.iter().filter(|file| file.inferred) {
        let name = file.format.name;
        let notice = Diagnostic::notice(format!("the format is inferred from the name: {name}"))
            .at(&file.template.dest.place, "")
            .help(format!("to be sure, write it down: format = \"{name}\""));
        push_once(&mut notices, notice);
    }
    notices.extend(unused(spec, &used));
    notices
}

/// As `--strict` has it: what was only pointed out is an error.
#[must_use]
pub fn as_errors(remarks: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let strict = |mut remark: Diagnostic| {
        if remark.severity == Severity::Notice {
            remark.exit = ExitCode::SPEC;
        } else if remark.severity == Severity::Warning {
            remark.exit = ExitCode::ENVIRONMENT;
        }
        remark.severity = Severity::Error;
        remark
    };
    remarks.into_iter().map(strict).collect()
}

fn push_once(notices: &mut Vec<Diagnostic>, notice: Diagnostic) {
    if !notices.contains(&notice) {
        notices.push(notice);
    }
}

/// A variable that says `export`, either way, is used: by the service, or against it.
fn unused(spec: &Spec, used: &BTreeSet<String>) -> Vec<Diagnostic> {
    let unused = spec
        .variables
        .iter()
        .filter(|variable| variable.export.is_none() && !used.contains(&variable.name.value));
    unused
        .map(|variable| {
            let name = &variable.name;
            let notice = Diagnostic::notice(format!("nothing uses `{}`", name.value))
                .at(&name.place, "in no template, rule, default or command");
            if variable.secret || variable.generate.is_some() {
                notice.help("remove it, or let the service have it: export = true")
            } else {
                notice.help("if it is meant for the service, say so: export = true")
            }
        })
        .collect()
}

/// The names that the spec's own expressions use. What doesn't compile was said before.
fn names_of_spec(spec: &Spec) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut expression = |text: Option<&Located<String>>| {
        let compiled = text.and_then(|text| Expression::compile(text).ok());
        names.extend(compiled.iter().flat_map(|compiled| compiled.names().clone()));
    };
    for variable in &spec.variables {
        expression(variable.required_if.as_ref());
    }
    for rule in &spec.rules {
        expression(Some(&rule.assert));
    }
    for Template { when, for_each, .. } in &spec.templates {
        expression(when.as_ref());
        expression(for_each.as_ref());
    }
    for wait in &spec.waits {
        expression(wait.when.as_ref());
    }
    for cron in &spec.crons {
        expression(cron.when.as_ref());
    }
    for Terms { when, .. } in spec.terms() {
        expression(when.as_ref());
    }
    let dests = spec.templates.iter().map(|template| template.dest.clone());
    let words = spec.services.iter().flat_map(|service| {
        let added = service.environment.add.iter().map(|(_, value)| value);
        service.command.value.iter().chain(added).cloned()
    });
    let words = words.chain(spec.crons.iter().flat_map(Cron::texts));
    let words = words.chain(spec.steps.iter().flat_map(|step| step.command.value.iter().cloned()));
    let defaults = spec.variables.iter().filter_map(|variable| {
        let Located { value: Default::Computed(text), place } = variable.default.as_ref()? else {
            return None;
        };
        Some(Located { value: text.clone(), place: place.clone() })
    });
    let awaited = spec.waits.iter().flat_map(|wait| wait.awaited.texts().iter().cloned());
    names.extend(spec.watched_variables().map(str::to_owned));
    for text in dests.chain(words).chain(defaults).chain(awaited) {
        names.extend(TextTemplate::compile(&text).iter().flat_map(|compiled| compiled.names().clone()));
    }
    names
}

//! Parses `[[step]]` and `[[hooks]]`.

use std::path::PathBuf;

use super::fields::{Fields, Reading};
use super::model::Spec;
use super::outputs::absolute_path;
use super::service::read_command;
use super::step_model::{Hooks, Occasion, Step, Terms, Watched};
use crate::diagnostic::{Diagnostic, Located, nearest};

/// More attempts than this are a mistake.
const MOST_RETRIES: i64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Always,
    FirstStart,
    Upgrade,
    OnChange,
}

const OCCASIONS: [(&str, Word); 4] = [
    ("always", Word::Always),
    ("first-start", Word::FirstStart),
    ("upgrade", Word::Upgrade),
    ("on-change", Word::OnChange),
];

pub(super) fn read_steps(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (table, span) in fields.tables(reading, "step") {
        let mut step = Fields::new(table, "[[step]]", span);
        let name = step.required_string(reading, "name").filter(|name| check_name(reading, name));
        let command = read_command(reading, &mut step);
        let terms = read_terms(reading, &mut step);
        step.finish(reading);
        if let (Some(name), Some(command)) = (name, command) {
            steps.push(Step { name, command, terms });
        }
    }
    steps
}

pub(super) fn read_hooks(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Hooks> {
    let mut all = Vec::new();
    for (table, span) in fields.tables(reading, "hooks") {
        let mut hooks = Fields::new(table, "[[hooks]]", span);
        let path =
            hooks.required_string(reading, "path").and_then(|path| absolute_path(reading, "path", path));
        let terms = read_terms(reading, &mut hooks);
        hooks.finish(reading);
        all.extend(path.map(|path| Hooks { path, terms }));
    }
    all
}

/// A step is remembered by its name, and a hook by its path: they must not be mistaken for
/// each other.
fn check_name(reading: &mut Reading, name: &Located<String>) -> bool {
    let sound = !name.value.is_empty() && !name.value.contains(|c: char| c == '/' || c.is_control());
    if !sound {
        reading.report(
            Diagnostic::spec(format!("a step can't be called {:?}", name.value))
                .at(&name.place, "a name has at least one character, no `/` and no line break"),
        );
    }
    sound
}

fn read_terms(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Terms {
    let occasion = read_occasion(reading, fields);
    let scope = fields.string(reading, "scope");
    let directory = fields.string(reading, "working-directory");
    Terms {
        occasion,
        scope: scope.and_then(|path| absolute_path(reading, "scope", path)),
        when: fields.string(reading, "when"),
        user: fields.string(reading, "user"),
        group: fields.string(reading, "group"),
        working_directory: directory.and_then(|path| absolute_path(reading, "working-directory", path)),
        timeout: fields.duration(reading, "timeout").map(|timeout| timeout.value),
        retries: read_retries(reading, fields),
    }
}

fn read_occasion(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Located<Occasion> {
    let place = fields.take("run").map_or_else(|| fields.header(), |value| value.span());
    let place = reading.place(place);
    let word = fields.word(reading, "run", &OCCASIONS).unwrap_or(Word::Always);
    let changes = fields.strings(reading, "changes");
    let value = match (word, changes) {
        (Word::OnChange, Some(changes)) => {
            if changes.value.is_empty() {
                reading.report(
                    Diagnostic::spec("`changes` is empty").at(&changes.place, "it would never be run"),
                );
            }
            Occasion::OnChange(changes.value.into_iter().map(watched).collect())
        }
        (Word::OnChange, None) => {
            reading.report(
                Diagnostic::spec("`run = \"on-change\"` needs `changes`")
                    .at(&place, "on a change of what?")
                    .help("name files of templates and variables: changes = [\"/etc/app.conf\", \"DOMAIN\"]"),
            );
            Occasion::Always
        }
        (_, Some(changes)) => {
            reading.report(
                Diagnostic::spec("`changes` has no effect here")
                    .at(&changes.place, "only `run = \"on-change\"` looks at it"),
            );
            Occasion::Always
        }
        (Word::Always, None) => Occasion::Always,
        (Word::FirstStart, None) => Occasion::FirstStart,
        (Word::Upgrade, None) => Occasion::Upgrade,
    };
    Located { value, place }
}

fn watched(text: Located<String>) -> Located<Watched> {
    let Located { value, place } = text;
    let value = match value.starts_with('/') {
        true => Watched::File(PathBuf::from(value)),
        false => Watched::Variable(value),
    };
    Located { value, place }
}

fn read_retries(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> u32 {
    let Some(number) = fields.integer(reading, "retries") else { return 0 };
    match u32::try_from(number.value).ok().filter(|_| number.value <= MOST_RETRIES) {
        Some(retries) => retries,
        None => {
            reading.report(
                Diagnostic::spec(format!("`retries` can't be {}", number.value))
                    .at(&number.place, format!("a number from 0 to {MOST_RETRIES}")),
            );
            0
        }
    }
}

/// Takes over the steps and hooks of an included spec: before those of the including file,
/// whose steps build on them, and without those that it declares itself.
pub(super) fn merge(spec: &mut Spec, steps: Vec<Step>, hooks: Vec<Hooks>) {
    let own = |source| std::sync::Arc::ptr_eq(source, &spec.source);
    let at = spec.steps.iter().position(|step| own(&step.name.place.source)).unwrap_or(spec.steps.len());
    let replaced =
        |name: &str| spec.steps.iter().any(|step| step.name.value == name && own(&step.name.place.source));
    let new: Vec<_> = steps.into_iter().filter(|step| !replaced(&step.name.value)).collect();
    let hooks_at = spec.hooks.iter().position(|hooks| own(&hooks.path.place.source));
    let hooks_at = hooks_at.unwrap_or(spec.hooks.len());
    let replaced = |path: &PathBuf| {
        spec.hooks.iter().any(|hooks| hooks.path.value == *path && own(&hooks.path.place.source))
    };
    let new_hooks: Vec<_> = hooks.into_iter().filter(|hooks| !replaced(&hooks.path.value)).collect();
    spec.steps.splice(at..at, new);
    spec.hooks.splice(hooks_at..hooks_at, new_hooks);
}

impl Spec {
    /// Of all steps and hooks: when, as whom and how long they are run.
    pub fn terms(&self) -> impl Iterator<Item = &Terms> {
        let steps = self.steps.iter().map(|step| &step.terms);
        steps.chain(self.hooks.iter().map(|hooks| &hooks.terms))
    }

    /// The variables that `changes` names.
    pub fn watched_variables(&self) -> impl Iterator<Item = &str> {
        let watched = self.terms().flat_map(|terms| match &terms.occasion.value {
            Occasion::OnChange(changes) => changes.as_slice(),
            Occasion::Always | Occasion::FirstStart | Occasion::Upgrade => &[],
        });
        watched.filter_map(|watched| match &watched.value {
            Watched::Variable(name) => Some(name.as_str()),
            Watched::File(_) => None,
        })
    }
}

/// Whether a spec or a template may ask which start this is, of the container or of a volume.
/// Said of too many rather than of too few: only what is asked for has to be remembered.
#[must_use]
pub fn asks_which_start(text: &str) -> bool {
    let attributes = ["first_start", "first-start", "upgraded_from", "upgraded-from"];
    attributes.iter().any(|attribute| text.contains(attribute))
}

/// What only the whole spec, its included files merged in, can tell.
pub(super) fn check(spec: &Spec, problems: &mut Vec<Diagnostic>) {
    let names: Vec<_> = spec.steps.iter().map(|step| &step.name).collect();
    check_unique(&names, |name| format!("two steps are called `{name}`"), problems);
    let paths: Vec<_> = spec.hooks.iter().map(|hooks| &hooks.path).collect();
    check_unique(&paths, |path| format!("the hooks of {} are declared twice", path.display()), problems);
    for terms in spec.terms() {
        problems.extend(check_scope(terms, spec));
        match &terms.occasion.value {
            Occasion::Upgrade if spec.image.version.is_none() => problems.push(
                Diagnostic::spec("`run = \"upgrade\"` needs the image's version")
                    .at(&terms.occasion.place, "without one there is no upgrade")
                    .help("add `version` or `version-file` to [image]"),
            ),
            Occasion::OnChange(changes) => {
                problems.extend(changes.iter().filter_map(|watched| check_watched(watched, spec)));
            }
            Occasion::Upgrade | Occasion::Always | Occasion::FirstStart => {}
        }
    }
}

fn check_unique<T: PartialEq>(
    all: &[&Located<T>],
    title: impl Fn(&T) -> String,
    problems: &mut Vec<Diagnostic>,
) {
    for (index, one) in all.iter().enumerate() {
        if let Some(first) = all.iter().take(index).find(|earlier| earlier.value == one.value) {
            problems.push(
                Diagnostic::spec(title(&one.value))
                    .at(&one.place, "again here")
                    .and_at(&first.place, "first here"),
            );
        }
    }
}

fn check_scope(terms: &Terms, spec: &Spec) -> Option<Diagnostic> {
    let scope = terms.scope.as_ref()?;
    let mut volumes = spec.volumes.iter().map(|volume| &volume.path.value);
    if volumes.any(|path| *path == scope.value) {
        return None;
    }
    let shown = scope.value.display().to_string();
    let problem = Diagnostic::spec(format!("the scope {shown} is no volume"))
        .at(&scope.place, "not the path of a [[volume]]");
    let paths: Vec<String> =
        spec.volumes.iter().map(|volume| volume.path.value.display().to_string()).collect();
    Some(match nearest(&shown, paths.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("declare it as [[volume]]; without `scope` the container's starts count"),
    })
}

/// A destination with `{{ }}` in it is known in the start only.
fn check_watched(watched: &Located<Watched>, spec: &Spec) -> Option<Diagnostic> {
    match &watched.value {
        Watched::File(path) => {
            let is_dest = |dest: &str| dest.contains("{{") || path.as_os_str() == dest;
            if spec.templates.iter().any(|template| is_dest(&template.dest.value)) {
                return None;
            }
            let problem = Diagnostic::spec(format!("no template writes {}", path.display()))
                .at(&watched.place, "nothing here could change it");
            let dests = spec.templates.iter().map(|template| template.dest.value.as_str());
            Some(match nearest(&path.display().to_string(), dests) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("`changes` names the `dest` of templates, and variables"),
            })
        }
        Watched::Variable(name) => {
            let mut names = spec.variables.iter().map(|variable| variable.name.value.as_str());
            if names.clone().any(|known| known == name) {
                return None;
            }
            let problem =
                Diagnostic::spec(format!("there is no variable `{name}`")).at(&watched.place, "not declared");
            Some(match nearest(name, &mut names) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("a file is named by its absolute path"),
            })
        }
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;

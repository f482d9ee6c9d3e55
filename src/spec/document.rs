//! Parses one TOML document into a spec. All mistakes are reported, none is fatal to the
//! finding of the others. Files are not opened here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Reading};
use super::model::{Image, Rule, Spec, Undeclared, UndeclaredAction, Version};
use super::{cron, outputs, service, step, variable, volume, wait};
use crate::diagnostic::{Diagnostic, Located, Source};

/// The version of the format that this castoff reads.
const FORMAT_VERSION: i64 = 1;

/// What a document says, with the files it includes still to be read.
#[derive(Debug)]
pub struct Document {
    /// The spec; incomplete where there are problems.
    pub spec: Spec,
    /// Files to include, as written.
    pub include: Vec<Located<String>>,
    /// All that is wrong.
    pub problems: Vec<Diagnostic>,
}

/// Parses a document. `directory` is where its templates are.
#[must_use]
pub fn parse(source: &Arc<Source>, directory: &Path) -> Document {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let mut reading = Reading { source: Arc::clone(source), problems: Vec::new() };
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let problem = Diagnostic::spec("this is not TOML").at(&reading.place(span.clone()), error.message());
        let is_word = source.text.get(span).is_some_and(|text| text.starts_with(char::is_alphabetic));
        reading.report(if is_word { problem.help("text is written in quotes") } else { problem });
    }
    let fields = Fields::new(table.get_ref(), "the spec", 0..0);
    // A document that doesn't parse is still walked: its sound parts may hold mistakes of
    // their own. What only the broken parts caused is left out.
    let broken = !errors.is_empty();
    let (spec, include) = read_spec(&mut reading, fields, directory, broken);
    let mut problems = reading.problems;
    let later = problems.split_off(errors.len());
    let is_caused = |problem: &Diagnostic| {
        let place = problem.place.as_ref().map(|(place, _)| place.span.clone());
        place.is_some_and(|place| errors.iter().any(|error| error.span().as_ref() == Some(&place)))
    };
    problems.extend(later.into_iter().filter(|problem| !is_caused(problem)));
    Document { spec, include, problems }
}

fn read_spec(
    reading: &mut Reading,
    mut fields: Fields<'_, '_>,
    directory: &Path,
    broken: bool,
) -> (Spec, Vec<Located<String>>) {
    read_format_version(reading, &mut fields, broken);
    let include = fields.strings(reading, "include").map(|list| list.value).unwrap_or_default();
    let prepare_for = fields.strings(reading, "prepare-for").map(|list| list.value);
    let watch = fields.boolean(reading, "watch").unwrap_or(false);
    let spec = Spec {
        source: Arc::clone(&reading.source),
        image: read_image(reading, &mut fields),
        undeclared: read_undeclared(reading, &mut fields),
        variables: variable::read_all(reading, &mut fields),
        rules: read_rules(reading, &mut fields),
        directories: outputs::read_directories(reading, &mut fields),
        volumes: volume::read_all(reading, &mut fields),
        templates: outputs::read_templates(reading, &mut fields, directory),
        waits: wait::read_all(reading, &mut fields),
        steps: step::read_steps(reading, &mut fields),
        hooks: step::read_hooks(reading, &mut fields),
        asks_which_start: step::asks_which_start(&reading.source.text),
        services: service::read(reading, &mut fields),
        crons: cron::read_all(reading, &mut fields),
        watch,
        prepare_for,
    };
    fields.finish(reading);
    (spec, include)
}

fn read_format_version(reading: &mut Reading, fields: &mut Fields<'_, '_>, broken: bool) {
    match fields.take("version") {
        None if broken => {}
        None => reading.report(
            Diagnostic::spec("`version` is missing in the spec")
                .help("begin the file with `version = 1`: the version of the spec's format"),
        ),
        Some(value) => {
            let is_known = matches!(value.get_ref(), DeValue::Integer(digits)
                if i64::from_str_radix(digits.as_str(), digits.radix()) == Ok(FORMAT_VERSION));
            if !is_known {
                let place = reading.place(value.span());
                reading.report(
                    Diagnostic::spec("this castoff doesn't know this version of the spec's format")
                        .at(&place, "must be the integer 1")
                        .note("the version of the image itself is `version` in [image]"),
                );
            }
        }
    }
}

fn read_image(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Image {
    let Some(value) = fields.take("image") else { return Image::default() };
    let Some(table) = reading.table("image", value) else { return Image::default() };
    let mut image = Fields::new(table, "[image]", value.span());
    let name = image.string(reading, "name");
    let literal = image.string(reading, "version");
    let file = read_version_file(reading, &mut image);
    image.finish(reading);
    let version = match (literal, file) {
        (Some(literal), Some(Version::File { path, .. })) => {
            reading.report(
                Diagnostic::spec("[image] has both `version` and `version-file`")
                    .at(&path.place, "the version is read from here")
                    .and_at(&literal.place, "and written here")
                    .help("keep one of them"),
            );
            None
        }
        (Some(literal), _) => Some(Version::Literal(literal)),
        (None, file) => file,
    };
    Image { name, version }
}

fn read_version_file(reading: &mut Reading, image: &mut Fields<'_, '_>) -> Option<Version> {
    let value = image.take("version-file")?;
    let table = reading.table("version-file", value)?;
    let mut file = Fields::new(table, "`version-file`", value.span());
    let path = file.required_string(reading, "path");
    let pattern = file.string(reading, "pattern");
    file.finish(reading);
    if let Some(pattern) = &pattern {
        check_regex(reading, pattern, true);
    }
    let path = path?;
    Some(Version::File { path: Located { value: PathBuf::from(path.value), place: path.place }, pattern })
}

fn read_undeclared(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Undeclared> {
    let value = fields.take("undeclared")?;
    let table = reading.table("undeclared", value)?;
    let mut undeclared = Fields::new(table, "[undeclared]", value.span());
    let prefixes = undeclared.strings(reading, "prefixes");
    let actions = [("error", UndeclaredAction::Error), ("warn", UndeclaredAction::Warn)];
    let action = undeclared.word(reading, "action", &actions).unwrap_or(UndeclaredAction::Error);
    if prefixes.is_none() {
        undeclared.missing(reading, "prefixes");
    }
    undeclared.finish(reading);
    let prefixes = prefixes?.value;
    for prefix in prefixes.iter().filter(|prefix| prefix.value.is_empty()) {
        reading.report(
            Diagnostic::spec("an empty prefix would claim every variable of the system, PATH and HOME too")
                .at(&prefix.place, "write the image's own prefix here"),
        );
    }
    Some(Undeclared { prefixes, action })
}

fn read_rules(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (table, span) in fields.tables(reading, "rule") {
        let mut rule = Fields::new(table, "[[rule]]", span);
        let assert = rule.required_string(reading, "assert");
        let message = rule.string(reading, "message");
        rule.finish(reading);
        if let Some(message) = message.as_ref().filter(|message| message.value.trim().is_empty()) {
            reading.report(
                Diagnostic::spec("`message` is empty")
                    .at(&message.place, "it is all that is said where the rule is broken")
                    .help("write a sentence, or leave `message` out"),
            );
        }
        rules.extend(assert.map(|assert| Rule { assert, message: message.map(|message| message.value) }));
    }
    rules
}

/// Reports a regular expression that doesn't compile, or (`needs_group`) has no group.
pub(super) fn check_regex(reading: &mut Reading, pattern: &Located<String>, needs_group: bool) {
    match regex_lite::Regex::new(&pattern.value) {
        Ok(compiled) if needs_group && compiled.captures_len() < 2 => reading.report(
            Diagnostic::spec("`pattern` has no group")
                .at(&pattern.place, "put the part that is the version into ( )"),
        ),
        Ok(_) => {}
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            reading
                .report(Diagnostic::spec("`pattern` is not a regular expression").at(&pattern.place, reason));
        }
    }
}

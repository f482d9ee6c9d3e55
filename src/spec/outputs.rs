//! Parses what a start leaves on disk: `[[directory]]` and `[[template]]`.

use std::path::{Path, PathBuf};

use super::fields::{Fields, Reading};
use super::model::{Access, Directory, Overwrite, Template};
use crate::diagnostic::{Diagnostic, Located};

pub(super) fn read_directories(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Directory> {
    let mut directories = Vec::new();
    for (table, span) in fields.tables(reading, "directory") {
        let mut directory = Fields::new(table, "[[directory]]", span);
        let path =
            directory.required_string(reading, "path").and_then(|path| absolute_path(reading, "path", path));
        let access = read_access(reading, &mut directory);
        let recursive = directory.boolean(reading, "recursive").unwrap_or(false);
        if recursive && access.owner.is_none() {
            directory.missing(reading, "owner");
        }
        directory.finish(reading);
        directories.extend(path.map(|path| Directory { path, access, recursive }));
    }
    directories
}

pub(super) fn read_templates(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
    directory: &Path,
) -> Vec<Template> {
    let tables = fields.tables(reading, "template");
    tables
        .into_iter()
        .filter_map(|(table, span)| {
            let mut template = Fields::new(table, "[[template]]", span);
            let read = read_template(reading, &mut template, directory);
            template.finish(reading);
            read
        })
        .collect()
}

fn read_template(reading: &mut Reading, template: &mut Fields<'_, '_>, directory: &Path) -> Option<Template> {
    let overwrite = [
        ("always", Overwrite::Always),
        ("unless-edited", Overwrite::UnlessEdited),
        ("if-missing", Overwrite::IfMissing),
    ];
    let source = template.required_string(reading, "source");
    let dest = template.required_string(reading, "dest");
    let format = template.string(reading, "format");
    let access = read_access(reading, template);
    let overwrite = template.word(reading, "overwrite", &overwrite).unwrap_or(Overwrite::Always);
    let validate = template.strings(reading, "validate");
    if let Some(validate) = &validate {
        check_validate(reading, validate);
    }
    let when = template.string(reading, "when");
    let for_each = template.string(reading, "for-each");
    let reload = template.strings(reading, "reload").map(|names| names.value).unwrap_or_default();
    let (source, dest) = (source?, dest?);
    let source = check_source(reading, source)?;
    if !dest.value.contains("{{") {
        absolute_path(reading, "dest", dest.clone())?;
    } else if !dest.value.starts_with('/') && !dest.value.starts_with("{{") {
        reading.report(not_absolute("dest", &dest));
    }
    let validate = validate.map(|list| Located {
        value: list.value.into_iter().map(|word| word.value).collect(),
        place: list.place,
    });
    let directory = directory.to_owned();
    Some(Template { source, directory, dest, format, access, overwrite, validate, when, for_each, reload })
}

fn check_validate(reading: &mut Reading, validate: &Located<Vec<Located<String>>>) {
    if !validate.value.iter().any(|word| word.value.contains("{file}")) {
        reading.report(
            Diagnostic::spec("`validate` doesn't say where the file goes")
                .at(&validate.place, "one of the words must contain {file}")
                .note("the command is run on the rendered file before it takes its place"),
        );
    }
}

/// Templates come from the spec's own directory, never from outside.
fn check_source(reading: &mut Reading, source: Located<String>) -> Option<Located<String>> {
    let path = Path::new(&source.value);
    let climbs = path.components().any(|part| !matches!(part, std::path::Component::Normal(_)));
    if climbs || source.value.is_empty() {
        reading.report(
            Diagnostic::spec("`source` leads out of the spec's directory")
                .at(&source.place, "must be a relative path without `..`"),
        );
        return None;
    }
    Some(source)
}

fn read_access(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Access {
    Access { owner: fields.string(reading, "owner"), mode: read_mode(reading, fields, "mode") }
}

/// Permission bits, in octal digits.
pub(super) fn read_mode(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
    key: &'static str,
) -> Option<Located<u32>> {
    let value = fields.take(key)?;
    let Some(text) = reading.string(key, value) else {
        if let Some(problem) = reading.problems.last_mut() {
            problem.helps.push(format!("write it in octal: {key} = \"0640\""));
        }
        return None;
    };
    let bits = u32::from_str_radix(&text.value, 8).ok().filter(|bits| *bits <= 0o7777);
    if bits.is_none() {
        reading.report(
            Diagnostic::spec(format!("`{}` is not a mode", text.value))
                .at(&text.place, "octal digits, such as \"0640\""),
        );
    }
    bits.map(|bits| Located { value: bits, place: text.place })
}

fn not_absolute(key: &str, path: &Located<String>) -> Diagnostic {
    Diagnostic::spec(format!("`{key}` must be an absolute path")).at(&path.place, "must begin with `/`")
}

/// An absolute path without `..` and without a NUL.
pub(super) fn absolute_path(
    reading: &mut Reading,
    key: &str,
    path: Located<String>,
) -> Option<Located<PathBuf>> {
    let problem = if !path.value.starts_with('/') {
        Some(not_absolute(key, &path))
    } else if Path::new(&path.value).components().any(|part| part == std::path::Component::ParentDir) {
        Some(Diagnostic::spec(format!("`{key}` can't contain `..`")).at(&path.place, "write the path out"))
    } else if path.value.contains('\0') {
        Some(Diagnostic::spec(format!("`{key}` contains a NUL")).at(&path.place, "no path can"))
    } else {
        None
    };
    match problem {
        Some(problem) => {
            reading.report(problem);
            None
        }
        None => Some(Located { value: PathBuf::from(path.value), place: path.place }),
    }
}

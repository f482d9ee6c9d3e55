//! From `[[template]]` tables to files in memory: `when`, `for-each`, `dest`, format, and
//! then each rendering. Looks at every template, whatever is wrong with the others.

use std::path::{Component, Path, PathBuf};

use minijinja::Value;

use super::fill::Rendered;
use super::holes::{Marker, choose_marker};
use super::template::{Known, Renderer, Request};
use crate::diagnostic::{Diagnostic, Located, nearest};
use crate::env::Names;
use crate::expression::{Expression, TextTemplate};
use crate::format::{self, FORMATS, Format};
use crate::spec::Template;

/// The name of the current item of `for-each`.
const ITEM: &str = "item";

/// A file that a template made.
#[derive(Debug)]
pub struct Output<'s> {
    /// The template.
    pub template: &'s Template,
    /// Where it goes.
    pub dest: PathBuf,
    /// What it holds.
    pub rendered: Rendered,
    /// The format, and whether it was inferred.
    pub format: &'static Format,
    /// The format was inferred from the destination.
    pub inferred: bool,
}

/// What came of all templates.
#[derive(Debug, Default)]
pub struct Outputs<'s> {
    /// The files.
    pub files: Vec<Output<'s>>,
    /// Templates whose `when` is false.
    pub skipped: Vec<&'s Template>,
    /// What is wrong.
    pub problems: Vec<Diagnostic>,
}

/// Renders every template of a spec.
#[must_use]
pub fn render_all<'s>(
    templates: &'s [Template],
    names: &Names<'_>,
    context: &Value,
    known: &Known,
    renderer: &mut Renderer,
) -> Outputs<'s> {
    let mut outputs = Outputs::default();
    let marker = choose_marker(context);
    for template in templates {
        match expand(template, names, context, known) {
            Ok(Expanded::Skipped) => outputs.skipped.push(template),
            Ok(Expanded::Files(files)) => {
                for file in files {
                    let marker = file.item.map_or(marker, |_| choose_marker(&file.context));
                    render_file(&mut outputs, template, file, known, marker, renderer);
                }
            }
            Err(problems) => outputs.problems.extend(problems),
        }
    }
    check_distinct(&mut outputs);
    outputs
}

/// What is wrong with templates whatever the values are: syntax, names, formats. For a start
/// whose variables are wrong already.
#[must_use]
pub fn check_all(
    templates: &[Template],
    names: &Names<'_>,
    known: &Known,
    renderer: &mut Renderer,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for template in templates {
        problems.extend(Compiled::of(template, names, known).err().into_iter().flatten());
        let mut known = known.clone();
        if template.for_each.is_some() {
            known.names.insert(ITEM.to_owned());
        }
        problems.extend(renderer.check(&template.source, &template.directory, &known));
    }
    problems
}

enum Expanded {
    Skipped,
    Files(Vec<File>),
}

struct File {
    dest: PathBuf,
    context: Value,
    /// Whether `item` may hold a secret; `None`: there is no item.
    item: Option<bool>,
    format: &'static Format,
    inferred: bool,
}

fn render_file<'s>(
    outputs: &mut Outputs<'s>,
    template: &'s Template,
    file: File,
    known: &Known,
    marker: Marker,
    renderer: &mut Renderer,
) {
    let with_item = file.item.map(|secret| {
        let mut known = known.clone();
        known.names.insert(ITEM.to_owned());
        if secret {
            known.secrets.insert(ITEM.to_owned());
        }
        known
    });
    let request = Request {
        source: &template.source,
        directory: &template.directory,
        format: file.format,
        context: &file.context,
        known: with_item.as_ref().unwrap_or(known),
        marker,
    };
    match renderer.render(&request) {
        Ok(rendered) => outputs.files.push(Output {
            template,
            dest: file.dest,
            rendered,
            format: file.format,
            inferred: file.inferred,
        }),
        // each item of a list may meet the same mistake: it is told once
        Err(problems) => {
            for problem in problems {
                if !outputs.problems.contains(&problem) {
                    outputs.problems.push(problem);
                }
            }
        }
    }
}

/// The expressions of a template, whatever the values are.
struct Compiled {
    when: Option<Expression>,
    for_each: Option<Expression>,
    dest: TextTemplate,
}

impl Compiled {
    fn of(template: &Template, names: &Names<'_>, known: &Known) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let mut expression = |text: &Option<Located<String>>| {
            let text = text.as_ref()?;
            match Expression::compile(text) {
                Ok(compiled) => {
                    problems.extend(names.check(compiled.names(), text, &[]));
                    Some(compiled)
                }
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            }
        };
        let when = expression(&template.when);
        let for_each = expression(&template.for_each);
        let also: &[&str] = if template.for_each.is_some() { &[ITEM] } else { &[] };
        let dest = match TextTemplate::compile(&template.dest) {
            Ok(dest) => {
                problems.extend(names.check(dest.names(), &template.dest, also));
                if !dest.names().is_disjoint(&known.secrets) {
                    problems.push(
                        Diagnostic::spec("`dest` is made from a secret")
                            .at(&template.dest.place, "the names of files are visible to everybody"),
                    );
                }
                Some(dest)
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        if let Some(name) = &template.format
            && format::by_name(&name.value).is_none()
        {
            problems.push(no_such_format(name));
        }
        match dest.filter(|_| problems.is_empty()) {
            Some(dest) => Ok(Self { when, for_each, dest }),
            None => Err(problems),
        }
    }
}

fn expand(
    template: &Template,
    names: &Names<'_>,
    context: &Value,
    known: &Known,
) -> Result<Expanded, Vec<Diagnostic>> {
    let Compiled { when, for_each, dest } = Compiled::of(template, names, known)?;
    if let Some(when) = &when
        && !when.holds("when", context).map_err(|problem| vec![problem])?
    {
        return Ok(Expanded::Skipped);
    }
    let Some(for_each) = for_each else {
        return Ok(Expanded::Files(vec![file(template, &dest, context.clone(), None)?]));
    };
    let secret = !for_each.names().is_disjoint(&known.secrets);
    let list = for_each.evaluate(context).map_err(|problem| vec![problem])?;
    let items = list.try_iter().ok().filter(|_| list.kind() == minijinja::value::ValueKind::Seq);
    let Some(items) = items else {
        let place = template.for_each.as_ref().map_or(&template.dest.place, |each| &each.place);
        let problem =
            Diagnostic::spec("`for-each` is not a list").at(place, "one file is written for each item");
        return Err(vec![problem]);
    };
    let mut files = Vec::new();
    for item in items {
        let context = minijinja::context! { item => item, ..context.clone() };
        files.push(file(template, &dest, context, Some(secret))?);
    }
    Ok(Expanded::Files(files))
}

fn file(
    template: &Template,
    dest: &TextTemplate,
    context: Value,
    item: Option<bool>,
) -> Result<File, Vec<Diagnostic>> {
    let text = dest.render(&context).map_err(|problem| vec![problem])?;
    let path = PathBuf::from(&text);
    let climbs = path.components().any(|part| !matches!(part, Component::Normal(_) | Component::RootDir));
    let unsuitable = if !text.starts_with('/') {
        Some("must begin with `/`")
    } else if climbs || text.ends_with('/') {
        Some("must name a file, without `..`")
    } else if text.contains(['\0', '\n']) {
        Some("can't hold a NUL or a newline")
    } else {
        None
    };
    if let Some(reason) = unsuitable {
        let problem =
            Diagnostic::environment("the destination is not a path").at(&template.dest.place, reason);
        return Err(vec![problem.note(format!("it came out as {text:?}"))]);
    }
    let (format, inferred) = choose_format(template, &path)?;
    Ok(File { dest: path, context, item, format, inferred })
}

fn choose_format(template: &Template, dest: &Path) -> Result<(&'static Format, bool), Vec<Diagnostic>> {
    if let Some(name) = &template.format {
        let format = format::by_name(&name.value).ok_or_else(|| vec![no_such_format(name)])?;
        return Ok((format, false));
    }
    match format::infer(&dest.to_string_lossy()) {
        Some(format) => Ok((format, true)),
        None => Err(vec![
            Diagnostic::spec(format!("the format of {} is not known", dest.display()))
                .at(&template.dest.place, "the name doesn't tell how values are written in it")
                .help(format!("add `format = \"...\"`: {}", names_of_formats())),
        ]),
    }
}

fn no_such_format(name: &Located<String>) -> Diagnostic {
    let problem = Diagnostic::spec(format!("there is no format `{}`", name.value))
        .at(&name.place, format!("must be one of {}", names_of_formats()));
    match nearest(&name.value, FORMATS.iter().map(|format| format.name)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

fn names_of_formats() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    names.join(", ")
}

/// Two files of one name: the second would silently replace the first.
fn check_distinct(outputs: &mut Outputs<'_>) {
    let mut seen: Vec<(&Path, &Template)> = Vec::new();
    let mut problems = Vec::new();
    for file in &outputs.files {
        match seen.iter().find(|(dest, _)| *dest == file.dest) {
            Some((_, first)) => problems.push(written_twice(file, first)),
            None => seen.push((&file.dest, file.template)),
        }
    }
    outputs.problems.extend(problems);
}

fn written_twice(file: &Output<'_>, first: &Template) -> Diagnostic {
    let (dest, place) = (file.dest.display(), &file.template.dest.place);
    if std::ptr::eq(file.template, first) {
        return Diagnostic::environment(format!("two items of a list would be written to {dest}"))
            .at(place, "one file for each item");
    }
    Diagnostic::spec(format!("two templates write {dest}"))
        .at(place, "again here")
        .and_at(&first.dest.place, "first here")
}

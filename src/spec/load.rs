//! Reads a spec and the files it includes, and merges them: what the including file
//! declares replaces what an included one does. A file that two others include is read once.
//!
//! Included files are part of the image, as the spec is; their templates are relative to
//! their own directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::parse;
use super::model::Spec;
use super::{cron, step, supervision, volume};
use crate::diagnostic::{Diagnostic, Located, Source};
use crate::exit::ExitCode;

/// How deep files may include each other.
const DEEPEST: usize = 8;

/// Reads the spec at `path`: what it says, and all that is wrong with it and with the files
/// it includes.
///
/// # Errors
/// The file can't be read.
pub fn load(path: &Path) -> Result<(Spec, Vec<Diagnostic>), Diagnostic> {
    let text = read(path).map_err(|reason| {
        Diagnostic::error(ExitCode::INPUT, format!("can't read the spec {}", path.display())).note(reason)
    })?;
    let mut problems = Vec::new();
    let mut files = Files { open: Vec::new(), done: Vec::new() };
    let mut spec = load_text(path, text, &mut problems, &mut files);
    spec.variables.sort_by_key(|variable| !std::ptr::eq(&*variable.name.place.source, &*spec.source));
    spec.volumes.sort_by(|one, other| one.path.value.cmp(&other.path.value));
    check_duplicates(&spec, &mut problems);
    volume::check(&spec, &mut problems);
    step::check(&spec, &mut problems);
    supervision::check(&spec, &mut problems);
    cron::check(&spec, &mut problems);
    Ok((spec, problems))
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        format!("line {} is not UTF-8", line + 1)
    })
}

/// The files met on the way.
struct Files {
    /// Those that are being read, the outermost first; empty until one includes another.
    open: Vec<PathBuf>,
    /// Those that were read to their end.
    done: Vec<PathBuf>,
}

/// What a file is known by, as it can be named in more than one way: `a/../x.toml`.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn load_text(path: &Path, text: String, problems: &mut Vec<Diagnostic>, files: &mut Files) -> Spec {
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    let document = parse(&Source::new(path.display().to_string(), text), &directory);
    problems.extend(document.problems);
    let mut spec = document.spec;
    for include in &document.include {
        let included = directory.join(&include.value);
        if files.open.is_empty() {
            files.open.push(identity(path));
        }
        let identity = identity(&included);
        if files.done.contains(&identity) {
            continue;
        }
        if files.open.contains(&identity) || files.open.len() >= DEEPEST {
            problems.push(
                Diagnostic::spec("files include each other without end")
                    .at(&include.place, "this closes the circle"),
            );
            continue;
        }
        match read(&included) {
            Ok(text) => {
                files.open.push(identity.clone());
                merge(&mut spec, load_text(&included, text, problems, files));
                files.open.pop();
                files.done.push(identity);
            }
            Err(reason) => problems.push(
                Diagnostic::spec(format!("can't read {}", included.display()))
                    .at(&include.place, "included here")
                    .note(reason),
            ),
        }
    }
    spec
}

/// Takes over from an included spec what the including one doesn't say itself.
fn merge(spec: &mut Spec, included: Spec) {
    let Spec {
        source: _,
        image,
        undeclared,
        variables,
        rules,
        directories,
        volumes,
        templates,
        waits,
        steps,
        hooks,
        asks_which_start,
        services,
        crons,
        watch,
        prepare_for,
    } = included;
    step::merge(spec, steps, hooks);
    cron::merge(spec, crons);
    spec.asks_which_start |= asks_which_start;
    spec.watch |= watch;
    if spec.image.name.is_none() {
        spec.image.name = image.name;
    }
    if spec.image.version.is_none() {
        spec.image.version = image.version;
    }
    match (&mut spec.undeclared, undeclared) {
        (Some(own), Some(other)) => own.prefixes.extend(other.prefixes),
        (own @ None, other) => *own = other,
        (Some(_), None) => {}
    }
    let own = |name: &Located<String>, spec: &Spec| {
        spec.variables.iter().any(|variable| {
            variable.name.value == name.value && Arc::ptr_eq(&variable.name.place.source, &spec.source)
        })
    };
    let new: Vec<_> = variables.into_iter().filter(|variable| !own(&variable.name, spec)).collect();
    spec.variables.extend(new);
    let own_dest = |dest: &str, spec: &Spec| {
        spec.templates.iter().any(|template| {
            template.dest.value == dest && Arc::ptr_eq(&template.dest.place.source, &spec.source)
        })
    };
    let new: Vec<_> =
        templates.into_iter().filter(|template| !own_dest(&template.dest.value, spec)).collect();
    spec.templates.extend(new);
    spec.rules.extend(rules);
    spec.directories.extend(directories);
    spec.volumes.extend(volumes);
    spec.waits.extend(waits);
    let own_service =
        |name: &str, spec: &Spec| spec.services.iter().any(|service| service.name.value == name);
    let new: Vec<_> =
        services.into_iter().filter(|service| !own_service(&service.name.value, spec)).collect();
    spec.services.extend(new);
    if spec.prepare_for.is_none() {
        spec.prepare_for = prepare_for;
    }
}

/// Two declarations of one name, alias or destination.
fn check_duplicates(spec: &Spec, problems: &mut Vec<Diagnostic>) {
    let mut names: Vec<&Located<String>> = Vec::new();
    for variable in &spec.variables {
        for name in std::iter::once(&variable.name).chain(&variable.aliases) {
            match names.iter().find(|known| known.value == name.value) {
                Some(first) => problems.push(
                    Diagnostic::spec(format!("`{}` is declared twice", name.value))
                        .at(&name.place, "again here")
                        .and_at(&first.place, "first here"),
                ),
                None => names.push(name),
            }
        }
    }
    let mut dests: Vec<&Located<String>> = Vec::new();
    for template in spec.templates.iter().filter(|template| template.when.is_none()) {
        match dests.iter().find(|known| known.value == template.dest.value) {
            Some(first) => problems.push(
                Diagnostic::spec(format!("two templates write {}", template.dest.value))
                    .at(&template.dest.place, "again here")
                    .and_at(&first.place, "first here"),
            ),
            None => dests.push(&template.dest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::load;
    use crate::spec::Spec;

    /// Loads the first of the files of a new directory.
    fn of(name: &str, files: &[(&str, &str)]) -> Result<Spec, Vec<String>> {
        let directory = std::env::temp_dir().join(format!("castoff-load-{}-{name}", std::process::id()));
        for (file, text) in files {
            let path = directory.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("version = 1\n{text}")).unwrap();
        }
        let (spec, problems) = load(&directory.join(files[0].0)).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        if problems.is_empty() { Ok(spec) } else { Err(problems.into_iter().map(|p| p.title).collect()) }
    }

    #[test]
    fn a_file_included_by_two_is_read_once() {
        let spec = of(
            "diamond",
            &[
                ("top.toml", "include = [\"a/a.toml\", \"b.toml\"]"),
                ("a/a.toml", "include = [\"../shared.toml\"]"),
                ("b.toml", "include = [\"shared.toml\"]"),
                ("shared.toml", "[env.X]\n[[rule]]\nassert = \"X\""),
            ],
        )
        .unwrap();
        assert_eq!((spec.variables.len(), spec.rules.len()), (1, 1));
    }

    #[test]
    fn files_that_include_each_other_are_refused() {
        for files in [
            vec![("top.toml", "include = [\"top.toml\"]")],
            vec![("top.toml", "include = [\"a.toml\"]"), ("a.toml", "include = [\"./top.toml\"]")],
        ] {
            let problems = of("circle", &files).unwrap_err();
            assert_eq!(problems, ["files include each other without end"]);
        }
    }

    #[test]
    fn two_files_that_declare_one_name_are_refused() {
        let problems = of(
            "twice",
            &[
                ("top.toml", "include = [\"a.toml\", \"b.toml\"]"),
                ("a.toml", "[env.X]"),
                ("b.toml", "[env.X]"),
            ],
        )
        .unwrap_err();
        assert_eq!(problems, ["`X` is declared twice"]);
    }
}

//! Renders one template: sources, names, holes, fill, and the diagnostics of each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind, Value};

use super::fill::{Rendered, Visibility, fill};
use super::holes::{Holes, Marker, changed, choose_marker};
use super::sources::{ReadTemplate, SourceError, Sources};
use crate::diagnostic::{Diagnostic, Located, Place, Source, nearest};
use crate::env::facts::{Facts, Limits};
use crate::env::{Names, Resolved, without_volumes};
use crate::exit::ExitCode;
use crate::expression::{
    Origin, diagnose_checked, engine, identifiers, is_function, spelled_template, words_in_tags,
};
use crate::format::{Blame, Format, Refusal};
use crate::spec::{Spec, asks_which_start};

/// Words of the engine that are no names anywhere.
const CONDITIONS: [&str; 8] = ["if", "elif", "else", "endif", "not", "and", "or", "in"];

/// So many refused values of one template are each shown with their place.
const MOST_LOCATED: usize = 25;

/// What is known of names.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Every name that a template may use: variables, set or not, and facts.
    pub names: BTreeSet<String>,
    /// Those of secrets.
    pub secrets: BTreeSet<String>,
    /// Texts of values that are no secrets, but for the container's limits.
    pub open_texts: BTreeSet<String>,
    /// The container's limits, which are none either.
    pub limits: Limits,
}

impl Known {
    /// Whether a value that is no secret has this text.
    pub(super) fn is_open(&self, text: &str) -> bool {
        let is_limit = |number: u64| number.to_string() == text;
        self.open_texts.contains(text)
            || text.bytes().all(|byte| byte.is_ascii_digit())
                && (is_limit(self.limits.memory()) || is_limit(self.limits.cpus().into()))
    }

    /// What is known of the variables of a spec and of the facts.
    #[must_use]
    pub fn of(spec: &Spec, resolved: &Resolved, facts: &Facts) -> Self {
        let mut names: BTreeSet<String> = spec.variables.iter().map(|v| v.name.value.clone()).collect();
        names.extend(Names::of(spec).provided().map(str::to_owned));
        let mut secrets: BTreeSet<String> = spec
            .variables
            .iter()
            .filter(|v| v.secret || v.generate.is_some())
            .map(|v| v.name.value.clone())
            .collect();
        secrets.extend(resolved.variables.iter().filter(|v| v.secret).map(|v| v.name.clone()));
        let open = resolved.variables.iter().filter(|variable| !variable.secret);
        let open_texts = open
            .filter_map(|variable| variable.value.as_ref())
            .map(|value| value.seen().to_string())
            .chain([facts.hostname.clone()])
            .chain(facts.image_name.clone())
            .chain(facts.image_version.clone())
            .chain(facts.container.upgraded_from.clone())
            .chain(facts.volumes.iter().filter_map(|(_, facts)| facts.upgraded_from.clone()))
            .collect();
        Self { names, secrets, open_texts, limits: facts.limits.clone() }
    }
}

/// What is to be rendered.
#[derive(Debug)]
pub struct Request<'a> {
    /// The template's name below `directory`, and where the spec says so.
    pub source: &'a Located<String>,
    /// The directory of the spec.
    pub directory: &'a Path,
    /// The format of the result.
    pub format: &'a Format,
    /// The variables and facts.
    pub context: &'a Value,
    /// What is known of names; `item` included where there is one.
    pub known: &'a Known,
    /// What stands in none of the context's values.
    pub marker: Marker,
}

/// Renders templates, keeping what it read.
pub struct Renderer {
    read: Arc<ReadTemplate>,
    sources: BTreeMap<PathBuf, Arc<Sources>>,
    /// The engine of the last template: setting one up takes as long as rendering a small file.
    last: Option<Bench>,
}

/// An engine, without templates between two renderings, and where it puts the values.
struct Bench {
    engine: Environment<'static>,
    holes: Arc<Holes>,
    sources: Arc<Sources>,
    marker: Marker,
}

impl Renderer {
    /// A renderer that reads files with `read`.
    #[must_use]
    pub fn new(read: Arc<ReadTemplate>) -> Self {
        Self { read, sources: BTreeMap::new(), last: None }
    }

    /// Renders a template in memory.
    ///
    /// # Errors
    /// Everything that is wrong with it: mistakes of the template (exit 65), values that
    /// the format can't carry (exit 78).
    pub fn render(&mut self, request: &Request<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let rendering = self.rendering(request.source, request.directory, request.known, request.marker);
        let rendering = rendering.map_err(|problem| vec![problem])?;
        let fits = |bench: &Bench| {
            Arc::ptr_eq(&bench.sources, &rendering.sources) && bench.marker == rendering.marker
        };
        let mut bench = self.last.take().filter(fits).unwrap_or_else(|| rendering.bench());
        let rendered = rendering.run(&bench, request.context, request.format);
        bench.engine.clear_templates();
        self.last = Some(bench);
        rendered
    }

    /// What is wrong with a template whatever the values are. Files that it includes are
    /// not looked at: only values say which.
    pub fn check(&mut self, source: &Located<String>, directory: &Path, known: &Known) -> Vec<Diagnostic> {
        match self.rendering(source, directory, known, choose_marker(&Value::UNDEFINED)) {
            Ok(rendering) => rendering.check(),
            Err(problem) => vec![problem],
        }
    }

    /// Whether a template that was read asks which start of the container this is.
    #[must_use]
    pub fn asks_which_start(&self) -> bool {
        let read = self.sources.values().flat_map(|sources| sources.loaded());
        read.into_iter().any(|(_, source)| asks_which_start(&source.text))
    }

    fn rendering<'a>(
        &mut self,
        source: &'a Located<String>,
        directory: &Path,
        known: &'a Known,
        marker: Marker,
    ) -> Result<Rendering<'a>, Diagnostic> {
        let sources = Arc::clone(
            self.sources
                .entry(directory.to_owned())
                .or_insert_with(|| Arc::new(Sources::new(directory, Arc::clone(&self.read)))),
        );
        let main = sources.get(&source.value).map_err(|error| unusable(source, &error))?;
        Ok(Rendering { name: &source.value, known, sources, main, marker })
    }
}

fn unusable(source: &Located<String>, error: &SourceError) -> Diagnostic {
    let title = format!("the template {} can't be used", source.value);
    let diagnostic = match error {
        SourceError::Missing | SourceError::Unreadable(_) => Diagnostic::error(ExitCode::INPUT, title),
        SourceError::Outside | SourceError::NotUtf8(_) => Diagnostic::spec(title),
    };
    diagnostic.at(&source.place, error.reason())
}

/// What can be seen of a template without rendering it. Files that it includes are left out.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The names that it uses.
    pub names: BTreeSet<String>,
    /// Each `raw`.
    pub raw: Vec<Place>,
}

/// Looks at a template that is not rendered; one that can't be read or parsed shows nothing.
#[must_use]
pub fn survey(directory: &Path, name: &str, read: &Arc<ReadTemplate>) -> Survey {
    let Ok(source) = Sources::new(directory, Arc::clone(read)).get(name) else { return Survey::default() };
    let engine = engine();
    let names = engine
        .template_from_str(&spelled_template(&source.text))
        .map(|template| template.undeclared_variables(false));
    Survey { names: names.into_iter().flatten().collect(), raw: raw_uses(&source) }
}

struct Rendering<'a> {
    name: &'a str,
    known: &'a Known,
    sources: Arc<Sources>,
    main: Arc<Source>,
    marker: Marker,
}

impl Rendering<'_> {
    fn bench(&self) -> Bench {
        let holes = Holes::new(self.marker, None);
        Bench { engine: self.engine(&holes), holes, sources: Arc::clone(&self.sources), marker: self.marker }
    }

    fn run(&self, bench: &Bench, context: &Value, format: &Format) -> Result<Rendered, Vec<Diagnostic>> {
        let Bench { engine, holes, .. } = bench;
        let rendered = self.render_with(engine, context);
        // those of a template that fails are not the next one's
        let values = holes.take();
        let (used, mut problems) = self.check_names(engine);
        let rendered = match rendered {
            Ok(text) if problems.is_empty() => text,
            Ok(_) => return Err(problems),
            Err(error) => {
                let problem = self.diagnose(&error);
                // an undeclared name is reported once, by name
                let start = |problem: &Diagnostic| {
                    problem.place.as_ref().map(|(place, _)| (place.source.name.clone(), place.span.start))
                };
                if problems.iter().all(|known| start(known) != start(&problem)) {
                    problems.push(problem);
                }
                return Err(problems);
            }
        };
        let visibility = if used.is_disjoint(&self.known.secrets) {
            Visibility::All
        } else {
            Visibility::Only(self.known)
        };
        let raw = self.sources.loaded().iter().flat_map(|(_, source)| raw_uses(source)).collect();
        let pieces = holes.split(&rendered).ok_or_else(|| vec![self.diagnose(&changed())])?;
        let filled = fill(&pieces, &values, format, &visibility);
        filled
            .map(|rendered| Rendered { raw, names: used, ..rendered })
            .map_err(|refused| self.all_refused(&refused, context, format))
    }

    /// Each is located by rendering once more, so their number is bounded.
    fn all_refused(&self, refused: &[(usize, Refusal)], context: &Value, format: &Format) -> Vec<Diagnostic> {
        let (located, rest) = refused.split_at(refused.len().min(MOST_LOCATED));
        let mut problems: Vec<Diagnostic> =
            located.iter().map(|(number, refusal)| self.refused(*number, refusal, context, format)).collect();
        if let Some((_, refusal)) = rest.first() {
            let title = format!("{} more values of {} are refused", rest.len(), self.main.name);
            problems.push(match refusal.blame {
                Blame::Value => Diagnostic::environment(title),
                Blame::Template => Diagnostic::spec(title),
            });
        }
        problems
    }

    fn check(&self) -> Vec<Diagnostic> {
        let engine = self.engine(&Holes::new(self.marker, None));
        match engine.get_template(self.name) {
            Ok(_) => self.check_names(&engine).1,
            Err(error) => vec![self.diagnose(&error)],
        }
    }

    fn engine(&self, holes: &Arc<Holes>) -> Environment<'static> {
        let mut engine = engine();
        holes.install(&mut engine);
        let sources = Arc::clone(&self.sources);
        let marker = self.marker;
        engine.set_loader(move |name| match sources.get(name) {
            Ok(source) if marker.stands_in(&source.text) => Err(Error::new(
                ErrorKind::SyntaxError,
                "the file holds private-use characters of plane 15, which castoff needs for itself",
            )),
            Ok(source) => Ok(Some(spelled_template(&source.text).into_owned())),
            Err(SourceError::Missing) => Ok(None),
            Err(error) => Err(Error::new(ErrorKind::BadInclude, error.reason())),
        });
        engine
    }

    fn render_with(&self, engine: &Environment<'static>, context: &Value) -> Result<String, Error> {
        engine.get_template(self.name)?.render(context)
    }

    /// The names that the template and all it included look up, and those nobody declared.
    fn check_names(&self, engine: &Environment<'static>) -> (BTreeSet<String>, Vec<Diagnostic>) {
        let mut used = BTreeSet::new();
        let mut problems = Vec::new();
        for (name, source) in self.sources.loaded() {
            let Some((_, template)) = engine.templates().find(|(known, _)| *known == name) else { continue };
            // to hold more names for used than are is no harm, and saves reading it once more
            let words = words_in_tags(&source.text);
            let names = words.into_iter().filter(|word| !CONDITIONS.contains(word));
            let known: Option<Vec<&String>> = names.map(|name| self.known.names.get(name)).collect();
            if let Some(known) = known {
                // at once: what is in order needs no search
                used.append(&mut known.into_iter().cloned().collect());
                continue;
            }
            let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            names.sort();
            for name in names {
                if !self.known.names.contains(&name) && !is_function(&name) {
                    problems.push(self.undeclared(&source, &name));
                }
                used.insert(name);
            }
        }
        (used, problems)
    }

    fn undeclared(&self, source: &Arc<Source>, name: &str) -> Diagnostic {
        let span = find_name(&source.text, name).unwrap_or(0..0);
        if let Some(problem) = without_volumes(name) {
            return problem.at(&Place::new(source, span), "what it is about is not there");
        }
        let diagnostic = Diagnostic::spec(format!("`{name}` is not declared"))
            .at(&Place::new(source, span), "no variable of the spec has this name");
        match nearest(name, self.known.names.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("declare it in the spec: [env.{name}]")),
        }
    }

    fn diagnose(&self, error: &Error) -> Diagnostic {
        let error = innermost(error);
        let source = self.source_of(error);
        let origin = Origin::Whole(Place::new(&source, 0..0));
        let is_declared = |name: &str| self.known.names.contains(name);
        let mut diagnostic = diagnose_checked(error, &source.text, &origin, &is_declared);
        if error.kind() == ErrorKind::BadInclude
            && let Some((_, label)) = &mut diagnostic.place
        {
            // made from the name alone by this file's loader
            *label = error.detail().unwrap_or_default().to_owned();
        }
        diagnostic
    }

    fn source_of(&self, error: &Error) -> Arc<Source> {
        let named = error.name().and_then(|name| self.sources.get(name).ok());
        named.unwrap_or_else(|| Arc::clone(&self.main))
    }

    /// A refused value: rendered once more, failing just there, the engine says where.
    fn refused(&self, number: usize, refusal: &Refusal, context: &Value, format: &Format) -> Diagnostic {
        let holes = Holes::new(self.marker, Some(number));
        let located = self.render_with(&self.engine(&holes), context).err();
        let error = located.as_ref().map(innermost);
        let source = error.map_or_else(|| Arc::clone(&self.main), |error| self.source_of(error));
        let span = error.and_then(Error::range).unwrap_or(0..0);
        let written = source.text.get(span.clone()).unwrap_or_default();
        let what = self.what(written);
        let place = Place::new(&source, span);
        let diagnostic = match refusal.blame {
            Blame::Value => Diagnostic::environment(format!("{what} can't stand in {}", refusal.context)),
            Blame::Template => Diagnostic::spec(format!("nothing can be printed in {}", refusal.context)),
        };
        let diagnostic =
            diagnostic.at(&place, refusal.reason.as_str()).note(format!("the format is {}", format.name));
        if refusal.instead.is_empty() { diagnostic } else { diagnostic.help(refusal.instead.as_str()) }
    }

    /// The value, called by the variables that it is made of.
    fn what(&self, written: &str) -> String {
        let mut names: Vec<String> = Vec::new();
        for name in identifiers(written).filter(|name| self.known.names.contains(*name)) {
            let name = format!("`{name}`");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match names.split_first() {
            None => "this value".to_owned(),
            Some((only, [])) => format!("the value of {only}"),
            Some((first, rest)) => format!("the value made of {first} and {}", rest.join(", ")),
        }
    }
}

/// The error that says most: that of the included template.
fn innermost(error: &Error) -> &Error {
    let mut found = error;
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(inner) = inner.downcast_ref::<Error>() {
            found = inner;
        }
        cause = inner.source();
    }
    found
}

/// Where a name is first used between `{` and `}`.
fn find_name(text: &str, name: &str) -> Option<Range<usize>> {
    identifiers_in_tags(text).find(|(found, _)| *found == name).map(|(_, span)| span)
}

/// The filter that leaves a value as it is.
const RAW: &str = "raw";

/// Each use of the filter `raw`.
fn raw_uses(source: &Arc<Source>) -> Vec<Place> {
    let text = source.text.as_str();
    if !text.contains(RAW) {
        return Vec::new();
    }
    let is_filter =
        |span: &Range<usize>| text.get(..span.start).is_some_and(|before| before.trim_end().ends_with('|'));
    identifiers_in_tags(text)
        .filter(|(name, span)| *name == RAW && is_filter(span))
        .map(|(_, span)| Place::new(source, span))
        .collect()
}

/// The identifiers between `{{`, `{%` and their ends, with their places.
fn identifiers_in_tags(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut from = 0;
    let tags = std::iter::from_fn(move || {
        loop {
            let open = from + text.get(from..)?.find('{')?;
            let inner = text.get(open + 1..)?;
            let end = match inner.chars().next() {
                Some('{') => "}}",
                Some('%') => "%}",
                _ => {
                    from = open + 1;
                    continue;
                }
            };
            let length = inner.find(end).unwrap_or(inner.len());
            from = open + 1 + length;
            return inner.get(1..length);
        }
    });
    tags.flat_map(identifiers).map(move |found| {
        // the identifier is a part of `text`: its offset is the distance of the pointers
        let start = found.as_ptr() as usize - text.as_ptr() as usize;
        (found, start..start + found.len())
    })
}

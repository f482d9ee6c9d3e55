//! What castoff tells a person: a message with the place it is about, notes and help.
//!
//! A diagnostic never holds the value of a secret: whoever builds one is bound to that.
//! A source that may hold values (an env file) is marked as not quotable, and then only
//! its line number is shown.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::exit::ExitCode;

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// What people call it: the path as it was given.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Whether lines of it may be shown.
    pub quotable: bool,
}

impl Source {
    /// A text whose lines may be shown.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), quotable: true })
    }

    /// A text that may hold secrets: only its name and line numbers are shown.
    #[must_use]
    pub fn unquotable(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), quotable: false })
    }

    /// Line and column (both from 1, the column in characters) of a byte offset.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// A range of bytes in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Range<usize>,
}

impl Place {
    /// A range of a source.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { source: Arc::clone(source), span }
    }

    /// The place of a range of `text`, which stands here in quotes. A string written with
    /// escapes or over several lines can't be mapped byte by byte: then all of it is the place.
    #[must_use]
    pub fn inner(&self, text: &str, range: Range<usize>) -> Self {
        let inner = self.span.start + 1..self.span.end.saturating_sub(1);
        if self.source.text.get(inner.clone()) == Some(text) {
            Self::new(&self.source, inner.start + range.start..inner.start + range.end)
        } else {
            self.clone()
        }
    }
}

/// `name:line:column`.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.source.line_column(self.span.start);
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

/// A value together with where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl Located<String> {
    /// The place of a range of the text; see [`Place::inner`].
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Place {
        self.place.inner(&self.value, range)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Probably wrong; castoff goes on.
    Warning,
    /// castoff does not go on.
    Error,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What castoff ends with if this is an error.
    pub exit: ExitCode,
    /// What is wrong, in one line.
    pub title: String,
    /// Where, with the words beside the caret.
    pub place: Option<(Place, String)>,
    /// Other places that matter: `first declared here`.
    pub related: Vec<(Place, String)>,
    /// Facts that explain.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error that ends castoff with `exit`.
    #[must_use]
    pub fn error(exit: ExitCode, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            exit,
            title: title.into(),
            place: None,
            related: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// A mistake in the spec or a template.
    #[must_use]
    pub fn spec(title: impl Into<String>) -> Self {
        Self::error(ExitCode::SPEC, title)
    }

    /// A mistake in what the container was given.
    #[must_use]
    pub fn environment(title: impl Into<String>) -> Self {
        Self::error(ExitCode::ENVIRONMENT, title)
    }

    /// A warning.
    #[must_use]
    pub fn warning(title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(ExitCode::OK, title) }
    }

    /// A notice.
    #[must_use]
    pub fn notice(title: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, ..Self::error(ExitCode::OK, title) }
    }

    /// Points at `place`; `label` stands beside the caret and may be empty.
    #[must_use]
    pub fn at(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.place = Some((place.clone(), label.into()));
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn and_at(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.related.push((place.clone(), label.into()));
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// The message as people read it, several lines, no newline at the end. `color`: with
    /// terminal colours.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Notice => Level::NOTE.with_name("notice"),
        };
        let title = level.primary_title(self.title.as_str());
        let mut notes = self.notes.clone();
        let quoted = |place: &Place| place.source.quotable && !place.source.text.is_empty();
        let mut snippets = Vec::new();
        if let Some((place, label)) = &self.place {
            if quoted(place) {
                snippets.push(snippet(place, label, AnnotationKind::Primary));
            } else {
                let (line, _) = place.source.line_column(place.span.start);
                let label = if label.is_empty() { String::new() } else { format!(": {label}") };
                notes.insert(0, format!("at {} line {line}{label}", place.source.name));
            }
        }
        for (place, label) in &self.related {
            if quoted(place) {
                snippets.push(snippet(place, label, AnnotationKind::Context));
            } else {
                let (line, _) = place.source.line_column(place.span.start);
                notes.push(format!("{label}: {} line {line}", place.source.name));
            }
        }
        let mut group = if snippets.is_empty() { Group::with_title(title) } else { title.elements(snippets) };
        for note in &notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        for help in &self.helps {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

fn snippet<'a>(
    place: &'a Place,
    label: &'a str,
    kind: AnnotationKind,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = place.source.text.as_str();
    let clamp = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = clamp(place.span.start);
    let end = clamp(place.span.end.max(start));
    let mut annotation = kind.span(start..end);
    if !label.is_empty() {
        annotation = annotation.label(label);
    }
    Snippet::source(text).path(place.source.name.as_str()).annotation(annotation)
}

/// What castoff ends with after these: that of the first error, OK where there is none.
#[must_use]
pub fn exit_code(diagnostics: &[Diagnostic]) -> ExitCode {
    diagnostics.iter().find(|d| d.severity == Severity::Error).map_or(ExitCode::OK, |d| d.exit)
}

/// The known name nearest to a misspelt one, if any is near enough to be meant.
#[must_use]
pub fn nearest<'a>(misspelt: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (misspelt.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(misspelt, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Place, Source, nearest};

    #[test]
    fn shows_line_caret_note_and_help() {
        let source = Source::new("castoff.toml", "version = 1\nverzion = 2\n");
        let shown = Diagnostic::spec("unknown key `verzion`")
            .at(&Place::new(&source, 12..19), "not a key of a spec")
            .note("a note")
            .help("did you mean `version`?")
            .render(false);
        let expected = "\
error: unknown key `verzion`
 --> castoff.toml:2:1
  |
2 | verzion = 2
  | ^^^^^^^ not a key of a spec
  |
  = note: a note
  = help: did you mean `version`?";
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_unquotable_source_shows_no_line() {
        let source = Source::unquotable("site.env", "A=1\nPASSWORD=hunter2\n");
        let shown = Diagnostic::environment("bad").at(&Place::new(&source, 5..9), "this one").render(false);
        assert!(shown.contains("site.env line 2: this one"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_span_out_of_bounds_does_not_panic() {
        let source = Source::new("x", "ä");
        for span in [0..99, 1..1, 5..9, 0..0] {
            let _ = Diagnostic::spec("t").at(&Place::new(&source, span), "l").render(true);
        }
    }

    #[test]
    fn suggestions_are_near() {
        assert_eq!(nearest("MSMTP_FORM", ["MSMTP_FROM", "MSMTP_HOST"]), Some("MSMTP_FROM"));
        assert_eq!(nearest("verzion", ["version", "image"]), Some("version"));
        assert_eq!(nearest("zzz", ["version", "image"]), None);
    }
}

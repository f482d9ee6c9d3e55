//! Turns the engine's errors into diagnostics. Built from kind, name and range only: the
//! engine's own text can hold values of variables.

use minijinja::{Error, ErrorKind};

use crate::diagnostic::{Diagnostic, Located, Place};

/// Where the text that the engine was given stands.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The text is the whole source.
    Whole(Place),
    /// The text is a string of a spec.
    Quoted(Place),
}

impl Origin {
    /// The origin of a string of a spec.
    #[must_use]
    pub fn of(text: &Located<String>) -> Self {
        Self::Quoted(text.place.clone())
    }

    /// The place of a range of the text. A string written with escapes or over several
    /// lines can't be mapped byte by byte: then the whole string is the place.
    #[must_use]
    pub fn place(&self, text: &str, range: Option<std::ops::Range<usize>>) -> Place {
        match (self, range) {
            (Self::Whole(place), Some(range)) => Place::new(&place.source, range),
            (Self::Quoted(place), Some(range)) => place.inner(text, range),
            (Self::Whole(place) | Self::Quoted(place), None) => place.clone(),
        }
    }
}

/// What went wrong, where. `text` is what the engine was given.
#[must_use]
pub(super) fn diagnose(error: &Error, text: &str, origin: &Origin) -> Diagnostic {
    let place = origin.place(text, error.range());
    let written = error.range().and_then(|range| text.get(range)).unwrap_or_default();
    let (title, label) = describe(error, written);
    let mut diagnostic = Diagnostic::spec(title).at(&place, label);
    if error.kind() == ErrorKind::UndefinedError {
        let before = error.range().and_then(|range| text.get(..range.start)).unwrap_or_default();
        diagnostic = diagnostic.help(help_for_undefined(before, written));
    }
    diagnostic
}

/// What to do about something without a value; `before` is what stands before it.
fn help_for_undefined(before: &str, written: &str) -> &'static str {
    if before.ends_with("volumes") && written.starts_with('[') {
        "`volumes` has the paths of [[volume]], as they are written there"
    } else if written.contains("upgraded_from") || written.contains("upgraded-from") {
        "`upgraded_from` has a value in an upgrade only: test `is defined` first"
    } else {
        "declare it as [env.NAME]; if it may be unset, give it a default or test `NAME is defined` first"
    }
}

/// The same for a text whose names were checked: what `is_declared` and has no value is not
/// set.
#[must_use]
pub fn diagnose_checked(
    error: &Error,
    text: &str,
    origin: &Origin,
    is_declared: &dyn Fn(&str) -> bool,
) -> Diagnostic {
    let mut diagnostic = diagnose(error, text, origin);
    let written = error.range().and_then(|range| text.get(range)).unwrap_or_default().trim();
    if error.kind() == ErrorKind::UndefinedError && is_declared(written) {
        diagnostic.title = format!("`{written}` is not set");
        diagnostic.helps =
            vec!["give it a default, make it `required`, or test `is defined` first".to_owned()];
    }
    diagnostic
}

/// Title and label. The detail is shown only for kinds whose detail is made from the
/// template's own text.
fn describe(error: &Error, written: &str) -> (String, String) {
    let detail = error.detail().unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::SyntaxError => ("this is not a template".to_owned(), detail),
        ErrorKind::UndefinedError if written.trim().is_empty() => {
            ("something in this has no value".to_owned(), "undefined".to_owned())
        }
        ErrorKind::UndefinedError => {
            (format!("`{}` has no value", written.trim()), "undefined here".to_owned())
        }
        ErrorKind::UnknownFilter => ("there is no such filter".to_owned(), detail),
        ErrorKind::UnknownTest => ("there is no such test".to_owned(), detail),
        ErrorKind::UnknownFunction => ("there is no such function".to_owned(), detail),
        ErrorKind::UnknownMethod => ("there is no such method".to_owned(), String::new()),
        // the name may have been computed from a value, so it is not repeated
        ErrorKind::TemplateNotFound => ("there is no such template".to_owned(), String::new()),
        ErrorKind::BadInclude => ("the included template is wrong".to_owned(), String::new()),
        ErrorKind::MissingArgument => ("an argument is missing".to_owned(), String::new()),
        ErrorKind::TooManyArguments => ("too many arguments".to_owned(), String::new()),
        // castoff's own filters give a reason without a value; the engine's may hold one
        ErrorKind::InvalidOperation if detail.starts_with('`') => {
            ("this can't be computed".to_owned(), detail)
        }
        ErrorKind::OutOfFuel => (
            "this takes too many steps to compute".to_owned(),
            "stopped here after ten million: a loop in a loop?".to_owned(),
        ),
        ErrorKind::CannotUnpack => ("this can't be unpacked".to_owned(), String::new()),
        _ => (
            "this can't be computed".to_owned(),
            "the value is not of a kind that this operation takes".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, diagnose};
    use crate::diagnostic::{Place, Source};
    use crate::expression::engine;

    #[test]
    fn no_value_gets_into_a_message() {
        for text in [
            "{{ SECRET * 2 }}",
            "{{ SECRET | int }}",
            "{{ SECRET + 1 }}",
            "{{ SECRET | port }}",
            "{{ SECRET() }}",
            "{{ SECRET.foo() }}",
            "{{ SECRET | batch(0) }}",
            "{{ SECRET[1:2:0] }}",
            "{% include SECRET %}",
            "{{ SECRET | attr }}",
            "{{ [1] | join(SECRET, 3) }}",
            "{{ -SECRET }}",
            "{{ 5 | round(SECRET) }}",
            "{{ dict(SECRET) }}",
            "{{ range(SECRET) }}",
            "{% for a, b in [SECRET] %}{% endfor %}",
        ] {
            let source = Source::new("t", text);
            let context = minijinja::context! { SECRET => "hunter2" };
            if let Err(error) = engine().render_str(text, context) {
                let origin = Origin::Whole(Place::new(&source, 0..0));
                let shown = diagnose(&error, text, &origin).render(false);
                assert!(!shown.contains("hunter2"), "{text}: {shown}");
            }
        }
    }
}

//! Diagnostics in the two forms that castoff prints.

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Severity};

/// For people: one after the other, a blank line between, and a count of errors.
#[must_use]
pub fn as_text(diagnostics: &[Diagnostic], color: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.render(color));
        text.push_str("\n\n");
    }
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    match errors {
        0 => {}
        1 => text.push_str("castoff: 1 error\n"),
        _ => text.push_str(&format!("castoff: {errors} errors\n")),
    }
    text
}

/// For programs: one JSON object per line.
#[must_use]
pub fn as_json(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{}\n", object(diagnostic))).collect()
}

fn object(diagnostic: &Diagnostic) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warn",
        Severity::Notice => "info",
    };
    let mut object = json!({
        "source": "castoff",
        "level": level,
        "message": diagnostic.title,
        "notes": diagnostic.notes,
        "help": diagnostic.helps,
    });
    if let (Some((place, label)), Some(fields)) = (&diagnostic.place, object.as_object_mut()) {
        let (line, column) = place.source.line_column(place.span.start);
        fields.insert("file".to_owned(), place.source.name.as_str().into());
        fields.insert("line".to_owned(), line.into());
        fields.insert("column".to_owned(), column.into());
        fields.insert("label".to_owned(), label.as_str().into());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::{as_json, as_text};
    use crate::diagnostic::{Diagnostic, Place, Source};

    #[test]
    fn one_line_of_json_per_diagnostic() {
        let source = Source::new("castoff.toml", "a\nb\n");
        let diagnostics =
            [Diagnostic::spec("x").at(&Place::new(&source, 2..3), "here"), Diagnostic::warning("y")];
        let lines = as_json(&diagnostics);
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert_eq!((&first["line"], &first["label"]), (&2.into(), &"here".into()));
    }

    #[test]
    fn only_errors_are_counted() {
        let both = [Diagnostic::spec("x"), Diagnostic::warning("y")];
        assert!(as_text(&both, false).ends_with("castoff: 1 error\n"));
        assert!(!as_text(&[Diagnostic::warning("y")], false).contains("castoff:"));
    }
}

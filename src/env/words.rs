//! The words of the diagnostics about variables. The one place that decides whether a value
//! may be shown: a secret's never is, and neither is one that holds a secret's.

use std::path::Path;

use super::constraints::allowed;
use super::declared::Declared;
use super::resolved::Origin;
use super::types::{self, Reason};
use crate::diagnostic::{Diagnostic, Located, Place};
use crate::exit::ExitCode;

/// A value is cut after this many characters.
const LONGEST_SHOWN: usize = 60;

/// A secret shorter than this is not looked for in other values: it would be found in most.
const SHORTEST_SECRET: usize = 4;

/// The secrets known so far.
#[derive(Default)]
pub(super) struct Hush {
    secrets: Vec<String>,
}

impl Hush {
    pub(super) fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.secrets.push(secret.to_owned());
        }
    }

    /// The text in backquotes: control characters and what turns the direction of writing
    /// escaped, and cut. `None` where a secret stands in it.
    pub(super) fn quote(&self, text: &str) -> Option<String> {
        if self.secrets.iter().any(|secret| text.contains(secret)) {
            return None;
        }
        let mut shown = String::from("`");
        for c in text.chars().take(LONGEST_SHOWN) {
            if c.is_control() || is_invisible(c) {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        let cut = text.chars().nth(LONGEST_SHOWN).is_some();
        shown.push_str(if cut { "...`" } else { "`" });
        Some(shown)
    }

    /// A path that NAME_FILE gave. Who wrote the secret itself there meets no message with
    /// it, unless it looks like a path.
    pub(super) fn path(&self, path: &Path, secret: bool) -> String {
        let shown = if secret && !path.is_absolute() { None } else { self.quote(&path.to_string_lossy()) };
        shown.unwrap_or_else(|| "the file that it names (not shown)".to_owned())
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A value that the variable doesn't take.
pub(super) fn refused(
    declared: &Declared<'_>,
    text: &str,
    origin: &Origin,
    reason: Reason,
    hush: &Hush,
) -> Diagnostic {
    let variable = declared.variable;
    let name = &variable.name.value;
    let shown = if declared.secret { None } else { hush.quote(text) };
    let title = match &shown {
        Some(_) if text.is_empty() => format!("`{name}` can't be empty"),
        Some(shown) => format!("`{name}` can't be {shown}"),
        None => format!("`{name}` can't be what it is set to (not shown: a secret)"),
    };
    let mut problem = Diagnostic::environment(title)
        .at(&variable.name.place, format!("must be {}", allowed(variable, declared.secret)))
        .note(reason);
    if let Some(from) = origin_in_words(origin, declared.secret, hush) {
        problem = problem.note(format!("it was read from {from}"));
    }
    problem = described(declared, problem);
    match types::advice(&variable.kind, text) {
        Some(advice) if shown.is_some() => problem.help(advice),
        _ => problem,
    }
}

/// A default that the variable doesn't take. `exit`: whose mistake it is.
pub(super) fn refused_default(
    declared: &Declared<'_>,
    text: &str,
    place: &Place,
    exit: ExitCode,
    reason: Reason,
    hush: &Hush,
) -> Diagnostic {
    let name = &declared.variable.name.value;
    let shown = if declared.secret { None } else { hush.quote(text) };
    let title = match &shown {
        Some(_) if text.is_empty() => format!("`{name}` can't be empty, as its default is"),
        Some(shown) => format!("`{name}` can't be {shown}, its default"),
        None => format!("`{name}` can't be its default (not shown: a secret)"),
    };
    let allowed = allowed(declared.variable, declared.secret);
    let problem = Diagnostic::error(exit, title).at(place, format!("must be {allowed}")).note(reason);
    match types::advice(&declared.variable.kind, text) {
        Some(advice) if shown.is_some() => problem.help(advice),
        _ => problem,
    }
}

/// A variable that must be given and wasn't. `why`: the expression that asks for it.
pub(super) fn missing(
    declared: &Declared<'_>,
    found_empty: &[String],
    why: Option<&Located<String>>,
) -> Diagnostic {
    let name = &declared.variable.name.value;
    let mut problem = Diagnostic::environment(format!("`{name}` is required and not set")).at(
        &declared.variable.name.place,
        format!("must be {}", allowed(declared.variable, declared.secret)),
    );
    if let Some(why) = why {
        problem = problem.and_at(&why.place, "required because of this");
    }
    for empty in found_empty {
        problem = problem.note(format!("{empty} counts as not set"));
    }
    problem = described(declared, problem);
    if declared.secret {
        problem.help(format!(
            "set {name}_FILE to the path of a file that holds it, or mount that file as /run/secrets/{name}"
        ))
    } else {
        problem.help(format!("set it, as in `-e {name}=...`"))
    }
}

/// Adds what the variable is for.
pub(super) fn described(declared: &Declared<'_>, problem: Diagnostic) -> Diagnostic {
    match &declared.variable.description {
        Some(description) => problem.note(format!("{}: {description}", declared.variable.name.value)),
        None => problem,
    }
}

/// What is not clear from the variable's name.
fn origin_in_words(origin: &Origin, secret: bool, hush: &Hush) -> Option<String> {
    match origin {
        Origin::File(path) => Some(hush.path(path, secret)),
        Origin::SecretMount(path) => Some(path.display().to_string()),
        Origin::Alias(alias) => Some(format!("`{alias}`, an old name")),
        Origin::Environment | Origin::Default | Origin::Generated { .. } | Origin::Unset => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Hush;

    #[test]
    fn values_are_cut_and_escaped() {
        let hush = Hush::default();
        for (text, shown) in [
            ("", "``"),
            ("a b", "`a b`"),
            ("a\n\u{1b}[31m\0", "`a\\n\\u{1b}[31m\\u{0}`"),
            ("\u{202e}x", "`\\u{202e}x`"),
            ("ä`", "`ä``"),
        ] {
            assert_eq!(hush.quote(text).as_deref(), Some(shown));
        }
        assert_eq!(hush.quote(&"ä".repeat(60)).unwrap(), format!("`{}`", "ä".repeat(60)));
        assert_eq!(hush.quote(&"ä".repeat(61)).unwrap(), format!("`{}...`", "ä".repeat(60)));
    }

    #[test]
    fn what_holds_a_secret_is_not_shown() {
        let mut hush = Hush::default();
        hush.add("hunter2");
        hush.add("no");
        assert_eq!(hush.quote("mysql://u:hunter2@db"), None);
        assert_eq!(hush.quote("none"), Some("`none`".to_owned()));
        assert!(!hush.path(Path::new("/x/hunter2"), false).contains("hunter2"));
        assert!(!hush.path(Path::new("other-secret"), true).contains("other-secret"));
        assert_eq!(hush.path(Path::new("/run/x"), true), "`/run/x`");
    }
}

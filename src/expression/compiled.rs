//! Expressions and small templates of the spec, compiled once, with the names they use.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};

use super::engine::engine;
use super::failure::{Origin, diagnose, diagnose_checked};
use super::spelling::{spelled_expression, spelled_template};
use crate::diagnostic::{Diagnostic, Located};

static EXPRESSIONS: LazyLock<Environment<'static>> = LazyLock::new(engine);

static TEXTS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = engine();
    engine.set_formatter(print);
    engine
});

/// Whether the engine itself gives a name a meaning: a function such as `range`.
#[must_use]
pub fn is_function(name: &str) -> bool {
    EXPRESSIONS.globals().any(|(known, _)| known == name)
}

/// `when`, `assert`, `required-if`, `for-each`: an expression with a value.
#[derive(Debug)]
pub struct Expression {
    text: Located<String>,
    names: BTreeSet<String>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// It isn't one.
    pub fn compile(text: &Located<String>) -> Result<Self, Diagnostic> {
        let names = EXPRESSIONS
            .compile_expression(&spelled_expression(&text.value))
            .map(|compiled| compiled.undeclared_variables(false).into_iter().collect())
            .map_err(|error| not_one(&error, text))?;
        Ok(Self { text: text.clone(), names })
    }

    /// The names that it looks up.
    #[must_use]
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Its value.
    ///
    /// # Errors
    /// It can't be computed from `context`.
    pub fn evaluate(&self, context: &Value) -> Result<Value, Diagnostic> {
        let fail = |error: &Error| fails(error, &self.text, &self.names);
        let code = spelled_expression(&self.text.value);
        let compiled = EXPRESSIONS.compile_expression(&code).map_err(|error| fail(&error))?;
        compiled.eval(context).map_err(|error| fail(&error))
    }

    /// Whether it holds: its value, which must be a boolean. `key` is what messages call it.
    ///
    /// # Errors
    /// It can't be computed, or is neither true nor false.
    pub fn holds(&self, key: &str, context: &Value) -> Result<bool, Diagnostic> {
        let value = self.evaluate(context)?;
        match value.kind() {
            ValueKind::Bool => Ok(value.is_true()),
            _ => Err(Diagnostic::spec(format!("`{key}` is neither true nor false"))
                .at(&self.text.place, "compare it, or test `is defined`")),
        }
    }
}

/// What the engine says of a text that is no expression, in words for one.
fn not_one(error: &Error, text: &Located<String>) -> Diagnostic {
    let mut problem = diagnose(error, &text.value, &Origin::of(text));
    if error.kind() == ErrorKind::SyntaxError {
        problem.title = "this is not an expression".to_owned();
    }
    problem
}

/// A default, a destination, an argument: text with `{{ }}` in it. Nothing is escaped.
#[derive(Debug)]
pub struct TextTemplate {
    text: Located<String>,
    names: BTreeSet<String>,
}

impl TextTemplate {
    /// Compiles a text.
    ///
    /// # Errors
    /// It isn't a template.
    pub fn compile(text: &Located<String>) -> Result<Self, Diagnostic> {
        if !has_tags(&text.value) {
            return Ok(Self { text: text.clone(), names: BTreeSet::new() });
        }
        let names = TEXTS
            .template_from_str(&spelled_template(&text.value))
            .map(|template| template.undeclared_variables(false).into_iter().collect())
            .map_err(|error| diagnose(&error, &text.value, &Origin::of(text)))?;
        Ok(Self { text: text.clone(), names })
    }

    /// The names that it looks up.
    #[must_use]
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Its text.
    ///
    /// # Errors
    /// It can't be computed from `context`.
    pub fn render(&self, context: &Value) -> Result<String, Diagnostic> {
        if !has_tags(&self.text.value) {
            return Ok(self.text.value.clone());
        }
        TEXTS
            .render_str(&spelled_template(&self.text.value), context)
            .map_err(|error| fails(&error, &self.text, &self.names))
    }
}

/// Whether the engine is needed: most texts stand as they are.
fn has_tags(text: &str) -> bool {
    text.contains('{')
}

/// A text whose names were checked when it was compiled can't be computed.
fn fails(error: &Error, text: &Located<String>, names: &BTreeSet<String>) -> Diagnostic {
    diagnose_checked(error, &text.value, &Origin::of(text), &|name| names.contains(name))
}

/// As variables are written: booleans in lower case, where the engine has Python's words.
fn print(output: &mut Output<'_>, _state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let printed = match value.kind() {
        ValueKind::Bool => write!(output, "{}", value.is_true()),
        _ => write!(output, "{value}"),
    };
    printed.map_err(|_| Error::new(ErrorKind::WriteFailure, ""))
}

#[cfg(test)]
mod tests {
    use super::TextTemplate;
    use crate::diagnostic::{Located, Place, Source};

    #[test]
    fn texts_are_printed_as_variables_are_written() {
        for (text, expected) in [
            ("{{ 1 == 1 }}", "true"),
            ("{{ 2 * 3 }}", "6"),
            ("{{ 'a' ~ 1 }}/", "a1/"),
            ("{{ \"<'&\" }}", "<'&"),
            ("a }} # ## \\n\r\n\n", "a }} # ## \\n\r\n\n"),
            ("{ a }\r\n\n", "{ a }\r\n\n"),
            ("", ""),
        ] {
            let place = Place::new(&Source::new("s", text), 0..text.len());
            let template = TextTemplate::compile(&Located { value: text.to_owned(), place }).unwrap();
            assert_eq!(template.render(&minijinja::Value::UNDEFINED).unwrap(), expected, "{text}");
        }
    }
}

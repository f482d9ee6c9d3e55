//! Expressions and small templates of the spec, compiled once, with the names they use.

use std::collections::BTreeSet;

use minijinja::{Environment, Value};

use super::engine::engine;
use super::failure::{Origin, diagnose};
use crate::diagnostic::{Diagnostic, Located};

/// `when`, `assert`, `required-if`, `for-each`: an expression with a value.
#[derive(Debug)]
pub struct Expression {
    engine: Environment<'static>,
    text: Located<String>,
    names: BTreeSet<String>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// It isn't one.
    pub fn compile(text: &Located<String>) -> Result<Self, Diagnostic> {
        let engine = engine();
        let names = engine
            .compile_expression(&text.value)
            .map(|compiled| compiled.undeclared_variables(false).into_iter().collect())
            .map_err(|error| diagnose(&error, &text.value, &Origin::of(text)))?;
        Ok(Self { engine, text: text.clone(), names })
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
        let fail = |error: &minijinja::Error| diagnose(error, &self.text.value, &Origin::of(&self.text));
        let compiled = self.engine.compile_expression(&self.text.value).map_err(|error| fail(&error))?;
        compiled.eval(context).map_err(|error| fail(&error))
    }
}

/// A default, a destination, an argument: text with `{{ }}` in it. Nothing is escaped.
#[derive(Debug)]
pub struct TextTemplate {
    engine: Environment<'static>,
    text: Located<String>,
    names: BTreeSet<String>,
}

impl TextTemplate {
    /// Compiles a text.
    ///
    /// # Errors
    /// It isn't a template.
    pub fn compile(text: &Located<String>) -> Result<Self, Diagnostic> {
        let engine = engine();
        let names = engine
            .template_from_str(&text.value)
            .map(|template| template.undeclared_variables(false).into_iter().collect())
            .map_err(|error| diagnose(&error, &text.value, &Origin::of(text)))?;
        Ok(Self { engine, text: text.clone(), names })
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
        self.engine
            .render_str(&self.text.value, context)
            .map_err(|error| diagnose(&error, &self.text.value, &Origin::of(&self.text)))
    }
}

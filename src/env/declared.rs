//! What can be said of the declarations before any value is known: expressions compiled,
//! names checked, literal defaults held against their types, the order of computing, and
//! which variables are secrets.

use super::constraints;
use super::names::Names;
use super::order;
use super::types::{self, Reason};
use super::value::Value;
use super::words::{Hush, refused_default};
use crate::diagnostic::{Diagnostic, Located};
use crate::exit::ExitCode;
use crate::expression::{Expression, TextTemplate};
use crate::spec::{Default, Kind, Rule, Spec, Variable};

/// A variable's default, ready for use.
#[derive(Debug)]
pub(super) enum Fallback {
    /// It has none.
    None,
    /// It is wrong, and that was said.
    Broken,
    /// Known already.
    Literal(String, Value),
    /// To be computed.
    Computed(Located<String>, Box<TextTemplate>),
}

/// One declaration.
#[derive(Debug)]
pub(super) struct Declared<'s> {
    pub(super) variable: &'s Variable,
    /// Declared so, generated, or computed from one.
    pub(super) secret: bool,
    pub(super) fallback: Fallback,
    pub(super) required_if: Option<(&'s Located<String>, Expression)>,
}

/// All declarations.
pub(super) struct Declarations<'s> {
    pub(super) variables: Vec<Declared<'s>>,
    pub(super) rules: Vec<(&'s Rule, Expression)>,
    /// The variables, each after those that its default needs. Those of a circle, and those
    /// that hang on one, are left out.
    pub(super) order: Vec<usize>,
    /// What is wrong, with the number of the variable; rules come after all variables.
    pub(super) problems: Vec<(usize, Diagnostic)>,
}

impl<'s> Declarations<'s> {
    pub(super) fn read(spec: &'s Spec) -> Self {
        let names = Names::of(spec);
        let mut problems: Vec<(usize, Diagnostic)> =
            names.check_declared().into_iter().map(|problem| (0, problem)).collect();
        let mut variables = Vec::new();
        for (i, variable) in spec.variables.iter().enumerate() {
            let mut found = constraints::check_declaration(variable);
            variables.push(read_variable(variable, &names, &mut found));
            problems.extend(found.into_iter().map(|problem| (i, problem)));
        }
        let end = variables.len();
        let rules = spec.rules.iter().filter_map(|rule| {
            let mut found = Vec::new();
            let expression = compile(&rule.assert, &names, &mut found);
            problems.extend(found.into_iter().map(|problem| (end, problem)));
            Some((rule, expression?))
        });
        let rules = rules.collect();
        let mut declarations = Self { variables, rules, order: Vec::new(), problems };
        declarations.sort();
        declarations.check_literals();
        declarations
    }

    /// The number of a variable.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|declared| declared.variable.name.value == name)
    }

    /// Brings the variables into order, reports circles, and spreads secrecy.
    fn sort(&mut self) {
        let needs: Vec<Vec<usize>> = self.variables.iter().map(|declared| self.needs(declared)).collect();
        let order = order::sort(&needs);
        for cycle in &order.cycles {
            if let Some(problem) = self.describe_cycle(cycle) {
                self.problems.push((cycle.first().copied().unwrap_or_default(), problem));
            }
        }
        // circles have no order, so go round until nothing changes
        loop {
            let secret = |i: &usize| self.variables.get(*i).is_some_and(|declared| declared.secret);
            let tainted: Vec<bool> = needs.iter().map(|of| of.iter().any(secret)).collect();
            let mut changed = false;
            for (declared, tainted) in self.variables.iter_mut().zip(tainted) {
                changed |= tainted && !declared.secret;
                declared.secret |= tainted;
            }
            if !changed {
                break;
            }
        }
        self.order = order.sorted;
    }

    /// The variables that a default needs.
    fn needs(&self, declared: &Declared<'_>) -> Vec<usize> {
        match &declared.fallback {
            Fallback::Computed(_, template) => {
                template.names().iter().filter_map(|name| self.find(name)).collect()
            }
            Fallback::None | Fallback::Broken | Fallback::Literal(..) => Vec::new(),
        }
    }

    fn describe_cycle(&self, cycle: &[usize]) -> Option<Diagnostic> {
        let members: Vec<&Declared<'_>> = cycle.iter().filter_map(|i| self.variables.get(*i)).collect();
        let (first, others) = members.split_first()?;
        let round: Vec<&str> =
            members.iter().chain([first]).map(|of| of.variable.name.value.as_str()).collect();
        let place = |of: &Declared<'_>| of.variable.default.as_ref().map(|default| default.place.clone());
        let mut problem = Diagnostic::spec(format!("defaults need each other: {}", round.join(" → ")))
            .at(&place(first)?, "can't be computed before itself");
        for other in others {
            problem = problem.and_at(&place(other)?, "needed on the way");
        }
        Some(problem)
    }

    /// Holds literal defaults against their types, at every start, used or not. After
    /// `sort`, which knows what is a secret.
    fn check_literals(&mut self) {
        for (i, declared) in self.variables.iter_mut().enumerate() {
            let variable = declared.variable;
            let Some(default) = &variable.default else { continue };
            let read = match &default.value {
                Default::Literal(text) => read_text(variable, text).map_err(|reason| (text.clone(), reason)),
                Default::Items(items) => read_items(variable, items),
                Default::Computed(_) => continue,
            };
            declared.fallback = match read {
                Ok((text, value)) => Fallback::Literal(text, value),
                Err((text, reason)) => {
                    // the line of a secret's default is not quoted
                    let place = if declared.secret { &variable.name.place } else { &default.place };
                    let hush = Hush::default();
                    let problem = refused_default(declared, &text, place, ExitCode::SPEC, reason, &hush);
                    self.problems.push((i, problem));
                    Fallback::Broken
                }
            };
        }
    }
}

fn read_variable<'s>(
    variable: &'s Variable,
    names: &Names<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Declared<'s> {
    let fallback = match &variable.default {
        Some(Located { value: Default::Computed(text), place }) => {
            let text = Located { value: text.clone(), place: place.clone() };
            read_computed(text, names, problems)
        }
        _ => Fallback::None,
    };
    let required_if =
        variable.required_if.as_ref().and_then(|text| Some((text, compile(text, names, problems)?)));
    Declared { variable, secret: variable.secret || variable.generate.is_some(), fallback, required_if }
}

fn read_computed(text: Located<String>, names: &Names<'_>, problems: &mut Vec<Diagnostic>) -> Fallback {
    match TextTemplate::compile(&text) {
        Ok(template) => {
            let unknown = names.check(template.names(), &text, &[]);
            // an unknown name makes it fail, and that is said here
            let broken = !unknown.is_empty();
            problems.extend(unknown);
            if broken { Fallback::Broken } else { Fallback::Computed(text, Box::new(template)) }
        }
        Err(problem) => {
            problems.push(problem);
            Fallback::Broken
        }
    }
}

/// An expression whose names are all known.
fn compile(text: &Located<String>, names: &Names<'_>, problems: &mut Vec<Diagnostic>) -> Option<Expression> {
    match Expression::compile(text) {
        Ok(expression) => {
            let unknown = names.check(expression.names(), text, &[]);
            let sound = unknown.is_empty();
            problems.extend(unknown);
            sound.then_some(expression)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// A text as a value that the variable takes.
pub(super) fn read_text(variable: &Variable, text: &str) -> Result<(String, Value), Reason> {
    let value = types::parse(&variable.kind, text)?;
    constraints::check(variable, &value, text)?;
    Ok((text.to_owned(), value))
}

/// The items of a list's default: they must come out again of the text that stands for
/// them, which is what a service gets.
fn read_items(variable: &Variable, items: &[String]) -> Result<(String, Value), (String, Reason)> {
    let Kind::List { separator } = &variable.kind else {
        return Err((items.join(" "), "only a list has items".into()));
    };
    let text = items.join(separator);
    let read = read_text(variable, &text).map_err(|reason| (text.clone(), reason))?;
    if read.1 == Value::List(items.to_vec()) {
        Ok(read)
    } else {
        Err((text, "an item is empty, holds the separator, or begins or ends with a blank".into()))
    }
}

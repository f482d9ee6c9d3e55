//! Brings declarations and what was given together: each variable's value, or what is wrong
//! with it. All problems of a start are found in one go, and what only follows from another
//! one is not said again.
//!
//! Nothing is read but through [`Inputs`], and nothing is kept: a generated value is
//! returned, and whoever applies the plan stores it.

use std::collections::BTreeSet;

use minijinja::Value as Seen;
use minijinja::value::ValueKind;

use super::declared::{Declarations, Declared, Fallback, read_text};
use super::facts::Facts;
use super::resolved::{Origin, Resolved, ResolvedVariable, provided};
use super::snapshot::Snapshot;
use super::source::{Found, ReadFile, Search};
use super::undeclared;
use super::value::Value;
use super::words::{Hush, missing, refused, refused_default};
use crate::diagnostic::{Diagnostic, Located};
use crate::exit::ExitCode;
use crate::expression::{Expression, TextTemplate};
use crate::spec::{Generate, Rule, Spec};

/// What resolving reads.
pub struct Inputs<'a> {
    /// What castoff was given.
    pub snapshot: &'a Snapshot,
    /// What expressions may know besides variables.
    pub facts: &'a Facts,
    /// Reads NAME_FILE and the secret mount: the whole file, `None` where there is none,
    /// the reason in words where it can't be read.
    pub read_file: &'a ReadFile<'a>,
    /// The value that an earlier start made for a variable, and kept.
    pub generated: &'a dyn Fn(&Generate, &str) -> Option<String>,
    /// New randomness: so many characters of these.
    pub fresh: &'a dyn Fn(usize, &str) -> String,
}

/// What came of it.
#[derive(Debug)]
pub struct Resolution {
    /// The variables. Those that are wrong have no value.
    pub resolved: Resolved,
    /// All that is wrong or worth a warning: first what concerns a variable, in the order
    /// of the spec, then rules, then undeclared names. Mistakes of the spec end with 65,
    /// those of the environment with 78.
    pub diagnostics: Vec<Diagnostic>,
}

/// Resolves every declared variable.
///
/// A default is a value, even an empty one. A default that is computed wrongly is the
/// environment's mistake where a given variable took part, however far away, and else the
/// spec's: facts of the container are nothing that its user wrote.
///
/// `required-if` gives no value, so two variables may each require the other.
#[must_use]
pub fn resolve(spec: &Spec, inputs: &Inputs<'_>) -> Resolution {
    let mut declarations = Declarations::read(spec);
    let problems = std::mem::take(&mut declarations.problems);
    let mut resolver = Resolver {
        declarations: &declarations,
        facts: inputs.facts,
        states: Vec::new(),
        hush: Hush::default(),
        problems: problems
            .into_iter()
            .map(|(at, problem)| Problem { at, problem, unless: Vec::new() })
            .collect(),
    };
    resolver.find_given(spec, inputs);
    for i in &declarations.order {
        resolver.fall_back(*i, inputs);
    }
    resolver.check_required_if();
    for (rule, assert) in &declarations.rules {
        resolver.check_rule(rule, assert);
    }
    resolver.finish(undeclared::check(spec, inputs.snapshot))
}

/// What is known of a variable.
enum State {
    /// Nothing was given; what was there and empty, in words.
    Open(Vec<String>),
    /// It has a value.
    Set(Set),
    /// It has none.
    Unset(Vec<String>),
    /// It is wrong, and that was said.
    Failed,
}

struct Set {
    text: String,
    value: Value,
    origin: Origin,
    /// What the container was given took part in it.
    given: bool,
}

struct Problem {
    /// The number of the variable that it is about.
    at: usize,
    problem: Diagnostic,
    /// It only follows from another one if one of these failed.
    unless: Vec<usize>,
}

struct Resolver<'r> {
    declarations: &'r Declarations<'r>,
    facts: &'r Facts,
    states: Vec<State>,
    hush: Hush,
    problems: Vec<Problem>,
}

impl<'r> Resolver<'r> {
    fn declared(&self, i: usize) -> Option<&'r Declared<'r>> {
        self.declarations.variables.get(i)
    }

    fn report(&mut self, at: usize, problem: Diagnostic) {
        self.problems.push(Problem { at, problem, unless: Vec::new() });
    }

    fn set_state(&mut self, i: usize, state: State) {
        if let Some(known) = self.states.get_mut(i) {
            *known = state;
        }
    }

    /// Everything that was given, typed. Two rounds: no message is made of a value before
    /// all secrets are known.
    fn find_given(&mut self, spec: &Spec, inputs: &Inputs<'_>) {
        self.hush_given(inputs.snapshot);
        let search = Search::new(spec, inputs.snapshot, inputs.read_file, &self.hush);
        let mut found = Vec::new();
        let mut said = Vec::new();
        for (i, declared) in self.declarations.variables.iter().enumerate() {
            let mut problems = Vec::new();
            found.push(search.find(declared, &mut problems));
            said.extend(problems.into_iter().map(|problem| (i, problem)));
        }
        said.into_iter().for_each(|(i, problem)| self.report(i, problem));
        for (declared, found) in self.declarations.variables.iter().zip(&found) {
            if let (true, Found::Given(text, _)) = (declared.secret, found) {
                self.hush.add(text);
            }
        }
        for (i, (declared, found)) in self.declarations.variables.iter().zip(found).enumerate() {
            let state = self.type_given(i, declared, found, inputs.snapshot);
            self.states.push(state);
        }
    }

    /// The secrets that stand in the environment itself, right or wrong.
    fn hush_given(&mut self, snapshot: &Snapshot) {
        for declared in self.declarations.variables.iter().filter(|declared| declared.secret) {
            let names = std::iter::once(&declared.variable.name).chain(&declared.variable.aliases);
            for text in names.filter_map(|name| snapshot.get(&name.value)?.to_str()) {
                self.hush.add(text);
            }
        }
    }

    fn type_given(&mut self, i: usize, declared: &Declared<'_>, found: Found, snapshot: &Snapshot) -> State {
        let (text, origin) = match found {
            Found::Given(text, origin) => (text, origin),
            Found::Wrong => return State::Failed,
            Found::Absent(empty) if declared.variable.required => {
                self.report(i, missing(declared, &empty, None));
                return State::Failed;
            }
            Found::Absent(empty) => return State::Open(empty),
        };
        match read_text(declared.variable, &text) {
            Ok((text, value)) => State::Set(Set { text, value, origin, given: true }),
            Err(reason) => {
                let mut problem = refused(declared, &text, &origin, reason, &self.hush);
                if let Some(place) = given_place(snapshot, declared, &origin) {
                    problem = problem.and_at(place, "set here");
                }
                self.report(i, problem);
                State::Failed
            }
        }
    }

    /// A variable that wasn't given: generated, by default, or unset. All that its default
    /// needs is known by now.
    fn fall_back(&mut self, i: usize, inputs: &Inputs<'_>) {
        let Some(declared) = self.declared(i) else { return };
        let Some(State::Open(empty)) = self.states.get_mut(i) else { return };
        let empty = std::mem::take(empty);
        let state = match (&declared.variable.generate, &declared.fallback) {
            (Some(generate), _) => self.generate(i, declared, generate, inputs),
            (None, Fallback::None) => State::Unset(empty),
            (None, Fallback::Broken) => State::Failed,
            (None, Fallback::Literal(text, value)) => State::Set(Set {
                text: text.clone(),
                value: value.clone(),
                origin: Origin::Default,
                given: false,
            }),
            (None, Fallback::Computed(source, template)) => self.compute(i, declared, source, template),
        };
        if let (true, State::Set(set)) = (declared.secret, &state) {
            self.hush.add(&set.text);
        }
        self.set_state(i, state);
    }

    fn generate(
        &mut self,
        i: usize,
        declared: &Declared<'_>,
        generate: &Generate,
        inputs: &Inputs<'_>,
    ) -> State {
        let kept = (inputs.generated)(generate, &declared.variable.name.value);
        let new = kept.is_none();
        let text = kept.unwrap_or_else(|| (inputs.fresh)(generate.length, generate.alphabet.characters()));
        self.hush.add(&text);
        match read_text(declared.variable, &text) {
            Ok((text, value)) => {
                State::Set(Set { text, value, origin: Origin::Generated { new }, given: false })
            }
            Err(reason) => {
                let name = &declared.variable.name.value;
                let title = format!("what castoff generates for `{name}` is not what `{name}` takes");
                self.report(i, Diagnostic::spec(title).at(&generate.place, "generated by this").note(reason));
                State::Failed
            }
        }
    }

    fn compute(
        &mut self,
        i: usize,
        declared: &Declared<'_>,
        source: &Located<String>,
        template: &TextTemplate,
    ) -> State {
        let involved = self.involved(template.names());
        if self.any_failed(&involved) {
            return State::Failed;
        }
        let text = match template.render(&self.context(template.names())) {
            Ok(text) => text,
            Err(problem) => {
                let problem = self.with_values(problem, &involved);
                self.problems.push(Problem { at: i, problem, unless: involved });
                return State::Failed;
            }
        };
        let given =
            involved.iter().any(|i| matches!(self.states.get(*i), Some(State::Set(set)) if set.given));
        match read_text(declared.variable, &text) {
            Ok((text, value)) => State::Set(Set { text, value, origin: Origin::Default, given }),
            Err(reason) => {
                let exit = if given { ExitCode::ENVIRONMENT } else { ExitCode::SPEC };
                let problem = refused_default(declared, &text, &source.place, exit, reason, &self.hush);
                let problem = self.with_values(problem, &involved);
                self.problems.push(Problem { at: i, problem, unless: involved });
                State::Failed
            }
        }
    }

    /// The numbers of the variables among `names`.
    fn involved(&self, names: &BTreeSet<String>) -> Vec<usize> {
        names.iter().filter_map(|name| self.declarations.find(name)).collect()
    }

    /// Whether one has no value because of a mistake that was said. Those that hang on a
    /// circle are still open at the end.
    fn any_failed(&self, involved: &[usize]) -> bool {
        involved.iter().any(|i| matches!(self.states.get(*i), Some(State::Failed | State::Open(_))))
    }

    /// What an expression sees: nothing but what it is known to use, so that neither order
    /// nor secrecy can be got around.
    fn context(&self, names: &BTreeSet<String>) -> Seen {
        let mut seen = provided(self.facts);
        for name in names {
            if let Some(State::Set(set)) = self.declarations.find(name).and_then(|i| self.states.get(i)) {
                seen.insert(name.clone(), set.value.seen());
            }
        }
        Seen::from_pairs(seen)
    }

    /// Adds what the variables involved were, secrets without their value.
    fn with_values(&self, mut problem: Diagnostic, involved: &[usize]) -> Diagnostic {
        for i in involved {
            let Some(declared) = self.declared(*i) else { continue };
            let name = &declared.variable.name.value;
            let Some(State::Set(set)) = self.states.get(*i) else {
                problem = problem.note(format!("`{name}` is not set"));
                continue;
            };
            let from = if set.origin == Origin::Default { ", its default" } else { "" };
            problem = match self.hush.quote(&set.text).filter(|_| !declared.secret) {
                Some(shown) => problem.note(format!("`{name}` is {shown}{from}")),
                None => problem.note(format!("`{name}` is set (not shown: a secret)")),
            };
        }
        problem
    }

    fn check_required_if(&mut self) {
        for (i, declared) in self.declarations.variables.iter().enumerate() {
            let (Some(State::Unset(empty)), Some((text, expression))) =
                (self.states.get(i), &declared.required_if)
            else {
                continue;
            };
            let empty = empty.clone();
            if self.truth(i, text, expression) == Some(true) {
                self.report(i, missing(declared, &empty, Some(text)));
                self.set_state(i, State::Failed);
            }
        }
    }

    fn check_rule(&mut self, rule: &Rule, assert: &Expression) {
        let at = self.declarations.variables.len();
        if self.truth(at, &rule.assert, assert) != Some(false) {
            return;
        }
        let title = rule.message.clone().unwrap_or_else(|| "a rule of this image is broken".to_owned());
        let problem = Diagnostic::environment(title).at(&rule.assert.place, "this must be true");
        let problem = self.with_values(problem, &self.involved(assert.names()));
        self.report(at, problem);
    }

    /// Whether an expression holds. `None` where that can't be known, which was said.
    fn truth(&mut self, at: usize, text: &Located<String>, expression: &Expression) -> Option<bool> {
        let involved = self.involved(expression.names());
        if self.any_failed(&involved) {
            return None;
        }
        match expression.evaluate(&self.context(expression.names())) {
            Ok(value) if value.kind() == ValueKind::Bool => Some(value.is_true()),
            Ok(value) => {
                let problem = Diagnostic::spec("this is neither true nor false")
                    .at(&text.place, format!("its value is {}", kind_in_words(value.kind())))
                    .help("compare it with something, or test whether it `is defined`");
                self.report(at, problem);
                None
            }
            Err(problem) => {
                let problem = self.with_values(problem, &involved);
                self.problems.push(Problem { at, problem, unless: involved });
                None
            }
        }
    }

    fn finish(mut self, undeclared: Vec<Diagnostic>) -> Resolution {
        let mut problems = std::mem::take(&mut self.problems);
        problems.retain(|problem| {
            !problem.unless.iter().any(|i| matches!(self.states.get(*i), Some(State::Failed)))
        });
        problems.sort_by_key(|problem| problem.at);
        let diagnostics = problems.into_iter().map(|problem| problem.problem).chain(undeclared).collect();
        let variables = self.declarations.variables.iter().zip(self.states);
        let variables = variables.map(|(declared, state)| resolved_variable(declared, state)).collect();
        Resolution { resolved: Resolved { variables }, diagnostics }
    }
}

/// Where in an env file the value, or the path to it, was given.
fn given_place<'s>(
    snapshot: &'s Snapshot,
    declared: &Declared<'_>,
    origin: &Origin,
) -> Option<&'s crate::diagnostic::Place> {
    let name = match origin {
        Origin::Alias(alias) => alias,
        _ => &declared.variable.name.value,
    };
    snapshot.place(name).or_else(|| snapshot.place(format!("{name}_FILE")))
}

fn kind_in_words(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Undefined => "undefined",
        ValueKind::None => "none",
        ValueKind::Number => "a number",
        ValueKind::String => "text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a map",
        _ => "something else",
    }
}

fn resolved_variable(declared: &Declared<'_>, state: State) -> ResolvedVariable {
    let variable = declared.variable;
    let (value, text, origin) = match state {
        State::Set(set) => (Some(set.value), Some(set.text), set.origin),
        State::Open(_) | State::Unset(_) | State::Failed => (None, None, Origin::Unset),
    };
    ResolvedVariable {
        name: variable.name.value.clone(),
        value,
        text,
        secret: declared.secret,
        origin,
        export: variable.export,
    }
}

//! The names that expressions and templates may use: the declared variables, castoff's own,
//! and the engine's functions. Checked before any value is known.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Located, Place, nearest};
use crate::expression::{Origin, identifiers, is_function};
use crate::spec::Spec;

/// What castoff provides besides the variables.
const PROVIDED: [&str; 4] = ["container", "image", "volume", "volumes"];
/// Those of them that only a spec with a volume has.
const OF_VOLUMES: [&str; 2] = ["volume", "volumes"];

/// The names that a spec gives a meaning to.
#[derive(Debug)]
pub struct Names<'s> {
    spec: &'s Spec,
}

impl<'s> Names<'s> {
    /// Those of `spec`.
    #[must_use]
    pub fn of(spec: &'s Spec) -> Self {
        Self { spec }
    }

    /// One diagnostic for each of `used` that nothing gives a meaning to. `text` is the
    /// expression or template that uses them; `also` are names that it has besides, such as
    /// `item`.
    #[must_use]
    pub fn check(&self, used: &BTreeSet<String>, text: &Located<String>, also: &[&str]) -> Vec<Diagnostic> {
        let unknown = used.iter().filter(|name| !self.knows(name) && !also.contains(&name.as_str()));
        unknown.map(|name| self.unknown(name, text, also)).collect()
    }

    /// What castoff provides for this spec besides the variables.
    pub fn provided(&self) -> impl Iterator<Item = &str> {
        let has_volumes = !self.spec.volumes.is_empty();
        PROVIDED.into_iter().filter(move |name| has_volumes || !OF_VOLUMES.contains(name))
    }

    fn knows(&self, name: &str) -> bool {
        self.provided().any(|known| known == name)
            || is_function(name)
            || self.spec.variables.iter().any(|variable| variable.name.value == name)
    }

    fn unknown(&self, name: &str, text: &Located<String>, also: &[&str]) -> Diagnostic {
        if let Some(problem) = without_volumes(name) {
            return problem.at(&place_of(name, text), "what it is about is not there");
        }
        let problem = Diagnostic::spec(format!("there is no variable `{name}`"))
            .at(&place_of(name, text), "not declared");
        let renamed = self
            .spec
            .variables
            .iter()
            .find(|variable| variable.aliases.iter().any(|alias| alias.value == name));
        if let Some(variable) = renamed {
            let new = &variable.name.value;
            return problem.help(format!("`{name}` is an old name of `{new}`: write `{new}`"));
        }
        let declared = self.spec.variables.iter().map(|variable| variable.name.value.as_str());
        match nearest(name, declared.chain(self.provided()).chain(also.iter().copied())) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("declare it as [env.{name}]")),
        }
    }

    /// Variables that take a name away which expressions need.
    pub(super) fn check_declared(&self) -> Vec<Diagnostic> {
        let taken =
            self.spec.variables.iter().filter(|variable| PROVIDED.contains(&variable.name.value.as_str()));
        taken
            .map(|variable| {
                Diagnostic::spec(format!("`{}` can't be declared", variable.name.value))
                    .at(&variable.name.place, "in expressions this is castoff's own name")
            })
            .collect()
    }
}

/// What to say of a use of `volume` or `volumes` in a spec that has none; `None` for another
/// name.
#[must_use]
pub fn without_volumes(name: &str) -> Option<Diagnostic> {
    OF_VOLUMES.contains(&name).then(|| {
        Diagnostic::spec(format!("there is no [[volume]] for `{name}`"))
            .note("`volume` is the first [[volume]] of the spec, `volumes` has them all by their paths")
            .help("declare the volume; what is about the container is in `container`")
    })
}

/// Where the name stands in the text first, or else the whole text.
fn place_of(name: &str, text: &Located<String>) -> Place {
    // what stands before the first tag of a template is no expression
    let start = ["{{", "{%"].iter().filter_map(|tag| text.value.find(tag)).min().unwrap_or(0);
    let code = text.value.get(start..).unwrap_or_default();
    let range = identifiers(code).find(|word| *word == name).map(|word| {
        let at = word.as_ptr().addr() - text.value.as_ptr().addr();
        at..at + word.len()
    });
    Origin::of(text).place(&text.value, range)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Names;
    use crate::diagnostic::{Located, Place, Source};
    use crate::expression::{Expression, TextTemplate};
    use crate::spec::{Spec, parse};

    fn spec() -> Spec {
        let text = "version = 1\n[env.SMTP_HOST]\n[env.SMTP_USER]\naliases = ['SSMTP_USER']\n";
        parse(&Source::new("t.toml", text), Path::new("")).spec
    }

    fn located(text: &str) -> Located<String> {
        let source = Source::new("t.toml", format!("'{text}'"));
        Located { value: text.to_owned(), place: Place::new(&source, 0..text.len() + 2) }
    }

    #[test]
    fn known_and_unknown() {
        for (expression, unknown) in [
            ("SMTP_HOST is defined and container.memory > 1", &[][..]),
            ("range(3) | length == image.version", &[]),
            ("item == 1", &[]),
            ("SMTP_HOTS == 1", &["did you mean `SMTP_HOST`?"]),
            ("SSMTP_USER", &["write `SMTP_USER`"]),
            ("contianer.memory + ZZZ", &["[env.ZZZ]", "did you mean `container`?"]),
            ("volume.first_start or volumes['/x'].first-start", &["declare the volume"; 2]),
        ] {
            let text = located(expression);
            let used = Expression::compile(&text).unwrap().names().clone();
            let problems = Names::of(&spec()).check(&used, &text, &["item"]);
            assert_eq!(problems.len(), unknown.len(), "{expression}: {problems:?}");
            for (problem, help) in problems.iter().zip(unknown) {
                assert!(problem.helps[0].contains(help), "{expression}: {problem:?}");
            }
        }
    }

    #[test]
    fn the_caret_is_under_the_name() {
        let text = located("ABC {{ SMTP_HOST ~ ABC }}");
        let used = TextTemplate::compile(&text).unwrap().names().clone();
        let shown = Names::of(&spec()).check(&used, &text, &[])[0].render(false);
        let expected = "\
error: there is no variable `ABC`
 --> t.toml:1:21
  |
1 | 'ABC {{ SMTP_HOST ~ ABC }}'
  |                     ^^^ not declared
  |
  = help: declare it as [env.ABC]";
        assert_eq!(shown, expected);
    }
}

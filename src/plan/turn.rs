//! Whether it is a step's turn in this start: by what the spec says, which start this is, and
//! what is remembered of the step. Pure.

use std::path::PathBuf;

use crate::env::facts::StartFacts;
use crate::state::{Digest, Success};

/// When a step is run, and what this start is for its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// At which starts.
    pub occasion: TurnOf,
    /// The volume whose starts count; `None`: the container.
    pub scope: Option<PathBuf>,
    /// Which start it is for the scope.
    pub facts: StartFacts,
    /// The image's version.
    pub version: Option<String>,
}

/// At which starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnOf {
    /// Each.
    Always,
    /// The first, until it has succeeded.
    FirstStart,
    /// The first of another version, until it has succeeded.
    Upgrade,
    /// Each where what it depends on, as this digest has it, isn't as it was.
    OnChange(Digest),
}

/// Whether something is run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is run, because of this.
    Run(String),
    /// It is not run, because of this.
    Rest(String),
}

impl Turn {
    /// The decision, given the last success of the step.
    #[must_use]
    pub fn decide(&self, last: Option<&Success>) -> Decision {
        use Decision::{Rest, Run};
        let scope = self.scope.as_ref();
        let of = scope.map_or("the container".to_owned(), |path| path.display().to_string());
        match &self.occasion {
            TurnOf::Always => Run("at each start".to_owned()),
            TurnOf::FirstStart if !self.facts.first_start => Rest(format!("the first start of {of} is over")),
            TurnOf::FirstStart if last.is_some() => Rest("it succeeded already".to_owned()),
            TurnOf::FirstStart => Run(format!("the first start of {of}")),
            TurnOf::Upgrade => match &self.facts.upgraded_from {
                None => Rest(format!("no upgrade of {of}")),
                Some(_) if last.is_some_and(|last| last.version == self.version) => {
                    Rest("it succeeded for this version already".to_owned())
                }
                Some(from) if from.is_empty() => Run(format!("{of} is upgraded")),
                Some(from) => Run(format!("{of} is upgraded from {from}")),
            },
            TurnOf::OnChange(digest) => match last {
                Some(last) if last.digest.as_ref() == Some(digest) => Rest("nothing changed".to_owned()),
                Some(_) => Run("what it depends on changed".to_owned()),
                None => Run("it never succeeded yet".to_owned()),
            },
        }
    }

    /// What is remembered after a success; `None`: nothing has to be.
    #[must_use]
    pub fn success(&self) -> Option<Success> {
        let version = self.version.clone();
        match &self.occasion {
            TurnOf::Always => None,
            TurnOf::FirstStart | TurnOf::Upgrade => Some(Success { version, digest: None }),
            TurnOf::OnChange(digest) => Some(Success { version, digest: Some(digest.clone()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, StartFacts, Turn, TurnOf};
    use crate::state::{Success, digest};

    #[test]
    fn each_occasion() {
        let facts = |first_start: bool, from: Option<&str>| StartFacts {
            first_start,
            upgraded_from: from.map(str::to_owned),
        };
        let (first, again) = (facts(true, None), facts(false, None));
        let upgrade = facts(false, Some("1"));
        let success = |version: &str, content: Option<&[u8]>| {
            Some(Success { version: Some(version.to_owned()), digest: content.map(digest) })
        };
        let changed = TurnOf::OnChange(digest(b"x"));
        for (occasion, facts, last, runs) in [
            (TurnOf::Always, &first, None, true),
            (TurnOf::Always, &again, success("2", None), true),
            (TurnOf::FirstStart, &first, None, true),
            (TurnOf::FirstStart, &first, success("2", None), false),
            (TurnOf::FirstStart, &again, None, false),
            (TurnOf::FirstStart, &upgrade, None, false),
            (TurnOf::Upgrade, &first, None, false),
            (TurnOf::Upgrade, &again, None, false),
            (TurnOf::Upgrade, &upgrade, None, true),
            (TurnOf::Upgrade, &upgrade, success("1", None), true),
            (TurnOf::Upgrade, &upgrade, success("2", None), false),
            (changed.clone(), &again, None, true),
            (changed.clone(), &again, success("1", None), true),
            (changed.clone(), &again, success("1", Some(b"y")), true),
            (changed, &first, success("1", Some(b"x")), false),
        ] {
            let turn = Turn { occasion, scope: None, facts: facts.clone(), version: Some("2".to_owned()) };
            let decision = turn.decide(last.as_ref());
            assert_eq!(matches!(decision, Decision::Run(_)), runs, "{turn:?} {last:?}");
            // what succeeded is not run again by the same start
            if let Some(success) = turn.success() {
                assert!(matches!(turn.decide(Some(&success)), Decision::Rest(_)), "{turn:?}");
            }
        }
    }
}

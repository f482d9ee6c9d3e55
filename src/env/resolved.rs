//! What resolving ends with: every declared variable with its value, its origin and
//! whether it is a secret. Plain data; nothing is looked up here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use minijinja::Value as Seen;

use super::container::Container;
use super::context::Context;
use super::facts::{Facts, StartFacts};
use super::value::Value;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The variable itself was given.
    Environment,
    /// The file that NAME_FILE names.
    File(PathBuf),
    /// A file of the secret mount.
    SecretMount(PathBuf),
    /// An old name, or the file that its `_FILE` names.
    Alias(String),
    /// The spec's default, literal or computed.
    Default,
    /// castoff made it.
    Generated {
        /// In this start: it has to be kept.
        new: bool,
    },
    /// It has no value.
    Unset,
}

/// One declared variable.
#[derive(Clone, PartialEq)]
pub struct ResolvedVariable {
    /// Its name.
    pub name: String,
    /// Its value; `None` where it is unset, or where what was given is wrong.
    pub value: Option<Value>,
    /// The text that the value was read from.
    pub text: Option<String>,
    /// Its value is shown nowhere: it is declared so, generated, or its default uses a
    /// secret.
    pub secret: bool,
    /// Where the value came from.
    pub origin: Origin,
    /// What the spec says of `export`.
    pub export: Option<bool>,
}

/// Shows no value of a secret.
impl std::fmt::Debug for ResolvedVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("ResolvedVariable");
        shown.field("name", &self.name).field("secret", &self.secret).field("origin", &self.origin);
        if !self.secret {
            shown.field("value", &self.value).field("text", &self.text);
        }
        shown.field("export", &self.export).finish_non_exhaustive()
    }
}

/// All declared variables, in the order of the spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The variables.
    pub variables: Vec<ResolvedVariable>,
}

impl Resolved {
    /// A variable by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ResolvedVariable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// Whether a declared variable is a secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.get(name).is_some_and(|variable| variable.secret)
    }

    /// Every text that must not be shown, longest first: the secrets' values, and the items
    /// and strings within them. None is empty.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secret = self.variables.iter().filter(|variable| variable.secret);
        let texts: BTreeSet<&str> = secret
            .flat_map(|variable| {
                let parts = variable.value.iter().flat_map(Value::parts);
                variable.text.as_deref().into_iter().chain(parts)
            })
            .filter(|text| !text.is_empty())
            .collect();
        let mut texts: Vec<&str> = texts.into_iter().collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.into_iter()
    }

    /// What expressions and templates see: each variable that is set, by its own name, and
    /// `container` (`memory`, `cpus`, `hostname`), `image` (`name`, `version`), `volume` and
    /// `volumes`; `container` and each volume with `first_start` and `upgraded_from`. What is
    /// unset is undefined.
    #[must_use]
    pub fn context(&self, facts: &Facts) -> Seen {
        let set = self.variables.iter().filter_map(|variable| {
            variable.value.as_ref().map(|value| (variable.name.clone(), value.seen()))
        });
        Seen::from_object(Context::new(provided(facts).into_iter().chain(set)))
    }
}

/// `container`, `image`, `volume` and `volumes`.
pub(super) fn provided(facts: &Facts) -> BTreeMap<String, Seen> {
    let image = [("name", &facts.image_name), ("version", &facts.image_version)];
    let image = image.into_iter().filter_map(|(key, text)| Some((key, Seen::from(text.as_deref()?))));
    let volumes = facts.volumes.iter().map(|(path, facts)| (path.as_str(), Seen::from_pairs(start(facts))));
    let mut provided = BTreeMap::from([
        ("container".to_owned(), Seen::from_object(Container::new(facts))),
        ("image".to_owned(), Seen::from_pairs(image)),
        ("volumes".to_owned(), Seen::from_pairs(volumes)),
    ]);
    if let Some((_, first)) = facts.volumes.first() {
        provided.insert("volume".to_owned(), Seen::from_pairs(start(first)));
    }
    provided
}

fn start(facts: &StartFacts) -> impl Iterator<Item = (&'static str, Seen)> {
    let from = facts.upgraded_from.as_deref().map(|from| ("upgraded_from", Seen::from(from)));
    [("first_start", Seen::from(facts.first_start))].into_iter().chain(from)
}

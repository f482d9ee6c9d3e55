//! `container`, as expressions and templates see it: a map whose `memory` and `cpus` are found
//! out when they are asked for.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};

use super::facts::Facts;

/// The map.
#[derive(Debug)]
pub struct Container {
    facts: Facts,
}

impl Container {
    pub(super) fn new(facts: &Facts) -> Self {
        Self { facts: facts.clone() }
    }

    /// The values that are texts.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        [self.facts.hostname.as_str()].into_iter().chain(self.facts.container.upgraded_from.as_deref())
    }
}

impl Object for Container {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let facts = &self.facts;
        Some(match key.as_str()? {
            "cpus" => Value::from(facts.limits.cpus()),
            "first_start" => Value::from(facts.container.first_start),
            "hostname" => Value::from(facts.hostname.as_str()),
            "memory" => Value::from(facts.limits.memory()),
            "upgraded_from" => Value::from(facts.container.upgraded_from.as_deref()?),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.facts.container.upgraded_from {
            Some(_) => Enumerator::Str(&["cpus", "first_start", "hostname", "memory", "upgraded_from"]),
            None => Enumerator::Str(&["cpus", "first_start", "hostname", "memory"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use minijinja::Value;

    use super::Container;
    use crate::env::facts::{Facts, Limits, StartFacts};
    use crate::expression::engine;

    #[test]
    fn limits_are_found_out_once_and_only_when_they_are_asked_for() {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let limits = Limits::found_by(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            (1 << 20, 2)
        });
        let facts = Facts { limits, hostname: "web".to_owned(), ..Facts::default() };
        let context = Value::from_pairs([("container", Value::from_object(Container::new(&facts)))]);
        for (expression, expected, times) in [
            ("container.hostname", "web", 0),
            ("container.first_start", "False", 0),
            ("container.upgraded_from is defined", "False", 0),
            ("container.unknown is defined", "False", 0),
            ("container | length", "4", 0),
            ("container.memory * container.cpus", "2097152", 1),
            ("container | list", "['cpus', 'first_start', 'hostname', 'memory']", 1),
        ] {
            let shown = engine().render_str(&format!("{{{{ {expression} }}}}"), &context);
            assert_eq!(shown.ok().as_deref(), Some(expected), "{expression}");
            assert_eq!(asked.load(Ordering::Relaxed), times, "{expression}");
        }
    }

    #[test]
    fn an_upgrade_is_told() {
        let container = StartFacts { first_start: false, upgraded_from: Some("1.2".to_owned()) };
        let facts = Facts { container, ..Facts::default() };
        let context = Value::from_pairs([("container", Value::from_object(Container::new(&facts)))]);
        let shown = engine().render_str("{{ container.upgraded_from }} {{ container | length }}", &context);
        assert_eq!(shown.ok().as_deref(), Some("1.2 5"));
    }
}

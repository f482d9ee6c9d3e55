//! All that expressions see, by name. The engine's own maps compare values, which takes
//! several times as long as comparing the names, for each name that a template looks up.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};

/// The values.
#[derive(Debug)]
pub(super) struct Context(BTreeMap<String, Value>);

impl Context {
    /// Of two with one name the last counts.
    pub(super) fn new(values: impl Iterator<Item = (String, Value)>) -> Self {
        Self(values.collect())
    }
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::{Value, context};

    use super::Context;
    use crate::expression::engine;

    #[test]
    fn names_are_found_listed_and_may_be_added_to() {
        let values = [("B", "b"), ("A", "a"), ("B", "last")];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
        let whole = Value::from_object(Context::new(values));
        let with_item = context! { item => "i", ..whole.clone() };
        for (context, expression, expected) in
            [(&whole, "A ~ B", "alast"), (&whole, "C is defined", "False"), (&with_item, "A ~ item", "ai")]
        {
            let shown = engine().render_str(&format!("{{{{ {expression} }}}}"), context);
            assert_eq!(shown.ok().as_deref(), Some(expected), "{expression}");
        }
        let names: Vec<String> = whole.try_iter().unwrap().map(|name| name.to_string()).collect();
        assert_eq!(names, ["A", "B"]);
    }
}

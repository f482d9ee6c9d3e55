//! A variable's value, typed, and what expressions and templates see of it. No parsing and
//! no checking here.
//!
//! In expressions and templates a size is its number of bytes, a duration its number of
//! seconds (an integer where it is whole), a port an integer, a list a sequence, JSON maps,
//! sequences and scalars; hosts, URLs, addresses and paths are text.

use std::time::Duration;

use minijinja::Value as Seen;

/// A value of a declared type.
///
/// There is no `Display`, and `Debug` shows the value: whoever prints one has asked first
/// whether its variable is a secret.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, a host, an address, a URL or a path.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number, or a port.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// Bytes; -1 is "no limit".
    Size(i64),
    /// A span of time, whole milliseconds.
    Duration(Duration),
    /// Items, in order.
    List(Vec<String>),
    /// Any JSON value. Integers beyond 64 bits are floats, as in JavaScript.
    Json(serde_json::Value),
}

impl Value {
    /// What expressions and templates see.
    #[must_use]
    pub fn seen(&self) -> Seen {
        match self {
            Self::Text(text) => Seen::from(text.as_str()),
            Self::Bool(flag) => Seen::from(*flag),
            Self::Int(number) | Self::Size(number) => Seen::from(*number),
            Self::Float(number) => Seen::from(*number),
            Self::Duration(span) if span.subsec_nanos() == 0 => Seen::from(span.as_secs()),
            Self::Duration(span) => Seen::from(span.as_secs_f64()),
            Self::List(items) => items.iter().map(String::as_str).map(Seen::from).collect(),
            Self::Json(json) => seen_json(json),
        }
    }

    /// Every text that stands in it as a part: the items of a list, the strings of JSON.
    #[must_use]
    pub fn parts(&self) -> Vec<&str> {
        let mut parts = Vec::new();
        match self {
            Self::List(items) => parts.extend(items.iter().map(String::as_str)),
            Self::Json(json) => strings_of(json, &mut parts),
            _ => {}
        }
        parts
    }
}

/// JSON as the engine's own values. serde_json nests at most 128 deep.
fn seen_json(json: &serde_json::Value) -> Seen {
    match json {
        serde_json::Value::Null => Seen::from(()),
        serde_json::Value::Bool(flag) => Seen::from(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Seen::from(number),
            (None, Some(number)) => Seen::from(number),
            (None, None) => Seen::from(number.as_f64()),
        },
        serde_json::Value::String(text) => Seen::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(seen_json).collect(),
        serde_json::Value::Object(entries) => {
            Seen::from_pairs(entries.iter().map(|(key, item)| (key.as_str(), seen_json(item))))
        }
    }
}

/// The strings of a JSON value, its keys left out.
fn strings_of<'j>(json: &'j serde_json::Value, strings: &mut Vec<&'j str>) {
    match json {
        serde_json::Value::String(text) => strings.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings_of(item, strings)),
        serde_json::Value::Object(entries) => entries.values().for_each(|item| strings_of(item, strings)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Value;
    use crate::expression::engine;

    #[test]
    fn what_expressions_see() {
        let json = |text: &str| Value::Json(serde_json::from_str(text).unwrap());
        for (value, expression, expected) in [
            (Value::Text("a".to_owned()), "V ~ 'b'", "ab"),
            (Value::Bool(true), "'on' if V else 'off'", "on"),
            (Value::Int(i64::MAX), "V", "9223372036854775807"),
            (Value::Float(1.5), "V * 2", "3.0"),
            (Value::Size(134_217_728), "V / 1024 / 1024", "128.0"),
            (Value::Size(-1), "V", "-1"),
            (Value::Duration(Duration::from_secs(90)), "V", "90"),
            (Value::Duration(Duration::from_millis(1500)), "V", "1.5"),
            (Value::List(vec!["a".to_owned(), "b".to_owned()]), "V[1] ~ V | length", "b2"),
            (json(r#"{"a": [1, {"b": 18446744073709551615}]}"#), "V.a[1].b", "18446744073709551615"),
            (json("9223372036854775807"), "V", "9223372036854775807"),
            (json("null"), "V is none", "True"),
        ] {
            let context = minijinja::context! { V => value.seen() };
            let shown = engine().render_str(&format!("{{{{ {expression} }}}}"), context);
            assert_eq!(shown.ok().as_deref(), Some(expected), "{value:?} {expression}");
        }
    }

    #[test]
    fn parts_are_the_texts_inside() {
        let json = Value::Json(serde_json::json!({"key": "a", "more": ["b", 1, {"deep": "c"}]}));
        assert_eq!(json.parts(), ["a", "b", "c"]);
        assert_eq!(Value::List(vec!["x".to_owned()]).parts(), ["x"]);
        assert_eq!(Value::Text("x".to_owned()).parts(), [""; 0]);
    }
}

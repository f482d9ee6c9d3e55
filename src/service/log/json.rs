//! A message as a JSON value: an object stays one, everything else becomes a string.
//!
//! What is passed on as an object is one that every parser takes: no deeper than serde_json's
//! limit, its strings and numbers in range.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Writes `message` as a value.
pub(super) fn write_message(out: &mut Vec<u8>, message: &[u8]) {
    let message = String::from_utf8_lossy(message);
    match object(&message) {
        Some(object) => out.extend_from_slice(object.as_bytes()),
        None => write_text(out, &message),
    }
}

/// Writes a string.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    // A Vec takes everything that is written to it.
    let _ = serde_json::to_writer(out, text);
}

fn object(message: &str) -> Option<&str> {
    let trimmed = message.trim_matches([' ', '\t', '\r']);
    (trimmed.starts_with('{') && serde_json::from_str::<Valid>(trimmed).is_ok()).then_some(trimmed)
}

/// Any JSON value; nothing is kept of it.
struct Valid;

impl<'de> Deserialize<'de> for Valid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Valid {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        while entries.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::write_message;

    fn written(message: &[u8]) -> String {
        let mut out = Vec::new();
        write_message(&mut out, message);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_stay_objects() {
        for object in [
            "{}",
            r#"{"a":1}"#,
            r#"{"a": [1.5e3, {"b": null}, "x\u00e9", true], "a": -1}"#,
            r#"{"c":"\ud83d\ude00"}"#,
        ] {
            assert_eq!(written(object.as_bytes()), object);
            assert_eq!(written(format!(" {object}\r").as_bytes()), object, "blanks around it");
        }
    }

    #[test]
    fn everything_else_is_text() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for text in [
            "",
            "plain",
            "[1]",
            "1",
            "null",
            "\"a\"",
            "{",
            "{a}",
            "{} {}",
            r#"{"a":"\ud83d"}"#,
            r#"{"a":1e999}"#,
            "{\"a\":\"\u{1}\"}",
            "tab\tand \"quotes\" \\ \u{1b}[0m é",
            &deep,
        ] {
            let value: serde_json::Value = serde_json::from_str(&written(text.as_bytes())).unwrap();
            assert_eq!(value, text);
        }
    }

    #[test]
    fn what_is_no_utf_8_is_replaced() {
        assert_eq!(written(b"a\xff\xc3b"), "\"a\u{fffd}\u{fffd}b\"");
        let object = written(b"{\"a\":\"\xff\"}");
        assert_eq!(object, "{\"a\":\"\u{fffd}\"}");
    }
}

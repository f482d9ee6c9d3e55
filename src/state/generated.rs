//! The generated secrets of one scope: `NAME=value` lines, as castoff wrote them.
//!
//! Values are printable ASCII by construction, so a line needs no escaping; a file that
//! holds anything else was not written by castoff and is refused, never guessed at.

use std::collections::BTreeMap;

use super::Garbled;

const HEADER: &str = "# Secrets that castoff generated. Losing this file makes it generate new ones.\n";

/// Secrets by the variable's name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Generated {
    values: BTreeMap<String, String>,
}

/// Shows names only.
impl std::fmt::Debug for Generated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Generated {
    /// Reads the text of a state file.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let mut values = BTreeMap::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let garbled = Garbled { line: index + 1 };
            let line = std::str::from_utf8(line).map_err(|_| garbled)?;
            let (name, value) = line.split_once('=').ok_or(garbled)?;
            if name.is_empty() || value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(garbled);
            }
            values.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self { values })
    }

    /// The text that `parse` reads back.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = self.values.iter().map(|(name, value)| format!("{name}={value}\n"));
        std::iter::once(HEADER.to_owned()).chain(lines).collect()
    }

    /// The value kept for a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Adds a value; one that is there already stays.
    pub fn add(&mut self, name: &str, value: &str) {
        self.values.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::{Garbled, Generated};

    #[test]
    fn reads_back_what_it_wrote() {
        let mut generated = Generated::default();
        generated.add("AUTH_KEY", "a=b#c");
        generated.add("SALT", "xyz");
        generated.add("SALT", "second");
        assert_eq!(Generated::parse(generated.to_text().as_bytes()), Ok(generated.clone()));
        assert_eq!(generated.get("SALT"), Some("xyz"));
        assert!(!format!("{generated:?}").contains("xyz"));
    }

    #[test]
    fn refuses_what_it_cannot_have_written() {
        for (text, line) in
            [("A=1\nB", 2), ("A=", 1), ("=x", 1), ("A=x y", 1), ("A=1\n\nB=\u{fe}", 3), ("A=1\nC=\x07", 2)]
        {
            assert_eq!(Generated::parse(text.as_bytes()), Err(Garbled { line }), "{text:?}");
        }
        assert_eq!(Generated::parse(b"A=\xff"), Err(Garbled { line: 1 }));
    }
}

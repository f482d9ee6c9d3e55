//! The record of the preparation that was completed last, of the container or of a volume: for
//! which image it was.
//!
//! The values stand as JSON strings, so that each keeps to its line. A file that holds
//! anything else was not written by castoff and is refused, never guessed at.

use super::Garbled;

const HEADER: &str =
    "# The image for which castoff completed a start last. Without this file the next start is a first one.";

/// The image of a completed preparation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// Its name, if its spec said one.
    pub name: Option<String>,
    /// Its version, if its spec said one.
    pub version: Option<String>,
}

impl Started {
    /// Reads the text of a state file.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let text = std::str::from_utf8(text).map_err(|_| Garbled { line: 1 })?;
        let text = text.strip_suffix('\n').ok_or(Garbled { line: 1 })?;
        let mut lines = text.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(Garbled { line: 1 });
        }
        let mut value = |key: &str| {
            let Some((rest, line)) =
                lines.peek().and_then(|(text, line)| Some((text.strip_prefix(key)?, *line)))
            else {
                return Ok(None);
            };
            lines.next();
            serde_json::from_str::<String>(rest).map(Some).map_err(|_| Garbled { line })
        };
        let started = Self { name: value("name ")?, version: value("version ")? };
        lines.next().map_or(Ok(started), |(_, line)| Err(Garbled { line }))
    }

    /// The text that `parse` reads back.
    #[must_use]
    pub fn to_text(&self) -> String {
        let values = [("name", &self.name), ("version", &self.version)];
        let lines = values.into_iter().filter_map(|(key, value)| {
            // Display of a JSON value: a quoted string without line breaks
            Some(format!("{key} {}\n", serde_json::Value::from(value.as_deref()?)))
        });
        std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HEADER, Started};
    use crate::state::Garbled;

    #[test]
    fn refuses_what_it_cannot_have_written() {
        for (text, line) in [
            ("", 1),
            ("name \"a\"\n", 1),
            (HEADER, 1),
            (&format!("{HEADER}\nname a\n"), 2),
            (&format!("{HEADER}\nname \"a\" \"b\"\n"), 2),
            (&format!("{HEADER}\nversion \"1\"\nname \"a\"\n"), 3),
            (&format!("{HEADER}\nname \"a\"\nname \"a\"\n"), 3),
            (&format!("{HEADER}\nname \"a\"\n\n"), 3),
        ] {
            assert_eq!(Started::parse(text.as_bytes()), Err(Garbled { line }), "{text}");
        }
        assert_eq!(Started::parse(b"\xff\n"), Err(Garbled { line: 1 }));
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(name: Option<String>, version: Option<String>) {
            let started = Started { name, version };
            prop_assert_eq!(Started::parse(started.to_text().as_bytes()), Ok(started));
        }
    }
}

//! The record of the steps and hooks that succeeded in the container or in a volume: for which
//! version of the image, and with which inputs.
//!
//! One JSON array per line: `["NAME", VERSION, DIGEST]`, `null` for what there is none of. A
//! file that holds anything else was not written by castoff and is refused.

use std::collections::BTreeMap;

use super::{Digest, Garbled};

const HEADER: &str = "# Steps that succeeded: name, version of the image, digest of what the step depends on. Written by castoff.";

/// The last success of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// The image's version then.
    pub version: Option<String>,
    /// What the step's `changes` were then.
    pub digest: Option<Digest>,
}

/// The last success of each step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Succeeded {
    steps: BTreeMap<String, Success>,
}

impl Succeeded {
    /// Reads the text of a state file.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let text = std::str::from_utf8(text).map_err(|_| Garbled { line: 1 })?;
        let text = text.strip_suffix('\n').ok_or(Garbled { line: 1 })?;
        let mut lines = text.split('\n').zip(1..);
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(Garbled { line: 1 });
        }
        let mut steps = BTreeMap::new();
        for (text, line) in lines {
            let (name, success) = parse_line(text).ok_or(Garbled { line })?;
            if steps.insert(name, success).is_some() {
                return Err(Garbled { line });
            }
        }
        Ok(Self { steps })
    }

    /// The text that `parse` reads back.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = self.steps.iter().map(|(name, success)| {
            let digest = success.digest.as_ref().map(Digest::hex);
            format!("{}\n", serde_json::json!([name, success.version, digest]))
        });
        std::iter::once(format!("{HEADER}\n")).chain(lines).collect()
    }

    /// The last success of a step; `None`: it never did.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Success> {
        self.steps.get(name)
    }

    /// Notes a success.
    pub fn set(&mut self, name: &str, success: Success) {
        self.steps.insert(name.to_owned(), success);
    }
}

fn parse_line(text: &str) -> Option<(String, Success)> {
    use serde_json::Value;
    let Ok(Value::Array(fields)) = serde_json::from_str(text) else { return None };
    let [Value::String(name), version, digest] = fields.as_slice() else { return None };
    let version = match version {
        Value::Null => None,
        Value::String(version) => Some(version.clone()),
        _ => return None,
    };
    let digest = match digest {
        Value::Null => None,
        Value::String(hex) => Some(Digest::from_hex(hex)?),
        _ => return None,
    };
    Some((name.clone(), Success { version, digest }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HEADER, Succeeded, Success};
    use crate::state::{Garbled, digest};

    #[test]
    fn refuses_what_it_cannot_have_written() {
        let hex = "0".repeat(64);
        for (text, line) in [
            (String::new(), 1),
            ("[\"a\",null,null]\n".to_owned(), 1),
            (HEADER.to_owned(), 1),
            (format!("{HEADER}\n\n"), 2),
            (format!("{HEADER}\na\n"), 2),
            (format!("{HEADER}\n[\"a\",null]\n"), 2),
            (format!("{HEADER}\n[\"a\",1,null]\n"), 2),
            (format!("{HEADER}\n[\"a\",null,\"{hex}\"]\n[\"b\",null,\"x\"]\n"), 3),
            (format!("{HEADER}\n[\"a\",null,null]\n[\"a\",null,null]\n"), 3),
        ] {
            assert_eq!(Succeeded::parse(text.as_bytes()), Err(Garbled { line }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(
            steps: std::collections::BTreeMap<String, (Option<String>, Option<Vec<u8>>)>
        ) {
            let mut succeeded = Succeeded::default();
            for (name, (version, content)) in steps {
                let digest = content.map(|content| digest(&content));
                succeeded.set(&name, Success { version, digest });
            }
            prop_assert_eq!(Succeeded::parse(succeeded.to_text().as_bytes()), Ok(succeeded));
        }
    }
}

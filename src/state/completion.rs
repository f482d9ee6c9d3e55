//! The record that a volume is complete: written last, after all it speaks of is on stable
//! storage. Lines of `KEY VALUE`.

use super::Garbled;
use super::manifest::lines;

const HEADER: &str =
    "# This volume is complete. Without this file castoff looks at every file in it again.\n";

/// A complete volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The version of the image that it was brought to, where the image has one.
    pub version: Option<String>,
    /// The manifest's inode and the seconds and nanoseconds of its last change: as long as
    /// they hold, the volume was not copied or restored, and a file that changed since then
    /// says so itself.
    pub manifest: (u64, i64, u32),
}

impl Completion {
    /// Reads the text of the record.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let mut completion = Self::default();
        let mut last = 0;
        let mut has_manifest = false;
        for (line, text) in lines(text) {
            last = line;
            let garbled = Garbled { line };
            let (key, value) =
                std::str::from_utf8(text).ok().and_then(|text| text.split_once(' ')).ok_or(garbled)?;
            match key {
                "version" => completion.version = Some(value.to_owned()),
                "manifest" => {
                    completion.manifest = stamp(value).ok_or(garbled)?;
                    has_manifest = true;
                }
                _ => return Err(garbled),
            }
        }
        if has_manifest { Ok(completion) } else { Err(Garbled { line: last + 1 }) }
    }

    /// The text that `parse` reads back. A version is one line: what follows is left out.
    #[must_use]
    pub fn to_text(&self) -> String {
        let version = self.version.as_ref().and_then(|version| version.lines().next());
        let version = version.map(|version| format!("version {version}\n")).unwrap_or_default();
        let (inode, seconds, nanoseconds) = self.manifest;
        format!("{HEADER}{version}manifest {inode} {seconds}.{nanoseconds:09}\n")
    }
}

fn stamp(text: &str) -> Option<(u64, i64, u32)> {
    let (inode, time) = text.split_once(' ')?;
    let (seconds, nanoseconds) = time.split_once('.')?;
    Some((inode.parse().ok()?, seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Completion;
    use crate::state::Garbled;

    #[test]
    fn reads_back_what_it_wrote() {
        for version in [None, Some("6.1.9".to_owned()), Some("a b".to_owned())] {
            let completion = Completion { version, manifest: (7, -3, 42) };
            assert_eq!(Completion::parse(completion.to_text().as_bytes()), Ok(completion));
        }
    }

    #[test]
    fn refuses_what_it_cannot_have_written() {
        for (text, line) in [
            ("", 1),
            ("version 1", 2),
            ("manifest 1 2", 1),
            ("manifest x 1.0", 1),
            ("manifest 1 1.0\nx y", 2),
        ] {
            assert_eq!(Completion::parse(text.as_bytes()), Err(Garbled { line }), "{text}");
        }
    }
}

//! The record of files that castoff wrote: a digest of each, to tell an edited one.
//!
//! The lines are those of sha256sum(1): 64 hex digits, two spaces, the path.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Garbled;

/// A SHA-256 in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// Its 64 hex digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// The digest with these hex digits; `None`: they are none.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let is_one = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_one.then(|| Self(hex.to_owned()))
    }
}

/// The digest of a file's content.
#[must_use]
pub fn digest(content: &[u8]) -> Digest {
    let mut hex = String::new();
    for byte in Sha256::digest(content) {
        // writing to a string can't fail
        let _ = write!(hex, "{byte:02x}");
    }
    Digest(hex)
}

/// Digests by destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    files: BTreeMap<PathBuf, Digest>,
}

impl Written {
    /// Reads the text of a state file.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let mut files = BTreeMap::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let garbled = Garbled { line: index + 1 };
            let (hex, rest) = line.split_at_checked(64).ok_or(garbled)?;
            let path = rest.strip_prefix(b"  ").filter(|path| path.starts_with(b"/")).ok_or(garbled)?;
            if !hex.iter().all(u8::is_ascii_hexdigit) {
                return Err(garbled);
            }
            let hex = String::from_utf8_lossy(hex).into_owned();
            files.insert(PathBuf::from(OsString::from_vec(path.to_vec())), Digest(hex));
        }
        Ok(Self { files })
    }

    /// The text that `parse` reads back. Paths with a newline are left out: they are
    /// refused before anything is written.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, Digest(hex)) in &self.files {
            text.extend_from_slice(hex.as_bytes());
            text.extend_from_slice(b"  ");
            text.extend_from_slice(path.as_os_str().as_bytes());
            text.push(b'\n');
        }
        text
    }

    /// What castoff wrote there last.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Digest> {
        self.files.get(path)
    }

    /// Remembers what was written; returns whether that is news.
    pub fn set(&mut self, path: &Path, digest: Digest) -> bool {
        self.files.insert(path.to_owned(), digest.clone()) != Some(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Written, digest};
    use crate::state::Garbled;
    use std::path::Path;

    #[test]
    fn reads_back_what_it_wrote() {
        let mut written = Written::default();
        assert!(written.set(Path::new("/etc/a b"), digest(b"x")));
        assert!(written.set(Path::new("/etc/a b"), digest(b"y")));
        assert!(!written.set(Path::new("/etc/a b"), digest(b"y")));
        assert!(written.set(Path::new("/b"), digest(b"")));
        assert_eq!(Written::parse(&written.to_text()), Ok(written.clone()));
        assert_eq!(written.get(Path::new("/b")), Some(&digest(b"")));
    }

    #[test]
    fn digests_are_those_of_sha256sum() {
        let text = String::from_utf8({
            let mut written = Written::default();
            written.set(Path::new("/e"), digest(b""));
            written.to_text()
        });
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  /e\n";
        assert_eq!(text.as_deref(), Ok(expected));
    }

    #[test]
    fn refuses_what_it_cannot_have_written() {
        for text in ["x", "zz  /a", &format!("{}  a", "0".repeat(64)), &format!("{} /a", "g".repeat(64))] {
            assert_eq!(Written::parse(text.as_bytes()), Err(Garbled { line: 1 }), "{text}");
        }
    }
}

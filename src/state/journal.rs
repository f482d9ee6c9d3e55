//! What castoff is about to ship to a volume: written before the first change, gone when all
//! is done. It makes a change that was cut short recognisable as castoff's own.
//!
//! `ship` lines are those of a manifest; there may be several of one path, when a change was
//! cut short and another image came next. `gone PATH` is a path that castoff had shipped and
//! that was missing before it changed anything: somebody removed it. `root`: the volume was
//! empty, and its root is to get the rights of the seed's. `adding`: nothing but what was
//! missing is added.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Garbled;
use super::Shipped;
use super::manifest::{escaped, lines, parse_line, path, write_line};
use crate::path_map::PathMap;

/// The changes under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// What is being shipped, by path; the last of each is the newest.
    pub shipping: PathMap<Vec<Shipped>>,
    /// What was missing before.
    pub gone: BTreeSet<PathBuf>,
    /// Whether the root of the volume gets the rights of the seed's.
    pub root: bool,
    /// Whether all that is done is to add what is missing.
    pub adding: bool,
}

impl Journal {
    /// Reads the text of a journal.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let (mut journal, mut shipping) = (Self::default(), Vec::new());
        for (line, text) in lines(text) {
            match text {
                b"root" => journal.root = true,
                b"adding" => journal.adding = true,
                text => match parse_path(text).ok_or(Garbled { line })? {
                    (path, Some(shipped)) => shipping.push((path, shipped)),
                    (path, None) => drop(journal.gone.insert(path)),
                },
            }
        }
        journal.add(shipping);
        Ok(journal)
    }

    /// Adds what is about to be shipped.
    pub fn add(&mut self, shipping: impl IntoIterator<Item = (PathBuf, Shipped)>) {
        let versions = shipping.into_iter().map(|(path, shipped)| (path, vec![shipped]));
        self.shipping.add(versions, |known, later| {
            known.retain(|known| !later.contains(known));
            known.extend(later);
        });
    }

    /// The text that `parse` reads back.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (_, line) in [(self.root, "root\n"), (self.adding, "adding\n")].iter().filter(|(is, _)| *is) {
            text.extend(line.as_bytes());
        }
        for (path, versions) in self.shipping.iter() {
            for shipped in versions {
                text.extend(b"ship ");
                write_line(&mut text, path, shipped);
            }
        }
        for path in &self.gone {
            text.extend(b"gone ");
            text.extend(escaped(path));
            text.push(b'\n');
        }
        text
    }
}

/// A path that is shipped, or without anything one that is gone.
fn parse_path(line: &[u8]) -> Option<(PathBuf, Option<Shipped>)> {
    if let Some(escaped) = line.strip_prefix(b"gone ") {
        return Some((path(escaped)?, None));
    }
    let (path, shipped) = parse_line(line.strip_prefix(b"ship ")?)?;
    Some((path, Some(shipped)))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Journal;
    use crate::state::{Garbled, Shipped};
    use crate::sys::status::Kind;

    #[test]
    fn reads_back_what_it_wrote() {
        let file =
            |content| Shipped { kind: Kind::Regular, mode: 0o644, size: 3, modified: (-1, 5), content };
        let mut journal = Journal { root: true, adding: true, ..Journal::default() };
        for content in [1, 2, 1] {
            journal.add([(PathBuf::from("a\nb"), file(content))]);
        }
        journal.gone.insert(PathBuf::from("c\\d"));
        assert_eq!(journal.shipping.get(Path::new("a\nb")).unwrap(), &[file(2), file(1)], "the newest last");
        assert_eq!(Journal::parse(&journal.to_text()), Ok(journal));
    }

    #[test]
    fn refuses_what_it_cannot_have_written() {
        for text in ["gone /etc", "gone", "roots", "ship x", "file 0644 1 1.000000000 0 a"] {
            assert_eq!(Journal::parse(text.as_bytes()), Err(Garbled { line: 1 }), "{text}");
        }
    }
}

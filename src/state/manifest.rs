//! What castoff shipped to a volume: one line for each path, so that an upgrade can tell
//! what was edited since.
//!
//! A line is `KIND MODE SIZE SECONDS.NANOSECONDS CONTENT PATH`. The content of a file or a
//! link is told by a hash that is quick and no defence: who forges one only gets an edited
//! file of their own replaced.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use super::Garbled;
use crate::path_map::PathMap;
use crate::sys::status::Kind;

/// One path as castoff shipped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Bytes of a file; the number of a device.
    pub size: u64,
    /// Seconds and nanoseconds of its last change.
    pub modified: (i64, u32),
    /// Hash of a file's content or a link's target; 0 for all else.
    pub content: u128,
}

impl Shipped {
    /// Whether both are the same to who reads them: time stamps and rights apart.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        let of_size = !matches!(self.kind, Kind::Directory | Kind::Symlink);
        self.kind == other.kind && self.content == other.content && (!of_size || self.size == other.size)
    }
}

/// What castoff shipped, by path. Paths are relative to the volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The paths, those of a directory after it.
    pub entries: PathMap<Shipped>,
}

impl Manifest {
    /// Reads the text of a manifest.
    ///
    /// # Errors
    /// The first line that castoff can't have written.
    pub fn parse(text: &[u8]) -> Result<Self, Garbled> {
        let parsed = lines(text).map(|(line, text)| parse_line(text).ok_or(Garbled { line }));
        Ok(Self { entries: parsed.collect::<Result<_, _>>()? })
    }

    /// The text that `parse` reads back.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, shipped) in self.entries.iter() {
            write_line(&mut text, path, shipped);
        }
        text
    }
}

/// The lines that say something, with their numbers.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
        .map(|(index, line)| (index + 1, line))
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Regular, "file"),
    (Kind::Directory, "directory"),
    (Kind::Symlink, "link"),
    (Kind::Fifo, "fifo"),
    (Kind::Socket, "socket"),
    (Kind::CharacterDevice, "character"),
    (Kind::BlockDevice, "block"),
];

pub(super) fn write_line(text: &mut Vec<u8>, path: &Path, shipped: &Shipped) {
    let Shipped { kind, mode, size, modified: (seconds, nanoseconds), content } = shipped;
    let kind = KINDS.iter().find(|(known, _)| known == kind).map_or("", |(_, word)| *word);
    text.extend_from_slice(kind.as_bytes());
    text.push(b' ');
    digits(text, (*mode).into(), 8, 4);
    text.push(b' ');
    digits(text, *size, 10, 1);
    text.extend_from_slice(if *seconds < 0 { b" -" } else { b" " });
    digits(text, seconds.unsigned_abs(), 10, 1);
    text.push(b'.');
    digits(text, (*nanoseconds).into(), 10, 9);
    text.push(b' ');
    for half in content.to_be_bytes().as_chunks::<8>().0 {
        digits(text, u64::from_be_bytes(*half), 16, 16);
    }
    text.push(b' ');
    text.extend_from_slice(&escaped(path));
    text.push(b'\n');
}

/// A number with at least so many digits. By hand: there are tens of thousands of them in a
/// start that fills a volume, and the standard library's formatting takes far longer.
fn digits(text: &mut Vec<u8>, mut number: u64, base: u64, least: usize) {
    let begin = text.len();
    while number > 0 || text.len() - begin < least {
        let digit = u8::try_from(number % base).unwrap_or(0);
        number /= base;
        text.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
    if let Some(written) = text.get_mut(begin..) {
        written.reverse();
    }
}

pub(super) fn parse_line(line: &[u8]) -> Option<(PathBuf, Shipped)> {
    let mut words = line.splitn(6, |byte| *byte == b' ');
    let mut word = || words.next().and_then(|word| std::str::from_utf8(word).ok());
    let kind = word()?;
    let (kind, _) = KINDS.iter().find(|(_, known)| *known == kind)?;
    let mode = u32::from_str_radix(word()?, 8).ok().filter(|mode| *mode <= 0o7777)?;
    let size = word()?.parse().ok()?;
    let (seconds, nanoseconds) = word()?.split_once('.')?;
    let modified = (seconds.parse().ok()?, nanoseconds.parse().ok()?);
    let content = u128::from_str_radix(word()?, 16).ok()?;
    let path = path(words.next()?)?;
    Some((path, Shipped { kind: *kind, mode, size, modified, content }))
}

/// A path on one line: a newline as `\n`, a backslash as `\\`.
pub(super) fn escaped(path: &Path) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.as_os_str().len());
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\n' => text.extend(b"\\n"),
            b'\\' => text.extend(b"\\\\"),
            byte => text.push(*byte),
        }
    }
    text
}

/// The path that was escaped; `None`: no path in a volume.
pub(super) fn path(escaped: &[u8]) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => match rest.next()? {
                b'n' => bytes.push(b'\n'),
                b'\\' => bytes.push(b'\\'),
                _ => return None,
            },
            0 => return None,
            byte => bytes.push(*byte),
        }
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    (inside && !path.as_os_str().is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::{KINDS, Manifest, Shipped};
    use crate::state::Garbled;
    use crate::sys::status::Kind;

    fn shipped() -> impl Strategy<Value = Shipped> {
        let kinds: Vec<Kind> = KINDS.iter().map(|(kind, _)| *kind).collect();
        let kind = proptest::sample::select(kinds);
        (kind, 0..=0o7777_u32, any::<u64>(), any::<i64>(), 0..1_000_000_000_u32, any::<u128>()).prop_map(
            |(kind, mode, size, seconds, nanoseconds, content)| {
                let modified = (seconds, nanoseconds);
                Shipped { kind, mode, size, modified, content }
            },
        )
    }

    fn path() -> impl Strategy<Value = PathBuf> {
        let name = proptest::collection::vec(any::<u8>(), 1..20).prop_filter("a name", |name| {
            !name.contains(&0) && !name.contains(&b'/') && name != b"." && name != b".."
        });
        proptest::collection::vec(name, 1..4)
            .prop_map(|names| names.iter().map(|name| OsStr::from_bytes(name)).collect())
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(entries in proptest::collection::btree_map(path(), shipped(), 0..8)) {
            let manifest = Manifest { entries: entries.into_iter().collect() };
            prop_assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Manifest::parse(&bytes);
        }
    }

    #[test]
    fn refuses_what_it_cannot_have_written() {
        for text in [
            "file 0644 1 1.000000000 0 /etc/passwd",
            "file 0644 1 1.000000000 0 a/../b",
            "file 0644 1 1.000000000 0 ",
            "file 0644 1 1.000000000 0 a\\x",
            "file 8 1 1.000000000 0 a",
            "file 0644 1 1 0 a",
            "door 0644 1 1.000000000 0 a",
            "file",
        ] {
            assert_eq!(Manifest::parse(text.as_bytes()), Err(Garbled { line: 1 }), "{text}");
        }
    }
}

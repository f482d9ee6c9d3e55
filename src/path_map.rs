//! Values by paths below a root, in the order in which a tree is walked: a directory, what is
//! in it, the next name. One sorted sequence: it is built in one go, searched by comparing
//! bytes and not components, and several of them are gone through side by side.
//!
//! The paths are relative and hold names only: no `.`, no `..`, no doubled slash. For these
//! the order is that of `Path`.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes that are compared at once: as many as a register has.
const BLOCK: usize = 8;

/// The same as `Path`'s own order for paths without `.`, `..` and doubled slashes, several
/// times faster: a slash counts as less than any byte of a name.
#[must_use]
pub fn compare(one: &Path, other: &Path) -> Ordering {
    let (one, other) = (one.as_os_str().as_bytes(), other.as_os_str().as_bytes());
    // most neighbours differ late: blocks that are equal are passed by at once
    let (blocks, others) = (one.as_chunks::<BLOCK>().0, other.as_chunks::<BLOCK>().0);
    let equal = blocks.iter().zip(others).take_while(|(a, b)| a == b).count() * BLOCK;
    ranks(one, equal).cmp(ranks(other, equal))
}

fn ranks(path: &[u8], from: usize) -> impl Iterator<Item = u8> {
    let rest = path.get(from..).unwrap_or_default();
    rest.iter().map(|byte| if *byte == b'/' { 0 } else { *byte })
}

/// Values by path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMap<V>(Vec<(PathBuf, V)>);

impl<V> Default for PathMap<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> PathMap<V> {
    /// The value of a path.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&V> {
        self.0.get(self.position(path)?).map(|(_, value)| value)
    }

    /// The value of a path, to be changed.
    pub fn get_mut(&mut self, path: &Path) -> Option<&mut V> {
        let at = self.position(path)?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// Whether the path is there.
    #[must_use]
    pub fn contains(&self, path: &Path) -> bool {
        self.position(path).is_some()
    }

    fn position(&self, path: &Path) -> Option<usize> {
        self.0.binary_search_by(|(known, _)| compare(known, path)).ok()
    }

    /// Adds values. `join` brings together what is there of a path and what comes later.
    pub fn add(&mut self, more: impl IntoIterator<Item = (PathBuf, V)>, mut join: impl FnMut(&mut V, V)) {
        self.0.extend(more);
        if self.0.is_sorted_by(|(one, _), (other, _)| compare(one, other) == Ordering::Less) {
            return;
        }
        // stable: of one path, what came first stays first
        self.0.sort_by(|(one, _), (other, _)| compare(one, other));
        let mut joined: Vec<(PathBuf, V)> = Vec::with_capacity(self.0.len());
        for (path, value) in self.0.drain(..) {
            match joined.last_mut() {
                Some((last, known)) if *last == path => join(known, value),
                _ => joined.push((path, value)),
            }
        }
        self.0 = joined;
    }

    /// Keeps what `keeps` says.
    pub fn retain(&mut self, mut keeps: impl FnMut(&Path) -> bool) {
        self.0.retain(|(path, _)| keeps(path));
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &V)> {
        self.0.iter().map(|(path, value)| (path.as_path(), value))
    }

    /// The paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// Goes through the values beside other things that have the same order.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'_, V> {
        Cursor(&self.0)
    }
}

/// Of values for one path the last one counts.
impl<V> FromIterator<(PathBuf, V)> for PathMap<V> {
    fn from_iter<I: IntoIterator<Item = (PathBuf, V)>>(items: I) -> Self {
        let mut map = Self::default();
        map.add(items, |known, later| *known = later);
        map
    }
}

impl<V> IntoIterator for PathMap<V> {
    type Item = (PathBuf, V);
    type IntoIter = std::vec::IntoIter<(PathBuf, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A place in a map. It moves forwards only.
#[derive(Debug)]
pub struct Cursor<'a, V>(&'a [(PathBuf, V)]);

impl<'a, V> Cursor<'a, V> {
    /// The next path.
    #[must_use]
    pub fn path(&self) -> Option<&'a Path> {
        self.0.first().map(|(path, _)| path.as_path())
    }

    /// The value of `path`, if that is the next one; it is passed by then. No path that comes
    /// before `path` may be waiting.
    pub fn take(&mut self, path: &Path) -> Option<&'a V> {
        let ((next, value), rest) = self.0.split_first()?;
        if next != path {
            return None;
        }
        self.0 = rest;
        Some(value)
    }
}

/// The first of several paths.
#[must_use]
pub fn first<'a>(paths: impl IntoIterator<Item = Option<&'a Path>>) -> Option<&'a Path> {
    paths.into_iter().flatten().min_by(|one, other| compare(one, other))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{PathMap, compare, first};

    fn path() -> impl Strategy<Value = PathBuf> {
        let name = vec(prop_oneof![Just(b'a'), Just(b'-'), Just(0xff), Just(1)], 1..3);
        vec(name, 1..4).prop_map(|names| PathBuf::from(OsString::from_vec(names.join(&b'/'))))
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_paths(one in path(), other in path()) {
            prop_assert_eq!(compare(&one, &other), one.cmp(&other));
        }

        #[test]
        fn it_holds_what_a_tree_of_paths_holds(
            begin in vec((path(), 0..9_u32), 0..9), more in vec((path(), 0..9_u32), 0..9), asked in path()
        ) {
            let mut known: BTreeMap<PathBuf, u32> = begin.iter().cloned().collect();
            let mut map: PathMap<u32> = begin.into_iter().collect();
            for (path, value) in &more {
                known.entry(path.clone()).and_modify(|sum| *sum = *sum * 10 + value).or_insert(*value);
            }
            map.add(more, |sum, value| *sum = *sum * 10 + value);
            prop_assert_eq!(map.get(&asked), known.get(&asked));
            prop_assert_eq!(map.contains(&asked), known.contains_key(&asked));
            let found: Vec<_> = map.iter().map(|(path, value)| (path.to_owned(), *value)).collect();
            prop_assert_eq!(found, known.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn two_are_gone_through_side_by_side(one in vec((path(), 0..9_u32), 0..9), other in vec((path(), 0..9_u32), 0..9)) {
            let (one, other) = (PathMap::from_iter(one), PathMap::from_iter(other));
            let (mut ones, mut others) = (one.cursor(), other.cursor());
            let mut found = Vec::new();
            while let Some(path) = first([ones.path(), others.path()]) {
                found.push((path.to_owned(), ones.take(path), others.take(path)));
            }
            let paths: std::collections::BTreeSet<&Path> = one.paths().chain(other.paths()).collect();
            let expected: Vec<_> =
                paths.into_iter().map(|path| (path.to_owned(), one.get(path), other.get(path))).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

//! What stands at each path by the members so far: the last of a name wins, nothing is put
//! below what is no directory, and a hard link names what came before it. Touches no file.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::member::{Member, What};
use crate::sys::status::Kind;

/// What stands where.
#[derive(Debug, Default)]
pub struct Layout(BTreeMap<PathBuf, Node>);

/// What stands at a path.
#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    origin: u64,
}

/// Where a member goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Directories on the way that no member has described so far, from the outermost.
    pub implied: Vec<PathBuf>,
    /// Something stands there that goes.
    pub replaces: bool,
    /// It is what stands there already: a hard link to itself.
    pub is_there: bool,
    /// The number of the member that this is: of a hard link that of its target.
    pub origin: u64,
}

impl Layout {
    /// Puts a member in its place; `number` is that of the member.
    ///
    /// # Errors
    /// It can't stand there; a hard link to nothing or to a directory.
    pub fn place(&mut self, member: &Member, number: u64) -> Result<Placement, Fault> {
        let path = member.path.as_path();
        if path.as_os_str().is_empty() {
            let is_directory = member.what == What::Directory;
            let placement =
                Placement { implied: Vec::new(), replaces: false, is_there: false, origin: number };
            return if is_directory { Ok(placement) } else { Err(Fault::Root) };
        }
        let implied = self.way(path)?;
        let node = match &member.what {
            What::Link(target) => self.target(target)?,
            what => Node { kind: what.kind().unwrap_or(Kind::Regular), origin: number },
        };
        let is_there = matches!(&member.what, What::Link(target) if target == path);
        let replaces = !is_there && self.makes_way(path, node.kind)?;
        for directory in &implied {
            self.0.insert(directory.clone(), Node { kind: Kind::Directory, origin: number });
        }
        self.0.insert(path.to_owned(), node);
        Ok(Placement { implied, replaces, is_there, origin: node.origin })
    }

    /// The directories on the way that are not there yet.
    fn way(&self, path: &Path) -> Result<Vec<PathBuf>, Fault> {
        let mut missing = Vec::new();
        let ancestors = path.ancestors().skip(1).filter(|ancestor| !ancestor.as_os_str().is_empty());
        for ancestor in ancestors {
            match self.0.get(ancestor) {
                None => missing.push(ancestor.to_owned()),
                Some(node) if node.kind == Kind::Directory => break,
                Some(node) => return Err(Fault::Through(ancestor.to_owned(), node.kind)),
            }
        }
        missing.reverse();
        Ok(missing)
    }

    fn target(&self, target: &Path) -> Result<Node, Fault> {
        match self.0.get(target) {
            None => Err(Fault::NoTarget(target.to_owned())),
            Some(node) if node.kind == Kind::Directory => Err(Fault::ToDirectory(target.to_owned())),
            Some(node) => Ok(*node),
        }
    }

    /// Whether something goes for what comes.
    fn makes_way(&self, path: &Path, comes: Kind) -> Result<bool, Fault> {
        let Some(stands) = self.0.get(path) else { return Ok(false) };
        if stands.kind != Kind::Directory {
            return Ok(true);
        }
        if comes == Kind::Directory {
            return Ok(false);
        }
        let next = self.0.range::<Path, _>((Bound::Excluded(path), Bound::Unbounded)).next();
        match next {
            Some((next, _)) if next.starts_with(path) => Err(Fault::OverDirectory),
            _ => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Layout;
    use crate::archive::fault::Fault;
    use crate::archive::member::{Member, What};
    use crate::sys::status::Kind;

    fn member(path: &str, what: &What) -> Member {
        Member {
            path: PathBuf::from(path),
            what: what.clone(),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: (0, 0),
            xattrs: Vec::new(),
            untaken: Vec::new(),
        }
    }

    /// What is said of the last of several members.
    fn last(members: &[(&str, What)]) -> Result<(Vec<PathBuf>, bool, u64), Fault> {
        let mut layout = Layout::default();
        let mut outcome = Err(Fault::Empty);
        for (number, (path, what)) in (0..).zip(members) {
            outcome = layout.place(&member(path, what), number);
        }
        outcome.map(|placement| (placement.implied, placement.replaces, placement.origin))
    }

    #[test]
    fn who_goes_where() {
        let (file, directory) = (What::File(0), What::Directory);
        let (symlink, fifo) = (What::Symlink("/etc".into()), What::Node(Kind::Fifo, 0));
        let link = |target: &str| What::Link(PathBuf::from(target));
        let a = || PathBuf::from("a");
        for (members, outcome) in [
            (vec![("a", file.clone())], Ok((vec![], false, 0))),
            (vec![("a/b/c", file.clone())], Ok((vec![a(), PathBuf::from("a/b")], false, 0))),
            (vec![("a/b", file.clone()), ("a", directory.clone())], Ok((vec![], false, 1))),
            (vec![("a", directory.clone()), ("a", file.clone())], Ok((vec![], true, 1))),
            (vec![("a", file.clone()), ("a", directory.clone())], Ok((vec![], true, 1))),
            (vec![("a/b", file.clone()), ("a", file.clone())], Err(Fault::OverDirectory)),
            (vec![("a", symlink.clone()), ("a/b", file.clone())], Err(Fault::Through(a(), Kind::Symlink))),
            (vec![("a", fifo), ("a/b/c", file.clone())], Err(Fault::Through(a(), Kind::Fifo))),
            (vec![("a-b", file.clone()), ("a", file.clone())], Ok((vec![], false, 1))),
            (vec![("b", file.clone()), ("x", file.clone()), ("c", link("b"))], Ok((vec![], false, 0))),
            (vec![("b", file.clone()), ("c", link("b")), ("c", link("c"))], Ok((vec![], false, 0))),
            (vec![("c", link("b")), ("b", file.clone())], Ok((vec![], false, 1))),
            (vec![("c", link("b"))], Err(Fault::NoTarget(PathBuf::from("b")))),
            (vec![("b", directory.clone()), ("c", link("b"))], Err(Fault::ToDirectory(PathBuf::from("b")))),
            (vec![("", directory)], Ok((vec![], false, 0))),
            (vec![("", symlink)], Err(Fault::Root)),
        ] {
            assert_eq!(last(&members), outcome, "{members:?}");
        }
    }
}

//! A member of an archive, as plain data, and the rules of its names.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::fault::{Fault, Name};
use crate::sys::status::Kind;

/// `PATH_MAX` without its NUL.
const LONGEST_PATH: usize = 4095;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Relative, without `.` and `..`; empty: what all others are in.
    pub path: PathBuf,
    /// What it is.
    pub what: What,
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of modification: seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// Extended attributes; of the same name the last counts.
    pub xattrs: Vec<(CString, Vec<u8>)>,
    /// Names of attributes that it has in a form that castoff doesn't take.
    pub untaken: Vec<&'static str>,
}

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A directory.
    Directory,
    /// A regular file of this many bytes, holes included.
    File(u64),
    /// A symbolic link that leads there.
    Symlink(OsString),
    /// Another name of a member that came before.
    Link(PathBuf),
    /// A pipe or a device, with the device's number.
    Node(Kind, u64),
}

impl What {
    /// The kind of file; `None`: that of another member.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Directory => Some(Kind::Directory),
            Self::File(_) => Some(Kind::Regular),
            Self::Symlink(_) => Some(Kind::Symlink),
            Self::Link(_) => None,
            Self::Node(kind, _) => Some(*kind),
        }
    }
}

/// A name as it is written, as a path: `.` and doubled slashes go, what leads out is refused.
pub(super) fn path(written: &[u8], name: Name) -> Result<PathBuf, Fault> {
    if written.is_empty() {
        return Err(Fault::NoName);
    }
    if written.first() == Some(&b'/') {
        return Err(Fault::Absolute(name));
    }
    if written.len() > LONGEST_PATH {
        return Err(Fault::Long(name));
    }
    let mut path = PathBuf::new();
    for part in written.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(Fault::Parent(name)),
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    Ok(path)
}

/// Bytes as they are.
pub(super) fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::path;
    use crate::archive::fault::{Fault, Name};

    #[test]
    fn names() {
        for (written, relative) in [
            ("a", Ok("a")),
            ("./a/b/", Ok("a/b")),
            ("a//./b", Ok("a/b")),
            ("./", Ok("")),
            (".", Ok("")),
            ("a\nb", Ok("a\nb")),
            ("", Err(Fault::NoName)),
            ("/a", Err(Fault::Absolute(Name::Own))),
            ("..", Err(Fault::Parent(Name::Own))),
            ("a/../b", Err(Fault::Parent(Name::Own))),
            ("..a/b..", Ok("..a/b..")),
        ] {
            assert_eq!(path(written.as_bytes(), Name::Own), relative.map(PathBuf::from), "{written}");
        }
        assert_eq!(path(&[b'a'; 4096], Name::Target), Err(Fault::Long(Name::Target)));
    }
}

//! What is wrong with an archive, and at which member.

use std::fmt;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::sys::status::Kind;

/// An archive that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where.
    pub at: Where,
    /// What is wrong.
    pub fault: Fault,
}

/// Where in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// At its start.
    Start,
    /// In the member of this name, as it is written.
    Member(PathBuf),
    /// Behind the member of this name.
    After(PathBuf),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It can't be read.
    Read(Errno),
    /// castoff was asked to stop.
    Stopped,
    /// There is nothing in it.
    Empty,
    /// It is something else; where that is known, this.
    NoTar(Option<&'static str>),
    /// Its name says zstd, and it is something else.
    NoZstd,
    /// It ends in the middle.
    Truncated,
    /// It ends without the block of zeros that says so.
    NoEnd,
    /// The checksum of a header is another.
    Checksum,
    /// A field of a header is no number, or none that fits.
    Number(&'static str),
    /// An extended header is larger than this, in bytes.
    LargeHeader(u64),
    /// An extended header is not as it must be.
    Pax(&'static str),
    /// A sparse file is not as it must be.
    Sparse(&'static str),
    /// A type that castoff doesn't know or can't take.
    Type(u8),
    /// It has no name.
    NoName,
    /// The name of the member, or where its hard link leads, is absolute.
    Absolute(Name),
    /// It has `..` in it.
    Parent(Name),
    /// It is longer than `PATH_MAX`.
    Long(Name),
    /// The root of the volume can only be a directory.
    Root,
    /// A member that is no directory is on the way.
    Through(PathBuf, Kind),
    /// A directory that is not empty is there.
    OverDirectory,
    /// A hard link to something that does not come before it.
    NoTarget(PathBuf),
    /// A hard link to a directory.
    ToDirectory(PathBuf),
    /// A frame wants a window of this many bytes.
    Window(u64),
    /// A frame needs a dictionary.
    Dictionary,
    /// The compressed data are not what was compressed.
    Damaged,
}

/// Which name of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Its own.
    Own,
    /// That of the file that it is a hard link to.
    Target,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "its name",
            Self::Target => "the name that it is a hard link to",
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Where::Start => {}
            Where::Member(name) => write!(f, "`{}`: ", name.display())?,
            Where::After(name) => write!(f, "after `{}`: ", name.display())?,
        }
        self.fault.fmt(f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(errno) => f.write_str(errno.desc()),
            Self::Stopped => f.write_str("asked to stop"),
            Self::Empty => f.write_str("there is nothing in it"),
            Self::NoTar(None) => f.write_str("it is no tar archive"),
            Self::NoTar(Some(what)) => write!(f, "it is no tar archive, but compressed by {what}"),
            Self::NoZstd => f.write_str("it is not compressed by zstd"),
            Self::Truncated => f.write_str("the archive ends here, before it is complete"),
            Self::NoEnd => f.write_str("the archive ends here, without the block of zeros that ends one"),
            Self::Checksum => f.write_str("the checksum of its header is wrong"),
            Self::Number(field) => write!(f, "its {field} is no number, or none that fits"),
            Self::LargeHeader(limit) => write!(f, "it has an extended header of more than {limit} bytes"),
            Self::Pax(what) => write!(f, "in its extended header {what}"),
            Self::Sparse(what) => write!(f, "it is a sparse file, and {what}"),
            Self::Type(b'M') => f.write_str("it is part of an archive in several volumes"),
            Self::Type(kind) => write!(f, "castoff knows no member of type `{}`", kind.escape_ascii()),
            Self::NoName => f.write_str("a member has no name"),
            Self::Absolute(name) => write!(f, "{name} is absolute"),
            Self::Parent(name) => write!(f, "{name} has `..` in it"),
            Self::Long(name) => write!(f, "{name} is too long"),
            Self::Root => f.write_str("what holds all others can only be a directory"),
            Self::Through(path, kind) => {
                write!(f, "`{}` on the way to it is {kind} of the archive", path.display())
            }
            Self::OverDirectory => f.write_str("a directory with members in it has the same name"),
            Self::NoTarget(target) => {
                write!(
                    f,
                    "it is a hard link to `{}`, which is not among the members before it",
                    target.display()
                )
            }
            Self::ToDirectory(target) => {
                write!(f, "it is a hard link to `{}`, a directory", target.display())
            }
            Self::Window(bytes) => {
                write!(f, "it was compressed with a window of {} MiB, and castoff takes 128", bytes >> 20)
            }
            Self::Dictionary => f.write_str("it was compressed with a dictionary"),
            Self::Damaged => f.write_str("the compressed data are damaged"),
        }
    }
}

impl std::error::Error for Refused {}

//! What went wrong with a file, and what a person can do about it.
//!
//! Holds the operation, the path and the cause; never a byte of a file's content.
//!
//! Exit codes. 77: a right is missing to give a file its owner or mode. 66: a file to read
//! is missing or can't be read. 74: the system itself failed (EIO, no descriptors, no
//! memory). 73: everything else, the destination can't be made; a full disk (ENOSPC,
//! EDQUOT) is here and not in 74, because it is the place that has to be changed, as with
//! a read-only one.

use std::fmt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::Uid;

use super::status::Kind;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Find the directory of a destination.
    Resolve,
    /// Look at what stands somewhere.
    Inspect,
    /// Read a file that was named.
    Read,
    /// Make a file or a lock file.
    Create,
    /// Make a directory.
    CreateDirectory,
    /// Write content.
    Write,
    /// Bring content to stable storage.
    Sync,
    /// Put a finished file in its place.
    Replace,
    /// Give a file to another owner or group; `None`: that half stays.
    ChangeOwner {
        /// The wanted owner.
        uid: Option<u32>,
        /// The wanted group.
        gid: Option<u32>,
    },
    /// Set the permission bits.
    ChangeMode {
        /// The wanted bits.
        mode: u32,
    },
    /// Lock a lock file.
    Lock,
    /// Read the names in a directory.
    List,
    /// Read the content of a file of a tree.
    ReadContent,
    /// Read or set extended attributes: access control lists, capabilities.
    Xattrs,
    /// Set the time of modification.
    SetTime,
    /// Make a symbolic or another hard link.
    Link,
    /// Make a pipe, a socket or a device.
    MakeNode(Kind),
    /// Remove a file or a directory.
    Remove,
}

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The system said so.
    System(Errno),
    /// A symbolic link on the way that somebody else than root or castoff's user could
    /// have put there.
    UntrustedLink {
        /// Where the link is.
        link: PathBuf,
        /// What makes it untrusted.
        reason: Distrust,
    },
    /// Something else stands there than was expected.
    WrongKind {
        /// What was found.
        found: Kind,
        /// What was expected.
        expected: Kind,
    },
    /// The file is larger than castoff takes.
    TooLarge {
        /// The most that is taken, in bytes.
        limit: u64,
    },
    /// The path has no last component that could name a file: `/`, or it ends in `..`.
    NoName,
    /// Somebody kept exchanging the file while it was looked at.
    Changing,
    /// The file system has no locks of this kind.
    LocksNotSupported(Errno),
}

/// What makes a symbolic link untrusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// The link belongs to this user.
    LinkOwner(u32),
    /// The directory that holds it belongs to this user.
    DirectoryOwner(u32),
    /// The directory that holds it can be written by its group or by everybody.
    DirectoryMode(u32),
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkOwner(uid) => write!(f, "it belongs to uid {uid}"),
            Self::DirectoryOwner(uid) => write!(f, "the directory that holds it belongs to uid {uid}"),
            Self::DirectoryMode(mode) => {
                write!(f, "the directory that holds it can be written by others (mode {mode:04o})")
            }
        }
    }
}

/// A file operation that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What was tried.
    pub operation: Operation,
    /// On what.
    pub path: PathBuf,
    /// Why it failed.
    pub cause: Cause,
}

impl FileError {
    /// An operation that the system refused.
    #[must_use]
    pub fn system(operation: Operation, path: impl Into<PathBuf>, errno: Errno) -> Self {
        Self::new(operation, path, Cause::System(errno))
    }

    /// Any failure.
    #[must_use]
    pub fn new(operation: Operation, path: impl Into<PathBuf>, cause: Cause) -> Self {
        Self { operation, path: path.into(), cause }
    }

    /// For std's I/O. What has no number of the system's (a write of nothing) counts as EIO.
    #[must_use]
    pub fn io(operation: Operation, path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        Self::system(operation, path, error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
    }

    /// The system's number, where the system refused.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self.cause {
            Cause::System(errno) | Cause::LocksNotSupported(errno) => Some(errno),
            _ => None,
        }
    }

    /// Whether what was there before is there no more, or is something else now.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let gone = [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::EXDEV];
        let changed = matches!(self.cause, Cause::WrongKind { .. } | Cause::Changing);
        changed || self.errno().is_some_and(|errno| gone.contains(&errno))
    }

    /// What castoff ends with; the file's head has the rule.
    #[must_use]
    pub fn exit(&self) -> ExitCode {
        const SYSTEM_FAILED: [Errno; 5] =
            [Errno::EIO, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ESTALE];
        let errno = self.errno();
        if errno.is_some_and(|errno| SYSTEM_FAILED.contains(&errno)) {
            return ExitCode::IO;
        }
        match self.operation {
            Operation::Read | Operation::List | Operation::ReadContent => ExitCode::INPUT,
            Operation::ChangeOwner { .. } | Operation::ChangeMode { .. }
                if matches!(errno, Some(Errno::EPERM | Errno::EACCES)) =>
            {
                ExitCode::PERMISSION
            }
            _ => ExitCode::CANT_CREATE,
        }
    }

    fn reads(&self) -> bool {
        use Operation::{Inspect, List, Read, ReadContent};
        matches!(self.operation, Read | Inspect | List | ReadContent)
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    fn help(&self) -> Option<String> {
        let (path, directory) = (self.path.display(), self.directory().display());
        let reading = self.reads();
        match &self.cause {
            Cause::System(errno) => match errno {
                Errno::EROFS => Some(format!(
                    "mount a writable volume or a tmpfs at `{directory}`, or choose a destination that is writable"
                )),
                Errno::EPERM | Errno::EACCES => Some(self.help_with_rights(nix::unistd::geteuid())),
                Errno::ENOSPC => Some(format!("free or add space where `{directory}` is stored")),
                Errno::EDQUOT => {
                    Some(format!("raise the quota where `{directory}` is stored, or free space there"))
                }
                Errno::ENOENT if !reading => {
                    Some(format!("create `{directory}` in the image, or declare it as a [[directory]]"))
                }
                Errno::ENOTDIR => {
                    Some("a file stands where a directory has to be: remove or rename it".into())
                }
                Errno::EBUSY => {
                    Some(format!("something is mounted or in use at `{path}`: change it where it comes from"))
                }
                Errno::ELOOP => {
                    Some("symbolic links lead in a circle, or more than 40 of them follow each other".into())
                }
                _ => None,
            },
            Cause::UntrustedLink { link, .. } => Some(format!(
                "castoff follows a link only if root or its own user made it in a directory that nobody else \
                 can write: remove `{}`, or write the real path",
                link.display()
            )),
            Cause::WrongKind { found: Kind::Directory, .. } if !reading => Some(format!(
                "remove the directory `{path}`; an engine makes one where a file to mount is missing"
            )),
            Cause::LocksNotSupported(_) => {
                Some(format!("keep `{directory}` on a file system with locks (fcntl)"))
            }
            _ => None,
        }
    }

    fn help_with_rights(&self, euid: Uid) -> String {
        if euid.is_root() {
            return self.help_for_root();
        }
        match self.operation {
            Operation::ChangeOwner { .. } => {
                "start the container as root, or leave out the owner in the spec".to_owned()
            }
            Operation::ChangeMode { .. } => "start the container as root or as the file's owner".to_owned(),
            Operation::MakeNode(Kind::CharacterDevice | Kind::BlockDevice) => {
                "start the container as root, or leave the device out".to_owned()
            }
            _ if self.reads() => format!("let uid {euid} read it, or start the container as root"),
            _ => format!(
                "let uid {euid} write to `{}`, or start the container as root",
                self.directory().display()
            ),
        }
    }

    /// Root is refused where a capability was taken away (capabilities(7)), or by a file
    /// system that doesn't take its word (NFS).
    fn help_for_root(&self) -> String {
        let capability = match self.operation {
            Operation::ChangeOwner { .. } => "CHOWN",
            Operation::ChangeMode { .. } | Operation::SetTime => "FOWNER",
            Operation::MakeNode(_) => "MKNOD",
            _ => "DAC_OVERRIDE",
        };
        let instead = match self.operation {
            Operation::ChangeOwner { .. } => ", or leave out the owner in the spec",
            Operation::MakeNode(_) => ", or leave the device out",
            _ => "",
        };
        format!(
            "root needs the capability {capability} for that: give it (`--cap-add {capability}`){instead}"
        )
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.operation {
            Operation::Resolve => write!(f, "can't reach `{path}`"),
            Operation::Inspect => write!(f, "can't look at `{path}`"),
            Operation::Read => write!(f, "can't read `{path}`"),
            Operation::Create => write!(f, "can't create `{path}`"),
            Operation::CreateDirectory => write!(f, "can't create the directory `{path}`"),
            Operation::Write => write!(f, "can't write `{path}`"),
            Operation::Sync => write!(f, "can't bring `{path}` to stable storage"),
            Operation::Replace => write!(f, "can't replace `{path}`"),
            Operation::ChangeOwner { uid, gid } => {
                write!(f, "can't give `{path}` to ")?;
                match (uid, gid) {
                    (Some(uid), Some(gid)) => write!(f, "{uid}:{gid}"),
                    (Some(uid), None) => write!(f, "uid {uid}"),
                    (None, Some(gid)) => write!(f, "gid {gid}"),
                    (None, None) => f.write_str("nobody"),
                }
            }
            Operation::ChangeMode { mode } => write!(f, "can't set the mode of `{path}` to {mode:04o}"),
            Operation::Lock => write!(f, "can't lock `{path}`"),
            Operation::List => write!(f, "can't list the directory `{path}`"),
            Operation::ReadContent => write!(f, "can't read `{path}`"),
            Operation::Xattrs => write!(f, "can't copy the extended attributes of `{path}`"),
            Operation::SetTime => write!(f, "can't set the time of `{path}`"),
            Operation::Link => write!(f, "can't make the link `{path}`"),
            Operation::MakeNode(kind) => write!(f, "can't make `{path}`, {kind}"),
            Operation::Remove => write!(f, "can't remove `{path}`"),
        }?;
        write!(f, ": {}", self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(errno) => f.write_str(errno.desc()),
            Self::UntrustedLink { link, reason } => {
                write!(f, "the symbolic link `{}` is not trusted: {reason}", link.display())
            }
            Self::WrongKind { found, expected } => write!(f, "{found} is there, not {expected}"),
            Self::TooLarge { limit } => write!(f, "larger than {limit} bytes"),
            Self::NoName => f.write_str("the path does not end in a name"),
            Self::Changing => f.write_str("another process keeps exchanging it"),
            Self::LocksNotSupported(errno) => write!(f, "no locks there: {}", errno.desc()),
        }
    }
}

impl std::error::Error for FileError {}

impl From<&FileError> for Diagnostic {
    fn from(error: &FileError) -> Self {
        let mut diagnostic = Self::error(error.exit(), error.to_string());
        if matches!(error.errno(), Some(Errno::EPERM | Errno::EACCES)) {
            diagnostic = diagnostic.note(format!("castoff runs as uid {}", nix::unistd::geteuid()));
        }
        match error.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

impl From<FileError> for Diagnostic {
    fn from(error: FileError) -> Self {
        Self::from(&error)
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;
    use nix::unistd::Uid;

    use super::{Cause, Distrust, FileError, Operation};
    use crate::diagnostic::Diagnostic;
    use crate::exit::ExitCode;
    use crate::sys::status::Kind;

    #[test]
    fn exit_codes() {
        let owner = Operation::ChangeOwner { uid: Some(33), gid: None };
        for (operation, errno, exit) in [
            (Operation::Create, Errno::EROFS, ExitCode::CANT_CREATE),
            (Operation::Create, Errno::EACCES, ExitCode::CANT_CREATE),
            (Operation::Write, Errno::ENOSPC, ExitCode::CANT_CREATE),
            (Operation::Write, Errno::EDQUOT, ExitCode::CANT_CREATE),
            (Operation::Write, Errno::EIO, ExitCode::IO),
            (Operation::Sync, Errno::EIO, ExitCode::IO),
            (Operation::Create, Errno::EMFILE, ExitCode::IO),
            (owner, Errno::EPERM, ExitCode::PERMISSION),
            (owner, Errno::EROFS, ExitCode::CANT_CREATE),
            (Operation::ChangeMode { mode: 0o640 }, Errno::EACCES, ExitCode::PERMISSION),
            (Operation::Read, Errno::ENOENT, ExitCode::INPUT),
            (Operation::Read, Errno::EIO, ExitCode::IO),
        ] {
            assert_eq!(FileError::system(operation, "/x", errno).exit(), exit, "{operation:?} {errno}");
        }
    }

    #[test]
    fn what_a_person_reads() {
        let shown = |operation, cause| {
            Diagnostic::from(&FileError::new(operation, "/etc/app/app.ini", cause)).render(false)
        };
        assert_eq!(
            shown(Operation::Create, Cause::System(Errno::EROFS)),
            "error: can't create `/etc/app/app.ini`: Read-only file system\n |\n = help: mount a writable \
             volume or a tmpfs at `/etc/app`, or choose a destination that is writable"
        );
        let text = shown(
            Operation::Resolve,
            Cause::UntrustedLink { link: "/etc/app".into(), reason: Distrust::DirectoryOwner(33) },
        );
        assert!(
            text.contains("`/etc/app` is not trusted: the directory that holds it belongs to uid 33"),
            "{text}"
        );
        let text = shown(Operation::ChangeOwner { uid: Some(33), gid: None }, Cause::System(Errno::EPERM));
        assert!(text.contains("can't give `/etc/app/app.ini` to uid 33: Operation not permitted"), "{text}");
        assert!(text.contains("castoff runs as uid "), "{text}");
        let text =
            shown(Operation::Replace, Cause::WrongKind { found: Kind::Directory, expected: Kind::Regular });
        assert!(text.contains("a directory is there, not a regular file"), "{text}");
    }

    #[test]
    fn root_is_not_told_to_become_root() {
        for (operation, capability) in [
            (Operation::ChangeOwner { uid: Some(33), gid: None }, "--cap-add CHOWN"),
            (Operation::ChangeMode { mode: 0o640 }, "--cap-add FOWNER"),
            (Operation::Create, "--cap-add DAC_OVERRIDE"),
        ] {
            let error = FileError::system(operation, "/a/b", Errno::EPERM);
            let help = error.help_with_rights(Uid::from_raw(0));
            assert!(help.contains(capability) && !help.contains("as root"), "{help}");
            assert!(error.help_with_rights(Uid::from_raw(33)).contains("as root"));
        }
    }

    #[test]
    fn every_error_of_a_destination_says_what_to_do() {
        use Errno::{EACCES, EBUSY, EDQUOT, ELOOP, ENOENT, ENOSPC, ENOTDIR, EPERM, EROFS};
        for errno in [EROFS, EACCES, EPERM, ENOSPC, EDQUOT, ENOENT, ENOTDIR, EBUSY, ELOOP] {
            let diagnostic = Diagnostic::from(FileError::system(Operation::Create, "/a/b", errno));
            assert_eq!(diagnostic.helps.len(), 1, "{errno}");
        }
    }
}

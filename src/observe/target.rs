//! What stands at a destination now. Looks, never changes, never blocks, and holds nothing
//! open: whoever writes resolves the destination again.

use std::path::Path;

use crate::sys::file_error::{Cause, FileError};
use crate::sys::files::{Entry, look, read_open};
use crate::sys::path_walk::{Base, Resolution};
use crate::sys::status::{Kind, Status};

/// The most content that is read, in bytes; castoff renders no larger file.
pub const LARGEST_TARGET: u64 = 16 << 20;

/// What stands at a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub found: Found,
    /// Whether something is mounted exactly there: then it belongs to whoever mounted it.
    pub mount_point: bool,
    /// Why nothing can be made or replaced there, as far as can be known without trying.
    pub obstacle: Option<FileError>,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, and the directory for it is missing too.
    MissingDirectory,
    /// Nothing; its directory is there.
    Missing,
    /// A regular file.
    File {
        /// What is in it.
        content: Content,
        /// Owner, mode, links.
        status: Status,
    },
    /// A symbolic link that castoff does not follow.
    Symlink,
    /// A directory.
    Directory {
        /// Owner and mode.
        status: Status,
    },
    /// A pipe, a socket or a device.
    Other(Kind),
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// More than [`LARGEST_TARGET`].
    TooLarge,
    /// It can't be read; castoff's user may lack the right to.
    Unreadable(FileError),
}

/// Looks at `destination` below `base`.
///
/// # Errors
/// A destination that can't be resolved, or looked at.
pub fn observe(base: &Base, destination: &Path) -> Result<Target, FileError> {
    let resolution = base.resolve(destination)?;
    let obstacle = resolution.may_create().err();
    let Resolution::Found(location) = resolution else {
        return Ok(Target { found: Found::MissingDirectory, mount_point: false, obstacle });
    };
    let Some(Entry { status, mount_point, file }) = look(&location)? else {
        return Ok(Target { found: Found::Missing, mount_point: false, obstacle });
    };
    let found = match (file, status.kind) {
        (Some(Ok(file)), _) => {
            let content = content(read_open(&file, location.path(), LARGEST_TARGET));
            Found::File { content, status }
        }
        (Some(Err(error)), _) => Found::File { content: Content::Unreadable(error), status },
        (None, Kind::Symlink) => Found::Symlink,
        (None, Kind::Directory) => Found::Directory { status },
        (None, kind) => Found::Other(kind),
    };
    Ok(Target { found, mount_point, obstacle })
}

fn content(read: Result<Vec<u8>, FileError>) -> Content {
    match read {
        Ok(content) => Content::Whole(content),
        Err(FileError { cause: Cause::TooLarge { .. }, .. }) => Content::TooLarge,
        Err(error) => Content::Unreadable(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use nix::errno::Errno;

    use super::{Content, Found, LARGEST_TARGET, Target, observe};
    use crate::sys::fixture::{Scratch, as_user, bind, with_own_mounts};
    use crate::sys::status::Kind;

    fn found(scratch: &Scratch, destination: &str) -> Found {
        let Target { found, mount_point, .. } = observe(&scratch.base(), Path::new(destination)).unwrap();
        assert!(!mount_point, "{destination}");
        found
    }

    #[test]
    fn every_kind() {
        let scratch = Scratch::new();
        scratch.directory("open", 0o777);
        scratch.link("open/link", "../etc");
        scratch.fifo("fifo");
        scratch.directory("etc", 0o750);
        for (destination, expected) in [
            ("/none/file", Found::MissingDirectory),
            ("/etc/file", Found::Missing),
            ("/open/link", Found::Symlink),
            ("/fifo", Found::Other(Kind::Fifo)),
        ] {
            assert_eq!(found(&scratch, destination), expected, "{destination}");
        }
        assert!(matches!(found(&scratch, "/etc"), Found::Directory { status } if status.mode == 0o750));
    }

    #[test]
    fn a_files_content_owner_and_mode() {
        let scratch = Scratch::new();
        scratch.file("file", "content");
        fs::hard_link(scratch.path("file"), scratch.path("second")).unwrap();
        fs::set_permissions(scratch.path("file"), fs::Permissions::from_mode(0o4711)).unwrap();
        let Found::File { content, status } = found(&scratch, "/file") else { panic!("no file") };
        assert_eq!(content, Content::Whole(b"content".to_vec()));
        assert_eq!((status.mode, status.links, status.uid), (0o4711, 2, nix::unistd::geteuid().as_raw()));
    }

    #[test]
    fn content_has_a_bound() {
        let scratch = Scratch::new();
        for (size, whole) in [(LARGEST_TARGET, true), (LARGEST_TARGET + 1, false)] {
            fs::File::create(scratch.path("file")).unwrap().set_len(size).unwrap();
            let Found::File { content, .. } = found(&scratch, "/file") else { panic!("no file") };
            assert_eq!(matches!(content, Content::Whole(_)), whole, "{size}");
            assert_eq!(content == Content::TooLarge, !whole, "{size}");
        }
    }

    #[test]
    fn a_file_that_may_not_be_read_is_still_described() {
        let scratch = Scratch::new();
        scratch.file("file", "secret");
        fs::set_permissions(scratch.path("file"), fs::Permissions::from_mode(0o600)).unwrap();
        let base = scratch.base();
        let target = as_user(1234, move || observe(&base, Path::new("/file")).unwrap());
        if let Some(Target { found, .. }) = target {
            let Found::File { content: Content::Unreadable(error), status } = found else {
                panic!("{found:?}")
            };
            assert_eq!((error.errno(), status.mode), (Some(Errno::EACCES), 0o600));
        }
    }

    #[test]
    fn a_mount_point_is_said_to_be_one() {
        with_own_mounts(|| {
            let scratch = Scratch::new();
            scratch.file("file", "");
            scratch.file("theirs", "theirs");
            bind(&scratch.path("theirs"), &scratch.path("file"));
            assert!(observe(&scratch.base(), Path::new("/file")).unwrap().mount_point);
            assert!(!observe(&scratch.base(), Path::new("/theirs")).unwrap().mount_point);
            nix::mount::umount(&scratch.path("file")).unwrap();
        });
    }
}

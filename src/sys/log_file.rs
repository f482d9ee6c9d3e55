//! Opens a log file that somebody else writes: a regular file, never through a link in its
//! place, and on the way to it only through links that nobody else could have put there.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

use super::file_error::{FileError, Operation};
use super::files::look;
use super::path_walk::{Base, Location};
use super::retry::retry;
use super::status::{Kind, Status};

const DIRECTORY: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The file at `path`, an absolute one, open for reading. `None`: there is none yet.
///
/// # Errors
/// Something else is there, or it can't be reached or read: why, in words.
pub fn open_log(path: &Path) -> Result<Option<(File, Status)>, String> {
    let words = |error: FileError| error.to_string();
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("it has no name".to_owned());
    };
    let Some(directory) = open_directory(parent).map_err(words)? else { return Ok(None) };
    let location = Location::within(directory.as_fd(), name, path.to_owned());
    let Some(entry) = location.and_then(|location| look(&location)).map_err(words)? else {
        return Ok(None);
    };
    if entry.status.kind != Kind::Regular {
        return Err(format!("it is {}, and only regular files are followed", entry.status.kind));
    }
    entry.file.transpose().map_err(words).map(|file| Some((file?, entry.status)))
}

fn open_directory(path: &Path) -> Result<Option<OwnedFd>, FileError> {
    let opened = if path == Path::new("/") {
        retry(|| open(path, DIRECTORY, Mode::empty()))
    } else {
        let Some(location) = Base::host()?.find(path)? else { return Ok(None) };
        retry(|| openat(location.directory(), location.name(), DIRECTORY, Mode::empty()))
    };
    match opened {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(FileError::system(Operation::Resolve, path, errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::open_log;

    #[test]
    fn regular_files_only() {
        let directory = std::env::temp_dir().join(format!("castoff-log-file-{}", std::process::id()));
        fs::create_dir_all(directory.join("real")).unwrap();
        symlink("real", directory.join("linked")).unwrap();
        fs::write(directory.join("real/log"), "text").unwrap();
        symlink("log", directory.join("real/link")).unwrap();
        let opened =
            |name: &str| open_log(&directory.join(name)).map(|found| found.map(|(_, status)| status.size));
        for (name, expected) in [
            ("real/log", Ok(Some(4))),
            ("linked/log", Ok(Some(4))),
            ("real/none", Ok(None)),
            ("none/log", Ok(None)),
            ("none/at/all/log", Ok(None)),
            ("real/link", Err("it is a symbolic link, and only regular files are followed".to_owned())),
            ("real", Err("it is a directory, and only regular files are followed".to_owned())),
        ] {
            assert_eq!(opened(name), expected, "{name}");
        }
        assert!(open_log(Path::new("/no-log-of-castoff")).unwrap().is_none());
        assert!(open_log(Path::new("/")).is_err());
        fs::remove_dir_all(&directory).unwrap();
    }
}

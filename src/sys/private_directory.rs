//! A directory that only castoff's user can enter, for files that others' programs check:
//! made in the first place that takes it, removed with all it holds on drop.
//!
//! It is never made where another user could exchange it: a candidate belongs to root or
//! castoff's user and, if others can write it, is sticky.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};

use super::file_error::{FileError, Operation};
use super::randomness::{RandomnessError, random_text};
use super::retry::retry;
use super::status::{Kind, Status};
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;

const RANDOM_LENGTH: usize = 16;
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const MOST_ATTEMPTS: u32 = 16;

/// A directory of mode 0700 that goes away with its value.
#[derive(Debug)]
pub struct PrivateDirectory {
    path: PathBuf,
}

/// None of the candidates would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPlace {
    /// Each candidate, with the reason.
    pub refused: Vec<(PathBuf, Errno)>,
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no place for a private temporary directory")?;
        for (path, errno) in &self.refused {
            write!(f, "; `{}`: {}", path.display(), errno.desc())?;
        }
        Ok(())
    }
}

impl std::error::Error for NoPlace {}

impl From<&NoPlace> for Diagnostic {
    fn from(error: &NoPlace) -> Self {
        Self::error(ExitCode::CANT_CREATE, error.to_string())
            .help("mount a tmpfs at one of them, or name a writable directory in TMPDIR")
    }
}

impl PrivateDirectory {
    /// In the first of `candidates` that takes it.
    ///
    /// # Errors
    /// [`NoPlace`] with each candidate's reason; EPERM stands for one in which another user
    /// could exchange it.
    pub fn create<P: AsRef<Path>>(candidates: impl IntoIterator<Item = P>) -> Result<Self, NoPlace> {
        let mut refused = Vec::new();
        for candidate in candidates {
            match create_in(candidate.as_ref()) {
                Ok(path) => return Ok(Self { path }),
                Err(errno) => refused.push((candidate.as_ref().to_owned(), errno)),
            }
        }
        Err(NoPlace { refused })
    }

    /// Its absolute path, if the candidate's was.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file of mode 0600 into it and returns its path. `name` is one component.
    ///
    /// # Errors
    /// EEXIST where the name is taken; what open(2) and write(2) fail with.
    pub fn write(&self, name: &OsStr, content: &[u8]) -> Result<PathBuf, FileError> {
        let path = self.path.join(name);
        let flags = libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let opened: std::io::Result<File> =
            OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags).open(&path);
        let mut file = opened.map_err(|error| FileError::io(Operation::Create, &path, &error))?;
        file.write_all(content).map_err(|error| FileError::io(Operation::Write, &path, &error))?;
        Ok(path)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        // std's removal follows no links; that it failed is nothing a caller could act on.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn create_in(candidate: &Path) -> nix::Result<PathBuf> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let parent: OwnedFd = retry(|| open(candidate, flags, Mode::empty()))?;
    let own = nix::unistd::geteuid().as_raw();
    let status = Status::of(&parent)?;
    let others_write = status.mode & 0o022 != 0 && status.mode & 0o1000 == 0;
    if (status.uid != 0 && status.uid != own) || others_write {
        return Err(Errno::EPERM);
    }
    for _ in 0..MOST_ATTEMPTS {
        let random = random_text(RANDOM_LENGTH, ALPHABET).map_err(|error| match error {
            RandomnessError::System(errno) => errno,
            RandomnessError::Alphabet => Errno::EINVAL,
        })?;
        let name = format!("castoff-{random}");
        match retry(|| mkdirat(parent.as_fd(), name.as_str(), Mode::S_IRWXU)) {
            Ok(()) => {}
            Err(Errno::EEXIST) => continue,
            Err(errno) => return Err(errno),
        }
        let made = retry(|| openat(parent.as_fd(), name.as_str(), flags | OFlag::O_NOFOLLOW, Mode::empty()))?;
        let status = Status::of(&made)?;
        if status.kind != Kind::Directory || status.uid != own {
            return Err(Errno::EPERM);
        }
        return Ok(candidate.join(name));
    }
    Err(Errno::EEXIST)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use nix::errno::Errno;

    use super::PrivateDirectory;
    use crate::diagnostic::Diagnostic;
    use crate::exit::ExitCode;
    use crate::sys::fixture::{Scratch, as_user};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn is_private_and_goes_away_with_all_it_holds() {
        let scratch = Scratch::new();
        scratch.file("canary/kept", "x");
        let private = PrivateDirectory::create([scratch.path("")]).unwrap();
        let path = private.path().to_owned();
        assert_eq!(mode(&path), 0o700);
        let file = private.write(OsStr::new("pool.conf"), b"secret").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap().as_slice()), (0o600, b"secret".as_slice()));
        assert!(private.write(OsStr::new("pool.conf"), b"again").is_err());
        fs::create_dir_all(path.join("deep/er")).unwrap();
        symlink(scratch.path("canary"), path.join("deep/link")).unwrap();
        drop(private);
        assert!(!path.exists());
        assert_eq!(scratch.read("canary/kept"), "x");
    }

    #[test]
    fn the_first_place_that_takes_it() {
        let scratch = Scratch::new();
        scratch.file("file", "");
        scratch.directory("open", 0o777);
        scratch.directory("sticky", 0o1777);
        let candidates: Vec<PathBuf> =
            ["missing", "file", "open", "sticky"].iter().map(|name| scratch.path(name)).collect();
        let private = PrivateDirectory::create(&candidates).unwrap();
        assert_eq!(private.path().parent(), Some(scratch.path("sticky").as_path()));
        let error = PrivateDirectory::create(&candidates[..3]).unwrap_err();
        assert_eq!(Diagnostic::from(&error).exit, ExitCode::CANT_CREATE);
        let reasons: Vec<Errno> = error.refused.into_iter().map(|(_, errno)| errno).collect();
        assert_eq!(reasons, [Errno::ENOENT, Errno::ENOTDIR, Errno::EPERM]);
    }

    #[test]
    fn not_where_the_right_to_write_is_missing() {
        let scratch = Scratch::new();
        scratch.directory("roots", 0o755);
        let roots = scratch.path("roots");
        let refused =
            as_user(1234, move || PrivateDirectory::create([roots]).map(|_| ()).unwrap_err().refused);
        if let Some(refused) = refused {
            assert_eq!(refused[0].1, Errno::EACCES);
        }
    }
}

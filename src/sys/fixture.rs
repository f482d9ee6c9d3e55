//! What the tests of this floor stand on: a directory of their own, another user, mounts
//! of their own. A test that can't have them says `skipped` and why.
#![allow(unsafe_code, reason = "setresuid(2) for one thread is not in nix, nor in any libc")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::path_walk::{Base, Location};

/// A directory that goes away with its value. As root of a [`Base`] it is `/`.
pub(crate) struct Scratch {
    root: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let root = nix::unistd::mkdtemp(&std::env::temp_dir().join("castoff-test-XXXXXX")).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        Self { root }
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        let below = below.as_ref();
        if below == Path::new("") { self.root.clone() } else { self.root.join(below) }
    }

    pub(crate) fn file(&self, below: &str, content: &str) {
        self.directory(Path::new(below).parent().unwrap().to_str().unwrap(), 0o755);
        fs::write(self.path(below), content).unwrap();
    }

    pub(crate) fn directory(&self, below: &str, mode: u32) {
        fs::create_dir_all(self.path(below)).unwrap();
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn link(&self, below: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.path(below)).unwrap();
    }

    pub(crate) fn fifo(&self, below: &str) {
        nix::unistd::mkfifo(&self.path(below), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }

    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub(crate) fn names(&self, below: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(below)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn base(&self) -> Base {
        Base::private(&self.root).unwrap()
    }

    pub(crate) fn location(&self, below: impl AsRef<OsStr>) -> Location {
        self.base().resolve(Path::new(&below)).unwrap().or_create(0o755).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Says that a test, or the rest of it, is skipped.
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Whether the test runs as root, who can give files away; otherwise says that it is skipped.
pub(crate) fn root_or_skip() -> bool {
    if !is_root() {
        eprintln!("skipped: needs root to make files of other users");
    }
    is_root()
}

/// Runs `work` as another user and group, in a thread of its own: for the kernel, ids
/// belong to a thread; only libc makes them the process's (setresuid(2)).
pub(crate) fn as_user<T: Send + 'static>(id: u32, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if !root_or_skip() {
        return None;
    }
    let thread = std::thread::spawn(move || {
        // SAFETY: the three calls take numbers only and change nothing but this thread.
        unsafe {
            assert_eq!(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u32>()), 0);
            assert_eq!(libc::syscall(libc::SYS_setresgid, id, id, id), 0);
            assert_eq!(libc::syscall(libc::SYS_setresuid, id, id, id), 0);
        }
        work()
    });
    match thread.join() {
        Ok(outcome) => Some(outcome),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Runs `work` in a thread whose mounts are its own and go away with it.
pub(crate) fn with_own_mounts<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let thread = std::thread::spawn(move || {
        if let Err(errno) = own_mounts() {
            eprintln!("skipped: no mounts of its own: {}", errno.desc());
            return None;
        }
        Some(work())
    });
    match thread.join() {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn own_mounts() -> Result<(), Errno> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
}

/// Mounts `source` onto `target`, for [`with_own_mounts`].
pub(crate) fn bind(source: &Path, target: &Path) {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
}

/// Makes the mount at `target` read-only, for [`with_own_mounts`].
pub(crate) fn make_read_only(target: &Path) {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>).unwrap();
}

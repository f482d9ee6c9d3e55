//! inotify(7): being told that files and directories have changed. It says that there is
//! something to look at, and never what: who is told looks.

#![allow(unsafe_code, reason = "inotify_init1(2), inotify_add_watch(2)")]

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

/// A descriptor that tells.
#[derive(Debug)]
pub struct Inotify(File);

/// What is watched, as the kernel numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WatchId(i32);

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// Something to what is watched so.
    Of(WatchId),
    /// More than the kernel could keep: look at everything.
    Lost,
}

/// What begins each event (inotify(7)): watch, mask, cookie, length of the name.
const HEADER: usize = 16;
/// Room for some events with their names; one has at most `NAME_MAX` bytes of it.
const ROOM: usize = 2048;
/// So many reads at most: who changes files without end must not keep castoff from all else.
const READS: usize = 16;

impl Inotify {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// The kernel's: the user has too many already (EMFILE), a sandbox refuses.
    pub fn new() -> Result<Self, Errno> {
        // SAFETY: takes integers.
        let fd = Errno::result(unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) })?;
        // SAFETY: the kernel has just made it, nobody else has it.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Tells of names that come to a directory.
    ///
    /// # Errors
    /// There is none, or the user watches too much already (ENOSPC).
    pub fn watch_directory(&self, path: &Path) -> Result<WatchId, Errno> {
        let gone = libc::IN_DELETE_SELF | libc::IN_MOVE_SELF;
        self.watch(path, libc::IN_CREATE | libc::IN_MOVED_TO | libc::IN_ONLYDIR | gone)
    }

    /// Tells of changes to what is in a file, and of its being renamed or removed. What `path`
    /// links to is not meant.
    ///
    /// # Errors
    /// As above.
    pub fn watch_file(&self, path: &Path) -> Result<WatchId, Errno> {
        self.watch(path, libc::IN_MODIFY | libc::IN_ATTRIB | libc::IN_MOVE_SELF | libc::IN_DONT_FOLLOW)
    }

    /// Tells when somebody who wrote to a file has closed it, and of changes to its attributes,
    /// all links followed.
    ///
    /// # Errors
    /// As above.
    pub fn watch_content(&self, path: &Path) -> Result<WatchId, Errno> {
        self.watch(path, libc::IN_CLOSE_WRITE | libc::IN_ATTRIB)
    }

    fn watch(&self, path: &Path, mask: u32) -> Result<WatchId, Errno> {
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
        // SAFETY: a C string and integers.
        Errno::result(unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), mask) })
            .map(WatchId)
    }

    /// No more of that.
    pub fn forget(&self, watch: WatchId) {
        // SAFETY: takes integers. One that is gone already is no mistake (EINVAL).
        unsafe { libc::inotify_rm_watch(self.0.as_raw_fd(), watch.0) };
    }

    /// For poll(2).
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// What has happened, some of it twice.
    pub fn read(&mut self, mut each: impl FnMut(News)) {
        let mut bytes = [0; ROOM];
        for _ in 0..READS {
            let Ok(count) = self.0.read(&mut bytes) else { return };
            let mut events = bytes.get(..count).unwrap_or_default();
            while let Some((header, rest)) = events.split_at_checked(HEADER) {
                let mut numbers =
                    header.chunks_exact(4).map(|four| four.try_into().map_or([0; 4], |four| four));
                let mut number = || numbers.next().unwrap_or_default();
                let (watch, mask) = (i32::from_ne_bytes(number()), u32::from_ne_bytes(number()));
                let (_, length) = (number(), u32::from_ne_bytes(number()));
                each(if mask & libc::IN_Q_OVERFLOW == 0 { News::Of(WatchId(watch)) } else { News::Lost });
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                events = rest.get(length..).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::{Inotify, News};

    #[test]
    fn changes_are_told() {
        let directory = std::env::temp_dir().join(format!("castoff-inotify-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut inotify = Inotify::new().unwrap();
        let news = |inotify: &mut Inotify| {
            let mut all = Vec::new();
            inotify.read(|news| all.push(news));
            all.dedup();
            all
        };
        let of_directory = inotify.watch_directory(&directory).unwrap();
        let path = directory.join("log");
        let mut file = fs::File::create(&path).unwrap();
        assert_eq!(news(&mut inotify), [News::Of(of_directory)]);
        let of_file = inotify.watch_file(&path).unwrap();
        file.write_all(b"x").unwrap();
        assert_eq!(news(&mut inotify), [News::Of(of_file)]);
        file.set_len(0).unwrap();
        assert_eq!(news(&mut inotify), [News::Of(of_file)]);
        fs::rename(&path, directory.join("other")).unwrap();
        assert!(news(&mut inotify).contains(&News::Of(of_file)));
        inotify.forget(of_file);
        let _ = news(&mut inotify);
        file.write_all(b"x").unwrap();
        assert_eq!(news(&mut inotify), []);
        assert!(inotify.watch_directory(&path).is_err(), "it is gone");
        fs::remove_dir_all(&directory).unwrap();
    }
}

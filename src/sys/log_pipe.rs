//! Pipes that services print to, and who may open them by name.
//!
//! `/dev/stdout` is a link to `/proc/self/fd/1`, and open(2) of that asks the rights of the
//! pipe: 0600 and its maker's. A service that runs as another user is refused there, although
//! it has the pipe open. Whoever can name it has it open already, so everybody may write.

#![allow(unsafe_code, reason = "fchmod(2), fstatfs(2)")]

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};

use libc::mode_t;
use nix::errno::Errno;

use super::spawn::pipe;
use super::stdio::set_nonblocking;

/// The file system of pipes without a name (statfs(2)).
const PIPES: i64 = 0x5049_5045;
/// Everybody may write, the owner may read too.
const WRITABLE: mode_t = 0o622;

/// castoff's end, which doesn't block, and the service's.
///
/// # Errors
/// No descriptors left (pipe(2)).
pub fn log_pipe() -> Result<(File, File), Errno> {
    let (reader, writer) = pipe()?;
    set_nonblocking(&reader)?;
    // A kernel or sandbox that refuses leaves it as it was.
    let _ = set_writable(writer.as_raw_fd());
    Ok((reader, writer))
}

/// Lets everybody open what `fd` is, if it is a pipe without a name. Files, terminals and named
/// pipes are others' too: their rights stay as they are.
#[allow(clippy::useless_conversion, reason = "the width of `f_type` differs between targets")]
pub fn let_others_open(fd: RawFd) {
    let mut status = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: writes one statfs, for which zeros are valid too.
    let (done, status) = unsafe {
        let done = libc::fstatfs(fd, status.as_mut_ptr());
        (done, status.assume_init())
    };
    if done == 0 && i64::try_from(status.f_type) == Ok(PIPES) {
        let _ = set_writable(fd);
    }
}

fn set_writable(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: takes integers.
    Errno::result(unsafe { libc::fchmod(fd, WRITABLE) }).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;

    use super::{let_others_open, log_pipe};
    use crate::sys::spawn::pipe;

    fn mode(file: &File) -> u32 {
        file.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn pipes_without_a_name_can_be_opened_by_all() {
        let (_reader, writer) = log_pipe().unwrap();
        assert_eq!(mode(&writer), 0o622);
        let (_reader, writer) = pipe().unwrap();
        assert_eq!(mode(&writer), 0o600);
        let_others_open(writer.as_raw_fd());
        assert_eq!(mode(&writer), 0o622);
    }

    #[test]
    fn named_pipes_and_files_stay_as_they_are() {
        let directory = std::env::temp_dir().join(format!("castoff-log-pipe-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (file, fifo) = (directory.join("file"), directory.join("fifo"));
        File::create(&file).unwrap();
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        for path in [file, fifo] {
            let opened = File::options().read(true).write(true).open(&path).unwrap();
            let before = mode(&opened);
            let_others_open(opened.as_raw_fd());
            assert_eq!(mode(&opened), before, "{path:?}");
        }
        let_others_open(-1);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

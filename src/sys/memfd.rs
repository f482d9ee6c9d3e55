//! A sealed file in memory: bytes that castoff hands to itself across execve(2).

#![allow(unsafe_code, reason = "memfd_create(2), fcntl(2)")]

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use libc::{c_int, c_uint};
use nix::errno::Errno;

use super::retry::retry;
use super::status::Status;

/// What makes it immutable (F_ADD_SEALS, fcntl(2)).
const SEALS: c_int = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;

/// At most so many bytes are read; a plan's arguments and environment are bounded by
/// execve(2) to far less.
const MOST: u64 = 64 << 20;

/// Puts `bytes` into a sealed memfd. It closes on exec until [`hand_over`].
///
/// # Errors
/// The kernel's: a sandbox refuses memfd_create(2), or there is no memory.
pub fn sealed(bytes: &[u8]) -> Result<File, Errno> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // Where vm.memfd_noexec is 2 the flag is required, before Linux 6.3 it is unknown.
    let mut file = create(flags | libc::MFD_NOEXEC_SEAL).or_else(|_| create(flags))?;
    let raw = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
    file.write_all(bytes).map_err(raw)?;
    file.rewind().map_err(raw)?;
    // SAFETY: takes integers.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) })?;
    Ok(file)
}

fn create(flags: c_uint) -> Result<File, Errno> {
    // SAFETY: the name is a C string.
    let fd = Errno::result(unsafe { libc::memfd_create(c"castoff".as_ptr(), flags) })?;
    // SAFETY: the kernel has just made it, nobody else has it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Lets the next program have it, under the number that is returned.
///
/// # Errors
/// The kernel's.
pub fn hand_over(file: &File) -> Result<RawFd, Errno> {
    // SAFETY: takes integers; no flag means: stays open across execve(2).
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) })?;
    Ok(file.as_raw_fd())
}

/// Gives its number up to a plan, and with it the duty to close it.
#[must_use]
pub fn into_number(file: File) -> RawFd {
    file.into_raw_fd()
}

/// Lets the next program have descriptor `fd`, if it is open.
pub fn hand_over_number(fd: RawFd) {
    // SAFETY: takes integers; one that is not open is refused (fcntl(2)).
    unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
}

/// Takes over descriptor `fd`, if it is a file that carries all seals, under `number`. It
/// closes on exec.
///
/// # Errors
/// As for [`receive`].
pub fn adopt(fd: RawFd, number: RawFd) -> Result<File, Errno> {
    check_seals(fd)?;
    if fd == number {
        // SAFETY: takes integers.
        Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    } else {
        // SAFETY: takes integers. What has had this number is not used any more: castoff is
        // about to close all above its standard descriptors.
        Errno::result(unsafe { libc::dup3(fd, number, libc::O_CLOEXEC) })?;
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
    // SAFETY: it is open under this number, which nothing else owns.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

fn check_seals(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: takes integers. Only a memfd or another shmem file has seals.
    let seals = retry(|| Errno::result(unsafe { libc::fcntl(fd, libc::F_GET_SEALS) }))?;
    if seals & SEALS == SEALS { Ok(()) } else { Err(Errno::EPERM) }
}

/// Takes over descriptor `fd`, if it is a file that carries all seals, and reads it whole.
///
/// # Errors
/// EBADF, EINVAL, EPERM: it is not open or not sealed, so somebody else than castoff made it.
/// What fcntl(2) and read(2) fail with otherwise.
pub fn receive(fd: RawFd) -> Result<Vec<u8>, Errno> {
    check_seals(fd)?;
    // SAFETY: it is open, and castoff has just started: nothing in it owns this number.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let raw = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
    let length = Status::of(&file)?.size.min(MOST);
    // with room to see the end, or reading begins in small pieces
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 32);
    file.take(MOST).read_to_end(&mut bytes).map_err(raw)?;
    Ok(bytes)
}

/// Replaces castoff by a fresh copy of itself with `arguments` and no environment. Returns
/// only if that fails.
#[must_use]
pub fn execute_own_image(arguments: [&std::ffi::CStr; 2]) -> Errno {
    let [name, argument] = arguments.map(std::ffi::CStr::as_ptr);
    let argv = [name, argument, std::ptr::null()];
    let envp = [std::ptr::null()];
    // SAFETY: a C string and two null-terminated vectors of C strings (execve(2)).
    unsafe { libc::execve(c"/proc/self/exe".as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Errno::last()
}

#[cfg(test)]
mod tests {
    use super::{receive, sealed};
    use nix::errno::Errno;
    use std::io::Write;
    use std::os::fd::{AsRawFd, IntoRawFd};

    #[test]
    fn what_was_sealed_is_received_and_cannot_be_changed() {
        let mut file = sealed(b"plan").unwrap();
        assert!(file.write_all(b"x").is_err());
        assert_eq!(receive(file.into_raw_fd()), Ok(b"plan".to_vec()));
    }

    #[test]
    fn what_is_not_sealed_is_refused() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(receive(file.as_raw_fd()).is_err());
        assert_eq!(receive(-1), Err(Errno::EBADF));
    }
}

//! The names in a directory, by getdents64(2): in a buffer of 16 KiB, so that few calls are
//! made, and without a second descriptor, so that the one that is held also serves for what
//! is done with the names, and without the C library's memory, which PID 1 may not get.
#![allow(unsafe_code, reason = "getdents64(2) has no safe wrapper in nix")]

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use crate::sys::retry::retry;
use crate::sys::status::Kind;

const BUFFER: usize = 16 << 10;
/// Where d_reclen, d_type and d_name begin in a `struct linux_dirent64`.
const LENGTH_AT: usize = 16;
const TYPE_AT: usize = 18;
const NAME_AT: usize = 19;

/// A name, and what the directory says that it is; `None`: the file system doesn't tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sys) struct Listed {
    pub(in crate::sys) name: OsString,
    pub(in crate::sys) kind: Option<Kind>,
}

/// Reads all names but `.` and `..`, from where the descriptor stands; only some where it
/// `stops`, which is asked between the calls.
///
/// # Errors
/// What getdents64(2) fails with.
pub(in crate::sys) fn list(directory: impl AsFd, stops: impl Fn() -> bool) -> nix::Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut keep = |name: &OsStr, kind| found.push(Listed { name: name.to_owned(), kind });
    each(directory, stops, &mut keep)?;
    Ok(found)
}

/// Gives out each name as it is read: nothing is kept.
///
/// # Errors
/// As for [`list`].
pub(in crate::sys) fn each_name(directory: impl AsFd, keep: &mut impl FnMut(&OsStr)) -> nix::Result<()> {
    each(directory, || false, &mut |name: &OsStr, _| keep(name))
}

fn each(
    directory: impl AsFd,
    stops: impl Fn() -> bool,
    keep: &mut impl FnMut(&OsStr, Option<Kind>),
) -> nix::Result<()> {
    // on the stack: the allocator would map and unmap it for each directory
    let mut buffer = [0_u8; BUFFER];
    loop {
        let filled = match retry(|| read(directory.as_fd(), &mut buffer)) {
            // the directory was removed meanwhile: nothing is in it
            Err(Errno::ENOENT) => 0,
            outcome => outcome?,
        };
        if filled == 0 || stops() {
            return Ok(());
        }
        let mut rest = buffer.get(..filled).unwrap_or_default();
        while let Some((name, kind, after)) = first(rest) {
            if name != "." && name != ".." {
                keep(name, kind);
            }
            rest = after;
        }
    }
}

fn read(directory: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    let outcome = unsafe {
        libc::syscall(libc::SYS_getdents64, directory.as_fd().as_raw_fd(), buffer.as_mut_ptr(), buffer.len())
    };
    Errno::result(outcome).map(|filled| usize::try_from(filled).unwrap_or(0))
}

/// The first record's name and kind, and the records after it.
fn first(records: &[u8]) -> Option<(&OsStr, Option<Kind>, &[u8])> {
    let length = records.get(LENGTH_AT..TYPE_AT)?;
    let length = usize::from(u16::from_ne_bytes(length.try_into().ok()?));
    let (record, after) = records.split_at_checked(length)?;
    let name = record.get(NAME_AT..)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    let name = OsStr::from_bytes(name.get(..end)?);
    let kind = match *record.get(TYPE_AT)? {
        libc::DT_REG => Some(Kind::Regular),
        libc::DT_DIR => Some(Kind::Directory),
        libc::DT_LNK => Some(Kind::Symlink),
        libc::DT_FIFO => Some(Kind::Fifo),
        libc::DT_SOCK => Some(Kind::Socket),
        libc::DT_CHR => Some(Kind::CharacterDevice),
        libc::DT_BLK => Some(Kind::BlockDevice),
        _ => None,
    };
    Some((name, kind, after))
}

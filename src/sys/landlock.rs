//! Paths beneath which a process can't write, whoever it is, by the kernel's Landlock
//! (landlock(7)).
//!
//! Landlock lists what is allowed: nothing can be taken away from a directory that was
//! allowed. So the right to write is given to each entry of each directory above a protected
//! path, but for the way to it. What is new in such a directory itself has no right, or the
//! protected path would have it as well.
//!
//! The rules are made by castoff, which may look into every directory; the child only
//! submits to them.

#![allow(unsafe_code, reason = "landlock_create_ruleset(2) and its kin have no wrapper in libc")]

use std::collections::BTreeSet;
use std::ffi::{CStr, OsStr, c_long};
use std::fmt;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fstat};

use super::retry::retry;
use super::start_failure::{Failure, Stage};
use crate::process_attributes::above;

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: i32 = 1;

// LANDLOCK_ACCESS_FS_…, linux/landlock.h
const WRITE_FILE: u64 = 1 << 1;
/// `REMOVE_DIR`, `REMOVE_FILE` and all the `MAKE_…`.
const CHANGE_DIRECTORY: u64 = 0x1ff << 4;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;

/// Without `REFER`, which comes with version 2, no file could be moved anywhere.
const OLDEST_ABI: c_long = 2;
const ABI_WITH_TRUNCATE: c_long = 3;

/// In what the kernel falls short of what `read-only-paths` promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shortcoming {
    /// It has no Landlock, or a sandbox keeps castoff from it.
    NoLandlock(Errno),
    /// Its Landlock is too old.
    TooOld,
    /// It can't keep truncate(2) from emptying a file.
    Truncation,
}

impl fmt::Display for Shortcoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = "nothing keeps the service from writing in its `read-only-paths`";
        match self {
            Self::NoLandlock(Errno::ENOSYS) => {
                write!(
                    f,
                    "{nothing}: this kernel has no Landlock (Linux 5.19 or later, with CONFIG_SECURITY_LANDLOCK)"
                )
            }
            Self::NoLandlock(Errno::EOPNOTSUPP) => {
                write!(
                    f,
                    "{nothing}: this kernel's Landlock is off (`landlock` is missing in its parameter `lsm=`)"
                )
            }
            Self::NoLandlock(errno) => {
                write!(f, "{nothing}: Landlock is refused, as by a seccomp profile: {}", errno.desc())
            }
            Self::TooOld => write!(f, "{nothing}: this kernel's Landlock is too old (Linux 5.19 or later)"),
            Self::Truncation => f.write_str(
                "this kernel can't keep truncate(2) from emptying files in `read-only-paths`; \
                 Linux 6.2 or later can",
            ),
        }
    }
}

/// The rules of a process.
pub(super) struct Protection {
    /// `None`: the kernel has no such thing.
    ruleset: Option<OwnedFd>,
    /// In what it falls short.
    pub(super) shortcoming: Option<Shortcoming>,
}

impl Protection {
    /// That writing is refused beneath each of `paths`, which must exist, and nowhere else but
    /// directly in the directories above them.
    ///
    /// # Errors
    /// A path that can't be resolved; a directory above one that can't be looked through; rules
    /// that can't be had.
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut protected = BTreeSet::new();
        for (path, item) in paths.iter().zip(0..) {
            protected.insert(
                fs::canonicalize(path).map_err(|error| Failure {
                    item,
                    ..Failure::new(Stage::ReadOnlyPaths, errno_of(&error))
                })?,
            );
        }
        let without = |shortcoming| Ok(Self { ruleset: None, shortcoming: Some(shortcoming) });
        let version = match abi() {
            Ok(version) if version >= OLDEST_ABI => version,
            Ok(_) => return without(Shortcoming::TooOld),
            Err(errno) => return without(Shortcoming::NoLandlock(errno)),
        };
        let truncate = if version >= ABI_WITH_TRUNCATE { TRUNCATE } else { 0 };
        let rules = Rules::new(WRITE_FILE | CHANGE_DIRECTORY | REFER | truncate);
        let ruleset = rules.and_then(|rules| rules.allow_all_but(&protected));
        let shortcoming = (truncate == 0).then_some(Shortcoming::Truncation);
        let ruleset = ruleset.map_err(|errno| Failure::new(Stage::Landlock, errno))?;
        Ok(Self { ruleset: Some(ruleset), shortcoming })
    }

    /// What the child submits to, if anything.
    pub(super) fn ruleset(&self) -> Option<RawFd> {
        self.ruleset.as_ref().map(AsRawFd::as_raw_fd)
    }
}

/// Puts the calling process under a ruleset, for good; `no_new_privs` must be set. Makes one
/// system call, for the child of a vfork.
pub(super) fn submit(ruleset: RawFd) -> Result<(), Errno> {
    // SAFETY: takes two integers (landlock_restrict_self(2)).
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) }).map(drop)
}

/// Which version of Landlock the kernel has.
fn abi() -> Result<c_long, Errno> {
    let nothing: *const u8 = ptr::null();
    // SAFETY: asked for the version, the kernel reads no attribute (landlock_create_ruleset(2)).
    Errno::result(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, CREATE_RULESET_VERSION)
    })
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

struct Rules {
    ruleset: OwnedFd,
    handled: u64,
}

impl Rules {
    fn new(handled: u64) -> Result<Self, Errno> {
        // SAFETY: the attribute's first field alone, with its size; the kernel takes an
        // attribute of an older version (landlock_create_ruleset(2)).
        let made = unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                ptr::from_ref(&handled),
                size_of_val(&handled),
                0_u32,
            )
        };
        let fd = RawFd::try_from(Errno::result(made)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made it, closed on exec, and nobody else has it.
        Ok(Self { ruleset: unsafe { OwnedFd::from_raw_fd(fd) }, handled })
    }

    fn allow_all_but(self, protected: &BTreeSet<PathBuf>) -> Result<OwnedFd, Errno> {
        let above = above(protected);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut open_directories = Vec::new();
        if above.contains(Path::new("/")) {
            open_directories.push((retry(|| open("/", flags, Mode::empty()))?, PathBuf::from("/")));
        }
        while let Some((directory, path)) = open_directories.pop() {
            let mut listing = Dir::from_fd(directory.try_clone().map_err(|error| errno_of(&error))?)?;
            for entry in listing.iter() {
                let entry = entry?;
                let name = entry.file_name();
                let entry_path = path.join(OsStr::from_bytes(name.to_bytes()));
                if matches!(name.to_bytes(), b"." | b"..") || protected.contains(&entry_path) {
                    continue;
                }
                if above.contains(entry_path.as_path()) {
                    let below = retry(|| openat(directory.as_fd(), name, flags, Mode::empty()))?;
                    open_directories.push((below, entry_path));
                } else {
                    self.allow_entry(directory.as_fd(), name, entry.file_type())?;
                }
            }
        }
        self.allow_standard_descriptors();
        Ok(self.ruleset)
    }

    /// An entry whose type the listing tells is not looked at itself: it may be the root of a
    /// mount whose server doesn't answer, or refuses.
    fn allow_entry(&self, directory: BorrowedFd<'_>, name: &CStr, listed: Option<Type>) -> Result<(), Errno> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match retry(|| openat(directory, name, flags, Mode::empty())) {
            // one that went meanwhile needs no right
            Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
            Ok(entry) => match listed {
                // what it points to has a place, and rights, of its own
                Some(Type::Symlink) => Ok(()),
                Some(listed) => self.allow(entry.as_fd(), listed == Type::Directory),
                None => match kind_of(entry.as_fd())? {
                    SFlag::S_IFLNK => Ok(()),
                    kind => self.allow(entry.as_fd(), kind == SFlag::S_IFDIR),
                },
            },
        }
    }

    /// What stdin, stdout and stderr are open on can be opened by `/dev/stdout` and the like,
    /// also where it is a file or a terminal from outside of the container.
    fn allow_standard_descriptors(&self) {
        for descriptor in 0..=2 {
            // SAFETY: castoff keeps these open for as long as it runs.
            let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
            if kind_of(descriptor).is_ok_and(|kind| kind != SFlag::S_IFDIR) {
                // Pipes and sockets need no rule, and take none.
                let _ = self.allow(descriptor, false);
            }
        }
    }

    fn allow(&self, entry: BorrowedFd<'_>, is_directory: bool) -> Result<(), Errno> {
        let rights = if is_directory { self.handled } else { self.handled & (WRITE_FILE | TRUNCATE) };
        let rule = PathBeneath { allowed_access: rights, parent_fd: entry.as_raw_fd() };
        // SAFETY: a rule of this type, read during the call (landlock_add_rule(2)).
        let added = unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                self.ruleset.as_raw_fd(),
                RULE_PATH_BENEATH,
                ptr::from_ref(&rule),
                0_u32,
            )
        };
        Errno::result(added).map(drop)
    }
}

fn kind_of(file: BorrowedFd<'_>) -> Result<SFlag, Errno> {
    Ok(SFlag::from_bits_truncate(fstat(file)?.st_mode) & SFlag::S_IFMT)
}

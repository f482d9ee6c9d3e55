//! What a child changes of what it has from castoff before it executes: attributes, rights,
//! directory, and what it can't undo. Prepared while castoff can allocate, made by the child.

#![allow(unsafe_code, reason = "between clone(2) and execve(2)")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::child_attributes::OwnAttributes;
use super::landlock::{self, Protection, Shortcoming};
use super::privileges::{self, Rights};
use super::spawn::{Credentials, Program};
use super::start_failure::{Failure, Stage};
use crate::process_attributes::ProcessAttributes;

/// The changes, in the form that the child needs.
pub(super) struct Changes {
    attributes: OwnAttributes,
    rights: Rights,
    directory: Option<CString>,
    no_new_privs: bool,
    protection: Option<Protection>,
}

impl Changes {
    /// Those of a program, if it has any.
    ///
    /// # Errors
    /// `Stage::Arguments` for a NUL byte in the directory, `Stage::ReadOnlyPaths` for a path that
    /// is not there.
    pub(super) fn of(program: &Program<'_>) -> Result<Option<Box<Self>>, Failure> {
        let Program { credentials, working_directory, attributes, .. } = program;
        if credentials.is_none()
            && working_directory.is_none()
            && *attributes == <&ProcessAttributes>::default()
        {
            return Ok(None);
        }
        Self::prepared(program).map(Some)
    }

    /// Apart, as `make` is: most services have none, and touch nothing of this.
    #[inline(never)]
    fn prepared(program: &Program<'_>) -> Result<Box<Self>, Failure> {
        let Program { working_directory, attributes, .. } = program;
        let directory = working_directory.map(|directory| CString::new(directory.as_bytes())).transpose();
        let paths = &attributes.read_only_paths;
        let protection = (!paths.is_empty()).then(|| Protection::of(paths)).transpose()?;
        Ok(Box::new(Self {
            attributes: OwnAttributes::new(attributes),
            rights: rights(program),
            directory: directory.map_err(|_| Failure::new(Stage::Arguments, Errno::EINVAL))?,
            no_new_privs: attributes.no_new_privs || !paths.is_empty(),
            protection,
        }))
    }

    /// In what the kernel falls short of what was asked for.
    pub(super) fn shortcoming(&self) -> Option<Shortcoming> {
        self.protection.as_ref().and_then(|protection| protection.shortcoming)
    }

    /// Makes them, in the calling process.
    #[inline(never)]
    pub(super) fn make(&self) -> Result<(), Failure> {
        self.attributes.set()?;
        self.rights.assume()?;
        if let Some(directory) = &self.directory {
            // SAFETY: a C string.
            Errno::result(unsafe { libc::syscall(libc::SYS_chdir, directory.as_ptr()) })
                .map_err(|errno| Failure::new(Stage::WorkingDirectory, errno))?;
        }
        self.confine()
    }

    /// Gives up, for good, to gain rights and to write beneath some paths.
    fn confine(&self) -> Result<(), Failure> {
        if self.no_new_privs {
            privileges::forgo_new_privileges().map_err(|errno| Failure::new(Stage::NoNewPrivs, errno))?;
        }
        let Some(ruleset) = self.protection.as_ref().and_then(Protection::ruleset) else { return Ok(()) };
        landlock::submit(ruleset).map_err(|errno| Failure::new(Stage::Landlock, errno))
    }
}

fn rights(program: &Program<'_>) -> Rights {
    let ProcessAttributes { groups: more, bounding, ambient, .. } = program.attributes;
    let credentials = program.credentials.filter(|wanted| !is_already(wanted));
    let given = credentials.map(|credentials| credentials.groups.clone());
    let groups = match given {
        None if more.is_empty() => None,
        None => Some(own_groups()).filter(|own| !more.iter().all(|group| own.contains(group))),
        given => given,
    };
    let groups = groups.map(|mut groups| {
        for group in more {
            if !groups.contains(group) {
                groups.push(*group);
            }
        }
        groups
    });
    Rights { credentials: credentials.cloned(), groups, bounding: *bounding, ambient: *ambient }
}

/// The supplementary groups of castoff and its primary one. A kernel that does not tell them
/// has none (getgroups(2)).
fn own_groups() -> Vec<u32> {
    let own = nix::unistd::getgroups().unwrap_or_default();
    own.into_iter().chain([nix::unistd::getegid()]).map(nix::unistd::Gid::as_raw).collect()
}

/// Whether castoff is that user and nobody more: then nothing can be set, and need not be.
fn is_already(wanted: &Credentials) -> bool {
    // SAFETY: these have no arguments and can't fail (geteuid(2)).
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    uid != 0 && uid == wanted.uid && gid == wanted.gid
}

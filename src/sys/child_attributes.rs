//! What the child gives itself while it still has castoff's rights, which some of it needs:
//! priority, limits, what the kernel thinks of its memory, the mask of new files. Raw system
//! calls only; no allocation.

#![allow(unsafe_code, reason = "between clone(2) and execve(2)")]

use std::ptr;

use libc::{c_int, c_long};
use nix::errno::Errno;

use super::start_failure::{Failure, Stage};
use crate::process_attributes::ProcessAttributes;
use crate::resource::{Limit, Resource};

/// Attributes in the form that the child needs.
#[derive(Default)]
pub(super) struct OwnAttributes {
    umask: Option<u32>,
    nice: Option<i32>,
    oom_score: Option<String>,
    limits: Vec<Limit>,
}

/// The kernel's `struct rlimit64`.
#[repr(C)]
struct KernelLimit {
    soft: u64,
    hard: u64,
}

impl OwnAttributes {
    pub(super) fn new(attributes: &ProcessAttributes) -> Self {
        Self {
            umask: attributes.umask,
            nice: attributes.nice,
            oom_score: attributes.oom_score_adj.map(|score| score.to_string()),
            limits: attributes.limits.clone(),
        }
    }

    /// Sets them, in the calling process.
    pub(super) fn set(&self) -> Result<(), Failure> {
        let failed = |stage| move |errno| Failure::new(stage, errno);
        if let Some(nice) = self.nice {
            // SAFETY: takes three integers.
            call(unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) })
                .map_err(failed(Stage::Nice))?;
        }
        if let Some(score) = &self.oom_score {
            set_oom_score(score).map_err(failed(Stage::OomScore))?;
        }
        for (limit, item) in self.limits.iter().zip(0..) {
            set_limit(*limit).map_err(|errno| Failure { item, ..Failure::new(Stage::Limit, errno) })?;
        }
        if let Some(umask) = self.umask {
            // SAFETY: takes an integer and can't fail (umask(2)).
            unsafe { libc::syscall(libc::SYS_umask, umask) };
        }
        Ok(())
    }
}

/// The memory that the child borrows does not matter: the kernel sets the value of all that
/// share memory, but for who shares it by vfork(2) (`__set_oom_adj` in fs/proc/base.c).
fn set_oom_score(score: &str) -> Result<(), Errno> {
    let path = c"/proc/self/oom_score_adj";
    let flags = libc::O_WRONLY | libc::O_CLOEXEC;
    // SAFETY: a C string and integers.
    let file =
        Errno::result(unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) })?;
    // SAFETY: the pointer is to so many bytes.
    let written = Errno::result(unsafe { libc::syscall(libc::SYS_write, file, score.as_ptr(), score.len()) });
    // SAFETY: the descriptor was opened here.
    unsafe { libc::syscall(libc::SYS_close, file) };
    written.map(drop)
}

/// What castoff itself can't go beyond; `None` where the kernel doesn't tell.
pub(super) fn hard_limit(resource: Resource) -> Option<u64> {
    let mut limit = KernelLimit { soft: 0, hard: 0 };
    let nothing: *const KernelLimit = ptr::null();
    let number = c_int::from(resource.number());
    // SAFETY: reads no limit and writes one (prlimit(2)).
    call(unsafe { libc::syscall(libc::SYS_prlimit64, 0, number, nothing, ptr::from_mut(&mut limit)) })
        .ok()?;
    Some(limit.hard)
}

fn set_limit(limit: Limit) -> Result<(), Errno> {
    let wanted = KernelLimit { soft: limit.soft, hard: limit.hard };
    let nothing: *mut KernelLimit = ptr::null_mut();
    let resource = c_int::from(limit.resource.number());
    // SAFETY: reads one limit and writes none (prlimit(2)).
    call(unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, ptr::from_ref(&wanted), nothing) })
}

fn call(result: c_long) -> Result<(), Errno> {
    Errno::result(result).map(drop)
}

//! With which rights a process acts: groups, group, user and capabilities, changed by the
//! child, and so by raw system calls only and without memory.
//!
//! Groups first, the user last: after it there is no right left to change the others. The
//! bounding set is cut before, with root's rights. The ambient set comes after, because the
//! change of the user empties it; for that the permitted set is kept across the change
//! (capabilities(7)).

#![allow(unsafe_code, reason = "capset(2), prctl(2), setresuid(2)")]

use std::ptr;

use libc::{c_int, c_long, c_ulong};
use nix::errno::Errno;

use super::spawn::Credentials;
use super::start_failure::{Failure, Stage};
use crate::capability::{Capability, CapabilitySet};

/// What of a process's rights is changed; the default is nothing.
#[derive(Default)]
pub(super) struct Rights {
    /// Its user and group.
    pub(super) credentials: Option<Credentials>,
    /// All its supplementary groups.
    pub(super) groups: Option<Vec<u32>>,
    /// What the bounding set is cut to.
    pub(super) bounding: Option<CapabilitySet>,
    /// The ambient set.
    pub(super) ambient: Option<CapabilitySet>,
}

impl Rights {
    /// Changes them, in the calling process.
    pub(super) fn assume(&self) -> Result<(), Failure> {
        if let Some(bounding) = self.bounding {
            cut_bounding_set(bounding)?;
        }
        let was_root = self.credentials.is_some() && effective_user() == 0;
        let leaves_root = was_root && self.credentials.as_ref().is_some_and(|wanted| wanted.uid != 0);
        if leaves_root && self.ambient.is_some_and(|wanted| !wanted.is_empty()) {
            // execve(2) undoes it
            control(libc::PR_SET_KEEPCAPS, 1, 0).map_err(|errno| Failure::new(Stage::Ambient, errno))?;
        }
        self.change_user()?;
        if self.bounding.is_some() || self.ambient.is_some() {
            self.set_capabilities(leaves_root)
        } else if self.credentials.is_some() && !was_root {
            // the kernel does it for root only
            clear_ambient_set()
        } else {
            Ok(())
        }
    }

    fn change_user(&self) -> Result<(), Failure> {
        let failed = |stage| move |errno| Failure::new(stage, errno);
        if let Some(groups) = &self.groups {
            // SAFETY: the pointer is to so many 4-byte group ids (setgroups(2)).
            call(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })
                .map_err(failed(Stage::Groups))?;
        }
        let Some(Credentials { uid, gid, .. }) = &self.credentials else { return Ok(()) };
        // SAFETY: takes three integers.
        call(unsafe { libc::syscall(libc::SYS_setresgid, *gid, *gid, *gid) }).map_err(failed(Stage::Gid))?;
        // SAFETY: takes three integers.
        call(unsafe { libc::syscall(libc::SYS_setresuid, *uid, *uid, *uid) }).map_err(failed(Stage::Uid))
    }

    /// The inheritable and the ambient set. Neither goes beyond the bounding set: the kernel
    /// bounds by it only what files give.
    fn set_capabilities(&self, leaves_root: bool) -> Result<(), Failure> {
        let failed = |errno| Failure::new(Stage::Ambient, errno);
        let mut sets = Sets::get().map_err(failed)?;
        let ambient = match self.ambient {
            None if self.credentials.is_some() => Some(CapabilitySet::EMPTY),
            wanted => wanted,
        };
        if let Some(missing) = ambient.and_then(|wanted| wanted.without(sets.permitted).iter().next()) {
            return Err(Failure { item: missing.number().into(), ..failed(Errno::EPERM) });
        }
        let bounded = sets.inheritable.and(self.bounding.unwrap_or(CapabilitySet::from_bits(u64::MAX)));
        sets.inheritable = self.ambient.unwrap_or(bounded);
        if leaves_root {
            sets.permitted = sets.permitted.and(self.ambient.unwrap_or_default());
            sets.effective = CapabilitySet::EMPTY;
        }
        // What leaves the inheritable set leaves the ambient one, too.
        sets.set().map_err(failed)?;
        let Some(ambient) = ambient else { return Ok(()) };
        clear_ambient_set()?;
        for capability in ambient.iter() {
            let number = c_ulong::from(capability.number());
            control(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE as c_ulong, number)
                .map_err(|errno| Failure { item: capability.number().into(), ..failed(errno) })?;
        }
        Ok(())
    }
}

/// Drops all but `kept`. The kernel tells by EINVAL that it knows no capability of a number.
fn cut_bounding_set(kept: CapabilitySet) -> Result<(), Failure> {
    for capability in (0..).map_while(Capability::new) {
        let number = c_ulong::from(capability.number());
        match control(libc::PR_CAPBSET_READ, number, 0) {
            Ok(0) => {}
            Ok(_) if kept.contains(capability) => {}
            Ok(_) => {
                control(libc::PR_CAPBSET_DROP, number, 0).map_err(|errno| Failure {
                    item: capability.number().into(),
                    ..Failure::new(Stage::Bounding, errno)
                })?;
            }
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(Failure::new(Stage::Bounding, errno)),
        }
    }
    Ok(())
}

/// A kernel without ambient sets (before 4.3) says EINVAL, and has nothing to clear.
fn clear_ambient_set() -> Result<(), Failure> {
    match control(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong, 0) {
        Ok(_) | Err(Errno::EINVAL) => Ok(()),
        Err(errno) => Err(Failure::new(Stage::Ambient, errno)),
    }
}

/// Nothing that the calling process executes gets more rights than it has. For good.
pub(super) fn forgo_new_privileges() -> Result<(), Errno> {
    control(libc::PR_SET_NO_NEW_PRIVS, 1, 0).map(drop)
}

/// The three sets that capget(2) knows.
struct Sets {
    effective: CapabilitySet,
    permitted: CapabilitySet,
    inheritable: CapabilitySet,
}

/// `struct __user_cap_header_struct` with the version that has two words for each set.
#[repr(C)]
struct Header {
    version: u32,
    pid: c_int,
}

impl Header {
    const OWN: Self = Self { version: 0x2008_0522, pid: 0 };
}

/// Lower and upper halves of `struct __user_cap_data_struct`: effective, permitted,
/// inheritable.
type Words = [[u32; 3]; 2];

impl Sets {
    fn get() -> Result<Self, Errno> {
        let mut header = Header::OWN;
        let mut words: Words = [[0; 3]; 2];
        // SAFETY: a header of a version for which the kernel writes so many words.
        call(unsafe { libc::syscall(libc::SYS_capget, ptr::from_mut(&mut header), words.as_mut_ptr()) })?;
        let [low, high] = words;
        let [effective, permitted, inheritable] = [(low[0], high[0]), (low[1], high[1]), (low[2], high[2])]
            .map(|(low, high)| CapabilitySet::from_bits(u64::from(high) << 32 | u64::from(low)));
        Ok(Self { effective, permitted, inheritable })
    }

    fn set(&self) -> Result<(), Errno> {
        let mut header = Header::OWN;
        let bits = [self.effective, self.permitted, self.inheritable].map(CapabilitySet::bits);
        let half = |shift: u32| bits.map(|bits| u32::try_from(bits >> shift & 0xffff_ffff).unwrap_or(0));
        let words: Words = [half(0), half(32)];
        // SAFETY: a header of a version for which the kernel reads so many words.
        call(unsafe { libc::syscall(libc::SYS_capset, ptr::from_mut(&mut header), words.as_ptr()) })
    }
}

fn control(operation: c_int, first: c_ulong, second: c_ulong) -> Result<c_long, Errno> {
    // the kernel looks at all the bits of those that it does not use
    const UNUSED: c_ulong = 0;
    // SAFETY: none of the operations above takes a pointer (prctl(2)).
    Errno::result(unsafe { libc::syscall(libc::SYS_prctl, operation, first, second, UNUSED, UNUSED) })
}

fn effective_user() -> c_long {
    // SAFETY: takes no arguments and can't fail (geteuid(2)).
    unsafe { libc::syscall(libc::SYS_geteuid) }
}

fn call(result: c_long) -> Result<(), Errno> {
    Errno::result(result).map(drop)
}

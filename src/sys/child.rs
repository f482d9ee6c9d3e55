//! What a process does on its way to become a program.
//!
//! It runs in castoff's own memory while castoff is suspended (see `spawn`), so it makes
//! raw system calls only: it allocates nothing, takes no lock, and never calls libc's
//! setuid, which would signal the threads that it believes to have. Signals stay blocked
//! until the last moment, so none that comes early is swallowed.

#![allow(unsafe_code, reason = "between clone(2) and execve(2)")]

use std::ffi::CString;
use std::os::fd::RawFd;

use libc::{c_char, c_long, pid_t};
use nix::errno::Errno;

use super::changes::Changes;
use super::pid_entry::PidEntry;
use super::spawn::Setting;
use super::start_failure::{Failure, Stage};
use super::{signals, terminal};

/// Everything prepared.
pub(super) struct Order<'a> {
    pub(super) files: &'a [CString],
    pub(super) argv: &'a [*const c_char],
    /// A vector of C strings that ends with a null, or a null.
    pub(super) envp: *const *const c_char,
    /// `None`: nothing.
    pub(super) changes: Option<&'a Changes>,
    pub(super) setting: &'a Setting,
    pub(super) pid_entry: Option<&'a PidEntry>,
}

/// Ends the process at once, as a shell's child does that found no command.
pub(super) fn exit() -> ! {
    loop {
        // SAFETY: takes one integer and does not return; no destructor or exit hook is run.
        unsafe { libc::syscall(libc::SYS_exit_group, 127) };
    }
}

/// Becomes the program. Returns only if it fails.
pub(super) fn become_program(order: &Order<'_>) -> Failure {
    let setting = order.setting;
    if setting.own_session {
        // It can't fail: a process that was just made leads no group (setsid(2)).
        // SAFETY: takes no arguments.
        unsafe { libc::syscall(libc::SYS_setsid) };
    } else if setting.own_group {
        // It fails for a session's leader only, who leads a group already (setpgid(2)).
        // SAFETY: takes two integers.
        unsafe { libc::syscall(libc::SYS_setpgid, 0, 0) };
    }
    match setting.terminal {
        // its leader's group then has the foreground
        Some(fd) if setting.own_session => terminal::take(fd),
        Some(fd) => terminal::set_foreground(fd, own_pid()),
        None => {}
    }
    for (wanted, target) in setting.stdio.iter().zip(0..) {
        if let Some(fd) = wanted {
            // SAFETY: takes three integers; the copy stays open across execve(2).
            if let Err(errno) = call(unsafe { libc::syscall(libc::SYS_dup3, *fd, target, 0) }) {
                return Failure::new(Stage::Stdio, errno);
            }
        }
    }
    if let Some(changes) = order.changes
        && let Err(failure) = changes.make()
    {
        return failure;
    }
    // the last descriptor that is used: the number may be that of one of castoff's own
    if let Some((fd, number)) = setting.handed
        && let Err(errno) = hand(fd, number)
    {
        return Failure::new(Stage::Stdio, errno);
    }
    if let Some(entry) = order.pid_entry {
        entry.write(own_pid());
    }
    if setting.ignores_children {
        signals::ignore_children(true);
    }
    if let Err(errno) = signals::change_mask(libc::SIG_SETMASK, setting.mask) {
        return Failure::new(Stage::Mask, errno);
    }
    let failure = execute(order);
    let _ = signals::block_all();
    failure
}

/// Gives the program a descriptor under a number; one that has it already only loses the flag
/// by which it would be closed (dup3(2) refuses a copy to itself).
fn hand(fd: RawFd, number: RawFd) -> Result<(), Errno> {
    if fd == number {
        // SAFETY: takes integers.
        return call(unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFD, 0) });
    }
    // SAFETY: takes three integers; the copy stays open across execve(2).
    call(unsafe { libc::syscall(libc::SYS_dup3, fd, number, 0) })
}

fn own_pid() -> pid_t {
    // SAFETY: takes no arguments and can't fail (getpid(2)).
    let own = unsafe { libc::syscall(libc::SYS_getpid) };
    pid_t::try_from(own).unwrap_or(0)
}

/// Tries the candidates in order, as execvp(3) does: one that is absent or refused gives way
/// to the next, and a refusal is what is reported if no other works.
fn execute(order: &Order<'_>) -> Failure {
    let mut reported: Option<Failure> = None;
    for (file, item) in order.files.iter().zip(0..) {
        // SAFETY: a C string and two null-terminated vectors of C strings, or no second (execve(2)).
        unsafe {
            libc::syscall(libc::SYS_execve, file.as_ptr(), order.argv.as_ptr(), order.envp);
        }
        let failure = Failure { stage: Stage::Exec, errno: Errno::last(), item };
        match (failure.errno, reported.map(|earlier| earlier.errno)) {
            (Errno::ENOENT | Errno::ENOTDIR, Some(_)) | (Errno::EACCES, Some(Errno::EACCES)) => {}
            (Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES, _) => reported = Some(failure),
            _ => return failure,
        }
    }
    reported.unwrap_or(Failure::new(Stage::Lookup, Errno::ENOENT))
}

fn call(result: c_long) -> Result<(), Errno> {
    Errno::result(result).map(drop)
}

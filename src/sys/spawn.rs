//! Making a process, and becoming another program.
//!
//! The child is made by `clone(CLONE_VM | CLONE_VFORK)`: it borrows castoff's memory until
//! it executes, so no page table is copied, and castoff goes on only when the child is past
//! execve(2) or gone. Everything it needs is prepared before; `child` has what it does.
//! All signals must be blocked.

#![allow(unsafe_code, reason = "clone(2), execve(2)")]

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use libc::{c_char, c_int, c_void, pid_t};
use nix::errno::Errno;

use super::c_strings::CStrings;
use super::changes::Changes;
use super::child;
use super::environment::{self, Variables};
use super::landlock::Shortcoming;
use super::lookup::{self, Candidates};
use super::pid_entry::PidEntry;
use super::signals::SignalSet;
pub use super::start_failure::{Failure, Stage};
use crate::process_attributes::ProcessAttributes;

/// Who a process runs as. Numbers only: names were looked up when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// What is to be executed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Program<'a> {
    /// The command and its arguments. The command is looked up in the environment's PATH.
    pub argv: &'a [OsString],
    /// The whole environment.
    pub environment: Variables<'a>,
    /// Who it runs as; `None`: as castoff does.
    pub credentials: Option<&'a Credentials>,
    /// Where it runs; `None`: where castoff is.
    pub working_directory: Option<&'a OsStr>,
    /// What else it has of its own.
    pub attributes: &'a ProcessAttributes,
}

/// How the process stands among the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// Whether it leads a process group of its own.
    pub own_group: bool,
    /// Whether it leads a session of its own, and so a group, too.
    pub own_session: bool,
    /// The terminal whose foreground its group takes; with a session of its own, the terminal
    /// that becomes the session's.
    pub terminal: Option<RawFd>,
    /// What becomes its stdin, stdout and stderr; `None`: castoff's. All above 2.
    pub stdio: [Option<RawFd>; 3],
    /// A descriptor that it gets as well, and the number, above 2, that it gets it as.
    pub handed: Option<(RawFd, RawFd)>,
    /// The signals that are blocked in it.
    pub mask: SignalSet,
    /// Whether it ignores SIGCHLD.
    pub ignores_children: bool,
}

/// A program with everything that its child will touch, in the form that the kernel takes.
pub struct Prepared {
    candidates: Candidates,
    files: Vec<CString>,
    // The vectors of pointers end with a null and point into the strings beside them,
    // which are never changed.
    argv: Vec<*const c_char>,
    // Empty, without even a null: castoff's own.
    envp: Vec<*const c_char>,
    _arguments: CStrings,
    variables: CStrings,
    // None: nothing, as for most.
    changes: Option<Box<Changes>>,
    // What one pointer of `envp` points to instead.
    pid_entry: Option<PidEntry>,
}

fn arguments(program: &Program<'_>) -> Result<CStrings, Errno> {
    let bytes = program.argv.iter().map(|argument| argument.len() + 1).sum();
    let mut strings = CStrings::with_room(bytes, program.argv.len());
    for argument in program.argv {
        strings.push(&[argument.as_bytes()])?;
    }
    Ok(strings)
}

fn variables(listed: &[(OsString, OsString)]) -> Result<CStrings, Errno> {
    let bytes = listed.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut strings = CStrings::with_room(bytes, listed.len());
    for (name, value) in listed {
        strings.push(&[name.as_bytes(), b"=", value.as_bytes()])?;
    }
    Ok(strings)
}

impl Prepared {
    /// Looks the command up and puts everything into the kernel's form.
    ///
    /// # Errors
    /// `Stage::Arguments` for a NUL byte or an empty command line, `Stage::ReadOnlyPaths` for
    /// a path that is not there.
    pub fn new(program: &Program<'_>) -> Result<Self, Failure> {
        let refused = |errno| Failure::new(Stage::Arguments, errno);
        let invalid = |_| refused(Errno::EINVAL);
        let command = program.argv.first().ok_or(Failure::new(Stage::Arguments, Errno::ENOENT))?;
        let candidates = lookup::candidates(command, program.environment);
        let files = candidates.files.iter().map(|file| CString::new(file.as_os_str().as_bytes()));
        let files = files.collect::<Result<Vec<_>, _>>().map_err(invalid)?;
        let arguments = arguments(program).map_err(refused)?;
        let (variables, envp) = match program.environment {
            Variables::Own => (CStrings::default(), Vec::new()),
            Variables::Listed(listed) => {
                let variables = variables(listed).map_err(refused)?;
                let envp = variables.pointers();
                (variables, envp)
            }
        };
        let argv = arguments.pointers();
        Ok(Self {
            candidates,
            files,
            argv,
            envp,
            _arguments: arguments,
            variables,
            changes: Changes::of(program)?,
            pid_entry: None,
        })
    }

    /// With the id of the process that will be made as the value of the variable `name`, if
    /// there is one among those that were listed.
    #[must_use]
    pub fn with_pid_in(mut self, name: &str) -> Self {
        let at = self.variables.position(&[name.as_bytes(), b"="]);
        let slot = at.and_then(|at| self.envp.get_mut(at));
        if let Some(slot) = slot {
            let entry = PidEntry::new(name);
            *slot = entry.as_ptr();
            self.pid_entry = Some(entry);
        }
        self
    }

    /// What the lookup found.
    #[must_use]
    pub fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// In what the kernel falls short of what was asked for; the program runs all the same.
    #[must_use]
    pub fn shortcoming(&self) -> Option<Shortcoming> {
        self.changes.as_ref().and_then(|changes| changes.shortcoming())
    }

    /// Makes a child that is the program, and gives its process id. When this returns, the
    /// child has executed, or was killed by a signal before that (waitpid(2) tells).
    ///
    /// # Errors
    /// No process, or one that could not become the program and has been reaped.
    pub fn spawn(&self, setting: &Setting) -> Result<pid_t, Failure> {
        if self.files.is_empty() {
            return Err(Failure::new(Stage::Lookup, Errno::ENOENT));
        }
        let mut call = Call { order: self.order(setting), failure: None };
        match vfork(&mut call) {
            Ok(pid) => settle(pid, call.failure),
            // A sandbox may refuse the shared memory; one that has run out of processes or
            // memory would refuse a fork as well.
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EPERM) => self.fork(setting),
            Err(errno) => Err(Failure::new(Stage::Clone, errno)),
        }
    }

    fn fork(&self, setting: &Setting) -> Result<pid_t, Failure> {
        let failed = |errno| Failure::new(Stage::Clone, errno);
        let (mut reader, mut writer) = pipe().map_err(failed)?;
        let order = self.order(setting);
        // SAFETY: castoff has one thread, so the child finds no lock held.
        match Errno::result(unsafe { libc::fork() }).map_err(failed)? {
            0 => {
                let failure = child::become_program(&order);
                // A parent that can't be told finds the exit status 127.
                let _ = writer.write_all(&failure.to_bytes());
                child::exit()
            }
            pid => {
                drop(writer);
                // The writing end closes on exec and on exit: the read ends with either.
                let mut bytes = [0; 12];
                let failure = reader.read_exact(&mut bytes).is_ok().then(|| Failure::from_bytes(bytes));
                settle(pid, failure)
            }
        }
    }

    /// Becomes the program: on success this does not return. Some of the setting may have
    /// been done when it fails; castoff has nothing left to do then but to say so.
    #[must_use]
    pub fn exec(&self, setting: &Setting) -> Failure {
        if self.files.is_empty() {
            return Failure::new(Stage::Lookup, Errno::ENOENT);
        }
        super::signal_source::discard_own_pipe();
        child::become_program(&self.order(setting))
    }

    fn order<'a>(&'a self, setting: &'a Setting) -> child::Order<'a> {
        child::Order {
            files: &self.files,
            argv: &self.argv,
            envp: if self.envp.is_empty() { environment::vector() } else { self.envp.as_ptr() },
            changes: self.changes.as_deref(),
            setting,
            pid_entry: self.pid_entry.as_ref(),
        }
    }
}

fn settle(pid: pid_t, failure: Option<Failure>) -> Result<pid_t, Failure> {
    match failure {
        None => Ok(pid),
        Some(failure) => {
            let _ = super::reap::wait_for(pid);
            Err(failure)
        }
    }
}

struct Call<'a> {
    order: child::Order<'a>,
    failure: Option<Failure>,
}

/// Bytes that the C library's way to clone(2) takes of castoff's stack, and more: some 300 in musl.
const CLONE_FRAMES: usize = 1024;

/// The child's stack is castoff's own below these frames, as vfork(2) has it: used before, mostly,
/// and given back with it (`memory`). It is no variable: each page of that would be touched to see
/// that it is there.
#[inline(never)]
fn vfork(call: &mut Call<'_>) -> Result<pid_t, Errno> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let call = ptr::from_mut(call).cast::<c_void>();
    let mut here = MaybeUninit::<u8>::uninit();
    let top = here.as_mut_ptr().wrapping_sub(CLONE_FRAMES).cast();
    // SAFETY: the child shares castoff's memory while castoff, which has one thread and no signal
    // handlers, is suspended until it has executed or exited (CLONE_VFORK): so what `call` is is alive
    // and used by one of both at a time, and below the frames of this call the stack holds nothing.
    Errno::result(unsafe { libc::clone(child_main, top, flags, call) })
}

extern "C" fn child_main(call: *mut c_void) -> c_int {
    // SAFETY: the pointer that `vfork` passed, exclusively used here while it is suspended.
    let call = unsafe { &mut *call.cast::<Call<'_>>() };
    call.failure = Some(child::become_program(&call.order));
    child::exit()
}

/// A pipe whose ends close on exec: the reading end and the writing end.
///
/// # Errors
/// No descriptors left (pipe(2)).
pub fn pipe() -> Result<(File, File), Errno> {
    let mut ends = [0; 2];
    // SAFETY: pipe2 writes two descriptors.
    Errno::result(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: the kernel has just made them, nobody else has them.
    let [reader, writer] = ends.map(|fd| File::from(unsafe { OwnedFd::from_raw_fd(fd) }));
    Ok((reader, writer))
}

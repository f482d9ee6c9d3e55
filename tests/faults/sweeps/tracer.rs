//! Runs a program system call by system call (ptrace(2)): each call of each of its threads
//! is stopped before it is made, numbered, and let go, failed, or made the last one.
//!
//! strace's `inject` counts per thread and per name, so no sweep of it meets every call
//! exactly once; here one number counts them all. Processes that the program starts are not
//! followed. The test program has one thread, which waits for all that ended.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use libc::{c_long, c_uint, pid_t};

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// From 1, over all threads.
    pub(crate) index: u64,
    /// Which one, as `libc::SYS_…`.
    pub(crate) number: c_long,
    /// Its arguments.
    pub(crate) arguments: [u64; 6],
    /// Whether it is castoff's own; the dynamic loader's come first.
    pub(crate) own: bool,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is made.
    Go,
    /// The program is killed instead.
    Kill,
    /// It fails with this number without being made, and no call after it is stopped.
    /// close(2) is made all the same: as the kernel has it, the descriptor is gone.
    Fail(i32),
    /// The program is sent this signal, and the call is made.
    Signal(i32),
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    /// The calls that were stopped, until one was let go free.
    pub(crate) calls: u64,
}

/// Whether programs can be traced here.
pub(crate) fn works() -> bool {
    let mut calls = 0;
    let ended = trace(&mut Command::new("/bin/true"), |_| {
        calls += 1;
        Verdict::Go
    });
    ended.is_some_and(|ended| ended.exit == Exit::Code(0)) && calls > 0
}

/// Starts the program and runs it to its end; `None`: it can't be traced. Waits for all
/// that it leaves behind, too.
pub(crate) fn trace(command: &mut Command, judge: impl FnMut(&Call) -> Verdict) -> Option<Ended> {
    // SAFETY: in the new process, one system call.
    unsafe {
        command.pre_exec(|| {
            if libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        })
    };
    let child = command.spawn().ok()?;
    let mut tracing = Tracing::of(&child, judge);
    let ended = tracing.run();
    wait_for_the_rest();
    Some(ended)
}

/// The program runs on one core only, so that castoff works with one thread, and every run
/// makes the same calls.
pub(crate) fn on_one_core(command: &mut Command) -> &mut Command {
    // SAFETY: a zeroed set is an empty one; the closure makes one system call.
    unsafe {
        let mut all: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut all);
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        let allowed: Vec<usize> = (0..1024).filter(|core| libc::CPU_ISSET(*core, &all)).collect();
        if let Some(core) = allowed.get(std::process::id() as usize % allowed.len().max(1)) {
            libc::CPU_SET(*core, &mut one);
        }
        command.pre_exec(move || {
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one);
            Ok(())
        })
    }
}

/// Orphans come to this process, which has to be their subreaper.
pub(crate) fn adopt_orphans() {
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Waits until no child is left: a service that outlives castoff has seen what it saw then.
pub(crate) fn wait_for_the_rest() {
    // SAFETY: a null status; it fails with ECHILD when there is nobody left.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) } > 0 {}
}

struct Tracing<J> {
    leader: pid_t,
    judge: J,
    calls: u64,
    own: bool,
    free: bool,
    /// The threads in a call that is to fail.
    failing: BTreeMap<pid_t, i32>,
}

impl<J: FnMut(&Call) -> Verdict> Tracing<J> {
    fn of(child: &Child, judge: J) -> Self {
        let leader = pid_t::try_from(child.id()).unwrap();
        Self { leader, judge, calls: 0, own: false, free: false, failing: BTreeMap::new() }
    }

    fn run(&mut self) -> Ended {
        let mut begun = false;
        loop {
            let mut status = 0;
            // SAFETY: `status` is writable.
            let thread = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
            assert!(thread > 0, "waitpid: {}", std::io::Error::last_os_error());
            if libc::WIFSTOPPED(status) {
                if !begun && thread == self.leader {
                    begun = true;
                    let options = libc::PTRACE_O_TRACESYSGOOD
                        | libc::PTRACE_O_TRACECLONE
                        | libc::PTRACE_O_TRACEEXEC
                        | libc::PTRACE_O_EXITKILL;
                    request(libc::PTRACE_SETOPTIONS, thread, options as usize);
                    self.resume(thread, 0);
                } else {
                    self.stopped(thread, status);
                }
            } else if thread == self.leader {
                let exit = match libc::WIFEXITED(status) {
                    true => Exit::Code(libc::WEXITSTATUS(status)),
                    false => Exit::Signal(libc::WTERMSIG(status)),
                };
                return Ended { exit, calls: self.calls };
            }
        }
    }

    fn resume(&self, thread: pid_t, signal: i32) {
        let watched = !self.free || self.failing.contains_key(&thread);
        let how = if watched { libc::PTRACE_SYSCALL } else { libc::PTRACE_CONT };
        // who was killed meanwhile is not there any more: waitpid tells
        request(how, thread, usize::try_from(signal).unwrap());
    }

    fn stopped(&mut self, thread: pid_t, status: i32) {
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        if event == libc::PTRACE_EVENT_EXEC {
            self.own = false;
        }
        if event != 0 {
            return self.resume(thread, 0);
        }
        match signal {
            // a new thread begins so
            libc::SIGSTOP => self.resume(thread, 0),
            signal if signal == libc::SIGTRAP | 0x80 => self.at_call(thread),
            signal => self.resume(thread, signal),
        }
    }

    fn at_call(&mut self, thread: pid_t) {
        // struct ptrace_syscall_info of ptrace(2): what it is in the first byte, then the
        // architecture, two pointers, and of a call that begins its number and arguments
        let mut info = [0_u64; 16];
        // SAFETY: the kernel writes at most as many bytes as it is told.
        unsafe { libc::ptrace(0x420e, thread, size_of_val(&info), info.as_mut_ptr()) };
        match info[0] & 0xff {
            1 => {
                let number = c_long::try_from(info[3]).unwrap_or(-1);
                self.begins(thread, number, info[4..10].try_into().unwrap());
            }
            _ => {
                if let Some(errno) = self.failing.remove(&thread) {
                    set_register(thread, |registers| registers.rax = (-i64::from(errno)).cast_unsigned());
                }
                self.resume(thread, 0);
            }
        }
    }

    fn begins(&mut self, thread: pid_t, number: c_long, arguments: [u64; 6]) {
        if self.free {
            return self.resume(thread, 0);
        }
        // castoff's first act is to block all signals (`sys::start`); no loader does that
        self.own |= number == libc::SYS_rt_sigprocmask;
        self.calls += 1;
        let call = Call { index: self.calls, number, arguments, own: self.own };
        match (self.judge)(&call) {
            Verdict::Go => {}
            Verdict::Kill => {
                self.free = true;
                send(self.leader, libc::SIGKILL);
                return;
            }
            Verdict::Fail(errno) => {
                self.free = true;
                self.failing.insert(thread, errno);
                if number != libc::SYS_close {
                    set_register(thread, |registers| registers.orig_rax = u64::MAX);
                }
            }
            Verdict::Signal(signal) => send(self.leader, signal),
        }
        self.resume(thread, 0);
    }
}

fn send(process: pid_t, signal: i32) {
    // SAFETY: takes integers.
    unsafe { libc::kill(process, signal) };
}

fn request(how: c_uint, thread: pid_t, data: usize) {
    // SAFETY: these requests read nothing but numbers.
    unsafe { libc::ptrace(how, thread, 0, data) };
}

fn set_register(thread: pid_t, change: impl FnOnce(&mut libc::user_regs_struct)) {
    // SAFETY: the structure is plain numbers, and as large as the kernel takes it.
    unsafe {
        let mut registers: libc::user_regs_struct = std::mem::zeroed();
        libc::ptrace(libc::PTRACE_GETREGS, thread, 0, &raw mut registers);
        change(&mut registers);
        libc::ptrace(libc::PTRACE_SETREGS, thread, 0, &raw const registers);
    }
}

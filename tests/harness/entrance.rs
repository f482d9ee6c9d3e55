//! The last steps of a new process before it executes a program: what the program is to find is
//! made so. System calls only, on what was prepared: the process may be a copy of one that has
//! threads.

#![allow(unsafe_code, reason = "what comes between clone(2) and execve(2)")]

use std::ffi::CString;
use std::os::fd::RawFd;
use std::ptr;

use libc::{c_char, c_long};

/// What a program finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entrance {
    /// Descriptors that it has not.
    pub(super) closed: Vec<RawFd>,
    /// Signals that are blocked, by bit.
    pub(super) blocked: u64,
    pub(super) ignored: Vec<i32>,
    /// Whether stdin is its controlling terminal.
    pub(super) terminal: bool,
    /// Descriptors that it has, and their numbers there.
    pub(super) descriptors: Vec<(RawFd, RawFd)>,
    /// System calls that fail with EPERM, in all that it starts too.
    pub(super) denied: Vec<c_long>,
    /// It is executed when somebody writes to this socket, or closes it. One byte comes first.
    pub(super) held: Option<RawFd>,
}

/// An entrance and a program, as the kernel takes them.
pub(super) struct Steps {
    entrance: Entrance,
    standard: [RawFd; 3],
    filter: Vec<libc::sock_filter>,
    _strings: [Vec<CString>; 2],
    argv: Vec<*const c_char>,
    environment: Vec<*const c_char>,
}

impl Entrance {
    /// As words, without where descriptors come from.
    pub(super) fn words(&self) -> Vec<String> {
        let each = |name: &str, numbers: &[i64]| -> Vec<String> {
            numbers.iter().flat_map(|number| [name.to_owned(), number.to_string()]).collect()
        };
        let wide = |numbers: &[i32]| -> Vec<i64> { numbers.iter().copied().map(i64::from).collect() };
        let numbers: Vec<i64> = self.descriptors.iter().map(|(_, number)| i64::from(*number)).collect();
        [
            each("--closed", &wide(&self.closed)),
            each("--blocked", &[self.blocked.cast_signed()]),
            each("--ignored", &wide(&self.ignored)),
            each("--terminal", &[self.terminal.into()]),
            each("--descriptor", &numbers),
            each("--denied", &self.denied),
            each("--held", &[self.held.is_some().into()]),
        ]
        .concat()
    }

    /// That of words, with the descriptors that were handed on.
    pub(super) fn of_words(words: &[String], handed: &mut impl Iterator<Item = RawFd>) -> Self {
        let mut entrance = Self::default();
        for pair in words.chunks(2) {
            let number: i64 = pair[1].parse().unwrap();
            let small = || i32::try_from(number).unwrap();
            match pair[0].as_str() {
                "--closed" => entrance.closed.push(small()),
                "--blocked" => entrance.blocked = number.cast_unsigned(),
                "--ignored" => entrance.ignored.push(small()),
                "--terminal" => entrance.terminal = number == 1,
                "--descriptor" => entrance.descriptors.push((handed.next().unwrap(), small())),
                "--denied" => entrance.denied.push(number),
                "--held" => entrance.held = (number == 1).then(|| handed.next().unwrap()),
                other => panic!("no entrance has {other}"),
            }
        }
        entrance
    }

    /// The steps to the program, which has these descriptors for its first three.
    pub(super) fn steps(&self, standard: [RawFd; 3], argv: &[String], environment: &[String]) -> Steps {
        let strings = [argv, environment].map(c_strings);
        let [argv, environment] = strings.each_ref().map(|strings| pointers(strings));
        let filter = if self.denied.is_empty() { Vec::new() } else { filter(&self.denied) };
        Steps { entrance: self.clone(), standard, filter, _strings: strings, argv, environment }
    }
}

impl Steps {
    /// Takes them.
    ///
    /// # Safety
    /// In a process that does nothing else after this.
    pub(super) unsafe fn take(&self) -> ! {
        let mut byte = 0_u8;
        let Entrance { closed, blocked, ignored, terminal, descriptors, held, .. } = &self.entrance;
        // SAFETY: system calls on numbers, on prepared C strings and on `byte`.
        unsafe {
            libc::setsid();
            if *terminal {
                libc::ioctl(self.standard[0], libc::TIOCSCTTY, 0);
            }
            for (fd, target) in self.standard.iter().zip(0..) {
                libc::dup2(*fd, target);
            }
            for fd in closed {
                libc::close(*fd);
            }
            // What the test program itself was handed is nobody's business here.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            for (fd, number) in descriptors {
                libc::dup2(*fd, *number);
                // dup2(2) leaves the flag as it was where both are the same
                libc::fcntl(*number, libc::F_SETFD, 0);
            }
            for signal in 1..=64 {
                let ignored = ignored.contains(&signal);
                // As the kernel has it (handler, flags, restorer, mask): glibc keeps 32
                // and 33 to itself.
                let action = [if ignored { libc::SIG_IGN } else { libc::SIG_DFL }, 0, 0, 0];
                libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), ptr::null::<usize>(), 8);
            }
            if !self.filter.is_empty() {
                let program = libc::sock_fprog {
                    len: self.filter.len() as u16,
                    filter: self.filter.as_ptr().cast_mut(),
                };
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program);
            }
            let how = libc::SIG_SETMASK;
            libc::syscall(libc::SYS_rt_sigprocmask, how, ptr::from_ref(blocked), ptr::null::<u64>(), 8);
            if let Some(held) = held {
                libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY);
                libc::send(*held, (&raw const byte).cast(), 1, 0);
                // by a call that castoff never makes, since strace counts this one
                libc::recv(*held, (&raw mut byte).cast(), 1, 0);
            }
            libc::execve(self.argv[0], self.argv.as_ptr(), self.environment.as_ptr());
            libc::_exit(99)
        }
    }
}

/// Loads the call's number; each that is denied jumps to the last instruction.
fn filter(denied: &[c_long]) -> Vec<libc::sock_filter> {
    let instruction = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut filter = vec![instruction(0x20, 0, 0)];
    for (call, left) in denied.iter().zip((0..denied.len()).rev()) {
        let over = u8::try_from(left + 1).unwrap();
        filter.push(instruction(0x15, over, u32::try_from(*call).unwrap()));
    }
    filter.push(instruction(0x06, 0, libc::SECCOMP_RET_ALLOW));
    filter.push(instruction(0x06, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned()));
    filter
}

fn c_strings(texts: &[String]) -> Vec<CString> {
    texts.iter().map(|text| CString::new(text.as_str()).unwrap()).collect()
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

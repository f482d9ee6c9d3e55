//! Starting a program exactly so: as PID 1 of a new namespace or not, with these signals
//! blocked and ignored, these descriptors closed, on this terminal.
//!
//! By clone(2) itself: std's Command can't make a PID 1, and resets what is tested here.
//! The new process makes system calls only, since the test program has threads (`entrance`). A
//! container's is made by Docker (`docker`).

#![allow(unsafe_code, reason = "clone(2) and what comes before execve(2)")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr;

use super::docker;
use super::entrance::Entrance;
use super::pty::Pty;
use super::running::Running;

/// Where the program stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// A child of the test, and so not PID 1: castoff becomes a subreaper.
    Child,
    /// PID 1 of a new PID namespace, with a /proc of its own.
    Init,
    /// PID 1 of a container that Docker made.
    Docker,
}

impl Place {
    /// Whether the kernel keeps signals from it, and its end is that of all below it.
    pub(crate) fn is_init(self) -> bool {
        self != Self::Child
    }
}

/// Says on the real stderr, past libtest's capture, that something can't be tested here.
pub(crate) fn skipped(reason: &str) {
    let _ = std::io::stderr().write_all(format!("skipped: {reason}\n").as_bytes());
}

/// Runs a test in each place that this machine allows.
pub(crate) fn each_place(test: impl Fn(Place)) {
    if docker::is_asked_for() {
        return test(Place::Docker);
    }
    test(Place::Child);
    if namespaces_work() {
        test(Place::Init);
    }
}

/// The same, but for Docker's containers, where nobody may mount or make a cgroup.
pub(crate) fn each_place_to_mount_in(test: impl Fn(Place)) {
    if !docker::is_asked_for() {
        each_place(test);
    }
}

/// Whether a PID namespace can be made; says so if not.
pub(crate) fn namespaces_work() -> bool {
    let works = Launch::program(["/bin/true"]).place(Place::Init).try_start().is_some();
    if !works {
        skipped("no PID namespace can be made here");
    }
    works
}

/// Whether the kernel guards files by Landlock, truncate(2) included; says so if not.
pub(crate) fn landlock_works() -> bool {
    // SAFETY: asked for its version, the kernel reads no attribute.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0, 1) };
    if version < 3 {
        skipped("this kernel guards no files by Landlock");
    }
    version >= 3
}

/// The program with a system call failing or delayed, as strace's `inject=…` says it.
/// `None`, said so, where there is no strace. castoff is then strace's only child.
pub(crate) fn refusing(injection: &str, mut launch: Launch) -> Option<Launch> {
    let strace = "/usr/bin/strace";
    if !Path::new(strace).exists() {
        skipped("no strace to make system calls fail with");
        return None;
    }
    let inject = format!("inject={injection}");
    let words = [strace, "-f", "-o", "/dev/null", "-e", &inject].map(str::to_owned);
    launch.argv.splice(0..0, words);
    Some(launch)
}

/// A program to start.
pub(crate) struct Launch {
    argv: Vec<String>,
    environment: Vec<String>,
    place: Place,
    entrance: Entrance,
    terminal: Option<Pty>,
    held: Option<UnixStream>,
}

impl Launch {
    /// Any program, by its path.
    pub(crate) fn program<const N: usize>(argv: [&str; N]) -> Self {
        Self {
            argv: argv.map(str::to_owned).to_vec(),
            environment: vec!["PATH=/usr/local/bin:/usr/bin:/bin".to_owned()],
            place: Place::Child,
            entrance: Entrance::default(),
            terminal: None,
            held: None,
        }
    }

    /// castoff with these arguments.
    pub(crate) fn castoff<const N: usize>(arguments: [&str; N]) -> Self {
        Self::program([env!("CARGO_BIN_EXE_castoff")]).arguments(&arguments)
    }

    /// castoff's running half with any plan, by the probe's `run` (see `probe`).
    pub(crate) fn library<const N: usize>(arguments: [&str; N]) -> Self {
        Self::probe(["run"]).arguments(&arguments)
    }

    /// One of the probe's own programs.
    pub(crate) fn probe<const N: usize>(arguments: [&str; N]) -> Self {
        let own = std::env::current_exe().unwrap();
        Self::program([own.to_str().unwrap(), "--probe"]).arguments(&arguments)
    }

    /// castoff under another name, by a link to it.
    pub(crate) fn castoff_as(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("names");
        std::fs::create_dir_all(&directory).unwrap();
        let link = directory.join(name);
        // tests of other processes make the same link at the same time
        let made = directory.join(format!("{name}-{}-{:?}", std::process::id(), std::thread::current().id()));
        let _ = std::fs::remove_file(&made);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_castoff"), &made).unwrap();
        std::fs::rename(&made, &link).unwrap();
        Self::program([link.to_str().unwrap()])
    }

    /// More arguments.
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.argv.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Run by a shell's script, as its `$@`.
    pub(crate) fn behind(mut self, script: &str) -> Self {
        let words = ["/bin/sh", "-c", script, "sh"].map(str::to_owned);
        self.argv.splice(0..0, words);
        self
    }

    pub(crate) fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    pub(crate) fn variable(mut self, entry: &str) -> Self {
        self.environment.push(entry.to_owned());
        self
    }

    pub(crate) fn closed(mut self, descriptors: &[RawFd]) -> Self {
        self.entrance.closed = descriptors.to_vec();
        self
    }

    pub(crate) fn blocked(mut self, signals: &[i32]) -> Self {
        self.entrance.blocked = signals.iter().fold(0, |set, signal| set | 1 << (signal - 1));
        self
    }

    pub(crate) fn ignored(mut self, signals: &[i32]) -> Self {
        self.entrance.ignored = signals.to_vec();
        self
    }

    /// All three standard descriptors are this terminal, and it is the controlling one.
    pub(crate) fn terminal(mut self, pty: Pty) -> Self {
        self.entrance.terminal = true;
        self.terminal = Some(pty);
        self
    }

    /// Gives it one more descriptor, under `number` there.
    pub(crate) fn descriptor(mut self, descriptor: RawFd, number: RawFd) -> Self {
        self.entrance.descriptors.push((descriptor, number));
        self
    }

    /// A sandbox around it: these system calls fail with EPERM, in all that it starts too.
    pub(crate) fn denied(mut self, calls: &[libc::c_long]) -> Self {
        self.entrance.denied = calls.to_vec();
        self
    }

    pub(crate) fn start(self) -> Running {
        self.try_start().expect("clone")
    }

    /// Starts the process and holds it before its first step as the program: until somebody
    /// writes to the stream, or closes it. It stands there when this returns.
    pub(super) fn start_held(mut self) -> (Running, UnixStream) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        self.entrance.held = Some(theirs.as_raw_fd());
        self.held = Some(theirs);
        let running = self.start();
        ours.read_exact(&mut [0]).unwrap();
        (running, ours)
    }

    fn try_start(self) -> Option<Running> {
        let [input, output, error] = [pipe(), pipe(), pipe()];
        let terminal = self.terminal.as_ref().map(Pty::slave);
        let standard = match terminal {
            Some(slave) => [slave; 3],
            None => [input.0.as_raw_fd(), output.1.as_raw_fd(), error.1.as_raw_fd()],
        };
        let (pid, container) = match self.place {
            Place::Child => (self.clone(standard, 0)?, None),
            Place::Init => (self.clone(standard, libc::CLONE_NEWPID | libc::CLONE_NEWNS)?, None),
            Place::Docker => {
                let (pid, container) = docker::start(&self.entrance, standard, &self.argv, &self.environment);
                (pid, Some(container))
            }
        };
        let streams = (input.1, output.0, error.0);
        Some(Running::new(pid, self.place, streams, self.terminal).in_container(container))
    }

    /// The process, if it can be made, in new namespaces.
    fn clone(&self, standard: [RawFd; 3], namespaces: libc::c_int) -> Option<i32> {
        let steps = self.entrance.steps(standard, &self.argv, &self.environment);
        // SAFETY: as fork(2): no memory is shared, and the child only makes system calls.
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD | namespaces, 0, 0, 0, 0) };
        if pid == 0 {
            // SAFETY: this is the child; everything it uses was made before.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                if namespaces != 0 {
                    let none = c"none".as_ptr();
                    let private = libc::MS_REC | libc::MS_PRIVATE;
                    libc::mount(none, c"/".as_ptr(), ptr::null(), private, ptr::null());
                    libc::mount(none, c"/proc".as_ptr(), c"proc".as_ptr(), 0, ptr::null());
                }
                steps.take()
            }
        }
        i32::try_from(pid).ok().filter(|pid| *pid > 0)
    }
}

/// The reading and the writing end, both closed on exec.
pub(crate) fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: pipe2 writes two descriptors, which nobody else has.
    let [reader, writer] = unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        ends.map(|fd| File::from(OwnedFd::from_raw_fd(fd)))
    };
    (reader, writer)
}

//! A started program: its lines, its signals, its descendants, its end. Every wait is for
//! an event; the limit only turns a hang into a failure. Dropping it kills the whole tree.

#![allow(unsafe_code, reason = "kill(2), waitpid(2), poll(2) by process id")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::Child;
use std::time::{Duration, Instant};

use super::launch::Place;
use super::pty::Pty;

/// What no event takes, on the slowest machine.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// How a program ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

/// A process as the test sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) state: char,
    pub(crate) name: String,
}

pub(crate) struct Running {
    /// In the test's namespace.
    pub(crate) pid: i32,
    place: Place,
    input: Option<File>,
    output: Stream,
    error: Stream,
    terminal: Option<Pty>,
    tracer: Option<Child>,
    /// `docker run`, which ends as the program does.
    container: Option<Child>,
    exit: Option<Exit>,
}

struct Stream {
    file: File,
    unread: Vec<u8>,
    ended: bool,
}

impl Stream {
    fn new(file: File) -> Self {
        Self { file, unread: Vec::new(), ended: false }
    }

    /// Takes in what comes within `wait`.
    fn fill(&mut self, wait: Duration) {
        let mut polled = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry.
        let ready = unsafe { libc::poll(&raw mut polled, 1, wait.as_millis() as i32) };
        if ready == 1 {
            let mut chunk = [0; 4096];
            // A terminal whose other side is gone reads as EIO.
            match self.file.read(&mut chunk) {
                Ok(0) | Err(_) => self.ended = true,
                Ok(count) => self.unread.extend_from_slice(&chunk[..count]),
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let began = Instant::now();
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.ended {
                return None;
            }
            assert!(began.elapsed() < LIMIT, "no line came; there is {:?}", self.rest_so_far());
            self.fill(LIMIT);
        }
    }

    fn rest_so_far(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// What is there without waiting for an end of the stream: somebody may still hold it.
    fn rest(&mut self) -> String {
        loop {
            let before = self.unread.len();
            self.fill(Duration::ZERO);
            if self.ended || self.unread.len() == before {
                return String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned();
            }
        }
    }
}

impl Running {
    pub(crate) fn new(pid: i32, place: Place, streams: (File, File, File), terminal: Option<Pty>) -> Self {
        let output = terminal.as_ref().map_or(streams.1, Pty::reader);
        let (output, error) = (Stream::new(output), Stream::new(streams.2));
        Self {
            pid,
            place,
            input: Some(streams.0),
            output,
            error,
            terminal,
            tracer: None,
            container: None,
            exit: None,
        }
    }

    /// With the client of its container, if it is in one.
    pub(super) fn in_container(mut self, container: Option<Child>) -> Self {
        self.container = container;
        self
    }

    /// With the process that traces it, which ends when it does.
    pub(super) fn traced_by(mut self, tracer: Child) -> Self {
        self.tracer = Some(tracer);
        self
    }

    /// The next line of stdout (or of the terminal); panics at its end.
    pub(crate) fn line(&mut self) -> String {
        match self.output.line() {
            Some(line) => line,
            None => panic!("stdout ended; stderr: {}", self.error.rest()),
        }
    }

    pub(crate) fn expect(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// Waits until nobody has stdout open any more; nothing may come before that.
    pub(crate) fn at_end(&mut self) {
        assert_eq!(self.output.line(), None);
    }

    /// The next line of stderr; panics at its end.
    pub(crate) fn told(&mut self) -> String {
        match self.error.line() {
            Some(line) => line,
            None => panic!("stderr ended; stdout: {}", self.output.rest()),
        }
    }

    /// The next line of stderr that holds `text`.
    pub(crate) fn told_that(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let line = self.told();
            if line.contains(text) {
                return line;
            }
            assert!(began.elapsed() < LIMIT, "waited in vain for {text:?}; the last line: {line}");
        }
    }

    /// Reads both streams until nobody has them open any more.
    pub(crate) fn read_both(&mut self, out: &mut Vec<u8>, err: &mut Vec<u8>) {
        std::thread::scope(|scope| {
            for (stream, bytes) in [(&mut self.output, out), (&mut self.error, err)] {
                scope.spawn(move || {
                    bytes.append(&mut stream.unread);
                    stream.file.read_to_end(bytes).unwrap();
                    stream.ended = true;
                });
            }
        });
    }

    /// Nobody reads stdout any more.
    pub(crate) fn close_output(&mut self) {
        let (_, nothing) = super::launch::pipe();
        self.output = Stream::new(nothing);
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.input.as_mut().expect("stdin is closed").write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn terminal(&self) -> &Pty {
        self.terminal.as_ref().expect("no terminal")
    }

    /// Closes the test's side of the terminal, as a lost connection does.
    pub(crate) fn hang_up(&mut self) {
        let (_, nothing) = super::launch::pipe();
        self.output = Stream::new(nothing);
        self.terminal = None;
    }

    /// The castoff among the descendants of what was started, or that itself.
    pub(crate) fn castoff(&self) -> i32 {
        let below = self.descendants().into_iter().find(|process| process.name == "castoff");
        below.map_or(self.pid, |process| process.pid)
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: i32) {
        send(self.pid, signal);
    }

    /// Waits for its end; what it wrote and was not read yet.
    pub(crate) fn end(&mut self) -> (Exit, String, String) {
        let exit = self.wait();
        (exit, self.output.rest(), self.error.rest())
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Exit {
        self.until("it to end", |running| running.ended());
        self.exit.unwrap()
    }

    /// Whether it is in that call, whose third argument is the timeout, and has none
    /// (proc_pid_syscall(5)).
    pub(crate) fn waits_for_ever(&self, call: libc::c_long) -> bool {
        let text = fs::read_to_string(format!("/proc/{}/syscall", self.pid)).unwrap();
        let fields: Vec<&str> = text.split(' ').collect();
        fields[0] == call.to_string() && fields[3] == "0x0"
    }

    pub(crate) fn ended(&mut self) -> bool {
        if self.exit.is_none() {
            self.exit = match &mut self.container {
                Some(container) => {
                    container.try_wait().unwrap().map(|status| Exit::Code(status.code().unwrap()))
                }
                None => self.reaped(),
            };
            if self.exit.is_some() {
                self.await_tracer();
            }
        }
        self.exit.is_some()
    }

    fn reaped(&self) -> Option<Exit> {
        let mut status = 0;
        // SAFETY: `status` is writable.
        let reaped = unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) };
        (reaped == self.pid).then(|| match libc::WIFEXITED(status) {
            true => Exit::Code(libc::WEXITSTATUS(status)),
            false => Exit::Signal(libc::WTERMSIG(status)),
        })
    }

    /// All that a tracer has to write is written then.
    fn await_tracer(&mut self) {
        if let Some(mut tracer) = self.tracer.take() {
            let _ = tracer.wait();
        }
    }

    /// Waits for a state.
    pub(crate) fn until(&mut self, what: &str, mut reached: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !reached(self) {
            assert!(began.elapsed() < LIMIT, "waited in vain for {what}; tree: {:?}", self.descendants());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// All its descendants, parents first, with their process ids in the test's namespace.
    pub(crate) fn descendants(&self) -> Vec<Seen> {
        let all: Vec<Seen> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| seen(&fs::read(entry.path().join("stat")).ok()?))
            .collect();
        let mut found: Vec<Seen> = Vec::new();
        let mut parents = vec![self.pid];
        while !parents.is_empty() {
            let children: Vec<Seen> =
                all.iter().filter(|process| parents.contains(&process.parent)).cloned().collect();
            parents = children.iter().map(|process| process.pid).collect();
            found.extend(children);
        }
        found
    }
}

fn seen(stat: &[u8]) -> Option<Seen> {
    let text = String::from_utf8_lossy(stat);
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some(Seen { pid: pid.parse().ok()?, parent: fields.next()?.parse().ok()?, state, name: name.to_owned() })
}

/// Sends a signal to a process.
pub(crate) fn send(pid: i32, signal: i32) {
    // SAFETY: takes two integers.
    let sent = unsafe { libc::syscall(libc::SYS_kill, pid, signal) };
    assert_eq!(sent, 0, "signal {signal} to {pid}: {}", std::io::Error::last_os_error());
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.exit.is_some() {
            return;
        }
        // The end of a PID 1 is the end of its namespace.
        let rest = if self.place.is_init() { Vec::new() } else { self.descendants() };
        // SAFETY: integers, and null statuses. The program was not reaped yet, and its
        // descendants were alive a moment ago. As their subreaper the test gets the orphans;
        // those that somebody else has reaped are no children of it.
        unsafe {
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
            libc::kill(self.pid, libc::SIGKILL);
            for process in &rest {
                libc::kill(process.pid, libc::SIGKILL);
            }
            libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            for process in &rest {
                libc::waitpid(process.pid, std::ptr::null_mut(), 0);
            }
        }
        if let Some(container) = &mut self.container {
            let _ = container.wait();
        }
        self.await_tracer();
    }
}

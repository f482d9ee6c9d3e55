//! The real programs: finding one, a private directory for it, and its end with the test.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first of `names` that is installed. Where none is, says `skipped`, or fails the
/// test if `CASTOFF_REQUIRE_PARSERS` is 1.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = found.into_iter().find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var("CASTOFF_REQUIRE_PARSERS").is_ok_and(|value| value == "1");
        assert!(!required, "{} is not installed, and CASTOFF_REQUIRE_PARSERS is 1", names[0]);
        eprintln!("skipped: {} is not installed", names[0]);
    }
    found
}

/// A python that has `module`: the first of the path, or the system's. Where there is none,
/// as `find`.
pub(crate) fn python_with(module: &str) -> Option<PathBuf> {
    let first = find(&["python3"])?;
    let has = |python: &Path| {
        let import = Command::new(python).args(["-c", &format!("import {module}")]).output();
        import.is_ok_and(|output| output.status.success())
    };
    let found = [first, "/usr/bin/python3".into()].into_iter().find(|python| has(python));
    if found.is_none() {
        let required = std::env::var("CASTOFF_REQUIRE_PARSERS").is_ok_and(|value| value == "1");
        assert!(!required, "python's {module} is not installed, and CASTOFF_REQUIRE_PARSERS is 1");
        eprintln!("skipped: python's {module} is not installed");
    }
    found
}

/// A private directory, removed with everything in it when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("castoff-formats-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server and all it started: killed when dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts `command` and waits until a line of its stderr contains `ready`.
    pub(crate) fn start(command: &mut Command, ready: &str) -> Self {
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self(child);
        let mut lines = BufReader::new(server.0.stderr.take().unwrap());
        let mut said = String::new();
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).unwrap() > 0 {
            let text = String::from_utf8_lossy(&line).into_owned();
            said.push_str(&text);
            line.clear();
            if text.contains(ready) {
                // What it says from now on is read, so that it never blocks on a full pipe.
                std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return server;
            }
        }
        panic!("the server ended before it was ready:\n{said}");
    }
}

impl Server {
    /// Asks it to end, and waits until it has: what it started may be in groups of its own,
    /// and hold on to what another server needs.
    pub(crate) fn end(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(self.0.id().try_into().unwrap());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

/// The stdout of a program that has to succeed.
pub(crate) fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{:?} failed: {}{}",
        command.get_program(),
        String::from_utf8_lossy(&output.stdout).chars().take(2000).collect::<String>(),
        String::from_utf8_lossy(&output.stderr).chars().take(2000).collect::<String>()
    );
    output.stdout
}

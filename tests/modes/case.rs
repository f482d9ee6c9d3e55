//! A case: a directory with a spec, its templates and a private root, and castoff started in
//! it with nothing in its environment but what the test gives.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Launch, skipped};

/// A uid that has no entry anywhere.
pub(super) const SOMEBODY: u32 = 54321;

/// What a test gives castoff. The directory goes with it.
pub(super) struct Case {
    directory: PathBuf,
    variables: Vec<(OsString, OsString)>,
    uid: Option<u32>,
}

/// How castoff ended, and what it said. The case's directory is called `$DIR` in it.
#[derive(Debug)]
pub(super) struct Said {
    /// 128 and the signal's number if it ended by one.
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    /// Asserts the exit code; says everything if it is another.
    pub(super) fn code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Asserts that stderr holds each text.
    pub(super) fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.err.contains(text),
                "not said: {text}\nstdout:\n{}\nstderr:\n{}",
                self.out,
                self.err
            );
        }
        self
    }

    /// The golden form of all that was said.
    pub(super) fn text(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }
}

impl Case {
    /// A case whose spec is `version = 1` and these lines.
    pub(super) fn new(spec: &str) -> Self {
        Self::verbatim(&format!("version = 1\n{spec}"))
    }

    /// A case whose spec is exactly this.
    pub(super) fn verbatim(spec: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("castoff-modes-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().canonicalize().unwrap().join(name);
        fs::DirBuilder::new().mode(0o755).create(&directory).unwrap();
        let case = Self { directory, variables: Vec::new(), uid: None };
        for folder in ["root", "tmp"] {
            fs::create_dir(case.path(folder)).unwrap();
        }
        case.file("castoff.toml", spec).variable("PATH", "/usr/local/bin:/usr/bin:/bin")
    }

    /// Writes a file beside the spec; `root/…` is below castoff's `--root`.
    pub(super) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(name, content);
        self
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Sets a variable; one that was set before is replaced.
    pub(super) fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        let name = name.as_ref().to_owned();
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.as_ref().to_owned()));
    }

    /// castoff is started by this user. Needs root.
    pub(super) fn user(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// A path below the case's directory.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.join(name)
    }

    /// A file below the case's directory, as text.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Permission bits.
    pub(super) fn mode(&self, name: &str) -> u32 {
        fs::symlink_metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    pub(super) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn owner(&self, name: &str) -> (u32, u32) {
        let status = fs::symlink_metadata(self.path(name)).unwrap();
        (status.uid(), status.gid())
    }

    pub(super) fn set_owner(&self, name: &str, uid: u32, gid: u32) {
        std::os::unix::fs::lchown(self.path(name), Some(uid), Some(gid)).unwrap();
    }

    /// Everything below the case's directory that a write could change: a line per file with
    /// its inode, kind and rights, owner, size and times. Of the place for private copies
    /// only what lies in it: that comes and goes.
    pub(super) fn listing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        list(&self.directory, &mut lines);
        let tmp = format!("{}\t", self.path("tmp").display());
        lines.retain(|line| !line.starts_with(&tmp));
        lines.sort();
        lines
    }

    /// The names of all that is below a folder of the case.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let folder = self.path(folder);
        let mut lines = Vec::new();
        list(&folder, &mut lines);
        let prefix = format!("{}/", folder.display());
        let name = |line: &String| line.split('\t').next().unwrap().strip_prefix(&prefix).map(str::to_owned);
        let mut names: Vec<String> = lines.iter().filter_map(name).collect();
        names.sort();
        names
    }

    /// castoff with the case's spec, below the case's root.
    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.run_plain(&[&["--config", "castoff.toml", "--root", "root"], arguments].concat())
    }

    /// `run`, with a command that has stdout to itself; the names of the steps and hooks that
    /// said `ran NAME`.
    pub(super) fn ran(&self) -> Vec<String> {
        let said = self.run(&["echo", "hi"]);
        assert_eq!(said.code(0).out, "hi\n");
        said.err.lines().filter_map(|line| line.strip_prefix("ran ")).map(str::to_owned).collect()
    }

    /// As `run`, for the harness: to be watched and signalled. It finds the case's directory
    /// in $DIR.
    pub(super) fn launch(&self, arguments: &[&str]) -> Launch {
        let [directory, spec, root] = ["", "castoff.toml", "root"].map(|name| self.path(name));
        Launch::castoff(["--config", spec.to_str().unwrap(), "--root", root.to_str().unwrap()])
            .arguments(arguments)
            .variable(&format!("DIR={}", directory.display()))
    }

    /// `run` with one variable set otherwise.
    pub(super) fn run_with(&self, name: &str, value: &str, arguments: &[&str]) -> Said {
        let arguments = [&["--config", "castoff.toml", "--root", "root"], arguments].concat();
        self.finish(self.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments).env(name, value))
    }

    /// castoff with exactly these arguments, in the case's directory.
    pub(super) fn run_plain(&self, arguments: &[&str]) -> Said {
        self.finish(&mut self.command(&[env!("CARGO_BIN_EXE_castoff")], arguments))
    }

    /// As `run`, after a shell script in a mount namespace of its own, where `root` is the
    /// current directory. `None`, said so, where no such namespace can be made.
    pub(super) fn run_in_namespace(&self, script: &str, arguments: &[&str]) -> Option<Said> {
        let unshare: &[&str] = if is_root() { &["-m"] } else { &["-rm"] };
        let works = Command::new("unshare").args(unshare).arg("true").stderr(Stdio::null()).status();
        if !works.is_ok_and(|status| status.success()) {
            skipped("no mount namespace can be made here");
            return None;
        }
        let script = format!("set -e; cd root; {script}\ncd ..; exec \"$@\"");
        let before = [&["unshare"], unshare, &["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_castoff")]];
        let arguments = [&["--config", "castoff.toml", "--root", "root"], arguments].concat();
        Some(self.finish(&mut self.command(&before.concat(), &arguments)))
    }

    /// The words to start castoff with, its environment and place set.
    pub(super) fn command(&self, before: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).args(arguments).current_dir(&self.directory).env_clear();
        command.env("TMPDIR", self.path("tmp"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        command
    }

    fn finish(&self, command: &mut Command) -> Said {
        let output = command.output().unwrap();
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap());
        let (out, err) = (self.shown(&output.stdout), self.shown(&output.stderr));
        Said { code, out, err }
    }

    /// A text with the case's directory called `$DIR`.
    pub(super) fn shown(&self, text: &[u8]) -> String {
        String::from_utf8_lossy(text).replace(self.directory.to_str().unwrap(), "$DIR")
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Whether the test may give files to other users.
pub(super) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The same, said if not.
pub(super) fn needs_root() -> bool {
    if !is_root() {
        skipped("only root can act as other users");
    }
    is_root()
}

fn list(path: &Path, lines: &mut Vec<String>) {
    let status = fs::symlink_metadata(path).unwrap();
    lines.push(format!(
        "{}\tinode {} mode {:o} owner {}:{} size {} mtime {}.{} ctime {}.{}",
        path.display(),
        status.ino(),
        status.mode(),
        status.uid(),
        status.gid(),
        status.size(),
        status.mtime(),
        status.mtime_nsec(),
        status.ctime(),
        status.ctime_nsec(),
    ));
    if status.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            list(&entry.unwrap().path(), lines);
        }
    }
}

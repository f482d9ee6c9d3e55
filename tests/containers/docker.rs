//! Docker's command line, as the tests need it: objects with names of their own, removed when
//! they go out of scope, also by a panic. Touches nothing that it didn't make.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long something may take that ends by itself: the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs `docker ARGUMENTS`.
pub(crate) fn docker<S: AsRef<str>>(arguments: &[S]) -> Said {
    let arguments = arguments.iter().map(AsRef::as_ref);
    Command::new("docker").args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// Runs `docker ARGUMENTS`, which must succeed; gives what it printed.
pub(crate) fn docker_ok<S: AsRef<str>>(arguments: &[S]) -> String {
    let said = docker(arguments);
    let shown: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    assert_eq!(said.code, Some(0), "docker {shown:?}\n{}{}", said.stdout, said.stderr);
    said.stdout.trim_end().to_owned()
}

/// Why there is no Docker to test with, if so. Said past the capturing of the test harness,
/// as nobody reads what a passed test prints.
pub(crate) fn missing() -> bool {
    let reason = match Command::new("docker").args(["info", "--format", "{{.OSType}}"]).output() {
        Ok(output) if output.status.success() => return false,
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned(),
        Err(error) => format!("docker can't be run: {error}"),
    };
    let required = std::env::var_os("CASTOFF_REQUIRE_DOCKER").is_some_and(|value| value == "1");
    assert!(!required, "CASTOFF_REQUIRE_DOCKER is set, and {reason}");
    skipped(&reason);
    true
}

/// Says on the real stderr, past the capturing of the test harness, that something can't be
/// tested here.
pub(crate) fn skipped(reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// A name that nobody else has.
fn unique(kind: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("castoff-test-{}-{kind}-{number}", std::process::id())
}

/// Builds an image and gives its id. The tag only keeps the layers for the next time; the image
/// that had it goes.
pub(crate) fn build(context: &Path, dockerfile: &str, target: Option<&str>, tag: &str) -> String {
    let tag = format!("castoff-test/{tag}");
    let id = || docker(&["image", "inspect", "--format", "{{.Id}}", &tag]).stdout.trim_end().to_owned();
    let before = id();
    let file = context.join(dockerfile);
    let mut arguments = vec!["build", "--quiet", "--tag", &tag, "--file", file.to_str().unwrap()];
    arguments.extend(target.iter().flat_map(|target| ["--target", target]));
    arguments.push(context.to_str().unwrap());
    docker_ok(&arguments);
    let built = id();
    if !before.is_empty() && before != built {
        // with the layers that the new one doesn't share; refused where another run uses it
        docker(&["image", "rm", &before]);
    }
    built
}

/// A network.
pub(crate) struct Network(pub(crate) String);

impl Network {
    pub(crate) fn new() -> Self {
        let name = unique("network");
        docker_ok(&["network", "create", &name]);
        Self(name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        docker(&["network", "rm", &self.0]);
    }
}

/// A volume.
pub(crate) struct Volume(pub(crate) String);

impl Volume {
    pub(crate) fn new() -> Self {
        let name = unique("volume");
        docker_ok(&["volume", "create", &name]);
        Self(name)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        docker(&["volume", "rm", "--force", &self.0]);
    }
}

/// A container.
pub(crate) struct Container(pub(crate) String);

impl Container {
    /// `docker create OPTIONS IMAGE ARGUMENTS`.
    pub(crate) fn create(options: &[&str], image: &str, arguments: &[&str]) -> Self {
        let container = Self(unique("container"));
        let fixed = ["create", "--name", &container.0];
        docker_ok(&[&fixed, options, &[image], arguments].concat());
        container
    }

    /// `docker run --detach OPTIONS IMAGE`.
    pub(crate) fn start(options: &[&str], image: &str) -> Self {
        let container = Self::create(options, image, &[]);
        docker_ok(&["start", &container.0]);
        container
    }

    /// Runs to the end, with what it says.
    pub(crate) fn run(options: &[&str], image: &str, arguments: &[&str]) -> Said {
        Self::create(options, image, arguments).run_created()
    }

    /// Runs what was created to its end.
    pub(crate) fn run_created(&self) -> Said {
        docker(&["start", "--attach", &self.0])
    }

    /// Puts a file into it.
    pub(crate) fn put(&self, file: &Path, at: &str) {
        docker_ok(&["cp", file.to_str().unwrap(), &format!("{}:{at}", self.0)]);
    }

    /// Runs a command in it, which must succeed.
    pub(crate) fn exec(&self, command: &[&str]) -> String {
        docker_ok(&[&["exec", self.0.as_str()], command].concat())
    }

    /// A field of `docker inspect`.
    pub(crate) fn inspect(&self, field: &str) -> String {
        docker_ok(&["inspect", "--format", &format!("{{{{{field}}}}}"), &self.0])
    }

    /// All that it wrote, both streams, since a time (all, where that is empty).
    pub(crate) fn log(&self, since: &str) -> String {
        let since: &[&str] = if since.is_empty() { &[] } else { &["--since", since] };
        let said = docker(&[&["logs"], since, &[self.0.as_str()]].concat());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stdout + &said.stderr
    }

    /// The address on the host of one of its ports.
    pub(crate) fn address(&self, port: u16) -> String {
        let addresses = docker_ok(&["port", &self.0, &format!("{port}/tcp")]);
        addresses.lines().next().unwrap().to_owned()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.inspect(".State.Running") == "true"
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() && docker(&["inspect", &self.0]).code == Some(0) {
            let _ = writeln!(std::io::stderr(), "--- log of {}\n{}", self.0, self.log(""));
        }
        docker(&["rm", "--force", "--volumes", &self.0]);
    }
}

/// Asks again and again until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited {DEADLINE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! Several services under one castoff, through the binary: plain and as PID 1.

mod cron;
mod database;
mod ends;
mod oom;
mod order;
mod readiness;
mod real;
mod reload;
mod restarts;

use std::path::Path;

use crate::harness::{Directory, Launch, Place, Running, skipped};

/// Services of a test, in a directory of their own that they know as `$DIR`.
struct Services {
    directory: Directory,
    spec: String,
}

impl Services {
    fn new(name: &str, lines: &str) -> Self {
        let directory = Directory::new(name);
        let spec = directory.spec(lines);
        Self { directory, spec }
    }

    fn launch(&self) -> Launch {
        let launch = Launch::castoff(["--config", &self.spec, "--grace", "1s"]);
        launch.variable(&format!("DIR={}", self.directory.0.display()))
    }

    fn start(&self, place: Place) -> Running {
        self.launch().place(place).start()
    }
}

/// A service that says when it is up, which is when it is ready, and that it was told to end.
fn polite(name: &str, rest: &str) -> String {
    let script = format!(
        "trap 'echo {name} bye; exit 0' TERM; echo {name} up; echo >&9; while :; do sleep 0.02; done"
    );
    shell(name, &script, &format!("ready = {{ fd = 9 }}\n{rest}"))
}

/// A service that is a script.
fn shell(name: &str, script: &str, rest: &str) -> String {
    format!("[service.{name}]\ncommand = [\"sh\", \"-c\", '''{script}''']\n{rest}\n")
}

/// Whether these programs are there; says so if not.
fn has(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !Path::new(program).exists());
    if let Some(program) = missing {
        skipped(&format!("no {program}"));
    }
    missing.is_none()
}

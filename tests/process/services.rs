//! A castoff with services, for the tests of what they print.

use crate::harness::{Directory, Exit, Launch, Place, Running};
use std::sync::atomic::{AtomicU32, Ordering};

/// Its directory, where nothing is started yet.
pub(super) struct Prepared(Directory);

pub(super) struct Castoff {
    pub(super) running: Running,
    /// Removed with it.
    _directory: Directory,
}

impl Castoff {
    pub(super) fn prepared() -> Prepared {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Prepared(Directory::new(&format!("services-{}", COUNT.fetch_add(1, Ordering::Relaxed))))
    }

    /// Starts castoff with these tables of services.
    pub(super) fn new(place: Place, services: &str) -> Self {
        Self::prepared().start(place, services)
    }

    /// Waits for its end while all that it writes is read: the lines of stdout and stderr.
    pub(super) fn ended(&mut self) -> (Exit, Vec<String>, Vec<String>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        self.running.read_both(&mut out, &mut err);
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(str::to_owned).collect()
        };
        (self.running.wait(), lines(&out), lines(&err))
    }
}

impl Prepared {
    pub(super) fn path(&self, name: &str) -> String {
        self.0.0.join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn spec(&self, services: &str) -> String {
        self.0.spec(services)
    }

    pub(super) fn start(self, place: Place, services: &str) -> Castoff {
        let spec = self.spec(services);
        let running = Launch::castoff(["--config", &spec, "--grace", "2s"]).place(place).start();
        Castoff { running, _directory: self.0 }
    }
}

/// The line of a service that runs a script by python, with arguments.
pub(super) fn python(script: &str, arguments: &[&str]) -> String {
    let arguments: String = arguments.iter().map(|argument| format!(", \"{argument}\"")).collect();
    format!("command = [\"python3\", \"-c\", '''{script}'''{arguments}]")
}

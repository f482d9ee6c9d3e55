//! A castoff that supervises services, and others that ask it by its control socket.

use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::harness::{Directory, Launch, Running};

pub(super) const CASTOFF: &str = env!("CARGO_BIN_EXE_castoff");

/// What a castoff that asked has said.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    pub(super) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub(super) fn is(&self, code: i32, text: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.out.contains(text) || self.err.contains(text), "{text}: {}{}", self.out, self.err);
    }
}

pub(super) struct Case {
    pub(super) directory: Directory,
    pub(super) socket: String,
}

impl Case {
    pub(super) fn new(name: &str) -> Self {
        let directory = Directory::new(name);
        let socket = directory.0.join("control.sock").to_str().unwrap().to_owned();
        Self { directory, socket }
    }

    pub(super) fn launch(&self, services: &str) -> Launch {
        let spec = self.directory.spec(services);
        Launch::castoff(["-c", &spec]).variable(&format!("CASTOFF_CONTROL={}", self.socket))
    }

    pub(super) fn ask(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(CASTOFF);
        Said::of(command.env("CASTOFF_CONTROL", &self.socket).args(arguments))
    }

    pub(super) fn service(&self, name: &str) -> serde_json::Value {
        let said = self.ask(&["--status", name, "--format", "json"]);
        assert_eq!(said.code, 0, "{}", said.err);
        let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        answer["services"][0].clone()
    }

    pub(super) fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).unwrap()
    }

    /// The code of `--healthcheck`, and its one line.
    pub(super) fn healthcheck(&self) -> (i32, String) {
        let said = self.ask(&["--healthcheck"]);
        assert_eq!(said.err, "");
        (said.code, said.out)
    }

    pub(super) fn until_healthy(&self, castoff: &mut Running) {
        castoff.until("health", |_| self.healthcheck() == (0, String::new()));
    }
}

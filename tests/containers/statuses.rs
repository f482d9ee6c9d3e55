//! What a container ends with: its service's status, or 128 and the signal that killed it.

use std::path::PathBuf;

use crate::docker::{Container, docker, missing};
use crate::images::scratch;

/// One container is started again and again, by a castoff that is PID 1 in it: to make one
/// takes longer than all the rest.
struct Shell {
    container: Container,
    directory: PathBuf,
}

impl Shell {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("castoff-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mount = format!("--volume={}:/script:ro", directory.display());
        let script = "ulimit -c 0; . /script/script";
        let command = ["--", "/busybox", "sh", "-c", script];
        Self { container: Container::create(&[&mount], scratch(), &command), directory }
    }

    /// What its container ends with when its service is this script.
    fn ends_as(&self, script: &str, code: i32) {
        std::fs::write(self.directory.join("script"), format!("{script}\n")).unwrap();
        let said = docker(&["start", "--attach", &self.container.0]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(code), ""), "{script}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn each_of_the_256_statuses_is_the_containers() {
    if missing() {
        return;
    }
    let shell = Shell::new("statuses");
    for status in 0..=255 {
        shell.ends_as(&format!("exit {status}"), status);
    }
}

#[test]
fn a_service_that_a_signal_killed_gives_128_and_its_number() {
    if missing() {
        return;
    }
    let shell = Shell::new("signals");
    // What kills by default (signal(7)). busybox's shell ignores QUIT for itself, and its
    // timeout is the parent of who sends the signal.
    for signal in (1..=64).filter(|signal| ![17, 18, 19, 20, 21, 22, 23, 28].contains(signal)) {
        let script = format!("exec /busybox timeout -s {signal} 0.05 /busybox sleep 1000");
        shell.ends_as(&script, 128 + signal);
    }
}

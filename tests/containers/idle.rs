//! What castoff costs as PID 1 while nothing happens: kilobytes of its own, and no wake-up.

use std::path::PathBuf;
use std::time::Duration;

use crate::docker::{Container, docker_ok, missing, skipped, wait_for};
use crate::images::scratch;

/// Says that it is up, and then does nothing.
const SLEEPER: &str = "echo up; exec /busybox sleep 100000";

/// A field of castoff's in a file of /proc that names it at the beginning of a line: its number.
fn field(castoff: &str, file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{castoff}/{file}")).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The wake-ups of castoff, where it waits for something at this moment.
fn wakeups(castoff: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{castoff}/status")).ok()?;
    let waits = status.contains("\nState:\tS (sleeping)\n");
    waits.then(|| field(castoff, "status", "voluntary_ctxt_switches")).flatten()
}

/// Starts it, lets `services` of it come up and nothing happen, and looks at castoff.
fn costs_at_most(kilobytes: u64, container: &Container, services: usize) {
    docker_ok(&["start", &container.0]);
    wait_for("the services", || (container.log("").matches("up\n").count() == services).then_some(()));
    let castoff = container.inspect(".State.Pid");
    if field(&castoff, "smaps_rollup", "Private_Dirty").is_none() {
        return skipped("the memory of a container's process can't be read here");
    }
    let mut before = None;
    wait_for("castoff to have nothing to do", || {
        let now = wakeups(&castoff);
        let quiet = now.is_some() && now == before;
        before = now;
        quiet.then_some(())
    });
    // this time is what is measured
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(wakeups(&castoff), before, "it was woken though nothing happened");
    let private = field(&castoff, "smaps_rollup", "Private_Dirty").unwrap();
    assert!(private <= kilobytes, "{private} kB of private dirty memory");
}

#[test]
fn a_plain_init_has_28_kb_and_is_never_woken() {
    if missing() {
        return;
    }
    let container = Container::create(&[], scratch(), &["--", "/busybox", "sh", "-c", SLEEPER]);
    costs_at_most(28, &container, 1);
}

#[test]
fn with_two_services_it_has_60_kb_and_is_never_woken() {
    if missing() {
        return;
    }
    let spec = Spec::new("two", &["a", "b"].map(|name| {
        format!("[service.{name}]\ncommand = [\"/busybox\", \"sh\", \"-c\", \"{SLEEPER}\"]\nrestart = \"always\"\n")
    }));
    let mount = format!("--volume={}:/etc/castoff.toml:ro", spec.0.display());
    costs_at_most(60, &Container::create(&[&mount], scratch(), &[]), 2);
}

/// A spec's file, removed with its value.
struct Spec(PathBuf);

impl Spec {
    fn new(name: &str, services: &[String]) -> Self {
        let path = std::env::temp_dir().join(format!("castoff-idle-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, format!("version = 1\n{}", services.concat())).unwrap();
        Self(path)
    }
}

impl Drop for Spec {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

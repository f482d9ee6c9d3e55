//! Process namespaces that are not castoff's own: a pod's, another init's, and the machine's. It
//! ends what its service left, and touches nobody else.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::docker::{Container, docker_ok, missing, skipped, wait_for};
use crate::images::scratch;

/// Leaves somebody behind who left the session and ignores TERM, so that all that castoff
/// does to the rest is done.
const LEAVING: &str =
    "/busybox setsid /busybox sh -c 'trap \"\" TERM; echo left; while :; do /busybox sleep 0.05; done' &
    while :; do /busybox sleep 0.05; done";

/// `trap … TERM` and a life that is only ended by it.
fn lives(end: &str) -> String {
    format!("trap '{end}' TERM; echo ready; while :; do /busybox sleep 0.05; done")
}

fn started(options: &[&str], castoff: &[&str], script: &str, ready: &str) -> Container {
    let arguments = [castoff, &["--", "/busybox", "sh", "-c", script]].concat();
    let container = Container::create(options, scratch(), &arguments);
    docker_ok(&["start", &container.0]);
    wait_for("the service to be ready", || container.log("").contains(ready).then_some(()));
    container
}

/// Stops it: `docker stop` never kills here.
fn stop(container: &Container) -> String {
    docker_ok(&["stop", "--time=100", &container.0]);
    container.inspect(".State.ExitCode")
}

#[test]
fn the_end_of_one_container_of_a_pod_is_not_that_of_the_others() {
    if missing() {
        return;
    }
    let pause = started(&[], &[], &lives("exit 5"), "ready");
    let pod = format!("--pid=container:{}", pause.0);
    let other = started(&[&pod], &[], &lives("echo told; exit 3"), "ready");
    for scope in ["main", "group", "all"] {
        let script = format!("trap 'exit 6' TERM; {LEAVING}");
        let options = ["--grace", "100ms", "--scope", scope];
        let one = started(&[&pod], &options, &script, "left");
        assert_eq!(stop(&one), "6", "{scope}: {}", one.log(""));
        assert!(one.log("").contains("still there after the grace and killed: "), "{scope}: {}", one.log(""));
        assert!(pause.is_running() && other.is_running(), "{scope}");
        assert!(!other.log("").contains("told"), "{scope}: {}", other.log(""));
    }
    assert_eq!(stop(&other), "3", "{}", other.log(""));
    assert!(pause.is_running());
    assert_eq!(stop(&pause), "5", "{}", pause.log(""));
}

#[test]
fn below_docker_s_own_init_castoff_does_all_of_its_work() {
    if missing() {
        return;
    }
    let init = Command::new("docker-init").arg("--version").output();
    if !init.is_ok_and(|output| output.status.success()) {
        return skipped("no docker-init here for `docker run --init`");
    }
    for scope in ["main", "group", "all"] {
        let script = format!("trap 'exit 6' TERM; {LEAVING}");
        let options = ["--grace", "100ms", "--scope", scope];
        let container = started(&["--init"], &options, &script, "left");
        assert!(docker_ok(&["top", &container.0]).contains("docker-init"), "{scope}");
        assert_eq!(stop(&container), "6", "{scope}: {}", container.log(""));
        let log = container.log("");
        assert!(log.contains("still there after the grace and killed: "), "{scope}: {log}");
    }
}

/// A process of the machine's, with the user of the container: what castoff would kill there
/// is at most this.
struct Stranger(Child);

const USER: &str = "54327";

impl Stranger {
    /// `None` where nobody may become that user.
    fn start() -> Option<Self> {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "sleep", "1000"]);
        let mut stranger = Self(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().ok()?);
        let status = format!("/proc/{}/status", stranger.0.id());
        let became = wait_for("the stranger to be that user", || {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let became = status.starts_with("Name:\tsleep\n") && status.contains(&format!("Uid:\t{USER}"));
            (became || !stranger.lives()).then_some(became)
        });
        became.then_some(stranger)
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn in_the_machines_own_namespace_castoff_ends_its_own_descendants_only() {
    if missing() {
        return;
    }
    // A user without any right over others: even a castoff that told every process to end
    // would reach none of the machine's but the stranger.
    let Some(mut stranger) = Stranger::start() else {
        return skipped("no stranger with the container's user: that takes root and setpriv");
    };
    let user = format!("--user={USER}:{USER}");
    let options = ["--pid=host", &user, "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    for scope in ["main", "group", "all"] {
        let script = format!("trap 'exit 6' TERM; {LEAVING}");
        let castoff = ["--grace", "100ms", "--scope", scope];
        let container = started(&options, &castoff, &script, "left");
        let pid = container.inspect(".State.Pid");
        let status = std::fs::read_to_string(Path::new("/proc").join(&pid).join("status"));
        assert!(status.is_ok_and(|status| status.contains(&format!("NSpid:\t{pid}\n"))), "not the machine's");
        assert_eq!(stop(&container), "6", "{scope}: {}", container.log(""));
        let log = container.log("");
        assert!(log.contains("still there after the grace and killed: "), "{scope}: {log}");
        assert!(stranger.lives(), "{scope}: {log}");
    }
}

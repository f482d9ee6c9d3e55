//! The limits of a container: castoff ends it in time when it has no process left to make, and
//! says so when the kernel killed its service for want of memory.

use crate::docker::{Container, missing, wait_for};
use crate::images::scratch;

/// So many processes has the container of a fork storm.
const PROCESSES: usize = 60;

/// Every process of it forks for ever, in a session of its own, and ignores TERM; one that
/// can't fork ends, and makes room for the others. Beside them one sleeps and ignores TERM.
const STORM: &str = r#"export PATH=/ STORM='trap "" TERM; while :; do setsid sh -c "$STORM" & done'
setsid sh -c 'trap "" TERM; exec sleep 1000' &
setsid sh -c "$STORM" 2>/dev/null &
full() { set -- /proc/[0-9]*; [ $# -ge 55 ]; }
while ! full; do :; done"#;

/// A container whose service is this script, which busybox can run without any file but itself.
fn service(options: &[&str], castoff: &[&str], script: &str) -> Container {
    let links = "for name in sh setsid sleep dd; do /busybox ln -s /busybox /$name; done\n";
    let script = format!("{links}{script}");
    let arguments = [castoff, &["--", "/busybox", "sh", "-c", &script]].concat();
    Container::create(options, scratch(), &arguments)
}

fn at_its_limit(script: &str) -> Container {
    let limit = format!("--pids-limit={PROCESSES}");
    service(&[&limit], &["--grace", "300ms"], &format!("{STORM}; {script}"))
}

#[test]
fn a_fork_storm_at_the_containers_limit_ends_with_its_service() {
    if missing() {
        return;
    }
    let said = at_its_limit("exit 8").run_created();
    assert_eq!(said.code, Some(8), "{}", said.stderr);
    // the sleeper at least: all that fails to fork ends, so that the storm swells and ebbs
    let killed = "castoff: warning: still there after the grace and killed: ";
    assert!(said.stderr.contains(killed), "{}", said.stderr);
}

#[test]
fn a_fork_storm_at_the_containers_limit_is_told_to_stop() {
    if missing() {
        return;
    }
    let storm = at_its_limit("trap 'exit 8' TERM; echo full; while :; do :; done");
    crate::docker::docker_ok(&["start", &storm.0]);
    wait_for("the storm to be full", || storm.log("").contains("full").then_some(()));
    // Docker itself would kill after this time, and the code be 137.
    crate::docker::docker_ok(&["stop", "--time=100", &storm.0]);
    assert_eq!(storm.inspect(".State.ExitCode"), "8", "{}", storm.log(""));
}

#[test]
fn where_no_process_can_be_made_at_all_castoff_says_so() {
    if missing() {
        return;
    }
    let said = service(&["--pids-limit=1"], &[], "exit 8").run_created();
    assert_eq!(said.code, Some(126), "{}", said.stderr);
    assert!(said.stderr.contains("no process could be made"), "{}", said.stderr);
}

/// It reads into more memory than there is.
const HOG: &str = "dd if=/dev/zero of=/dev/null bs=200M count=1";

#[test]
fn a_service_that_used_too_much_memory_is_said_to_have_done_that() {
    if missing() {
        return;
    }
    let limit = ["--memory=32m", "--memory-swap=32m"];
    for script in [format!("exec /{HOG}"), format!("/{HOG} 2>/dev/null; exit $?")] {
        let said = service(&limit, &[], &script).run_created();
        assert_eq!(said.code, Some(137), "{script}: {}", said.stderr);
        let named = "castoff: warning: the service was killed by the kernel's OOM killer: \
                     the memory limit is 32M; raise it, or let the service use less\n";
        assert!(said.stderr.contains(named), "{script}: {}", said.stderr);
    }
    let said = service(&limit, &[], "kill -KILL $$").run_created();
    assert_eq!((said.code, said.stderr.as_str()), (Some(137), ""), "somebody else's kill");
}

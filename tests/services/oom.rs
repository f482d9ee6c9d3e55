//! Of several services those that the kernel's OOM killer ended are named, and the others go on.

use super::{Services, polite, shell};
use crate::harness::{Cgroup, Exit, HOG, Place, Running, each_place_to_mount_in, send};

/// castoff with these services and a polite one, all in the cgroup.
fn start(cgroup: &Cgroup, services: &Services, place: Place) -> Running {
    cgroup.holds(services.launch()).place(place).start()
}

fn stop(mut castoff: Running) -> String {
    castoff.signal(libc::SIGTERM);
    castoff.expect("other bye");
    let (exit, _, err) = castoff.end();
    assert_eq!(exit, Exit::Code(0), "{err}");
    err
}

const KILLED: &str = "was killed by the kernel's OOM killer: the memory limit is 48M; raise it, or let the \
                      service use less";

#[test]
fn who_used_too_much_is_named_and_started_again_and_the_other_lives_on() {
    let Some(cgroup) = Cgroup::new("tree-again") else { return };
    each_place_to_mount_in(|place| {
        let script = format!(
            "mkdir $DIR/first && exec {HOG}; trap 'exit 0' TERM; echo again; while :; do sleep 0.02; done"
        );
        let rest = "after = [\"other\"]\nrestart = \"on-failure\"\nbackoff = \"10ms\"";
        let services =
            Services::new("oom-again", &[shell("app", &script, rest), polite("other", "")].concat());
        let mut castoff = start(&cgroup, &services, place);
        castoff.expect("other up");
        castoff.told_that(&format!("castoff: warning: app {KILLED}"));
        castoff.told_that("app was ended by SIGKILL (code 137); starting it again in ");
        castoff.expect("again");
        let err = stop(castoff);
        assert!(!err.contains("OOM"), "{place:?}: {err}");
    });
}

#[test]
fn an_essential_one_that_used_too_much_ends_the_container_with_137() {
    let Some(cgroup) = Cgroup::new("tree-end") else { return };
    let app = shell("app", &format!("exec {HOG}"), "after = [\"other\"]\nrestart = \"no\"");
    let services = Services::new("oom-end", &[app, polite("other", "")].concat());
    each_place_to_mount_in(|place| {
        let (exit, out, err) = start(&cgroup, &services, place).end();
        assert_eq!((exit, out.as_str()), (Exit::Code(137), "other up\nother bye\n"), "{place:?}: {err}");
        assert_eq!(err.matches("OOM").count(), 1, "{place:?}: {err}");
        assert!(err.contains(&format!("castoff: warning: app {KILLED}\n")), "{place:?}: {err}");
    });
}

#[test]
fn a_worker_that_used_too_much_is_its_service_s_own_affair() {
    let Some(cgroup) = Cgroup::new("tree-worker") else { return };
    let script = format!("trap 'exit 0' TERM; {HOG}; echo worker $?; while :; do sleep 0.02; done");
    let app = shell("app", &script, "after = [\"other\"]");
    let services = Services::new("oom-worker", &[app, polite("other", "")].concat());
    each_place_to_mount_in(|place| {
        let mut castoff = start(&cgroup, &services, place);
        castoff.expect("other up");
        castoff.expect("worker 137");
        assert!(!castoff.ended());
        let err = stop(castoff);
        assert!(!err.contains("OOM"), "{place:?}: {err}");
    });
}

#[test]
fn of_two_that_were_killed_at_once_both_are_named() {
    let Some(cgroup) = Cgroup::new("tree-two") else { return };
    each_place_to_mount_in(|place| {
        let hog = |name: &str| {
            let script = format!("echo up; while [ ! -e $DIR/go ]; do sleep 0.01; done; exec {HOG}");
            shell(name, &script, "after = [\"other\"]\nessential = false")
        };
        let services = Services::new("oom-two", &[hog("one"), hog("two"), polite("other", "")].concat());
        let mut castoff = start(&cgroup, &services, place);
        for line in ["other up", "up", "up"] {
            castoff.expect(line);
        }
        // it learns of both ends at the same time
        castoff.signal(libc::SIGSTOP);
        services.directory.file("go", 0o644, b"");
        castoff.until("both to be killed", |castoff| {
            castoff.descendants().iter().filter(|seen| seen.state == 'Z' && seen.name == "python3").count()
                == 2
        });
        castoff.signal(libc::SIGCONT);
        for service in ["one", "two"] {
            castoff.told_that(&format!("castoff: warning: {service} {KILLED}"));
        }
        stop(castoff);
    });
}

#[test]
fn who_was_killed_by_somebody_is_not_said_to_have_used_too_much() {
    let Some(cgroup) = Cgroup::new("tree-killed") else { return };
    // a worker of one service was killed, the counter has risen; the other one starts after that
    let worker = shell(
        "worker",
        &format!("{HOG}; echo >&9; exec sleep 1000"),
        "ready = { fd = 9 }\nstop-is-success = true",
    );
    let app = shell("app", "exec tail -f /dev/null", "after = [\"worker\"]\nessential = false");
    let services = Services::new("oom-killed", &[worker, app, polite("other", "after = [\"app\"]")].concat());
    each_place_to_mount_in(|place| {
        let mut castoff = start(&cgroup, &services, place);
        castoff.expect("other up");
        let mut app = None;
        castoff.until("it to be there", |castoff| {
            app = castoff.descendants().into_iter().find(|seen| seen.name == "tail");
            app.is_some()
        });
        send(app.unwrap().pid, libc::SIGKILL);
        let line = castoff.told_that("app was");
        assert!(line.contains("app was ended by SIGKILL"), "{place:?}: {line}");
        stop(castoff);
    });
}

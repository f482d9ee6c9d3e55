//! What stays as PID 1 after the preparation.

use crate::harness::{Exit, Launch, Place, each_place, refusing};

const SECRET: &str = "DB_PASSWORD=hunter2-canary";

/// Prints castoff's environment as /proc shows it, and its arguments.
const LOOK: &str = "tr '\\0' '\\n' </proc/$PPID/environ; echo; tr '\\0' ' ' </proc/$PPID/cmdline; echo; cat /proc/$PPID/comm; exit 7";

fn look(launch: Launch, place: Place) -> (Exit, String, String) {
    launch.place(place).variable(SECRET).start().end()
}

#[test]
fn the_environment_is_gone_after_sealing() {
    each_place(|place| {
        let (exit, out, err) = look(Launch::library(["--seal", "--", "sh", "-c", LOOK]), place);
        assert_eq!(exit, Exit::Code(7), "{err}");
        assert!(out.contains("castoff --sealed="), "castoff started afresh: {out}");
        assert!(!out.contains("canary"), "{out}");
        assert!(out.ends_with("castoff\n"), "{out}");
    });
}

#[test]
fn a_plain_init_shows_no_environment_either_and_the_service_has_it() {
    each_place(|place| {
        // it is wiped beside the service's start, which has it from there
        let script = format!("while grep -q DB_PASSWORD /proc/$PPID/environ; do sleep 0.01; done; {LOOK}");
        let (exit, out, err) = look(Launch::castoff(["--", "sh", "-c", &script]), place);
        assert_eq!(exit, Exit::Code(7), "{err}");
        assert!(!out.contains("canary"), "{out}");
        // that looking would show it
        let look_at_service = LOOK.replace("$PPID", "self");
        let (_, out, _) = look(Launch::castoff(["--", "sh", "-c", &look_at_service]), place);
        assert!(out.contains("canary"), "{out}");
    });
}

#[test]
fn where_nothing_can_be_sealed_the_environment_is_wiped() {
    let launch = Launch::library(["--seal", "--", "sh", "-c", LOOK]);
    let Some(launch) = refusing("memfd_create:error=EPERM", launch) else { return };
    let (exit, out, err) = look(launch, Place::Child);
    assert_eq!(exit, Exit::Code(7));
    assert!(err.contains("not sealed, supervising as I am"), "{err}");
    assert!(!out.contains("canary") && !out.contains("--sealed"), "{out}");
}

#[test]
fn a_plan_survives_the_seal() {
    each_place(|place| {
        let script = "trap 'echo rewritten; exit 3' QUIT; pwd; echo ready; while :; do sleep 0.01; done";
        let options = ["--seal", "--directory", "/usr", "--rewrite", "TERM=QUIT", "--", "sh", "-c", script];
        let mut castoff = Launch::library(options).place(place).start();
        castoff.expect("/usr");
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        castoff.expect("rewritten");
        assert_eq!(castoff.wait(), Exit::Code(3));
    });
}

#[test]
fn a_seal_that_castoff_did_not_make_is_refused() {
    for argument in ["--sealed=0", "--sealed=77", "--sealed=x", "--sealed="] {
        let (exit, _, err) = Launch::castoff([argument]).start().end();
        assert_eq!(exit, Exit::Code(64), "{argument}: {err}");
        assert!(err.contains("it is no option"), "{err}");
    }
}

#[test]
fn a_signal_during_the_sealing_is_not_lost() {
    each_place(|place| {
        // TERM is pending before castoff starts, and stays so across its own exec.
        let own = std::env::current_exe().unwrap();
        let own = own.to_str().unwrap();
        let script = format!("kill -TERM $$; exec {own} --probe run --seal -- {own} --probe signals");
        let launch = Launch::program(["/bin/sh", "-c", &script]).place(place).blocked(&[libc::SIGTERM]);
        let mut castoff = launch.start();
        castoff.expect("ready");
        castoff.expect("15");
    });
}

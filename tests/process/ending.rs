//! The end: exit codes, orphans, what is left behind.

use crate::harness::{Exit, Launch, Place, each_place, each_setting};

#[test]
fn each_of_the_256_statuses_is_castoff_s_own() {
    each_setting(|setting| {
        for status in 0..=255 {
            let mut castoff = setting.castoff(&["--", "sh", "-c", &format!("exit {status}")]).start();
            assert_eq!(castoff.wait(), Exit::Code(status), "{setting:?}");
        }
    });
}

#[test]
fn a_service_that_a_signal_killed_gives_128_and_its_number() {
    each_setting(|setting| {
        // What kills by default (signal(7)); 32 and 33 are glibc's, but the kernel's too.
        for signal in (1..=64).filter(|signal| ![17, 18, 19, 20, 21, 22, 23, 28].contains(signal)) {
            let script = format!(
                "import os,resource as r; r.setrlimit(r.RLIMIT_CORE,(0,0)); os.kill(os.getpid(),{signal})"
            );
            // Python ignores SIGPIPE and SIGXFSZ for itself, dash can't name 32 and 33.
            let mut castoff = match signal {
                13 | 25 => {
                    let script = format!("ulimit -c 0; kill -{signal} $$");
                    setting.castoff(&["--", "sh", "-c", &script]).start()
                }
                // As an interrupt Python makes of it an exception.
                2 => setting.castoff(&["--", "sh", "-c", "kill -2 $$"]).start(),
                _ => setting.castoff(&["--", "python3", "-c", &script]).start(),
            };
            assert_eq!(castoff.wait(), Exit::Code(128 + signal), "{setting:?} {signal}");
        }
    });
}

#[test]
fn orphans_are_reaped_while_the_service_runs() {
    each_place(|place| {
        let script = "for i in $(seq 300); do (sh -c 'exit 3' &); done; echo made; read x; exit 4";
        let mut castoff = Launch::castoff(["--", "sh", "-c", script]).place(place).start();
        castoff.expect("made");
        castoff.until("the orphans to be gone", |castoff| {
            let left = castoff.descendants();
            left.len() == 1 && left[0].name == "sh"
        });
        castoff.close_input();
        assert_eq!(castoff.wait(), Exit::Code(4), "an orphan's status is not castoff's");
    });
}

#[test]
fn what_is_left_gets_term_and_time_to_act_on_it() {
    each_place(|place| {
        let script = "sh -c 'trap \"echo told; exit\" TERM; echo ready; while :; do sleep 0.02; done' & read x; exit 5";
        let mut castoff = Launch::castoff(["--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        castoff.say("\n");
        let (exit, out, err) = castoff.end();
        assert_eq!((exit, out.as_str()), (Exit::Code(5), "told\n"), "{place:?}");
        assert!(!err.contains("castoff"), "nobody had to be killed: {err}");
    });
}

#[test]
fn what_ignores_term_is_killed_after_the_grace_and_named() {
    each_place(|place| {
        let script = "trap '' TERM; setsid sleep 1000 & setsid sleep 1000 & read x; exit 6";
        let options = ["--grace-ms", "50", "--", "sh", "-c", script];
        let mut castoff = Launch::library(options).place(place).start();
        castoff.until("both to sleep", |castoff| {
            castoff.descendants().iter().filter(|seen| seen.name == "sleep").count() == 2
        });
        castoff.say("\n");
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(6));
        assert!(err.contains("still there after the grace and killed: "), "{err}");
        assert_eq!(err.matches("(sleep)").count(), 2, "{place:?}: {err}");
        assert_eq!(castoff.descendants(), []);
    });
}

#[test]
fn a_stopped_orphan_does_not_hold_the_end() {
    each_place(|place| {
        let script = "sleep 1000 & kill -STOP $!; echo ready; exit 6";
        let mut castoff = Launch::castoff(["--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        let (exit, _, err) = castoff.end();
        assert_eq!((exit, err.as_str()), (Exit::Code(6), ""), "TERM and CONT were enough");
    });
}

#[test]
fn a_second_term_cuts_the_grace_short() {
    each_place(|place| {
        let script = "trap '' TERM; sleep 1000 & echo ready; exit 6";
        let mut castoff =
            Launch::library(["--grace-ms", "900000", "--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        castoff.until("the service to be gone", |castoff| {
            castoff.descendants().iter().all(|process| process.name != "sh")
        });
        castoff.signal(libc::SIGTERM);
        castoff.until("the first TERM to be read", |castoff| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", castoff.pid)).unwrap();
            status.contains("ShdPnd:\t0000000000000000")
        });
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(6));
    });
}

#[test]
fn a_service_that_ignores_its_stop_is_killed_after_its_timeout() {
    each_place(|place| {
        let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
        let options = ["--stop-timeout-ms", "50", "--", "sh", "-c", script];
        let mut castoff = Launch::library(options).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(137));
        assert!(err.contains("did not end within 50ms of being told to stop"), "{err}");
    });
}

#[test]
fn children_that_castoff_finds_at_its_start_are_reaped() {
    let script =
        format!("sh -c 'exit 3' & exec {} -- sh -c 'echo ready; read x'", env!("CARGO_BIN_EXE_castoff"));
    let mut castoff = Launch::program(["/bin/sh", "-c", &script]).start();
    castoff.expect("ready");
    castoff.until("one child to be left", |castoff| castoff.descendants().len() == 1);
    castoff.close_input();
    castoff.wait();
}

#[test]
fn a_closed_stderr_is_no_reason_to_die() {
    each_place(|place: Place| {
        // castoff's log line has nobody to read it, and its SIGPIPE must not reach anybody.
        let script = "trap '' TERM; sleep 1000 & exit 6";
        let launch =
            Launch::library(["--grace-ms", "20", "--", "sh", "-c", script]).place(place).closed(&[2]);
        assert_eq!(launch.start().wait(), Exit::Code(6));
    });
}

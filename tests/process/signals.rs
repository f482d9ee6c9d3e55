//! Forwarding.

use crate::harness::{Exit, Launch, each_place, refusing, send};

/// 1 to 64 without KILL and STOP.
fn catchable() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| ![9, 19].contains(signal))
}

fn probe() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_catchable_signal_is_forwarded_exactly_once() {
    each_place(|place| {
        let mut castoff = Launch::castoff(["--", &probe(), "--probe", "signals"]).place(place).start();
        castoff.expect("ready");
        for signal in catchable() {
            castoff.signal(signal);
            assert_eq!(castoff.line(), signal.to_string(), "{place:?}");
        }
        // Whatever had come twice would stand before this one.
        castoff.signal(libc::SIGUSR1);
        assert_eq!(castoff.line(), libc::SIGUSR1.to_string());
    });
}

#[test]
fn every_signal_is_forwarded_once_after_sealing_too() {
    each_place(|place| {
        let mut castoff =
            Launch::library(["--seal", "--", &probe(), "--probe", "signals"]).place(place).start();
        castoff.expect("ready");
        for signal in catchable() {
            castoff.signal(signal);
            assert_eq!(castoff.line(), signal.to_string(), "{place:?}");
        }
    });
}

#[test]
fn real_time_signals_queue() {
    each_place(|place| {
        let mut castoff = Launch::castoff(["--", &probe(), "--probe", "signals"]).place(place).start();
        castoff.expect("ready");
        for _ in 0..5 {
            castoff.signal(40);
        }
        for _ in 0..5 {
            castoff.expect("40");
        }
    });
}

#[test]
fn signals_are_rewritten_and_dropped() {
    each_place(|place| {
        let options = ["--rewrite", "TERM=QUIT", "--rewrite", "HUP=0", "--rewrite", "RTMIN+1=RTMAX"];
        let [a, b, c, d, e, f] = options;
        let mut castoff =
            Launch::library([a, b, c, d, e, f, "--", &probe(), "--probe", "signals"]).place(place).start();
        castoff.expect("ready");
        for (sent, seen) in [(1, ""), (15, "3"), (35, "64"), (10, "10")] {
            castoff.signal(sent);
            if !seen.is_empty() {
                castoff.expect(seen);
            }
        }
    });
}

#[test]
fn scope_all_reaches_who_left_the_session_and_main_does_not() {
    each_place(|place| {
        for (scope, grace, reached) in [("--scope-all", "60000", true), ("--scope-group", "0", false)] {
            let script = "trap 'exit 3' USR1; setsid sh -c 'trap \"\" TERM; trap \"echo escaped; exit\" USR1; echo ready; while :; do sleep 0.02; done' & wait";
            let mut castoff =
                Launch::library(["--grace-ms", grace, scope, "--", "sh", "-c", script]).place(place).start();
            castoff.expect("ready");
            castoff.signal(libc::SIGUSR1);
            if reached {
                castoff.expect("escaped");
            }
            let (exit, out, _) = castoff.end();
            assert_eq!((exit, out.as_str()), (Exit::Code(3), ""), "{place:?} {scope}");
        }
    });
}

#[test]
fn a_stopped_service_ends_when_it_is_told_to() {
    each_place(|place| {
        for stop in ["STOP", "TSTP"] {
            let script = format!("echo ready; kill -{stop} $$; sleep 1000");
            let mut castoff = Launch::castoff(["--", "sh", "-c", &script]).place(place).start();
            castoff.expect("ready");
            if stop == "STOP" {
                castoff.until("the service to be stopped", |castoff| {
                    castoff.descendants().iter().any(|process| process.state == 'T')
                });
            }
            castoff.signal(libc::SIGTERM);
            assert_eq!(castoff.wait(), Exit::Code(143), "{place:?} {stop}");
        }
    });
}

#[test]
fn a_pause_that_is_asked_for_lasts_until_cont() {
    each_place(|place| {
        let script = "trap 'echo woken; exit 3' CONT; echo ready; while :; do sleep 0.01; done";
        let mut castoff = Launch::castoff(["--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTSTP);
        castoff.until("the service to be stopped", |castoff| {
            castoff.descendants().iter().any(|process| process.name == "sh" && process.state == 'T')
        });
        castoff.signal(libc::SIGCONT);
        castoff.expect("woken");
        assert_eq!(castoff.wait(), Exit::Code(3), "{place:?}");
    });
}

/// strace delays every execve by two seconds. While the service's child still is castoff,
/// it is between the making of the process and its exec.
fn between_fork_and_exec(to_child: bool) {
    let sleep = Launch::castoff(["--", "sleep", "1000"]);
    let Some(launch) = refusing("execve:delay_enter=2s", sleep) else { return };
    let mut strace = launch.start();
    let mut pids = (0, 0);
    // The delay is long; a signal that comes after it only makes an easier test.
    strace.until("a child, which has not executed yet", |strace| {
        let tree = strace.descendants();
        let parent = tree.iter().find(|process| process.name == "castoff");
        let child = parent.and_then(|parent| tree.iter().find(|process| process.parent == parent.pid));
        if let (Some(parent), Some(child)) = (parent, child) {
            pids = (parent.pid, child.pid);
        }
        child.is_some()
    });
    send(if to_child { pids.1 } else { pids.0 }, libc::SIGTERM);
    assert_eq!(strace.wait(), Exit::Code(143));
}

#[test]
fn a_signal_to_the_child_between_fork_and_exec_is_not_swallowed() {
    between_fork_and_exec(true);
}

#[test]
fn a_signal_to_castoff_between_fork_and_exec_is_not_swallowed() {
    between_fork_and_exec(false);
}

#[test]
fn a_preparation_is_interrupted_and_ends_as_its_place_demands() {
    each_place(|place| {
        for (signal, ignored) in [(15, vec![]), (2, vec![]), (3, vec![]), (1, vec![]), (15, vec![1, 2, 3])] {
            let mut castoff = Launch::probe(["prepare"]).place(place).ignored(&ignored).start();
            castoff.expect("ready");
            // What castoff was started to ignore (nohup) does not interrupt it.
            ignored.iter().for_each(|signal| castoff.signal(*signal));
            castoff.signal(signal);
            let expected = if place.is_init() { Exit::Code(128 + signal) } else { Exit::Signal(signal) };
            assert_eq!(castoff.wait(), expected, "{place:?}");
        }
    });
}

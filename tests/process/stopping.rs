//! How a service is told to stop: the delay before it, and what its end by it counts as.

use crate::harness::{Exit, Launch, Running, each_place};

fn probe() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

/// Until castoff has read all that was sent to it.
fn until_read(castoff: &mut Running) {
    castoff.until("castoff to have read its signals", |castoff| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", castoff.pid)).unwrap();
        status.contains("ShdPnd:\t0000000000000000")
    });
}

#[test]
fn a_stop_waits_for_its_delay_and_other_signals_do_not() {
    each_place(|place| {
        let options = ["--stop-delay", "2s", "--", &probe(), "--probe", "signals"];
        let mut castoff = Launch::castoff(options).place(place).start();
        castoff.expect("ready");
        // In this order: had TERM not waited, it would stand before the others.
        castoff.signal(libc::SIGTERM);
        until_read(&mut castoff);
        for other in [libc::SIGHUP, libc::SIGUSR1, 40] {
            castoff.signal(other);
            castoff.expect(&other.to_string());
        }
        castoff.expect("15");
        castoff.signal(libc::SIGTERM);
        castoff.expect("15");
    });
}

#[test]
fn a_second_stop_ends_the_delay() {
    each_place(|place| {
        for (second, seen) in [(libc::SIGTERM, &["15"][..]), (libc::SIGINT, &["2", "15"])] {
            let options = ["--stop-delay", "1h", "--", &probe(), "--probe", "signals"];
            let mut castoff = Launch::castoff(options).place(place).start();
            castoff.expect("ready");
            castoff.signal(libc::SIGTERM);
            until_read(&mut castoff);
            castoff.signal(second);
            let mut came: Vec<String> = seen.iter().map(|_| castoff.line()).collect();
            came.sort_by_key(|number| seen.iter().position(|known| known == number));
            assert_eq!(came, seen, "{place:?}");
            castoff.signal(libc::SIGUSR1);
            castoff.expect("10");
        }
    });
}

#[test]
fn a_service_that_ends_during_the_delay_ends_castoff() {
    each_place(|place| {
        let options = ["--stop-delay", "1h", "--", "sh", "-c", "echo ready; read x; exit 4"];
        let mut castoff = Launch::castoff(options).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        until_read(&mut castoff);
        castoff.close_input();
        assert_eq!(castoff.wait(), Exit::Code(4), "{place:?}");
    });
}

#[test]
fn the_stop_timeout_counts_from_the_forwarding() {
    each_place(|place| {
        // Were it counted from the signal, the service would be killed before it is told.
        let script = "trap 'echo told' TERM; echo ready; while :; do sleep 0.01; done";
        let options =
            ["--stop-delay-ms", "2000", "--stop-timeout-ms", "1500", "--seal", "--", "sh", "-c", script];
        let mut castoff = Launch::library(options).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        castoff.expect("told");
        assert_eq!(castoff.wait(), Exit::Code(137), "{place:?}");
    });
}

#[test]
fn an_obeyed_stop_gives_0_where_that_was_asked_for() {
    each_place(|place| {
        let exits = "trap 'exit 143' TERM; echo ready; while :; do sleep 0.01; done";
        let fails = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done";
        let plain = "echo ready; exec sleep 1000";
        for (script, code) in [(plain, 0), (exits, 0), (fails, 3)] {
            let options = ["--stop-is-success", "--", "sh", "-c", script];
            let mut castoff = Launch::castoff(options).place(place).start();
            castoff.expect("ready");
            castoff.signal(libc::SIGTERM);
            assert_eq!(castoff.wait(), Exit::Code(code), "{place:?} {script}");
        }
        let options = ["--stop-is-success", "--rewrite", "TERM=QUIT", "--", "sh", "-c", plain];
        let mut castoff = Launch::castoff(options).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "the rewritten stop: {place:?}");
    });
}

#[test]
fn an_end_that_nobody_asked_castoff_for_stays_what_it_is() {
    each_place(|place| {
        for (script, code) in [("kill -TERM $$; sleep 1000", 143), ("exit 143", 143), ("kill -KILL $$", 137)]
        {
            let options = ["--stop-is-success", "--", "sh", "-c", script];
            let mut castoff = Launch::castoff(options).place(place).start();
            assert_eq!(castoff.wait(), Exit::Code(code), "{place:?} {script}");
        }
    });
}

#[test]
fn without_being_asked_castoff_never_kills() {
    each_place(|place| {
        // pid1-rs does after two seconds.
        let script = "trap 'echo told' TERM; echo ready; while :; do read x && exit 5; sleep 0.01; done";
        let mut castoff = Launch::castoff(["--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        castoff.expect("told");
        until_read(&mut castoff);
        // It waits without a timeout, so there is no time at which it would kill.
        castoff
            .until("castoff to wait for ever", |castoff| castoff.waits_for_ever(libc::SYS_rt_sigtimedwait));
        castoff.say("\n");
        assert_eq!(castoff.wait(), Exit::Code(5), "{place:?}");
    });
}

//! With what the container ends, and that it ends.

use super::{Services, polite, shell};
use crate::harness::{Exit, each_place};

#[test]
fn the_end_of_an_essential_service_is_the_container_s_with_its_code() {
    // s6-overlay ends with 0
    each_place(|place| {
        for code in [0, 1, 42, 255] {
            let script = format!("while [ ! -e $DIR/up ]; do sleep 0.01; done; exit {code}");
            let other = polite("other", "").replace("echo other up", "touch $DIR/up");
            let services = Services::new("essential", &[shell("app", &script, ""), other].concat());
            let (exit, out, _) = services.start(place).end();
            assert_eq!((exit, out.as_str()), (Exit::Code(code), "other bye\n"), "{place:?}");
        }
    });
}

#[test]
fn the_end_of_another_is_not() {
    let minor = shell("minor", "echo minor; exit 5", "essential = false");
    let services = Services::new("minor", &[minor, polite("app", "")].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.told_that("minor ended with code 5");
        let mut lines = [castoff.line(), castoff.line()];
        lines.sort();
        assert_eq!(lines, ["app up", "minor"]);
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn a_service_that_ignores_its_stop_is_killed_when_its_time_is_over() {
    let deaf =
        shell("deaf", "trap '' TERM; echo up; while :; do sleep 0.02; done", "stop-timeout = \"100ms\"");
    let services = Services::new("deaf", &[deaf, polite("other", "")].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.line();
        castoff.line();
        castoff.signal(libc::SIGTERM);
        castoff.told_that("deaf did not end within 100ms of being told to stop and is killed");
        assert_eq!(castoff.wait(), Exit::Code(137), "{place:?}");
    });
}

#[test]
fn grandchildren_that_left_are_told_and_then_killed_by_name() {
    let script = "setsid sh -c \"trap '' TERM; echo \\$\\$ >\\$DIR/pid; exec sleep 1000\" & \
                  while [ ! -s $DIR/pid ]; do sleep 0.01; done; echo up; exec sleep 1000";
    each_place(|place| {
        let rest = "stop-is-success = true";
        let services =
            Services::new("grandchildren", &[shell("app", script, rest), polite("b", "")].concat());
        let mut castoff = services.start(place);
        castoff.line();
        castoff.line();
        castoff.until("both of app to sleep", |castoff| {
            castoff.descendants().iter().filter(|seen| seen.name == "sleep").count() == 2
        });
        castoff.signal(libc::SIGTERM);
        let told = castoff.told_that("still there after the grace and killed");
        assert!(told.contains("(sleep)"), "{told}");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn an_orphan_s_end_is_nobody_s() {
    let script = "(sh -c 'exit 9' &); (setsid true &); echo up; exec sleep 1000";
    let services = Services::new("orphan", &[shell("app", script, ""), polite("other", "")].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.line();
        castoff.line();
        castoff.until("the orphans to be reaped", |castoff| {
            castoff.descendants().iter().all(|seen| seen.state != 'Z')
        });
        assert!(!castoff.ended());
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(143), "{place:?}");
    });
}

#[test]
fn services_have_the_environment_and_not_what_is_castoff_s() {
    // s6-overlay strips it
    let script = "echo \"$GREETING|$NOTIFY_SOCKET|$LISTEN_FDS|$CASTOFF_LOG_LEVEL\"";
    let services = Services::new("environment", &[shell("app", script, ""), polite("other", "")].concat());
    each_place(|place| {
        let launch = services.launch().place(place).variable("GREETING=hello").variable("LISTEN_FDS=1");
        let launch = launch.variable("NOTIFY_SOCKET=/outer").variable("CASTOFF_LOG_LEVEL=warn");
        let (exit, out, _) = launch.start().end();
        assert_eq!(exit, Exit::Code(0), "{place:?}");
        assert!(out.contains("hello|||\n"), "{out}");
    });
}

#[test]
fn codes_can_be_remapped_and_count_as_success() {
    each_place(|place| {
        for (options, rest, code) in
            [(&["--remap-exit", "3=4"][..], "", 4), (&[], "success-exit = [2, 3]", 0), (&[], "", 3)]
        {
            let services = Services::new("remap", &[shell("app", "exit 3", rest), polite("b", "")].concat());
            let (exit, _, err) = services.launch().arguments(options).place(place).start().end();
            assert_eq!(exit, Exit::Code(code), "{place:?} {rest}: {err}");
        }
    });
}

#[test]
fn signals_go_to_those_that_take_them() {
    let script = "trap 'echo got' USR1; trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
    let lines = [
        shell("app", script, "forward-signals = [\"USR1\"]"),
        shell("other", "echo up; exec sleep 1000", "stop-is-success = true"),
    ];
    let services = Services::new("forward", &lines.concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.expect("up");
        castoff.expect("up");
        castoff.signal(libc::SIGUSR1);
        castoff.expect("got");
        castoff.signal(libc::SIGUSR2);
        castoff.told_that("no service takes SIGUSR2");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn options_about_one_command_are_refused() {
    let services = Services::new("options", &[polite("a", ""), polite("b", "")].concat());
    for options in [&["--exec"][..], &["--scope", "all"], &["--rewrite", "TERM=QUIT"], &["--setsid"]] {
        let (exit, _, err) = services.launch().arguments(options).start().end();
        assert_eq!(exit, Exit::Code(64), "{options:?}");
        assert!(err.contains(&format!("{} is about one command", options[0])), "{err}");
    }
    // a command in their place takes them
    let (exit, out, _) = services.launch().arguments(&["--exec", "echo", "hi"]).start().end();
    assert_eq!((exit, out.as_str()), (Exit::Code(0), "hi\n"));
}

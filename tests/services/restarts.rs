//! What becomes of services that end.

use super::{Services, polite, shell};
use crate::harness::{Exit, each_place};

const QUICK: &str = "backoff = \"10ms\"\nbackoff-max = \"40ms\"\n";

#[test]
fn the_first_quick_end_is_retried_like_any_other() {
    // supervisord's startsecs takes it for a failure to start
    let script = "echo try; test -e $DIR/second && exec sleep 1000; touch $DIR/second; exit 3";
    each_place(|place| {
        let lines =
            shell("app", script, &format!("restart = \"on-failure\"\nstop-is-success = true\n{QUICK}"));
        let services = Services::new("first", &lines);
        let mut castoff = services.start(place);
        castoff.expect("try");
        castoff.told_that("app ended with code 3; starting it again in ");
        castoff.expect("try");
        castoff.until("the second one to run", |castoff| {
            castoff.descendants().iter().any(|seen| seen.name == "sleep")
        });
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn giving_up_ends_the_container_with_the_service_s_code() {
    // supervisord stays up with a service in FATAL
    let limit = format!("{QUICK}restart-limit = \"2 per 1m\"\n");
    each_place(|place| {
        for (script, restart, code) in
            [("exit 7", "on-failure", 7), ("exit 0", "always", 69), ("kill -SEGV $$", "always", 139)]
        {
            let app =
                shell("app", &format!("echo try; {script}"), &format!("restart = \"{restart}\"\n{limit}"));
            let services = Services::new("give-up", &[app, polite("other", "")].concat());
            let mut castoff = services.start(place);
            let (exit, out, err) = castoff.end();
            assert_eq!(exit, Exit::Code(code), "{place:?} {script}: {err}");
            assert_eq!(out.matches("try").count(), 3, "{out}");
            assert!(out.ends_with("other bye\n"), "the other one is told to end: {out}");
            assert!(err.contains("more than its restart-limit allows; giving up"), "{err}");
        }
    });
}

#[test]
fn giving_up_can_be_ignored() {
    let rest = format!("restart = \"always\"\nrestart-limit = \"1 per 1m\"\ngive-up = \"ignore\"\n{QUICK}");
    let services = Services::new("ignored", &[shell("app", "exit 7", &rest), polite("other", "")].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.told_that("giving up");
        castoff.expect("other up");
        castoff.signal(libc::SIGTERM);
        castoff.expect("other bye");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn what_cannot_be_executed_is_explained_and_ends_the_container() {
    let services = Services::new(
        "missing",
        &["[service.app]\ncommand = [\"nowhere\"]\n", &polite("other", "")].concat(),
    );
    each_place(|place| {
        let (exit, _, err) = services.start(place).end();
        assert_eq!(exit, Exit::Code(127), "{place:?}: {err}");
        assert!(err.contains("app: ") && err.contains("nowhere"), "{err}");
    });
}

#[test]
fn what_a_service_left_is_gone_before_it_comes_again() {
    // a worker that outlives its master would hold the port
    let script = "sleep 1000 & echo master with $!; test -e $DIR/again && wait; touch $DIR/again; exit 1";
    each_place(|place| {
        let services =
            Services::new("left", &shell("app", script, &format!("restart = \"on-failure\"\n{QUICK}")));
        let mut castoff = services.start(place);
        assert!(castoff.line().starts_with("master"));
        assert!(castoff.line().starts_with("master"));
        castoff.until("one worker to be there", |castoff| {
            castoff.descendants().iter().filter(|seen| seen.name == "sleep").count() == 1
        });
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(143), "{place:?}");
    });
}

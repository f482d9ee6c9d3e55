//! What other inits get wrong, by test. Some of it is proven elsewhere:
//! - The end of the main process kills its siblings at once (tini, dumb-init, catatonit,
//!   pid1): `ending::what_is_left_gets_term_and_time_to_act_on_it`.
//! - It wakes up every second (tini), and kills without being asked (pid1):
//!   `stopping::without_being_asked_castoff_never_kills`.
//! - A kill(2) that fails ends the container (tini):
//!   `refusals::a_signal_that_can_t_be_sent_does_not_end_castoff`.
//! - Only TERM and INT are forwarded (pid1), real-time signals are out of bounds (dumb-init):
//!   `signals::every_catchable_signal_is_forwarded_exactly_once`.
//! - Inherited SIG_IGN is lost (dumb-init):
//!   `inheritance::the_mask_and_the_ignored_signals_are_as_castoff_got_them`.
//! - A program of another architecture says 127, and a text goes to /bin/sh (all that use
//!   execvp): `exec_failure::each_failure_has_its_code_and_its_sentence`.
//! - The environment is stripped, the exit code is always 0 (s6-overlay):
//!   `inheritance::the_environment_passes_unchanged`,
//!   `ending::each_of_the_256_statuses_is_castoff_s_own`.

use crate::harness::{Exit, Launch, each_place};

#[test]
fn after_a_forwarded_tstp_the_service_can_still_be_told_to_end() {
    // Under dumb-init as PID 1 the child is frozen then for good.
    each_place(|place| {
        for stop in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            let mut castoff =
                Launch::castoff(["--", "sh", "-c", "echo ready; exec sleep 1000"]).place(place).start();
            castoff.expect("ready");
            castoff.signal(stop);
            castoff.until("the service to be stopped", |castoff| {
                castoff.descendants().iter().any(|process| process.state == 'T')
            });
            castoff.signal(libc::SIGTERM);
            assert_eq!(castoff.wait(), Exit::Code(143), "{place:?} {stop}");
        }
    });
}

#[test]
fn the_end_of_one_sibling_is_no_end_of_the_others() {
    // A sibling that needs its time for the work that it has begun gets it.
    each_place(|place| {
        let slow = "trap 'for i in 1 2 3 4 5; do sleep 0.02; echo work $i; done; exit' TERM; echo ready; while :; do sleep 0.01; done";
        let script = format!("setsid sh -c {slow:?} & read x; exit 9");
        let script = script.replace("$i", "\\$i");
        let mut castoff = Launch::castoff(["--", "sh", "-c", &script]).place(place).start();
        castoff.expect("ready");
        castoff.say("\n");
        for step in 1..=5 {
            castoff.expect(&format!("work {step}"));
        }
        assert_eq!(castoff.wait(), Exit::Code(9), "{place:?}");
    });
}

#[test]
fn a_text_is_not_handed_to_the_shell() {
    let directory = crate::harness::Directory::new("text");
    let text = directory.file("text", 0o755, b"echo run by a shell\n");
    each_place(|place| {
        let (exit, out, _) = Launch::castoff(["--", &text]).place(place).start().end();
        assert_eq!((exit, out.as_str()), (Exit::Code(126), ""), "{place:?}");
    });
}

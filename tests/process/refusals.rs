//! System calls that a sandbox refuses, or that fail: castoff works without, or says why it
//! ends, and leaves no child.

use crate::harness::{Exit, Launch, refusing};

#[test]
fn where_memory_can_t_be_shared_a_fork_does() {
    // The first clone is the one that shares castoff's memory, the second one is fork's.
    let service = Launch::castoff(["--", "sh", "-c", "exit 7"]);
    let Some(launch) = refusing("clone:error=EPERM:when=1", service) else { return };
    assert_eq!(launch.start().wait(), Exit::Code(7));

    let missing = Launch::castoff(["--", "/etc"]);
    let Some(launch) = refusing("clone:error=EPERM:when=1", missing) else { return };
    let (exit, _, err) = launch.start().end();
    assert_eq!(exit, Exit::Code(126));
    assert!(err.contains("can't run `/etc`: it is a directory"), "{err}");
}

#[test]
fn where_no_process_can_be_made_castoff_says_so() {
    let service = Launch::castoff(["--", "true"]);
    let Some(launch) = refusing("clone:error=EAGAIN", service) else { return };
    let (exit, _, err) = launch.start().end();
    assert_eq!(exit, Exit::Code(126));
    assert!(err.contains("can't run `true`: no process could be made"), "{err}");
}

/// castoff, a service that prints the signals that it gets, and TERM to castoff.
fn forwards_term(injection: &str) {
    let own = std::env::current_exe().unwrap();
    let service = Launch::castoff(["--", own.to_str().unwrap(), "--probe", "signals"]);
    let Some(launch) = refusing(injection, service) else { return };
    let mut strace = launch.start();
    strace.expect("ready");
    let castoff = strace.descendants()[0].pid;
    for signal in [libc::SIGTERM, libc::SIGUSR1, 40] {
        crate::harness::send(castoff, signal);
        strace.expect(&signal.to_string());
    }
    let service = strace.descendants()[1].pid;
    crate::harness::send(service, libc::SIGKILL);
    assert_eq!(strace.wait(), Exit::Code(137));
}

#[test]
fn without_sigtimedwait_signals_are_forwarded_all_the_same() {
    // a shell, which waits for nothing by that call itself
    let script = "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    let service = Launch::castoff(["--", "sh", "-c", script]);
    let Some(launch) = refusing("rt_sigtimedwait:error=EPERM", service) else { return };
    let mut strace = launch.start();
    strace.expect("ready");
    let castoff = strace.descendants()[0].pid;
    crate::harness::send(castoff, libc::SIGTERM);
    strace.expect("told");
    assert_eq!(strace.wait(), Exit::Code(5));
}

#[test]
fn without_signalfd_signals_are_forwarded_all_the_same() {
    forwards_term("signalfd4:error=EPERM");
}

#[test]
fn where_no_signal_can_be_taken_the_end_of_the_service_is_noticed() {
    let service = Launch::castoff(["--", "sh", "-c", "exit 7"]);
    let Some(launch) = refusing("rt_sigtimedwait,signalfd4:error=EPERM", service) else { return };
    assert_eq!(launch.start().wait(), Exit::Code(7));
}

#[test]
fn without_prctl_castoff_is_no_subreaper_and_goes_on() {
    forwards_term("prctl:error=EPERM");
}

#[test]
fn without_close_range_castoff_goes_on() {
    forwards_term("close_range:error=ENOSYS");
}

#[test]
fn a_signal_that_can_t_be_sent_does_not_end_castoff() {
    let own = std::env::current_exe().unwrap();
    let service = Launch::castoff(["--", own.to_str().unwrap(), "--probe", "signals"]);
    let Some(launch) = refusing("kill:error=EPERM:when=1", service) else { return };
    let mut strace = launch.start();
    strace.expect("ready");
    let castoff = strace.descendants()[0].pid;
    for _ in 0..2 {
        crate::harness::send(castoff, 40);
    }
    strace.expect("40");
}

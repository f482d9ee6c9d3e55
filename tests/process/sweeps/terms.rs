//! TERM at every system call of castoff's own, from its first to its last.

use std::fs;
use std::path::Path;

use super::left::{assert_nobody_is_left, mark};
use crate::harness::{Directory, Exit, Launch, Running, Setting, calls, each_setting, send, traced};

/// Whether the last call in the log is the one that castoff waits by. It looks by the same call
/// before, which lasts for a moment.
fn waits(castoff: &Running, log: &Path) -> bool {
    let log = fs::read_to_string(log).unwrap_or_default();
    let is_last = log.lines().last().is_some_and(|line| line.starts_with("rt_sigtimedwait"));
    is_last && castoff.waits_for_ever(libc::SYS_rt_sigtimedwait)
}

fn term_at(name: &str, which: usize) -> [String; 1] {
    [format!("{name}:signal=SIGTERM:when={which}")]
}

/// TERM before each call of a start, until castoff waits for its service.
fn told_at_every_call_of_a_start(setting: Setting, launch: impl Fn() -> Launch) {
    let directory = Directory::new(&format!("calls-{}", mark().replace('=', "-")));
    let log = directory.0.join("log");
    let Some(mut castoff) = traced(&[], &log, launch()) else { return };
    castoff.until("castoff to wait for its service", |castoff| {
        waits(castoff, &log) && castoff.descendants().iter().any(|process| process.name == "sleep")
    });
    let calls = calls(&log);
    drop(castoff);
    assert!(calls.len() > 20 && calls.last().unwrap().0 == "rt_sigtimedwait", "{calls:?}");
    for (name, which) in calls {
        let mark = mark();
        let what = format!("{setting:?}: TERM at {name} {which}");
        let Some(mut castoff) = traced(&term_at(&name, which), &log, launch().variable(&mark)) else {
            return;
        };
        castoff.until(&what, Running::ended);
        let (exit, _, err) = castoff.end();
        // PID 1 can't end by a signal
        let interrupted = exit == Exit::Signal(libc::SIGTERM) && setting != Setting::Init;
        assert!(exit == Exit::Code(143) || interrupted, "{what}: {exit:?} {err}");
        assert_nobody_is_left(&mut castoff, &mark, &what);
    }
}

#[test]
fn a_term_at_every_call_of_a_plain_start_ends_castoff_with_143() {
    each_setting(|setting| {
        told_at_every_call_of_a_start(setting, || setting.castoff(&["--", "sleep", "1000"]));
    });
}

#[test]
fn a_term_at_every_call_of_a_start_with_a_spec_ends_castoff_with_143() {
    let directory = Directory::new("told");
    let spec = directory.spec(
        "[env.A]\ndefault = \"b\"\n[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n\
         [service.a]\ncommand = [\"sleep\", \"1000\"]\n",
    );
    directory.file("t", 0o644, b"{{ A }}\n");
    let root = directory.0.join("root");
    fs::create_dir(&root).unwrap();
    let root = root.to_str().unwrap();
    each_setting(|setting| {
        told_at_every_call_of_a_start(setting, || {
            let _ = fs::remove_file(directory.0.join("root/t"));
            setting.castoff(&["--config", &spec, "--root", root])
        });
    });
}

#[test]
fn a_second_term_at_every_call_of_the_end_changes_nothing() {
    each_setting(|setting| {
        // The service leaves somebody who ignores TERM, so that there is a grace and a KILL.
        let left = if setting.gets_orphans() { "(trap '' TERM; exec sleep 1000) &" } else { "" };
        let script = format!("trap 'exit 6' TERM; {left} echo ready; while :; do sleep 0.01; done");
        let launch = || setting.castoff(&["--grace", "30ms", "--", "sh", "-c", &script]);
        let directory = Directory::new(&format!("end-{setting:?}"));
        let log = directory.0.join("log");
        let Some(mut castoff) = traced(&[], &log, launch()) else { return };
        castoff.expect("ready");
        castoff.until("castoff to wait for its service", |castoff| waits(castoff, &log));
        let before = calls(&log).len();
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(6));
        let calls = calls(&log);
        // Looking for descendants reads all of /proc, by the same calls again and again.
        let end = &calls[before..];
        let nth = |at: usize| end[..at].iter().filter(|(name, _)| *name == end[at].0).count();
        for (name, which) in (0..end.len()).filter(|at| nth(*at) < 3).map(|at| &end[at]) {
            let (mark, what) = (mark(), format!("{setting:?}: TERM at {name} {which}"));
            let launch = launch().variable(&mark);
            let Some(mut castoff) = traced(&term_at(name, *which), &log, launch) else { return };
            castoff.expect("ready");
            send(castoff.pid, libc::SIGTERM);
            castoff.until(&what, Running::ended);
            assert_eq!(castoff.wait(), Exit::Code(6), "{what}");
            assert_nobody_is_left(&mut castoff, &mark, &what);
        }
    });
}

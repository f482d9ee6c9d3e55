//! Signals and failures at every system call of castoff's own: it always ends, as it should,
//! and leaves no child.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Directory, Exit, Launch, Running, tampered};

/// What all that castoff starts has in its environment.
fn mark() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("TEST_MARK={}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a process with that mark lives.
fn anybody_with(mark: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    })
}

/// Nobody is left; the killed may take a moment to be gone.
fn assert_nobody_is_left(running: &mut Running, mark: &str, what: &str) {
    running.until(&format!("nobody to be left: {what}"), |_| !anybody_with(mark));
}

/// castoff's calls in a log of strace's, as (name, which of that name), in order, from where
/// it blocks all signals: before that it is the dynamic loader's, and TERM ends it at once.
fn calls(log: &str) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    // Of the first call, which makes strace's child castoff, strace knows the end only.
    let named = log.lines().skip(1).filter_map(|line| line.split_once('(')).map(|(name, _)| name);
    let named = named.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    let numbered = named.map(|name| {
        let count = counts.entry(name).or_default();
        *count += 1;
        (name.to_owned(), *count)
    });
    numbered.skip_while(|(name, _)| name != "rt_sigprocmask").collect()
}

/// Whether the last call in the log is the one that castoff waits by.
fn waits(log: &Path) -> bool {
    let log = fs::read_to_string(log).unwrap();
    log.lines().last().is_some_and(|line| line.starts_with("rt_sigtimedwait"))
}

/// A service that lives until it is told to end.
const SLEEP: [&str; 2] = ["sleep", "1000"];

/// TERM before each call of a start, until castoff waits for its service.
fn told_at_every_call_of_a_start(launch: impl Fn() -> Launch) {
    let directory = Directory::new(&format!("calls-{}", mark().replace('=', "-")));
    let log = directory.0.join("log");
    let Some(watched) = tampered(None, Some(&log), launch()) else { return };
    let mut strace = watched.start();
    strace.until("castoff to wait for its service", |strace| {
        strace.descendants().iter().any(|process| process.name == "sleep")
            && fs::read_to_string(&log)
                .is_ok_and(|log| log.lines().last().is_some_and(|l| l.starts_with("rt_sigtimedwait")))
    });
    let calls = calls(&fs::read_to_string(&log).unwrap());
    drop(strace);
    assert!(calls.len() > 20 && calls.last().unwrap().0 == "rt_sigtimedwait", "{calls:?}");
    for (name, which) in calls {
        let mark = mark();
        let what = format!("TERM at {name} {which}");
        let injection = format!("{name}:signal=SIGTERM:when={which}");
        let Some(launch) = tampered(Some(&injection), None, launch().variable(&mark)) else { return };
        let mut strace = launch.start();
        strace.until(&what, Running::ended);
        let (exit, _, err) = strace.end();
        assert!(matches!(exit, Exit::Code(143) | Exit::Signal(libc::SIGTERM)), "{what}: {exit:?} {err}");
        assert_nobody_is_left(&mut strace, &mark, &what);
    }
}

#[test]
fn a_term_at_every_call_of_a_plain_start_ends_castoff_with_143() {
    let [a, b] = SLEEP;
    told_at_every_call_of_a_start(|| Launch::castoff(["--", a, b]));
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
    told_at_every_call_of_a_start(|| {
        let _ = fs::remove_file(directory.0.join("root/t"));
        Launch::castoff(["--config", &spec, "--root", root])
    });
}

#[test]
fn a_second_term_at_every_call_of_the_end_changes_nothing() {
    // The service leaves somebody who ignores TERM, so that there is a grace and a KILL.
    let script =
        "trap 'exit 6' TERM; (trap '' TERM; exec sleep 1000) & echo ready; while :; do sleep 0.01; done";
    let launch = || Launch::castoff(["--grace", "30ms", "--", "sh", "-c", script]);
    let directory = Directory::new("end");
    let log = directory.0.join("log");
    let Some(watched) = tampered(None, Some(&log), launch()) else { return };
    let mut strace = watched.start();
    let castoff = |strace: &Running| {
        strace.descendants().into_iter().find(|process| process.name == "castoff").unwrap().pid
    };
    strace.expect("ready");
    strace.until("castoff to wait for its service", |_| waits(&log));
    let before = calls(&fs::read_to_string(&log).unwrap()).len();
    crate::harness::send(castoff(&strace), libc::SIGTERM);
    assert_eq!(strace.wait(), Exit::Code(6));
    let calls = calls(&fs::read_to_string(&log).unwrap());
    // Looking for descendants reads all of /proc, by the same calls again and again.
    let end = &calls[before..];
    let nth = |at: usize| end[..at].iter().filter(|(name, _)| *name == end[at].0).count();
    for (name, which) in (0..end.len()).filter(|at| nth(*at) < 3).map(|at| &end[at]) {
        let (mark, what) = (mark(), format!("TERM at {name} {which}"));
        let injection = format!("{name}:signal=SIGTERM:when={which}");
        let Some(launch) = tampered(Some(&injection), None, launch().variable(&mark)) else { return };
        let mut strace = launch.start();
        strace.expect("ready");
        crate::harness::send(castoff(&strace), libc::SIGTERM);
        strace.until(&what, Running::ended);
        assert_eq!(strace.wait(), Exit::Code(6), "{what}");
        assert_nobody_is_left(&mut strace, &mark, &what);
    }
}

/// What may be refused, or fail for want of something, and how. Not prctl(2): without it
/// orphans go to somebody else (`refusals`, `surroundings`).
const FAILING: [&str; 9] = [
    "clone",
    "execve",
    "kill",
    "wait4",
    "signalfd4",
    "ppoll",
    "memfd_create",
    "rt_sigtimedwait",
    "rt_sigprocmask",
];
const ERRORS: [&str; 5] = ["EAGAIN", "ENOMEM", "EPERM", "EMFILE", "EINTR"];

/// Each of the calls fails once, with each of the errors: castoff gives the service's code,
/// or one of its own that is documented, and nobody is left.
fn failing_once(launch: impl Fn() -> Launch) {
    let directory = Directory::new(&format!("failing-{}", mark().replace('=', "-")));
    let log = directory.0.join("log");
    let Some(watched) = tampered(None, Some(&log), launch()) else { return };
    assert_eq!(watched.start().wait(), Exit::Code(7));
    let calls = calls(&fs::read_to_string(&log).unwrap());
    let failing = calls.iter().filter(|(name, _)| FAILING.contains(&name.as_str()));
    for ((name, which), error) in failing.flat_map(|call| ERRORS.map(|error| (call, error))) {
        // kill(2) has one reason to refuse, and castoff sends SIGKILL again after a second only.
        if name == "kill" && error != "EPERM" {
            continue;
        }
        let (mark, what) = (mark(), format!("{name} {which} fails with {error}"));
        let injection = format!("{name}:error={error}:when={which}");
        let Some(launch) = tampered(Some(&injection), None, launch().variable(&mark)) else { return };
        let mut strace = launch.start();
        strace.until(&what, Running::ended);
        let (exit, _, err) = strace.end();
        let said = err.contains("error: ");
        assert!(
            exit == Exit::Code(7) || (matches!(exit, Exit::Code(64..=78 | 126 | 127)) && said),
            "{what}: {exit:?} {err}"
        );
        assert_nobody_is_left(&mut strace, &mark, &what);
    }
}

#[test]
fn each_call_of_a_plain_run_that_fails_once_is_recovered_from_or_explained() {
    let script = "(trap '' TERM; exec sleep 1000) & exit 7";
    failing_once(|| Launch::castoff(["--grace", "20ms", "--", "sh", "-c", script]));
}

#[test]
fn each_call_of_a_run_with_a_spec_that_fails_once_is_recovered_from_or_explained() {
    let directory = Directory::new("failing");
    let spec = directory.spec("[service.a]\ncommand = [\"sh\", \"-c\", \"sleep 1000 & exit 7\"]\n");
    failing_once(|| Launch::castoff(["--grace", "20ms", "--config", &spec]));
}

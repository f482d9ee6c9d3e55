//! Each system call of castoff's own fails once: it recovers, or says why it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::left::{assert_nobody_is_left, mark};
use crate::harness::{Directory, Exit, Launch, Running, Setting, calls, each_setting, traced};

const REFUSALS: &[&str] = &["EPERM", "ENOSYS", "EINVAL", "EINTR"];
const SHORTAGES: &[&str] = &["EAGAIN", "ENOMEM", "EMFILE", "EPERM", "EINTR"];

/// What may be refused, or fail for want of something, and how.
const FAILING: [(&str, &[&str]); 19] = [
    ("clone", SHORTAGES),
    ("execve", SHORTAGES),
    // it has one reason, and castoff sends SIGKILL again after a second only
    ("kill", &["EPERM"]),
    ("pidfd_send_signal", &["EPERM"]),
    ("pidfd_open", SHORTAGES),
    ("wait4", REFUSALS),
    ("waitid", REFUSALS),
    ("ppoll", REFUSALS),
    ("rt_sigtimedwait", REFUSALS),
    ("rt_sigprocmask", REFUSALS),
    ("rt_sigaction", REFUSALS),
    ("rt_sigpending", REFUSALS),
    ("prctl", &["EPERM"]),
    ("clock_gettime", REFUSALS),
    ("signalfd4", SHORTAGES),
    ("pipe2", SHORTAGES),
    ("memfd_create", SHORTAGES),
    ("openat", &["EMFILE"]),
    ("read", &["EIO"]),
];

/// Of each call so many, from the first and from the last on, are made to fail.
const EACH: usize = 10;
/// So many of a name are the dynamic loader's, at most.
const LOADED: usize = 10;

/// A shell's words: until castoff, its parent, sleeps. So castoff waits in each run, however soon the
/// service would be over.
const CASTOFF_SLEEPS: &str =
    "while [ -e /proc/$PPID ] && ! grep -q '^State:.S' /proc/$PPID/status; do :; done;";

/// Each of the calls fails once, with each of its errors: castoff gives the service's code,
/// or one of its own that is documented, and nobody is left.
fn failing_once(setting: Setting, launch: impl Fn() -> Launch) {
    let directory = Directory::new(&format!("failing-{}", mark().replace('=', "-")));
    let log = directory.0.join("log");
    let Some(mut watched) = traced(&[], &log, launch()) else { return };
    assert_eq!(watched.wait(), Exit::Code(7));
    let calls = calls(&log);
    // Looking for descendants reads all of /proc, by the same calls again and again.
    let last: BTreeMap<&String, usize> = calls.iter().map(|(name, which)| (name, *which)).collect();
    let told = calls.iter().filter(|(name, which)| *which <= LOADED + EACH || *which > last[name] - EACH);
    let injections = told.flat_map(|(name, which)| {
        // without it orphans go to somebody else (`refusals`, `surroundings`)
        let adopting = name == "prctl" && setting == Setting::Subreaper;
        let failing = FAILING.iter().find(|(failing, _)| failing == name && !adopting);
        let errors = failing.map_or(&[][..], |(_, errors)| errors);
        errors.iter().map(move |error| (name, format!("{name}:error={error}:when={which}")))
    });
    let (mut made, mut failed) = (BTreeSet::new(), BTreeSet::new());
    for (name, injection) in injections {
        let (mark, what) = (mark(), format!("{setting:?}: {injection}"));
        made.insert(name);
        let Some(mut castoff) = traced(&[injection], &log, launch().variable(&mark)) else { return };
        castoff.until(&what, Running::ended);
        let (exit, _, err) = castoff.end();
        // how often castoff looks is not the same in every run
        if fs::read_to_string(&log).unwrap().contains("(INJECTED)") {
            failed.insert(name);
        }
        let explained = matches!(exit, Exit::Code(64..=78 | 126 | 127)) && err.contains("error: ");
        assert!(exit == Exit::Code(7) || explained, "{what}: {exit:?} {err}");
        assert_nobody_is_left(&mut castoff, &mark, &what);
    }
    assert_eq!(made, failed, "{setting:?}");
}

#[test]
fn each_call_of_a_plain_run_that_fails_once_is_recovered_from_or_explained() {
    each_setting(|setting| {
        let left = if setting.gets_orphans() { "(trap '' TERM; exec sleep 1000) &" } else { "" };
        let script = format!("{left} {CASTOFF_SLEEPS} exit 7");
        failing_once(setting, || setting.castoff(&["--grace", "20ms", "--", "sh", "-c", &script]));
    });
}

#[test]
fn each_call_of_a_run_with_a_spec_that_fails_once_is_recovered_from_or_explained() {
    each_setting(|setting| {
        let left = if setting.gets_orphans() { "sleep 1000 &" } else { "" };
        let directory = Directory::new(&format!("failing-{setting:?}"));
        let script = format!("{left} {CASTOFF_SLEEPS} exit 7");
        let spec = directory.spec(&format!("[service.a]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n"));
        failing_once(setting, || setting.castoff(&["--grace", "20ms", "--config", &spec]));
    });
}

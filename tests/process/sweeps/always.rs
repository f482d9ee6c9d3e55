//! A system call that always fails, as under a sandbox that doesn't know it: castoff goes on
//! without it, or ends with a code that is documented; it never keeps a core busy, and never
//! stays for ever.

use std::fs;
use std::path::Path;

use super::left::{assert_nobody_is_left, mark};
use crate::harness::{Directory, Exit, Running, Setting, each_setting, traced};

const ERRORS: [&str; 4] = ["EPERM", "ENOSYS", "EINVAL", "EINTR"];

/// What fails, and what castoff ends with where its service would end with 7.
const FAILING: [(&str, i32); 20] = [
    ("wait4", 7),
    ("waitid", 7),
    ("wait4,waitid", 71),
    ("ppoll", 7),
    ("rt_sigtimedwait", 7),
    ("rt_sigtimedwait,ppoll", 7),
    ("rt_sigtimedwait,signalfd4", 7),
    ("rt_sigtimedwait,signalfd4,ppoll", 7),
    ("rt_sigtimedwait,signalfd4,ppoll,clock_nanosleep", 71),
    ("rt_sigpending", 7),
    ("rt_sigaction", 7),
    ("rt_sigprocmask", 71),
    ("clone", 126),
    ("kill", 7),
    ("pidfd_send_signal", 7),
    ("kill,pidfd_send_signal", 7),
    ("clock_gettime", 7),
    ("prctl", 7),
    ("close_range,madvise,chdir,pidfd_open", 7),
    ("memfd_create", 7),
];

/// What castoff takes signals and children by.
const WAITING: [&str; 6] =
    ["rt_sigtimedwait", "rt_sigpending", "ppoll", "clock_nanosleep", "wait4", "waitid"];

/// So often does a castoff call them in half a second that is left without the best of them.
/// One that turned in a circle would do it ten thousand times.
const CALLS: usize = 1_000;

/// Each failure with each error, but one error where the setting makes no difference to it.
fn cases(setting: Setting) -> impl Iterator<Item = (&'static str, i32, &'static str)> {
    let errors = if setting == Setting::Plain { &ERRORS[..] } else { &ERRORS[..1] };
    FAILING.iter().flat_map(|(calls, code)| errors.iter().map(|error| (*calls, *code, *error)))
}

/// castoff with a shell's script as its service, and with these calls failing.
fn with(
    calls: &str,
    error: &str,
    log: &Path,
    setting: Setting,
    arguments: &[&str],
) -> Option<(Running, String)> {
    let mark = mark();
    let launch = setting.castoff(arguments).variable(&mark);
    Some((traced(&[format!("{calls}:error={error}")], log, launch)?, mark))
}

/// Whether castoff finds and ends what its service left behind.
fn ends_the_rest(setting: Setting, calls: &str) -> bool {
    match setting {
        Setting::Plain => false,
        // the adopting or the ending is refused
        Setting::Subreaper => !["prctl", "kill,pidfd_send_signal"].contains(&calls),
        // its end is that of its namespace
        Setting::Init => true,
    }
}

#[test]
fn a_call_that_always_fails_is_done_without_or_ends_castoff_with_a_code() {
    let directory = Directory::new("always");
    let log = directory.0.join("log");
    each_setting(|setting| {
        for (calls, code, error) in cases(setting) {
            let what = format!("{setting:?}: {calls} always fail with {error}");
            let left = if ends_the_rest(setting, calls) { "(trap '' TERM; exec sleep 1000) &" } else { "" };
            let script = format!("{left} sleep 0.1; exit 7");
            let arguments = ["--grace", "20ms", "--", "sh", "-c", &script];
            let Some((mut castoff, mark)) = with(calls, error, &log, setting, &arguments) else { return };
            castoff.until(&what, Running::ended);
            let (exit, _, err) = castoff.end();
            assert_eq!(exit, Exit::Code(code), "{what}: {err}");
            assert!(code == 7 || err.contains("error: "), "{what}: {err}");
            let log = fs::read_to_string(&log).unwrap();
            let names = log.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name);
            let waited = names.filter(|name| WAITING.contains(name)).count();
            // where no time passes at all, the grace and no more is spent so
            assert!(waited < CALLS || calls.contains("clock_nanosleep"), "{what}: {waited} calls");
            assert_nobody_is_left(&mut castoff, &mark, &what);
        }
    });
}

#[test]
fn without_a_call_that_it_waits_by_castoff_is_still_told_to_stop() {
    let directory = Directory::new("told-always");
    let log = directory.0.join("log");
    let script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done";
    each_setting(|setting| {
        let waiting = |calls: &str| calls.split(',').any(|call| WAITING.contains(&call));
        for (calls, _, error) in cases(setting).filter(|(calls, code, _)| *code == 7 && waiting(calls)) {
            let what = format!("{setting:?}: {calls} always fail with {error}");
            let arguments = ["--", "sh", "-c", script];
            let Some((mut castoff, _)) = with(calls, error, &log, setting, &arguments) else { return };
            castoff.expect("ready");
            castoff.signal(libc::SIGTERM);
            castoff.until(&what, Running::ended);
            let (exit, _, err) = castoff.end();
            assert_eq!(exit, Exit::Code(7), "{what}: {err}");
        }
    });
}

#[test]
fn a_service_that_castoff_may_not_signal_is_given_up_after_its_stop_timeout() {
    let directory = Directory::new("no-kill");
    let log = directory.0.join("log");
    let spec = directory.spec("[service.a]\ncommand = [\"cat\"]\nstop-timeout = \"30ms\"\n");
    each_setting(|setting| {
        let arguments = ["--grace", "20ms", "--config", &spec];
        let Some((mut castoff, mark)) = with("kill,pidfd_send_signal", "EPERM", &log, setting, &arguments)
        else {
            return;
        };
        castoff.until("the service to run", |castoff| {
            castoff.descendants().iter().any(|process| process.name == "cat")
        });
        castoff.signal(libc::SIGTERM);
        castoff.until(&format!("{setting:?}: the service to be given up"), Running::ended);
        castoff.close_input();
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(137), "{setting:?}: {err}");
        assert!(err.contains("can't send SIGTERM to process "), "{setting:?}: {err}");
        assert!(err.contains("some processes can't be killed; ending without them"), "{setting:?}: {err}");
        // without input it ends by itself where castoff's end is not its own
        assert_nobody_is_left(&mut castoff, &mark, &format!("{setting:?}"));
    });
}

//! How eagerly ended orphans are looked for: a look that was dear is followed by a pause, and
//! after it castoff goes on as before.

use std::fs;

use crate::harness::{Directory, Exit, each_setting, traced};

/// The second time that castoff asks how long it has had a processor, it was 100 seconds.
const DEAR: &str = "clock_gettime:poke_exit=@arg2=64000000000000000000000000000000:when=2";

#[test]
fn after_a_dear_look_castoff_hears_of_no_child_for_a_while() {
    const SCRIPT: &str = "(sh -c 'exit 3' &); read x; (sh -c 'exit 3' &); read x; exit 4";
    const PAUSE: &str = "rt_sigtimedwait(~[CHLD]";
    let directory = Directory::new("pace");
    let log = directory.0.join("log");
    let pauses = || {
        let log = fs::read_to_string(&log).unwrap_or_default();
        log.lines().filter(|line| line.starts_with(PAUSE)).count()
    };
    each_setting(|setting| {
        if !setting.gets_orphans() {
            return;
        }
        let launch = setting.castoff(&["--", "sh", "-c", SCRIPT]);
        let Some(mut castoff) = traced(&[DEAR.to_owned()], &log, launch) else { return };
        castoff.until("castoff to pause", |_| pauses() == 1);
        castoff.say("\n");
        castoff.until("the other orphan to be gone, and castoff to wait for signals alone", |castoff| {
            castoff.descendants().len() == 1 && castoff.waits_for_ever(libc::SYS_rt_sigtimedwait)
        });
        assert_eq!(pauses(), 1, "{setting:?}");
        castoff.say("\n");
        assert_eq!(castoff.wait(), Exit::Code(4), "{setting:?}");
    });
}

#[test]
fn without_an_orphan_no_clock_is_asked() {
    let directory = Directory::new("clock");
    let log = directory.0.join("log");
    each_setting(|setting| {
        let launch = setting.castoff(&["--", "sh", "-c", "exit 3"]);
        let Some(mut castoff) = traced(&[], &log, launch) else { return };
        assert_eq!(castoff.wait(), Exit::Code(3), "{setting:?}");
        let log = fs::read_to_string(&log).unwrap();
        assert!(log.contains("wait4(") && !log.contains("clock_gettime("), "{setting:?}: {log}");
    });
}

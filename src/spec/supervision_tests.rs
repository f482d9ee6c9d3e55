use std::path::Path;
use std::time::Duration;

use super::{Check, GiveUp, Restart, Sign, check};
use crate::diagnostic::Source;
use crate::signal::Signal;
use crate::spec::{Service, parse};

/// The first of the services, or all that is wrong.
fn read(services: &str) -> Result<Service, Vec<String>> {
    let document = parse(&Source::new("t", format!("version = 1\n{services}\n")), Path::new(""));
    let mut problems = document.problems;
    check(&document.spec, &mut problems);
    let titles: Vec<String> = problems.into_iter().map(|problem| problem.title).collect();
    if titles.is_empty() { Ok(document.spec.services.into_iter().next().unwrap()) } else { Err(titles) }
}

fn one(lines: &str) -> Result<Service, Vec<String>> {
    read(&format!("[service.a]\ncommand = [\"a\"]\n{lines}"))
}

#[test]
fn what_is_so_where_nothing_is_said() {
    let supervision = one("").unwrap().supervision;
    assert!(supervision.essential && !supervision.is_asked_for());
    assert_eq!((supervision.restart, supervision.give_up), (Restart::No, GiveUp::End));
    assert_eq!(supervision.backoff, Duration::from_millis(500));
    assert_eq!(supervision.backoff_max, Duration::from_secs(30));
    let limit = supervision.restart_limit.unwrap();
    assert_eq!((limit.count, limit.window), (5, Duration::from_secs(60)));
}

#[test]
fn what_is_said() {
    let lines = "after = [\"b\"]\nrequires = [\"b\"]\nessential = false\nrestart = \"always\"\n\
                 restart-limit = \"none\"\ngive-up = \"ignore\"\nreload-signal = \"HUP\"\n\
                 forward-signals = [\"USR1\", \"12\"]\nsuccess-exit = [0, 255]\nwhen = \"X\"\n\
                 ready = { notify = true, timeout = \"5s\" }\nwatchdog = \"1s\"\n[service.b]\ncommand = [\"b\"]";
    let supervision = one(lines).unwrap().supervision;
    assert!(!supervision.essential && supervision.is_asked_for());
    assert_eq!((supervision.after.len(), supervision.requires.len()), (1, 1));
    assert_eq!((supervision.restart, supervision.give_up), (Restart::Always, GiveUp::Ignore));
    assert_eq!(supervision.restart_limit, None);
    assert_eq!(supervision.reload_signal, Some(Signal::HUP));
    assert_eq!(supervision.forward_signals, [Signal::USR1, Signal::new(12).unwrap()]);
    assert_eq!(supervision.success_exit, [0, 255]);
    let ready = supervision.ready.unwrap();
    assert!(matches!(ready.sign, Sign::Notify));
    assert_eq!(ready.timeout, Duration::from_secs(5));
}

#[test]
fn signs_of_being_ready() {
    for (ready, expected) in [
        ("fd = 3", "Descriptor(3)"),
        ("delay = \"2s\"", "Delay(2s)"),
        ("tcp = \"h:1\"", "Server(Nothing"),
        ("http = \"http://h\", status = 204", "204..=204"),
        ("unix = \"/s\"", "Unix("),
        ("file = \"/f\"", "File("),
        ("command = [\"x\"]", "Command("),
        ("redis = \"h\"", "Server(Redis"),
    ] {
        let service = one(&format!("ready = {{ {ready} }}")).unwrap();
        let shown = format!("{:?}", service.supervision.ready.unwrap().sign);
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn refused() {
    for (lines, title) in [
        ("after = [\"b\"]", "there is no service `b`"),
        ("requires = [\"A\"]", "there is no service `A`"),
        ("after = [\"a\"]", "services wait for each other: `a` → `a`"),
        ("restart = \"yes\"", "`restart` can't be `yes`"),
        ("backoff = \"0s\"", "`backoff` can't be 0"),
        ("backoff = 5", "`backoff` must be a string"),
        ("restart-limit = \"5\"", "`5` is not a limit of restarts"),
        ("give-up = \"stop\"", "`give-up` can't be `stop`"),
        ("reload-signal = \"HUPP\"", "there is no signal `HUPP`"),
        ("forward-signals = [\"X\"]", "there is no signal `X`"),
        ("success-exit = [256]", "`256` is not an exit code"),
        ("success-exit = [\"1\"]", "`success-exit` must be an array of integers"),
        ("success-exit = 1", "`success-exit` must be an array of integers"),
        ("watchdog = \"1s\"", "`watchdog` without `ready = { notify = true }`"),
        ("ready = { }", "ready doesn't say what to wait for"),
        ("ready = { fd = 2 }", "`fd` can't be 2"),
        ("ready = { notify = true, fd = 3 }", "`ready` names more than one sign"),
        ("ready = { notify = true, tcp = \"h:1\" }", "ready names more than one thing to wait for"),
        ("ready = { unix = \"/s\", tcp = \"h:1\" }", "ready names more than one thing to wait for"),
        ("ready = { tcp = \"h:1\", timeout = \"0s\" }", "`timeout` of ready can't be 0"),
        ("ready = { tpc = \"h:1\", delay = \"1s\" }", "unknown key `tpc` in ready"),
        ("ready = true", "`ready` must be a table"),
    ] {
        assert_eq!(one(lines).map(drop).unwrap_err(), [title], "{lines}");
    }
}

#[test]
fn circles_are_told_with_their_members() {
    let service = |name: &str, after: &str| format!("[service.{name}]\ncommand = [\"x\"]\n{after}\n");
    let services = [
        service("a", "after = [\"b\"]"),
        service("b", "requires = [\"c\"]"),
        service("c", "after = [\"b\"]"),
        service("d", "after = [\"a\", \"b\"]"),
    ];
    assert_eq!(
        read(&services.concat()).map(drop).unwrap_err(),
        ["services wait for each other: `b` → `c` → `b`"]
    );
    let diamond = [
        service("a", "after = [\"b\", \"c\"]"),
        service("b", "after = [\"d\"]"),
        service("c", "requires = [\"d\"]"),
        service("d", ""),
    ];
    assert!(read(&diamond.concat()).is_ok());
}

fn check_of(check: &str) -> Result<Check, Vec<String>> {
    let text = format!("version = 1\n[service.a]\ncommand = ['x']\ncheck = {{ {check} }}\n");
    let document = parse(&Source::new("t", text), Path::new(""));
    let titles: Vec<String> = document.problems.into_iter().map(|problem| problem.title).collect();
    let service = document.spec.services.into_iter().next();
    if titles.is_empty() { Ok(service.unwrap().supervision.check.unwrap()) } else { Err(titles) }
}

#[test]
fn a_check_and_its_times() {
    let seconds = Duration::from_secs;
    for (check, interval, timeout, retries) in [
        ("http = 'http://h'", seconds(30), seconds(5), 3),
        ("tcp = 'h:1', interval = '5m', timeout = '1s', retries = 1", seconds(300), seconds(1), 1),
    ] {
        let found = check_of(check).unwrap();
        assert_eq!((found.interval, found.seen.timeout, found.retries), (interval, timeout, retries));
    }
}

#[test]
fn a_check_that_is_none() {
    for (check, title) in [
        ("interval = '5s'", "check doesn't say what to wait for"),
        ("tcp = 'h:1', file = '/f'", "check names more than one thing to wait for"),
        ("tcp = 'h:1', retries = 0", "`retries` can't be 0"),
        ("tcp = 'h:1', interval = '0s'", "`interval` of check can't be 0"),
        ("tcp = 'h:1', restart = true", "unknown key `restart` in check"),
        ("notify = true", "check doesn't say what to wait for"),
    ] {
        assert_eq!(check_of(check).map(drop).unwrap_err()[0], title, "{check}");
    }
}

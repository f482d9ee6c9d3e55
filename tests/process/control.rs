//! Services are asked about, started, stopped and restarted while they run, over the control
//! socket, by those who may.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use super::asked::{CASTOFF, Case, Said};
use crate::harness::{Launch, Place, Running, each_place, namespaces_work, skipped};

/// Two services that say when they begin and end, the first of them before the second.
const TWO: &str = r#"
[service.db]
command = ["sh", "-c", "trap 'echo db ends; exit 0' TERM; echo db; echo >&3; while :; do sleep 0.01; done"]
ready = { fd = 3 }
[service.web]
command = ["sh", "-c", "trap 'echo web ends; exit 4' TERM; trap 'echo web reads' USR1; echo web; while :; do sleep 0.01; done"]
after = ["db"]
reload-signal = "USR1"
"#;

fn exchange(mut stream: UnixStream, question: &[u8]) -> String {
    stream.write_all(question).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Asks as one who is in castoff's container.
fn inside(castoff: &Running, before: &[&str], arguments: &[&str]) -> Said {
    let mut command = Command::new("nsenter");
    command
        .args(["-t", &castoff.pid.to_string(), "-m", "-p", "--"])
        .args(before)
        .arg(CASTOFF)
        .args(arguments);
    Said::of(&mut command)
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        skipped("only root can be somebody else");
    }
    is_root
}

#[test]
fn services_are_stopped_started_restarted_and_told_to_reload() {
    each_place(|place| {
        let case = Case::new(&format!("control-verbs-{place:?}"));
        let mut castoff = case.launch(TWO).place(place).start();
        castoff.expect("db");
        castoff.expect("web");
        case.ask(&["--stop", "web"]).is(0, "web is down");
        castoff.expect("web ends");
        assert_eq!(case.service("web")["last-exit"], 4);
        case.ask(&["--stop", "web"]).is(0, "web is down");
        case.ask(&["--start", "web"]).is(0, "web is ready");
        castoff.expect("web");
        case.ask(&["--start", "web"]).is(0, "web is ready");
        let before = case.service("web")["pid"].clone();
        case.ask(&["--restart", "web"]).is(0, "web is ready");
        castoff.expect("web ends");
        castoff.expect("web");
        let after = case.service("web");
        assert_ne!(after["pid"], before);
        assert_eq!(after["restarts"], 2);
        case.ask(&["--reload", "web"]).is(0, "web is ready");
        castoff.expect("web reads");
        // without a signal for it
        case.ask(&["--reload", "db"]).is(0, "db is ready");
        castoff.expect("db ends");
        castoff.expect("db");
        case.ask(&["--reload"]).is(0, "told to reload");
        castoff.told_that("rendered again");
        castoff.signal(libc::SIGTERM);
        castoff.expect("web ends");
        castoff.expect("db ends");
        castoff.wait();
        assert!(!std::path::Path::new(&case.socket).exists());
    });
}

#[test]
fn what_can_not_be_done_is_told() {
    let case = Case::new("control-failures");
    let services = r#"
[service.deaf]
command = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.01; done"]
[service.fails]
command = ["sh", "-c", "exit 3"]
ready = { delay = "1h" }
essential = false
[service.slow]
command = ["sleep", "1000"]
ready = { file = "/nowhere/to/be/seen" }
essential = false
[service.waits]
command = ["sleep", "1000"]
after = ["slow"]
"#;
    let mut castoff = case.launch(services).start();
    castoff.expect("deaf");
    case.ask(&["--stop", "daef"]).is(64, "did you mean `deaf`?");
    case.ask(&["--start", "fails"]).is(69, "fails has ended with code 3");
    case.ask(&["--start", "slow", "--timeout", "100ms"]).is(75, "slow is still starting after 100ms");
    case.ask(&["--start", "waits", "--timeout", "100ms"]).is(75, "it waits for slow");
    case.ask(&["--stop", "deaf", "--timeout", "100ms"]).is(75, "deaf is still stopping after 100ms");
    case.ask(&["--status", "nobody"]).is(64, "there is no service `nobody`");
}

#[test]
fn the_status_in_three_forms() {
    let case = Case::new("control-status");
    let services =
        format!("{TWO}[service.\"o\\\"dd\"]\ncommand = [\"sh\", \"-c\", \"exit 7\"]\nessential = false\n");
    let mut castoff = case.launch(&services).start();
    castoff.told_that("ended with code 7");
    castoff.expect("db");
    castoff.expect("web");
    let table = case.ask(&["--status"]).out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    assert!(lines[0].contains(&format!("process {}, running since", castoff.pid)), "{table}");
    assert!(lines[1].starts_with("SERVICE  STATE"), "{table}");
    assert!(lines[3].starts_with("web      ready"), "{table}");
    let json: serde_json::Value =
        serde_json::from_str(&case.ask(&["--status", "--format", "json"]).out).unwrap();
    assert_eq!((&json["version"], &json["castoff"]["phase"]), (&1.into(), &"running".into()));
    let odd = &json["services"][2];
    assert_eq!(
        (&odd["name"], &odd["state"], &odd["last-exit"]),
        (&"o\"dd".into(), &"done".into(), &7.into())
    );
    let metrics = read_metrics(&case.ask(&["--status", "--format=prometheus"]).out);
    for (name, service, value) in [
        ("castoff_service_up", "web", 1.0),
        ("castoff_service_up", "o\"dd", 0.0),
        ("castoff_service_ready", "db", 1.0),
        ("castoff_service_restarts_total", "web", 0.0),
        ("castoff_service_last_exit_code", "o\"dd", 7.0),
    ] {
        let found = metrics.iter().find(|found| found.0 == name && found.1 == service);
        assert_eq!(found.map(|found| found.2), Some(value), "{name} of {service}");
    }
}

#[test]
fn what_a_service_says_of_itself_is_shown_and_can_not_draw() {
    if !std::path::Path::new("/usr/bin/python3").exists() {
        return skipped("no python3 to notify with");
    }
    let case = Case::new("control-notify");
    let script = case.directory.file(
        "notify.py",
        0o644,
        b"import os, socket, time\n\
          to = os.environ['NOTIFY_SOCKET'].replace('@', '\\0', 1)\n\
          s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
          s.sendto(b'STATUS=busy: \\x1b[2J \"1\"\\nREADY=1', to)\n\
          time.sleep(1000)\n",
    );
    let services = format!(
        "[service.web]\ncommand = [\"/usr/bin/python3\", \"{script}\"]\nready = {{ notify = true }}\n"
    );
    let mut castoff = case.launch(&services).start();
    castoff.told_that("web is ready");
    assert_eq!(case.service("web")["status"], "busy:  [2J \"1\"");
    case.ask(&["--status"]).is(0, "busy:  [2J \"1\"\n");
}

/// Each sample: its name, its label, its value. A sample without HELP and TYPE is refused.
fn read_metrics(text: &str) -> Vec<(String, String, f64)> {
    let (mut helped, mut typed, mut found) = (String::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped = rest.split(' ').next().unwrap().to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter"].contains(&kind), "{line}");
            typed = name.to_owned();
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, label) = sample.split_once('{').unwrap_or((sample, ""));
            assert_eq!((name, name), (helped.as_str(), typed.as_str()), "{line}");
            let label = label.trim_end_matches("\"}").trim_start_matches("service=\"");
            let label = label.replace("\\\"", "\"").replace("\\\\", "\\");
            found.push((name.to_owned(), label, value.parse().unwrap()));
        }
    }
    found
}

#[test]
fn castoff_sleeps_for_ever_once_everybody_is_answered() {
    let case = Case::new("control-idle");
    let mut castoff = case.launch(TWO).start();
    castoff.expect("db");
    castoff.expect("web");
    castoff.until("it to sleep", |castoff| castoff.waits_for_ever(libc::SYS_ppoll));
    assert_eq!(case.service("web")["state"], "ready");
    castoff.until("it to sleep again", |castoff| castoff.waits_for_ever(libc::SYS_ppoll));
}

#[test]
fn a_hundred_ask_at_once_and_some_of_them_nonsense() {
    let case = Case::new("control-hundred");
    let mut castoff = case.launch(TWO).start();
    castoff.expect("db");
    castoff.expect("web");
    std::thread::scope(|scope| {
        for number in 0..100 {
            let case = &case;
            scope.spawn(move || {
                let (question, expected) = match number % 4 {
                    0 => (b"castoff/1 status\n".to_vec(), "\"name\":\"web\""),
                    1 => (b"\xff\0nonsense\n".to_vec(), "\"kind\":\"question\""),
                    2 => (vec![b'x'; 4096], "\"kind\":\"question\""),
                    _ => (b"castoff/1 stop \xc3\xa9\n".to_vec(), "\"kind\":\"unknown-service\""),
                };
                let answer = exchange(case.connect(), &question);
                assert!(answer.contains(expected), "{answer}");
            });
        }
    });
    assert_eq!(case.service("web")["state"], "ready");
}

#[test]
fn those_who_stall_are_dropped_and_the_others_served() {
    let case = Case::new("control-stalled");
    let mut castoff = case.launch(TWO).start();
    castoff.expect("db");
    castoff.expect("web");
    let mut stalled: Vec<UnixStream> = (0..12).map(|_| case.connect()).collect();
    stalled[0].write_all(b"castoff/1 sta").unwrap();
    assert_eq!(case.service("web")["state"], "ready");
    for mut one in stalled {
        assert_eq!(one.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}

#[test]
fn a_socket_that_a_dead_castoff_left_is_replaced_and_that_of_a_live_one_is_not() {
    let case = Case::new("control-stale");
    drop(UnixListener::bind(&case.socket).unwrap());
    let mut castoff = case.launch(TWO).start();
    castoff.expect("db");
    castoff.expect("web");
    assert_eq!(std::fs::metadata(&case.socket).unwrap().permissions().mode() & 0o777, 0o600);
    let mut second = case.launch(TWO).start();
    second.told_that("another castoff listens there");
    second.expect("db");
    second.expect("web");
    second.signal(libc::SIGTERM);
    second.wait();
    let said = case.ask(&["--status"]);
    assert!(said.out.contains(&format!("process {},", castoff.pid)), "{}", said.out);
}

#[test]
fn others_are_refused() {
    if !is_root() {
        return;
    }
    let case = Case::new("control-others");
    std::fs::set_permissions(&case.directory.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut castoff = case.launch(TWO).start();
    castoff.expect("db");
    castoff.expect("web");
    let ask = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=4321", "--regid=4321", "--clear-groups", CASTOFF]).args(arguments);
        Said::of(command.env("CASTOFF_CONTROL", &case.socket))
    };
    ask(&["--stop", "web"]).is(77, "only root and castoff's own user may ask");
    // one that could connect after all
    std::fs::set_permissions(&case.socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    ask(&["--stop", "web"]).is(77, "only root and castoff's own user are answered");
    ask(&["--healthcheck"]).is(1, "only root and castoff's own user are answered");
    assert_eq!(case.service("web")["state"], "ready");
}

#[test]
fn a_socket_that_somebody_else_listens_on_is_not_believed() {
    if !is_root() {
        return;
    }
    let case = Case::new("control-planted");
    std::os::unix::fs::chown(&case.directory.0, Some(4321), Some(4321)).unwrap();
    let spec = case.directory.spec(TWO);
    let words = ["/usr/bin/setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", CASTOFF, "-c", &spec];
    let variable = format!("CASTOFF_CONTROL={}", case.socket);
    let state = format!("CASTOFF_STATE={}", case.directory.0.join("state").display());
    let mut castoff = Launch::program(words).variable(&variable).variable(&state).start();
    castoff.expect("db");
    castoff.expect("web");
    if std::fs::metadata("/proc/1").unwrap().uid() == 4321 {
        return skipped("process 1 is the user's that stands for a stranger");
    }
    case.ask(&["--stop", "web"]).is(69, "another user than castoff's listens there");
    let mut own = Command::new("setpriv");
    own.args(["--reuid=4321", "--regid=4321", "--clear-groups", CASTOFF, "--status", "web"]);
    Said::of(own.env("CASTOFF_CONTROL", &case.socket)).is(0, "web      ready");
}

/// castoff as PID 1, after a script has made its /run what it should be.
fn contained(case: &Case, script: &str) -> Running {
    let spec = case.directory.spec(TWO);
    // the state is not below /run here
    let state = format!("CASTOFF_STATE={}", case.directory.0.join("state").display());
    let launch = Launch::castoff(["--log-level", "debug", "-c", &spec]).variable(&state);
    let mut castoff = launch.behind(&format!("{script} && exec \"$@\"")).place(Place::Init).start();
    castoff.expect("db");
    castoff.expect("web");
    castoff
}

#[test]
fn the_usual_place_is_below_run() {
    if !is_root() || !namespaces_work() {
        return;
    }
    let case = Case::new("control-run");
    let mut castoff = contained(&case, "mount -t tmpfs none /run");
    castoff.told_that("castoff can be asked at /run/castoff/control.sock");
    inside(&castoff, &[], &["--restart", "web"]).is(0, "web is ready");
    let listed = ["stat", "-c", "%a %F", "/run/castoff", "/run/castoff/control.sock"];
    let other = ["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups"];
    inside(&castoff, &other, &["--stop", "web"]).is(77, "only root and castoff's own user may ask");
    // who may not ask may prepare and run a command all the same
    let spec = case.directory.0.join("castoff.toml");
    inside(&castoff, &other, &["-c", spec.to_str().unwrap(), "--", "echo", "hi"]).is(0, "hi\n");
    inside(&castoff, &listed, &[]).is(0, "755 directory\n600 socket\n");
}

#[test]
fn on_a_read_only_root_it_is_an_abstract_address() {
    if !is_root() || !namespaces_work() {
        return;
    }
    let case = Case::new("control-read-only");
    let mut castoff = contained(&case, "mount -t tmpfs -o ro none /run");
    castoff.told_that("castoff can be asked at @castoff-control-");
    inside(&castoff, &[], &["--status"]).is(0, "process 1, running");
    inside(&castoff, &[], &["--stop", "web"]).is(0, "web is down");
    inside(&castoff, &[], &["--healthcheck"]).is(1, "web is not ready but down");
    let other = ["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups"];
    inside(&castoff, &other, &["--start", "web"]).is(77, "only root and castoff's own user are answered");
}

#[test]
fn what_is_planted_at_the_usual_place_leads_nowhere() {
    if !is_root() || !namespaces_work() {
        return;
    }
    let case = Case::new("control-link");
    let target = case.directory.0.join("target");
    std::fs::create_dir(&target).unwrap();
    for planting in [
        format!("ln -s {} /run/castoff", target.display()),
        "mkdir /run/castoff && chown 4321 /run/castoff".to_owned(),
        "mkdir /run/castoff && chmod 777 /run/castoff".to_owned(),
        "chmod 777 /run".to_owned(),
    ] {
        let mut castoff = contained(&case, &format!("mount -t tmpfs none /run && {planting}"));
        castoff.told_that("castoff can be asked at @castoff-control-");
        inside(&castoff, &[], &["--status"]).is(0, "process 1, running");
        assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
    }
}

#[test]
fn who_keeps_no_services_can_not_be_asked() {
    let case = Case::new("control-none");
    let alone = "[service.one]\ncommand = [\"sh\", \"-c\", \"echo one; read x\"]\n";
    let mut castoff = case.launch(alone).start();
    castoff.expect("one");
    case.ask(&["--status"]).is(69, "no castoff can be asked here");
    case.ask(&["--status"]).is(69, "a plain init, a command, and a service with no key of supervision");
    case.ask(&["--healthcheck"]).is(1, "no castoff can be asked here");
    let case = Case { socket: "none".to_owned(), ..Case::new("control-unwished") };
    let mut castoff = case.launch(TWO).start();
    castoff.expect("db");
    castoff.expect("web");
    case.ask(&["--status"]).is(69, "CASTOFF_CONTROL is none");
    let case = Case { socket: "relative".to_owned(), ..case };
    case.ask(&["--status"]).is(78, "CASTOFF_CONTROL must be an absolute path, or none");
}

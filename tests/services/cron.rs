//! Cron entries: when their runs start, what becomes of them, and what is said.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Services, polite};
use crate::harness::{Exit, Launch, Place, Running, each_place, skipped};

/// An entry that is due each second.
fn entry(name: &str, script: &str, rest: &str) -> String {
    scheduled(name, "@every 1s", script, rest)
}

fn scheduled(name: &str, schedule: &str, script: &str, rest: &str) -> String {
    format!("[cron.{name}]\nschedule = \"{schedule}\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n{rest}\n")
}

/// Says that it is up, and that it was told to end.
const POLITE: &str = "trap 'echo run bye; exit 0' TERM; echo run up; while :; do sleep 0.02; done";

/// A zone whose clock shows a new minute in two or three seconds.
fn zone_with_a_new_minute() -> String {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
    // the sign is that of POSIX: behind UTC is positive
    format!("X-0:00:{:02}", (57 + 60 - second) % 60)
}

#[test]
fn entries_alone_keep_the_container_up_and_run_again_and_again() {
    let services = Services::new("cron-alone", &entry("tick", "echo tick", ""));
    each_place(|place| {
        let mut castoff = services.start(place);
        for run in 1..=2 {
            castoff.expect("tick");
            let line = castoff.told_that("cron tick run");
            assert!(
                line.starts_with(&format!("castoff: cron tick run {run}: ended with code 0 after ")),
                "{line}"
            );
        }
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(0), "{place:?}: {err}");
    });
}

#[test]
fn what_a_run_ended_with_is_told_and_never_ends_the_container() {
    let lines = [
        entry("three", "exit 3", ""),
        entry("crash", "kill -SEGV $$", ""),
        "[cron.missing]\nschedule = \"@every 1s\"\ncommand = [\"nowhere\"]\n".to_owned(),
        polite("app", ""),
    ];
    let services = Services::new("cron-ends", &lines.concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.expect("app up");
        for said in [
            "warning: cron three run 1: ended with code 3 after ",
            "warning: cron three run 2: ended with code 3 after ",
            ": ended by SIGSEGV after ",
            "cron missing run",
            ": could not be started (code 127)",
        ] {
            castoff.told_that(said);
        }
        assert!(!castoff.ended());
        castoff.signal(libc::SIGTERM);
        castoff.expect("app bye");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn a_run_that_is_under_way_is_not_joined_by_another() {
    let script = "mkdir $DIR/lock || echo overlap; echo up; \
                  while [ ! -e $DIR/go ]; do sleep 0.02; done; rmdir $DIR/lock";
    each_place(|place| {
        let services = Services::new("cron-overlap", &entry("long", script, ""));
        let mut castoff = services.start(place);
        castoff.expect("up");
        castoff.told_that("cron long: due, and not started: the run before it is still under way");
        fs::write(services.directory.0.join("go"), "").unwrap();
        castoff.told_that("cron long run 1: ended with code 0");
        castoff.expect("up");
        castoff.told_that("cron long run 2: ended with code 0");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn runs_may_be_joined_where_that_is_allowed() {
    let services = Services::new("cron-allow", &entry("long", "exec sleep 1000", "overlap = \"allow\""));
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.until("two runs at a time", |castoff| {
            castoff.descendants().iter().filter(|seen| seen.name == "sleep").count() >= 2
        });
        castoff.signal(libc::SIGTERM);
        castoff.told_that("cron long run 1: told to end");
        castoff.told_that("cron long run 2: told to end");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn what_a_run_prints_is_told_apart_by_its_number() {
    each_place(|place| {
        // the last words of a run, without a newline, come before what is said of its end
        let script = "echo out; printf '{\"a\":1}\nlast' >&2; mkdir $DIR/done || sleep 1000";
        let services = Services::new("cron-prefix", &entry("mail", script, "log = \"prefix\""));
        let mut castoff = services.start(place);
        castoff.expect("mail/1 | out");
        assert_eq!(castoff.told_that("mail/1 |"), "mail/1 | {\"a\":1}");
        assert_eq!(castoff.told_that("mail/1 |"), "mail/1 | last");
        castoff.told_that("castoff: cron mail run 1: ended with code 0 after ");
        castoff.expect("mail/2 | out");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");

        let services = Services::new("cron-json", &entry("mail", script, "log = \"json\""));
        let mut castoff = services.start(place);
        let line = castoff.line();
        let rest = ",\"cron\":\"mail\",\"run\":1,\"stream\":\"stdout\",\"message\":\"out\"}";
        assert!(line.starts_with("{\"time\":\"") && line.ends_with(rest), "{line}");
        castoff.told_that("\"run\":1,\"stream\":\"stderr\",\"message\":{\"a\":1}}");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn pipes_that_runs_leave_open_do_not_add_up() {
    // each leaves somebody who holds its stdout and stderr
    let services =
        Services::new("cron-leaves", &entry("leaves", "setsid sleep 1000 & :", "log = \"prefix\""));
    let mut castoff = services.start(Place::Child);
    castoff.told_that("what an earlier leaves left running prints to a pipe that is read no more");
    let pipes = |castoff: &Running| {
        let fds = fs::read_dir(format!("/proc/{}/fd", castoff.pid)).unwrap();
        fds.filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
            .filter(|target| target.to_string_lossy().starts_with("pipe:"))
            .count()
    };
    // those of eight streams; castoff's own three, of which the output is open twice
    castoff.until("one to be closed", |castoff| pipes(castoff) <= 8 + 5);
    castoff.told_that("cron leaves run 6: ended with code 0");
    castoff.until("others to be closed", |castoff| pipes(castoff) <= 8 + 5);
    castoff.signal(libc::SIGTERM);
    assert_eq!(castoff.wait(), Exit::Code(0));
}

#[test]
fn a_run_that_takes_too_long_is_told_to_end_and_then_killed() {
    let deaf = "trap '' TERM; while :; do sleep 0.02; done";
    let services = Services::new("cron-timeout", &entry("deaf", deaf, "timeout = \"300ms\""));
    each_place(|place| {
        let mut castoff = services.start(place);
        // on a busy machine a run may be told before its trap is set, and just ends
        let told = castoff.told_that(": did not end when it was told to and is killed");
        let (run, _) = told.split_once(": did not").unwrap();
        castoff.told_that(&format!("{run}: ended by SIGKILL after "));
        castoff.told_that(": takes longer than 300ms and is told to end");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn a_timeout_ends_all_of_a_run_s_group_before_the_next_begins() {
    // the shell obeys, what it started does not, and has the lock
    let script = "exec 9>$DIR/lock; flock -n 9 || echo overlap; \
                  sh -c \"trap '' TERM; echo up; while :; do sleep 0.02; done\" & wait";
    let services = Services::new("cron-group", &entry("group", script, "timeout = \"300ms\""));
    each_place(|place| {
        let mut castoff = services.start(place);
        for _ in 0..2 {
            // on a busy machine a run may be told before its trap is set, and just ends
            castoff.expect("up");
            let told = castoff.told_that(": did not end when it was told to and is killed");
            let (run, _) = told.split_once(": did not").unwrap();
            castoff.told_that(&format!("{run}: ended by SIGTERM after "));
        }
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn a_stop_tells_runs_at_once_beside_the_services() {
    let services = Services::new("cron-stop", &[entry("run", POLITE, ""), polite("app", "")].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.expect("app up");
        castoff.expect("run up");
        castoff.signal(libc::SIGTERM);
        castoff.told_that("cron run run 1: told to end");
        let mut lines = [castoff.line(), castoff.line()];
        lines.sort();
        assert_eq!(lines, ["app bye", "run bye"]);
        castoff.told_that("cron run run 1: ended with code 0");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn a_run_that_ignores_the_stop_is_killed_when_the_grace_is_over() {
    let deaf = "trap '' TERM; echo up; while :; do sleep 0.02; done";
    let services = Services::new("cron-deaf", &[entry("deaf", deaf, ""), polite("app", "")].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.expect("app up");
        castoff.expect("up");
        castoff.signal(libc::SIGTERM);
        castoff.told_that("still there after the grace and killed");
        castoff.told_that("cron deaf run 1: ended by SIGKILL");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn the_end_of_an_essential_service_ends_runs_too() {
    let app =
        "[service.app]\ncommand = [\"sh\", \"-c\", \"until [ -e $DIR/up ]; do sleep 0.02; done; exit 9\"]\n";
    each_place(|place| {
        let run = POLITE.replace("echo run up", "touch $DIR/up");
        let services = Services::new("cron-essential", &[entry("run", &run, ""), app.to_owned()].concat());
        let (exit, out, err) = services.start(place).end();
        assert_eq!((exit, out.as_str()), (Exit::Code(9), "run bye\n"), "{place:?}: {err}");
    });
}

#[test]
fn a_schedule_is_of_the_clock_that_the_container_has_or_the_entry_names() {
    let by_tz = scheduled("by-tz", "* * * * *", "echo by TZ", "");
    each_place(|place| {
        let zone = zone_with_a_new_minute();
        let services = Services::new("cron-tz", &by_tz);
        let mut castoff = services.launch().variable(&format!("TZ={zone}")).place(place).start();
        castoff.expect("by TZ");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");

        let zone = zone_with_a_new_minute();
        let named = scheduled("named", "* * * * *", "echo named", &format!("timezone = \"{zone}\""));
        let services = Services::new("cron-timezone", &named);
        let mut castoff = services.launch().variable("TZ=UTC").place(place).start();
        castoff.expect("named");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn entries_run_where_the_kernel_has_no_alarm_by_the_wall() {
    let services = Services::new("cron-alarm", &entry("tick", "echo tick", ""));
    each_place(|place| {
        let mut castoff = services.launch().place(place).denied(&[libc::SYS_timerfd_create]).start();
        castoff.expect("tick");
        castoff.expect("tick");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn an_entry_that_is_not_due_wakes_nobody() {
    let services = Services::new("cron-idle", &scheduled("yearly", "@yearly", "true", ""));
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.until("castoff to wait without a timeout", |castoff| castoff.waits_for_ever(libc::SYS_ppoll));
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn the_status_has_the_last_run_and_the_next() {
    let lines = [entry("tick", "echo tick; exit 3", ""), scheduled("yearly", "@yearly", "true", "")];
    let services = Services::new("cron-status", &lines.concat());
    let socket = format!("CASTOFF_CONTROL={}", services.directory.0.join("control.sock").display());
    let mut castoff = services.launch().variable(&socket).start();
    castoff.told_that("cron tick run 1: ended with code 3");
    let ask = |arguments: &[&str]| {
        let launch = Launch::castoff(["--status"]).arguments(arguments).variable(&socket);
        let (exit, out, err) = launch.start().end();
        assert_eq!(exit, Exit::Code(0), "{err}");
        out
    };
    let answer: serde_json::Value = serde_json::from_str(&ask(&["--format", "json"])).unwrap();
    let [tick, yearly] = [&answer["crons"][0], &answer["crons"][1]];
    assert_eq!((&tick["name"], &tick["schedule"]), (&"tick".into(), &"@every 1s".into()));
    assert_eq!((&tick["last"]["exit"], &tick["last"]["timed-out"]), (&3.into(), &false.into()));
    assert_eq!((&yearly["last"], &yearly["runs"]), (&serde_json::Value::Null, &0.into()));
    assert!(yearly["next"].as_str().unwrap().ends_with("-01-01T00:00:00Z"), "{yearly}");
    let table = ask(&[]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[1].starts_with("CRON    SCHEDULE   NEXT"), "{table}");
    assert!(lines[2].starts_with("tick    @every 1s  20") && lines.len() == 4, "{table}");
    assert!(ask(&["--format=prometheus"]).contains("castoff_cron_last_exit_code{cron=\"tick\"} 3\n"));
    // it is no service
    let (exit, _, err) = Launch::castoff(["--start", "tick"]).variable(&socket).start().end();
    assert_eq!(exit, Exit::Code(64), "{err}");
    assert!(err.contains("`tick` is a cron entry: the status of all shows it"), "{err}");
    castoff.signal(libc::SIGTERM);
    assert_eq!(castoff.wait(), Exit::Code(0));
}

#[test]
fn an_entry_has_its_user_home_and_directory_and_nothing_that_is_castoff_s() {
    if !nix::unistd::geteuid().is_root() {
        skipped("not root, so nobody can be somebody else");
        return;
    }
    let script = "echo \"$(id -u) $HOME $PWD $GREETING $NOTIFY_SOCKET.\"";
    let rest = "user = \"nobody\"\nworking-directory = \"/usr\"";
    let services = Services::new("cron-user", &entry("who", script, rest));
    each_place(|place| {
        let launch = services.launch().variable("GREETING=hello").variable("NOTIFY_SOCKET=/outer");
        let mut castoff = launch.place(place).start();
        castoff.expect("65534 /nonexistent /usr hello .");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn entries_whose_when_is_false_and_those_beside_another_command_are_not_run() {
    let lines =
        ["[env.CRON]\ntype = \"bool\"\ndefault = false\n", &entry("tick", "echo tick", "when = \"CRON\"")];
    let services = Services::new("cron-when", &lines.concat());
    let (exit, out, err) = services.launch().place(Place::Child).start().end();
    assert_eq!((exit, out.as_str()), (Exit::Code(0), ""), "nothing is left to do: {err}");
    for (arguments, listed) in [(&["--plan"][..], true), (&["--plan", "--", "true"], false)] {
        let launch = services.launch().variable("CRON=true").arguments(arguments);
        let (exit, out, err) = launch.start().end();
        assert_eq!((exit, out.contains("cron    tick: ")), (Exit::Code(0), listed), "{out}{err}");
    }
}

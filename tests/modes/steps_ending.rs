//! How steps end: by themselves or not, killed, timed out, tried again, and what they leave.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};

use nix::sys::stat::Mode;

use crate::harness::{Exit, Place, Running, each_place, refusing};

use super::case::Case;

fn step(name: &str, script: &str, rest: &str) -> String {
    format!("[[step]]\nname = \"{name}\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n{rest}\n")
}

/// castoff with the case's spec, in a place.
fn launch(case: &Case, place: Place) -> Running {
    case.launch(&["--", "echo", "hi"]).place(place).start()
}

fn fifo(case: &Case, name: &str) -> std::path::PathBuf {
    let path = case.path(name);
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
    path
}

#[test]
fn a_start_that_was_killed_in_a_step_goes_on_there() {
    let steps = step("one", "echo ran one", "run = \"first-start\"\nscope = \"/data\"")
        + &step(
            "two",
            "test -e $DIR/go || { echo hangs >$DIR/probe; read x <$DIR/gate; exit 1; }; echo ran two",
            "run = \"first-start\"\nscope = \"/data\"",
        );
    let case = Case::new(&format!("[[volume]]\npath = \"/data\"\n{steps}"));
    let (probe, gate) = (fifo(&case, "probe"), fifo(&case, "gate"));
    let mut castoff = launch(&case, Place::Child);
    let mut line = String::new();
    BufReader::new(File::open(probe).unwrap()).read_line(&mut line).unwrap();
    castoff.signal(libc::SIGKILL);
    assert_eq!(castoff.wait(), Exit::Signal(libc::SIGKILL));
    // the step that is left behind ends too
    File::options().write(true).open(gate).unwrap().write_all(b"\n").unwrap();
    assert!(case.exists("root/data/.castoff/steps") && !case.exists("root/data/.castoff/started"));
    case.write("go", "");
    for expected in [vec!["ran two"], vec![]] {
        let (exit, out, err) = launch(&case, Place::Child).end();
        assert_eq!((exit, out.as_str()), (Exit::Code(0), "hi\n"), "{err}");
        let ran: Vec<_> = err.lines().filter(|line| line.starts_with("ran ")).collect();
        assert_eq!(ran, expected, "{err}");
    }
}

#[test]
fn a_step_that_fails_ends_the_start() {
    let case = Case::new(&(step("a", "echo why; exit 3", "") + &step("b", "echo never", "")));
    let said = case.run(&["echo", "hi"]);
    said.code(69).says(&[
        "why\n",
        "error: step `a` ended with status 3",
        "castoff.toml:3:8",
        "the next start runs it again",
    ]);
    assert!(said.out.is_empty() && !said.err.contains("never\n"), "{}", said.err);
    Case::new(&step("a", "kill -9 $$", "")).run(&["true"]).code(69).says(&["step `a` was killed by SIGKILL"]);
}

#[test]
fn one_that_takes_too_long_is_asked_to_end() {
    let script = "trap 'echo asked; exit 0' TERM; echo begun; while :; do sleep 0.01; done";
    let case = Case::new(&step("a", script, "timeout = \"2s\""));
    let said = case.run(&["echo", "hi"]);
    said.code(75).says(&["asked\n", "step `a` took longer than 2s"]);
    assert_eq!(said.out, "");
    Case::new(&step("a", "true", "timeout = \"1h\"")).run(&["true"]).code(0);
}

#[test]
fn failures_are_tried_again_and_told() {
    let flaky = step("a", "test -e tried || { touch tried; exit 4; }", "retries = 2");
    let said = Case::new(&flaky).run(&["echo", "hi"]);
    said.code(0).says(&["warning: step `a` ended with status 4; trying again in 500ms, 2 more at most"]);
    assert_eq!(said.out, "hi\n");
    let said = Case::new(&step("a", "echo spoken; exit 1", "retries = 1")).run(&["true"]);
    said.code(69).says(&["it was tried 2 times"]);
    assert_eq!(said.err.matches("spoken\n").count(), 2, "{}", said.err);
    // what can't be run is not tried again
    let said = Case::new("[[step]]\nname = \"a\"\ncommand = [\"/etc\"]\nretries = 5\n").run(&["true"]);
    said.code(65).says(&["can't run `/etc`: it is a directory"]);
    assert!(!said.err.contains("trying again"), "{}", said.err);
}

#[test]
fn term_ends_the_step_and_castoff_at_once() {
    for script in [
        "exec >$DIR/probe; echo hangs; exec sleep 1000",
        "trap '' TERM; exec >$DIR/probe; echo hangs; sleep 1000",
    ] {
        each_place(|place| {
            let case = Case::new(&(step("a", script, "") + &step("b", "echo never", "")));
            let probe = fifo(&case, "probe");
            let mut castoff = launch(&case, place);
            let mut probe = BufReader::new(File::open(probe).unwrap());
            let mut line = String::new();
            probe.read_line(&mut line).unwrap();
            assert_eq!(line, "hangs\n");
            castoff.signal(libc::SIGTERM);
            let (exit, out, err) = castoff.end();
            let expected = if place.is_init() { Exit::Code(143) } else { Exit::Signal(libc::SIGTERM) };
            assert_eq!((exit, out.as_str()), (expected, ""), "{err}");
            assert!(err.contains("step `a` was interrupted") && !err.contains("never\n"), "{err}");
            // all that had it open is gone
            assert_eq!(probe.read_to_string(&mut line).unwrap(), 0);
        });
    }
}

#[test]
fn term_ends_the_time_that_a_step_has_after_its_timeout() {
    let script = "trap 'echo asked' TERM; exec >$DIR/probe; while :; do sleep 0.01; done";
    let case = Case::new(&step("a", script, "timeout = \"2s\""));
    let probe = fifo(&case, "probe");
    let mut castoff = launch(&case, Place::Child);
    let mut line = String::new();
    BufReader::new(File::open(probe).unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "asked\n");
    castoff.signal(libc::SIGTERM);
    let (exit, _, err) = castoff.end();
    assert_eq!(exit, Exit::Signal(libc::SIGTERM), "{err}");
    assert!(err.contains("step `a` took longer than 2s"), "{err}");
}

#[test]
fn term_ends_the_wait_before_the_next_attempt() {
    let case = Case::new(&step("a", "echo tried >$DIR/probe; exit 1", "retries = 1000"));
    let probe = fifo(&case, "probe");
    let mut castoff = launch(&case, Place::Child);
    let mut line = String::new();
    BufReader::new(File::open(probe).unwrap()).read_line(&mut line).unwrap();
    castoff.signal(libc::SIGTERM);
    assert_eq!(castoff.wait(), Exit::Signal(libc::SIGTERM));
}

#[test]
fn what_a_step_leaves_running_is_ended_and_told() {
    each_place(|place| {
        let case = Case::new(&step(
            "a",
            "echo a >$DIR/begun; setsid sh -c 'exec >$DIR/probe; echo hangs; exec sleep 1000' &",
            "",
        ));
        let probe = fifo(&case, "probe");
        // what ran before the step is nobody's business
        let launch = case.launch(&["--", "sh", "-c", "echo ready; exec cat"]);
        let mut castoff = launch.behind("sleep 1000 & exec \"$@\"").place(place).start();
        let mut probe = BufReader::new(File::open(probe).unwrap());
        let mut text = String::new();
        probe.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hangs\n");
        castoff.expect("ready");
        castoff.until("the other one to sleep", |castoff| {
            castoff.descendants().iter().filter(|seen| seen.name == "sleep").count() == 1
        });
        castoff.signal(libc::SIGTERM);
        let (_, _, err) = castoff.end();
        assert!(err.contains("warning: step `a` left processes running, which were ended: sleep ("), "{err}");
    });
}

#[test]
fn what_ends_by_itself_in_a_moment_is_waited_for() {
    let case = Case::new(&step("a", "(sleep 0.05; echo late) &", ""));
    let said = case.run(&["echo", "hi"]);
    said.code(0).says(&["late\n"]);
    assert!(!said.err.contains("left processes"), "{}", said.err);
}

#[test]
fn the_service_is_no_reaper_because_of_steps() {
    // castoff adopts orphans while a step runs; a program that takes its place must not
    let case = Case::new(&step("a", "true", ""));
    let orphan = "sh -c 'sh -c \"sleep 0.05; ps -o ppid= -p \\$\\$ >$DIR/parent.new; mv $DIR/parent.new $DIR/parent\" &'; echo $$; \
                  while ! test -e $DIR/parent; do sleep 0.01; done";
    let arguments = ["--config", "castoff.toml", "--root", "root", "--exec", "--", "sh", "-c", orphan];
    let mut command = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments);
    let output = command.env("DIR", case.path("")).output().unwrap();
    let own = String::from_utf8(output.stdout).unwrap();
    assert_ne!(case.read("parent").trim(), own.trim(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn where_orphans_can_not_be_had_the_group_is_ended() {
    let script = "sh -c 'echo $$ >$DIR/pid; exec sleep 1000' & while ! test -s $DIR/pid; do sleep 0.01; done";
    let case = Case::new(&step("a", script, ""));
    let castoff = case.launch(&["--", "echo", "hi"]);
    let Some(launch) = refusing("prctl:error=EPERM", castoff) else { return };
    let mut strace = launch.start();
    strace.expect("hi");
    assert_eq!(strace.wait(), Exit::Code(0));
    let stat = format!("/proc/{}/stat", case.read("pid").trim());
    strace.until("the process to be gone", |_| {
        !std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "))
    });
}

//! A person at a terminal.

use crate::harness::{Exit, Launch, Pty, each_place, skipped};

fn probe() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_service_gets_the_foreground() {
    each_place(|place| {
        for launch in [
            Launch::castoff(["--", &probe(), "--probe", "foreground"]),
            Launch::library(["--seal", "--", &probe(), "--probe", "foreground"]),
        ] {
            let mut castoff = launch.place(place).terminal(Pty::open()).start();
            castoff.expect("foreground");
            assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
        }
    });
}

#[test]
fn ctrl_c_reaches_the_service_once() {
    each_place(|place| {
        let mut castoff = Launch::castoff(["--", &probe(), "--probe", "signals"])
            .place(place)
            .terminal(Pty::open())
            .start();
        castoff.expect("ready");
        castoff.terminal().press("\x03");
        castoff.expect("2");
        // Had it come twice, the second one would stand here.
        castoff.signal(libc::SIGUSR1);
        castoff.expect("10");
    });
}

#[test]
fn ctrl_z_where_nobody_could_wake_castoff_does_not_freeze_it() {
    each_place(|place| {
        let script = "echo ready; while read x; do echo got $x; done; exit 4";
        let mut castoff =
            Launch::castoff(["--", "sh", "-c", script]).place(place).terminal(Pty::open()).start();
        castoff.expect("ready");
        // The terminal sends the stop before it takes the next key.
        castoff.terminal().press("\x1a");
        castoff.terminal().press("x\n");
        castoff.expect("got x");
        castoff.terminal().press("\x04");
        assert_eq!(castoff.wait(), Exit::Code(4), "{place:?}");
    });
}

#[test]
fn under_a_shell_ctrl_z_stops_castoff_and_fg_goes_on() {
    if !std::path::Path::new("/bin/bash").exists() {
        return skipped("no bash here");
    }
    let mut bash = Launch::program(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"])
        .variable("PS1=")
        .terminal(Pty::open())
        .start();
    let castoff = env!("CARGO_BIN_EXE_castoff");
    bash.terminal()
        .press(&format!("{castoff} -- sh -c 'echo ready; read x; echo got $x; exit 5'; echo status $?\n"));
    until_line(&mut bash, "ready");
    bash.terminal().press("\x1a");
    bash.until("castoff and the service to be stopped", |bash| {
        let tree = bash.descendants();
        ["castoff", "sh"].iter().all(|name| tree.iter().any(|seen| seen.name == *name && seen.state == 'T'))
    });
    until_line(&mut bash, "status 148");
    bash.terminal().press("fg; echo status $?\n");
    bash.until("the service to have the terminal again", |bash| {
        let service = bash.descendants().into_iter().find(|process| process.name == "sh");
        service.is_some_and(|service| service.pid == bash.terminal().foreground())
    });
    bash.terminal().press("word\n");
    until_line(&mut bash, "got word");
    until_line(&mut bash, "status 5");
}

/// Reads lines until this one.
fn until_line(running: &mut crate::harness::Running, wanted: &str) {
    while !running.line().ends_with(wanted) {}
}

#[test]
fn the_terminal_is_given_back_to_who_runs_castoff_in_a_script() {
    let castoff = env!("CARGO_BIN_EXE_castoff");
    let script = format!("{castoff} -- true; read x; echo after $x");
    let mut shell = Launch::program(["/bin/sh", "-c", &script]).terminal(Pty::open()).start();
    shell.terminal().press("word\n");
    shell.expect("after word");
}

#[test]
fn a_hang_up_reaches_the_service() {
    each_place(|place| {
        let script = "trap 'echo up >&2; exit 3' HUP; echo ready; while :; do sleep 0.01; done";
        let mut castoff =
            Launch::castoff(["--", "sh", "-c", script]).place(place).terminal(Pty::open()).start();
        castoff.expect("ready");
        castoff.hang_up();
        assert_eq!(castoff.wait(), Exit::Code(3), "{place:?}");
    });
}

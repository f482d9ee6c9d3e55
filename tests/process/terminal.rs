//! A person at a terminal.

use crate::harness::{Exit, Launch, Pty, Running, each_place, interactive, send, skipped};

const CASTOFF: &str = env!("CARGO_BIN_EXE_castoff");

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
    let Some(mut bash) = bash() else { return };
    bash.terminal()
        .press(&format!("{CASTOFF} -- sh -c 'echo ready; read x; echo got $x; exit 5'; echo status $?\n"));
    until_line(&mut bash, "ready");
    bash.terminal().press("\x1a");
    until_stopped(&mut bash);
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
fn until_line(running: &mut Running, wanted: &str) {
    while !running.line().ends_with(wanted) {}
}

/// An interactive bash without a prompt.
fn bash() -> Option<Running> {
    if !std::path::Path::new("/bin/bash").exists() {
        skipped("no bash here");
        return None;
    }
    let bash = Launch::program(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]);
    Some(bash.variable("PS1=").terminal(Pty::open()).start())
}

fn until_stopped(bash: &mut Running) {
    bash.until("castoff and the service to be stopped", |bash| {
        let tree = bash.descendants();
        ["castoff", "sh"].iter().all(|name| tree.iter().any(|seen| seen.name == *name && seen.state == 'T'))
    });
}

#[test]
fn a_service_that_is_stopped_under_a_shell_can_be_told_to_end() {
    let Some(mut bash) = bash() else { return };
    bash.terminal().press(&format!("{CASTOFF} -- sh -c 'echo ready; read x'\n"));
    until_line(&mut bash, "ready");
    bash.terminal().press("\x1a");
    until_stopped(&mut bash);
    // bash sends a stopped job SIGCONT with it.
    bash.terminal().press("kill %1\n");
    bash.until("both to be gone", |bash| bash.descendants().is_empty());
    // It tells of jobs before it reads the next line.
    bash.terminal().press("\n");
    while !bash.line().contains("Exit 143") {}
}

#[test]
fn a_background_job_that_reads_or_writes_the_terminal_stops_until_it_is_fetched() {
    let Some(mut bash) = bash() else { return };
    bash.terminal().press(&format!("{CASTOFF} -- sh -c 'read x; echo got $x; exit 5' &\n"));
    until_stopped(&mut bash);
    bash.terminal().press("fg; echo status $?\n");
    bash.until("the service to have the terminal", |bash| {
        let service = bash.descendants().into_iter().find(|process| process.name == "sh");
        service.is_some_and(|service| service.pid == bash.terminal().foreground())
    });
    bash.terminal().press("word\n");
    until_line(&mut bash, "got word");
    until_line(&mut bash, "status 5");
    bash.terminal().press(&format!("stty tostop; {CASTOFF} -- sh -c 'echo written; exit 6' &\n"));
    until_stopped(&mut bash);
    bash.terminal().press("fg; echo status $?\n");
    until_line(&mut bash, "written");
    until_line(&mut bash, "status 6");
}

#[test]
fn an_interactive_shell_as_the_service_has_job_control() {
    if !std::path::Path::new("/bin/bash").exists() {
        return skipped("no bash here");
    }
    each_place(|place| {
        let shell = ["--", "/bin/bash", "--norc", "--noprofile", "--noediting", "-i"];
        let mut castoff = Launch::castoff(shell).variable("PS1=").place(place).terminal(Pty::open()).start();
        castoff.terminal().press("sleep 1000\n");
        let sleeper =
            |castoff: &Running| castoff.descendants().into_iter().find(|process| process.name == "sleep");
        let in_front = |castoff: &mut Running| {
            sleeper(castoff)
                .is_some_and(|sleep| sleep.state != 'T' && sleep.pid == castoff.terminal().foreground())
        };
        castoff.until("the job to be in the foreground", in_front);
        castoff.terminal().press("\x1a");
        castoff.until("the job to be stopped", |castoff| {
            sleeper(castoff).is_some_and(|sleep| sleep.state == 'T')
        });
        castoff.terminal().press("fg\n");
        castoff.until("the job to be in the foreground again", in_front);
        castoff.terminal().press("\x03");
        castoff.until("the job to be gone", |castoff| sleeper(castoff).is_none());
        castoff.terminal().press("echo status $?\n");
        until_line(&mut castoff, "status 130");
        castoff.terminal().press("exit 4\n");
        assert_eq!(castoff.wait(), Exit::Code(4), "{place:?}");
    });
}

/// The state of the process with this command line (proc_pid_stat(5)). It can be anybody's: a
/// container's processes descend from its engine.
fn state_of(command: &[&str]) -> Option<char> {
    let command: Vec<u8> = command.iter().flat_map(|word| word.bytes().chain([0])).collect();
    let read =
        |process: &std::fs::DirEntry, file| std::fs::read(process.path().join(file)).unwrap_or_default();
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    let found = processes.find(|process| read(process, "cmdline") == command)?;
    String::from_utf8_lossy(&read(&found, "stat")).rsplit(") ").next()?.chars().next()
}

#[test]
fn docker_run_it_of_a_shell_has_job_control() {
    let shell = ["--", "/bin/bash", "--norc", "--noprofile", "--noediting", "-i"];
    let Some(launch) = interactive(&shell) else {
        return skipped("docker run -it is tested by make test-containers");
    };
    let mut docker = launch.start();
    // of this test only
    let time = format!("1000.{}", std::process::id());
    let sleep = ["sleep", &time];
    docker.terminal().press(&format!("sleep {time}\n"));
    // bash gives a job the terminal before it executes or goes on
    docker.until("the job to run", |_| state_of(&sleep) == Some('S'));
    docker.terminal().press("\x1a");
    docker.until("the job to be stopped", |_| state_of(&sleep) == Some('T'));
    docker.terminal().press("fg\n");
    docker.until("the job to go on", |_| state_of(&sleep) == Some('S'));
    docker.terminal().press("\x03");
    docker.terminal().press("echo status $?\n");
    until_line(&mut docker, "status 130");
    docker.terminal().resize(50, 132);
    docker.terminal().press("until [ \"$(stty size)\" = '50 132' ]; do sleep 0.01; done; echo re''sized\n");
    until_line(&mut docker, "resized");
    docker.terminal().press("(exit 4)\n\x04");
    assert_eq!(docker.wait(), Exit::Code(4));
}

#[test]
fn a_resize_reaches_the_service_once() {
    each_place(|place| {
        let mut castoff = Launch::castoff(["--", &probe(), "--probe", "signals"])
            .place(place)
            .terminal(Pty::open())
            .start();
        castoff.expect("ready");
        castoff.terminal().resize(50, 132);
        castoff.expect("28");
        castoff.signal(libc::SIGUSR1);
        castoff.expect("10");
    });
}

#[test]
fn the_end_of_the_input_reaches_the_service() {
    each_place(|place| {
        let script = "echo ready; while read x; do echo got $x; done; exit 4";
        let mut castoff =
            Launch::castoff(["--", "sh", "-c", script]).place(place).terminal(Pty::open()).start();
        castoff.expect("ready");
        castoff.terminal().press("x\n\x04");
        castoff.expect("got x");
        assert_eq!(castoff.wait(), Exit::Code(4), "{place:?}");
    });
}

#[test]
fn with_stdin_from_a_pipe_or_closed_the_service_has_the_terminal_all_the_same() {
    for (before, after) in [("sleep 0 |", ""), ("", "<&-"), ("", "</dev/null")] {
        let script = format!("{before} {CASTOFF} -- {} --probe signals {after}", probe());
        let mut shell = Launch::program(["/bin/sh", "-c", &script]).terminal(Pty::open()).start();
        shell.expect("ready");
        let tree = shell.descendants();
        let castoff =
            tree.iter().find(|process| process.name == "castoff").map_or(shell.pid, |seen| seen.pid);
        shell.terminal().press("\x03");
        shell.expect("2");
        send(castoff, libc::SIGUSR1);
        shell.expect("10");
    }
}

#[test]
fn somebody_else_s_terminal_is_read_and_not_touched() {
    each_place(|place| {
        let other = Pty::open();
        let before = other.foreground();
        let script = "echo ready; read x; echo got $x; exit 5";
        let launch = Launch::castoff(["--", "sh", "-c", script]).place(place).descriptor(other.slave(), 0);
        let mut castoff = launch.start();
        castoff.expect("ready");
        other.press("word\n");
        castoff.expect("got word");
        assert_eq!(castoff.wait(), Exit::Code(5), "{place:?}");
        assert_eq!(other.foreground(), before);
    });
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

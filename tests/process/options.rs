//! Options of the plain init: orphans, sessions, exit codes, the parent's end.

use crate::harness::{Exit, Launch, Place, Pty, each_place, refusing, skipped};

fn probe() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

/// Says whether it leads its process group and its session.
const STANDING: &str =
    "read -r pid _ _ _ group session _ </proc/self/stat; echo $((group == pid)) $((session == pid))";

#[test]
fn orphans_come_to_castoff_unless_it_is_told_not_to_adopt_them() {
    for (when, adopts) in [("auto", true), ("always", true), ("never", false)] {
        // the orphan lives until the test closes its stdin
        let script = "sh -c 'cat <&3 >/dev/null & echo $!' 3<&0; echo over; read x";
        let mut castoff = Launch::castoff(["--subreaper", when, "--", "sh", "-c", script]).start();
        let orphan = castoff.line();
        castoff.expect("over");
        let parent = || {
            let stat = std::fs::read_to_string(format!("/proc/{orphan}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse::<i32>().unwrap()
        };
        assert_eq!(parent() == castoff.pid, adopts, "{when}");
        castoff.close_input();
        assert_eq!(castoff.wait(), Exit::Code(1), "{when}");
    }
}

#[test]
fn as_pid_1_the_option_changes_nothing() {
    for when in ["auto", "always", "never"] {
        let script = "sh -c 'exit 3 & :'; exit 4";
        let launch = Launch::castoff(["--subreaper", when, "--", "sh", "-c", script]);
        if !crate::harness::namespaces_work() {
            return;
        }
        let (exit, _, err) = launch.place(Place::Init).start().end();
        assert_eq!((exit, err.as_str()), (Exit::Code(4), ""), "{when}");
    }
}

#[test]
fn a_subreaper_that_can_t_be_is_worth_a_warning_where_it_was_asked_for() {
    for (when, warned) in [("auto", false), ("always", true), ("never", false)] {
        let castoff = Launch::castoff(["--subreaper", when, "--", "sh", "-c", "exit 3"]);
        let Some(launch) = refusing("prctl:error=EPERM", castoff) else { return };
        let (exit, _, err) = launch.start().end();
        assert_eq!(exit, Exit::Code(3), "{when}");
        assert_eq!(err.contains("not a subreaper"), warned, "{when}: {err}");
    }
}

#[test]
fn with_setsid_the_service_leads_a_session() {
    each_place(|place| {
        for (options, expected) in [(&["--setsid"][..], "1 1\n"), (&[], "1 0\n")] {
            let launch = Launch::castoff([]).arguments(options).arguments(&["--", "sh", "-c", STANDING]);
            let (exit, out, err) = launch.place(place).start().end();
            assert_eq!((exit, out.as_str()), (Exit::Code(0), expected), "{place:?} {err}");
        }
    });
}

#[test]
fn with_setsid_the_service_takes_castoff_s_terminal_and_nobody_is_hung_up() {
    each_place(|place| {
        for arguments in [["foreground", "foreground"], ["signals", "ready"]] {
            let [program, first] = arguments;
            let launch = Launch::castoff(["--setsid", "--", &probe(), "--probe", program]);
            let mut castoff = launch.place(place).terminal(Pty::open()).start();
            castoff.expect(first);
            if program == "signals" {
                // a HUP or CONT of the hand-over would stand before this one
                castoff.signal(libc::SIGUSR1);
                castoff.expect("10");
                castoff.terminal().press("\x03");
                castoff.expect("2");
                castoff.hang_up();
            } else {
                assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
            }
        }
    });
}

#[test]
fn with_setsid_ctrl_z_under_a_shell_stops_castoff_and_fg_goes_on() {
    if !std::path::Path::new("/bin/bash").exists() {
        return skipped("no bash here");
    }
    let mut bash = Launch::program(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"])
        .variable("PS1=")
        .terminal(Pty::open())
        .start();
    let castoff = env!("CARGO_BIN_EXE_castoff");
    let script = "echo ready; while :; do sleep 0.01; done";
    bash.terminal().press(&format!("{castoff} --setsid -- sh -c '{script}'; echo status $?\n"));
    while !bash.line().ends_with("ready") {}
    bash.terminal().press("\x1a");
    let stopped = |bash: &mut crate::harness::Running, wanted: bool| {
        let tree = bash.descendants();
        ["castoff", "sh"]
            .iter()
            .all(|name| tree.iter().any(|seen| seen.name == *name && (seen.state == 'T') == wanted))
    };
    bash.until("castoff and the service to be stopped", |bash| stopped(bash, true));
    while !bash.line().ends_with("status 148") {}
    bash.terminal().press("fg; echo status $?\n");
    bash.until("both to go on", |bash| stopped(bash, false));
    bash.terminal().press("\x03");
    while !bash.line().ends_with("status 130") {}
}

#[test]
fn a_session_s_service_is_paused_by_tstp_and_woken_by_cont() {
    each_place(|place| {
        let script = "trap 'echo woken; exit 3' CONT; echo ready; while :; do sleep 0.01; done";
        let mut castoff = Launch::castoff(["--setsid", "--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTSTP);
        castoff.until("the service to be stopped", |castoff| {
            castoff.descendants().iter().any(|process| process.name == "sh" && process.state == 'T')
        });
        castoff.signal(libc::SIGCONT);
        castoff.expect("woken");
        assert_eq!(castoff.wait(), Exit::Code(3), "{place:?}");
    });
}

#[test]
fn codes_of_the_service_are_remapped_and_castoff_s_own_are_not() {
    each_place(|place| {
        for (options, script, code) in [
            (&["--remap-exit", "3=0"][..], "exit 3", 0),
            (&["--remap-exit", "143=7", "--remap-exit", "0=1"], "kill $$", 7),
            (&["--remap-exit", "143=7", "--remap-exit", "0=1"], "exit 0", 1),
            (&["--remap-exit", "3=0"], "exit 4", 4),
            (&["--remap-exit", "127=0"], "exit 127", 0),
        ] {
            let launch = Launch::castoff([]).arguments(options).arguments(&["--", "sh", "-c", script]);
            assert_eq!(
                launch.place(place).start().wait(),
                Exit::Code(code),
                "{place:?} {options:?} {script}"
            );
        }
        let missing = Launch::castoff(["--remap-exit", "127=0", "--", "/nonexistent"]);
        assert_eq!(missing.place(place).start().wait(), Exit::Code(127));
    });
}

/// Says so when it is told to end.
const TOLD: &str = "trap 'echo told; exit' TERM; echo ready; while :; do sleep 0.01; done";

#[test]
fn the_parent_s_end_is_a_signal_to_castoff_after_sealing_too() {
    let spec = std::env::temp_dir().join(format!("castoff-options-{}.toml", std::process::id()));
    std::fs::write(&spec, "version = 1\n").unwrap();
    for config in [String::new(), format!("--config {}", spec.display())] {
        let castoff = env!("CARGO_BIN_EXE_castoff");
        let script = format!("{castoff} {config} --parent-death-signal TERM -- sh -c \"$1\" & read x");
        let mut shell = Launch::program(["/bin/sh", "-c", &script, "sh", TOLD]).start();
        shell.expect("ready");
        shell.close_input();
        shell.expect("told");
    }
    let _ = std::fs::remove_file(spec);
}

#[test]
fn without_the_option_the_parent_s_end_is_nobody_s_business() {
    let script = format!("{} -- sh -c \"$1\" & echo $!; read x", env!("CARGO_BIN_EXE_castoff"));
    let mut shell = Launch::program(["/bin/sh", "-c", &script, "sh", TOLD]).start();
    let castoff = shell.line().parse().unwrap();
    shell.expect("ready");
    shell.close_input();
    shell.wait();
    crate::harness::send(castoff, libc::SIGTERM);
    shell.expect("told");
}

#[test]
fn a_parent_that_is_gone_before_the_kernel_knows_is_noticed() {
    let castoff = Launch::castoff(["--parent-death-signal", "TERM", "--", "sleep", "1000"]);
    let castoff = castoff.behind("\"$@\" & read x");
    let Some(launch) = refusing("prctl:delay_enter=4s:when=1", castoff) else { return };
    let mut strace = launch.start();
    let in_prctl = format!("{} ", libc::SYS_prctl);
    strace.until("castoff to be on its way into prctl", |strace| {
        let tree = strace.descendants();
        let found = tree.iter().find(|process| process.name == "castoff");
        let call =
            found.and_then(|castoff| std::fs::read_to_string(format!("/proc/{}/syscall", castoff.pid)).ok());
        // the delay is long; a parent that goes after it only makes an easier test
        call.is_some_and(|call| call.starts_with(&in_prctl))
            || tree.iter().any(|process| process.name == "sleep")
    });
    let shell = strace.descendants()[0].pid;
    crate::harness::send(shell, libc::SIGKILL);
    // strace stays until castoff and the service are gone
    strace.wait();
}

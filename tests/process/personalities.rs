//! castoff beside the inits whose names it takes: the same command line under both, and the
//! same exit code, place among the processes, and signals. What differs on purpose has a
//! promise of its own.

use std::path::Path;

use crate::harness::{Exit, Launch, Place, Pty, Running, each_place, send, skipped};

/// Says whether it leads its process group and its session.
const STANDING: &str =
    "read -r pid _ _ _ group session _ </proc/self/stat; echo $((group == pid)) $((session == pid)); exit 3";

fn probe() -> String {
    std::env::current_exe().unwrap().to_str().unwrap().to_owned()
}

/// Variables, the name, options: `A=1 tini -s`.
struct Line<'a> {
    variables: Vec<&'a str>,
    name: &'a str,
    options: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn new(line: &'a str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| !word.contains('=')).unwrap();
        Self { variables: words[..at].to_vec(), name: words[at], options: words[at + 1..].to_vec() }
    }

    fn complete(&self, launch: Launch, command: &[&str]) -> Launch {
        let launch = launch.arguments(&self.options).arguments(command);
        self.variables.iter().fold(launch, |launch, variable| launch.variable(variable))
    }

    /// castoff by the name, and the program itself where it is installed.
    fn both(&self, command: &[&str]) -> Vec<(&'static str, Launch)> {
        let mut both = vec![("castoff", self.complete(Launch::castoff_as(self.name), command))];
        let real = format!("/usr/bin/{}", self.name);
        if Path::new(&real).exists() {
            both.push(("the real one", self.complete(Launch::program([&real]), command)));
        } else {
            skipped(&format!("no {} to compare with", self.name));
        }
        both
    }
}

#[test]
fn exit_codes_groups_and_sessions_are_theirs() {
    each_place(|place| {
        for (line, script, code, out) in [
            ("tini -s --", STANDING, 3, "1 0\n"),
            ("tini-static -s --", STANDING, 3, "1 0\n"),
            ("docker-init -s --", STANDING, 3, "1 0\n"),
            ("TINI_SUBREAPER=1 tini -g --", STANDING, 3, "1 0\n"),
            ("tini -sge 3 --", STANDING, 0, "1 0\n"),
            ("tini -s -e 3 -e 4 --", "exit 4", 0, ""),
            ("tini -s -e 143 --", "kill $$", 0, ""),
            ("tini -s -e 3 --", "exit 5", 5, ""),
            ("tini -s --", "kill $$", 143, ""),
            ("tini -svpSIGUSR1 --", "exit 6", 6, ""),
            ("TINI_VERBOSITY=0 tini --", "exit 6", 6, ""),
            ("dumb-init", STANDING, 3, "1 1\n"),
            ("dumb-init --", STANDING, 3, "1 1\n"),
            ("DUMB_INIT_SETSID=1 dumb-init --rewrite=15:3", STANDING, 3, "1 1\n"),
            ("dumb-init --single-child --", "exit 3", 3, ""),
            ("dumb-init -cr 15:3", "kill $$", 143, ""),
            ("DUMB_INIT_SETSID=0 dumb-init", "exit 3", 3, ""),
            ("catatonit --", STANDING, 3, "1 0\n"),
            ("catatonit -g --", STANDING, 3, "1 0\n"),
            ("catatonit --", "kill $$", 143, ""),
        ] {
            for (who, launch) in Line::new(line).both(&["sh", "-c", script]) {
                let (exit, mut said, err) = launch.place(place).start().end();
                // tini's own -v lines are on stdout
                said.retain(|_| !line.contains("-sv"));
                assert_eq!((exit, said.as_str()), (Exit::Code(code), out), "{who} {place:?} {line}: {err}");
            }
        }
    });
}

#[test]
fn what_can_t_be_executed_ends_with_their_codes() {
    for (line, missing, refused) in [("tini -s", 127, 126), ("dumb-init", 2, 2), ("catatonit", 1, 1)] {
        for (command, code) in [("/nonexistent", missing), ("no-such-command", missing), ("/etc", refused)] {
            for (who, launch) in Line::new(line).both(&[command]) {
                let (exit, _, err) = launch.start().end();
                assert_eq!(exit, Exit::Code(code), "{who} {line} {command}");
                assert!(err.contains(command) || who != "castoff", "{err}");
            }
        }
    }
}

#[test]
fn mistakes_and_questions_end_with_their_codes_on_their_streams() {
    for (line, code, on_stdout) in [
        ("tini", 1, false),
        ("tini --", 1, false),
        ("tini -x", 1, false),
        ("tini --help", 1, false),
        ("tini -s --version", 1, false),
        ("tini -p KILL true", 1, false),
        ("tini -e 256 true", 1, false),
        ("tini -e 3x true", 1, false),
        ("tini -p", 1, false),
        ("tini --version", 0, true),
        ("tini -h", 0, true),
        ("tini -l", 0, true),
        ("docker-init --version", 0, true),
        ("dumb-init", 1, false),
        ("dumb-init --", 1, false),
        ("dumb-init -x true", 1, false),
        ("dumb-init --ver", 1, false),
        ("dumb-init --version=x", 1, false),
        ("dumb-init -r 15 true", 1, false),
        ("dumb-init -r 15:32 true", 1, false),
        ("dumb-init -r TERM:QUIT true", 1, false),
        ("dumb-init --help", 0, false),
        ("dumb-init -V", 0, false),
        ("catatonit", 1, false),
        ("catatonit -x true", 1, false),
        ("catatonit --foo true", 1, false),
        ("CATATONIT_LOG=1 catatonit true", 1, false),
        ("catatonit --version", 0, true),
        ("catatonit -L", 0, true),
        ("catatonit -h", 0, false),
    ] {
        for (who, launch) in Line::new(line).both(&[]) {
            let (exit, out, err) = launch.start().end();
            assert_eq!(exit, Exit::Code(code), "{who} {line}: {err}");
            assert_eq!((out.is_empty(), err.is_empty()), (!on_stdout, on_stdout), "{who} {line}: {out}{err}");
        }
    }
}

#[test]
fn signals_arrive_as_they_do_with_them() {
    each_place(|place| {
        for (line, pairs) in [
            (
                "tini -s --",
                &[(1, "1"), (2, "2"), (15, "15"), (10, "10"), (28, "28"), (18, "18"), (40, "40")][..],
            ),
            ("tini -sg --", &[(1, "1"), (15, "15"), (12, "12")]),
            ("dumb-init", &[(1, "1"), (2, "2"), (15, "15"), (28, "28"), (18, "18")]),
            ("dumb-init -r 15:3 -r 1:0 --rewrite 10:12", &[(1, ""), (15, "3"), (10, "12"), (12, "12")]),
            ("dumb-init -r 15:9 -r 15:2", &[(15, "2")]),
            ("dumb-init -c -r 15:3", &[(15, "3"), (1, "1")]),
            ("catatonit --", &[(1, "1"), (15, "15"), (10, "10"), (40, "40")]),
            ("catatonit -g --", &[(1, "1"), (15, "15")]),
        ] {
            for (who, launch) in Line::new(line).both(&[&probe(), "--probe", "signals"]) {
                let mut init = launch.place(place).start();
                init.expect("ready");
                for (sent, seen) in pairs {
                    init.signal(*sent);
                    if !seen.is_empty() {
                        assert_eq!(init.line(), *seen, "{who} {place:?} {line}: {sent}");
                    }
                    // whatever came in addition would stand before this one
                    init.signal(libc::SIGCONT);
                    assert_eq!(init.line(), "18", "{who} {place:?} {line}: after {sent}");
                }
            }
        }
    });
}

#[test]
fn the_program_has_the_terminal_as_with_them() {
    each_place(|place| {
        for line in ["tini -s --", "dumb-init", "dumb-init -c", "catatonit --"] {
            for (who, launch) in Line::new(line).both(&[&probe(), "--probe", "signals"]) {
                let mut init = launch.place(place).terminal(Pty::open()).start();
                init.expect("ready");
                init.terminal().press("\x03");
                assert_eq!(init.line(), "2", "{who} {place:?} {line}");
                init.signal(libc::SIGUSR1);
                let mut next = init.line();
                if who != "castoff" && line.ends_with("-c") && next == "2" {
                    // with -c the real one forwards what the program has got already
                    next = init.line();
                }
                assert_eq!(next, "10", "{who} {place:?} {line}");
            }
        }
    });
}

#[test]
fn a_terminal_s_signals_stop_the_session_of_dumb_init() {
    each_place(|place| {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            let script = "echo ready; while :; do sleep 0.01; done";
            for (who, launch) in Line::new("dumb-init").both(&["sh", "-c", script]) {
                let mut init = launch.place(place).start();
                init.expect("ready");
                init.signal(signal);
                init.until("the program to be stopped", |init| {
                    init.descendants().iter().any(|process| process.name == "sh" && process.state == 'T')
                });
                if who == "castoff" {
                    // the real one freezes as PID 1
                    init.signal(libc::SIGCONT);
                    init.signal(libc::SIGTERM);
                    assert_eq!(init.wait(), Exit::Code(143), "{place:?} {signal}");
                }
            }
        }
    });
}

#[test]
fn the_group_is_reached_where_they_reach_it() {
    let script =
        format!("trap '' USR1; trap 'echo shell' USR2; {} --probe signals & while :; do wait; done", probe());
    let (main, group) = (&["shell"][..], &["10", "12", "shell"][..]);
    each_place(|place| {
        for (line, expected) in [
            ("tini -s --", main),
            ("tini -sg --", group),
            ("TINI_SUBREAPER= TINI_KILL_PROCESS_GROUP= tini --", group),
            ("dumb-init", group),
            ("dumb-init -c", main),
            ("DUMB_INIT_SETSID=0 dumb-init", main),
            ("catatonit --", main),
            ("catatonit -g --", group),
        ] {
            for (who, launch) in Line::new(line).both(&["sh", "-c", &script]) {
                let mut init = launch.place(place).start();
                init.expect("ready");
                init.signal(libc::SIGUSR1);
                init.signal(libc::SIGUSR2);
                let mut seen: Vec<String> = expected.iter().map(|_| init.line()).collect();
                seen.sort();
                assert_eq!(seen, expected, "{who} {place:?} {line}");
            }
        }
    });
}

#[test]
fn tini_s_parent_death_signal_comes() {
    let told = "trap 'echo told; exit' USR1; echo ready; while :; do sleep 0.01; done";
    for (who, launch) in Line::new("tini -s -p SIGUSR1 --").both(&["sh", "-c", told]) {
        let mut shell = launch.behind("\"$@\" & read x").start();
        shell.expect("ready");
        shell.close_input();
        assert_eq!(shell.line(), "told", "{who}");
    }
}

#[test]
fn tini_warns_of_orphans_that_it_reaps() {
    for (line, warned) in [("tini -sw --", 1), ("tini -s --", 0), ("TINI_VERBOSITY=0 tini -sw --", 0)] {
        let script = "sh -c 'sleep 1000 & echo $!'; echo over; read x; exit 3";
        for (who, launch) in Line::new(line).both(&["sh", "-c", script]) {
            let mut init = launch.start();
            let orphan = init.line();
            init.expect("over");
            send(orphan.parse().unwrap(), libc::SIGKILL);
            let orphan = format!("/proc/{orphan}");
            init.until("the orphan to be reaped", |_| !Path::new(&orphan).exists());
            init.close_input();
            let (_, _, err) = init.end();
            assert_eq!(err.lines().count(), warned, "{who} {line}: {err}");
        }
    }
}

/// Until it has blocked signals, which it does before it waits for them; while it is in
/// sigtimedwait(2) they don't count as blocked.
fn listens(init: &mut Running) {
    init.until("the signals to be blocked", |init| {
        let of = |file| std::fs::read_to_string(format!("/proc/{}/{file}", init.pid)).unwrap();
        let waits = of("syscall").starts_with(&format!("{} ", libc::SYS_rt_sigtimedwait));
        waits || !of("status").contains("SigBlk:\t0000000000000000")
    });
}

#[test]
fn catatonit_pauses_until_term_or_int() {
    each_place(|place| {
        for line in ["catatonit -P", "catatonit -gP --"] {
            for signal in [libc::SIGTERM, libc::SIGINT] {
                for (who, launch) in Line::new(line).both(&[]) {
                    let mut init = launch.place(place).start();
                    listens(&mut init);
                    init.signal(libc::SIGHUP);
                    init.signal(signal);
                    assert_eq!(init.wait(), Exit::Code(0), "{who} {place:?} {signal}");
                }
            }
        }
    });
}

// What differs on purpose.

#[test]
fn siblings_get_term_and_time_under_every_name() {
    let script = "sh -c 'trap \"sleep 0.1; echo told; exit\" TERM; echo ready; while :; do sleep 0.02; done' & read x; exit 5";
    for line in ["tini -s --", "docker-init -s --", "dumb-init", "catatonit --"] {
        each_place(|place| {
            let line = Line::new(line);
            let launch = line.complete(Launch::castoff_as(line.name), &["sh", "-c", script]);
            let mut init = launch.place(place).start();
            init.expect("ready");
            init.say("\n");
            let (exit, out, _) = init.end();
            assert_eq!((exit, out.as_str()), (Exit::Code(5), "told\n"), "{place:?} {}", line.name);
        });
    }
}

#[test]
fn every_catchable_signal_is_forwarded_under_every_name() {
    for line in ["tini -s --", "dumb-init -r 20:20 -r 21:21 -r 22:22", "dumb-init -c", "catatonit --"] {
        each_place(|place: Place| {
            let line = Line::new(line);
            let launch = line.complete(Launch::castoff_as(line.name), &[&probe(), "--probe", "signals"]);
            let mut init = launch.place(place).start();
            init.expect("ready");
            for signal in (1..=64).filter(|signal| ![9, 19].contains(signal)) {
                init.signal(signal);
                assert_eq!(init.line(), signal.to_string(), "{place:?} {}", line.name);
            }
        });
    }
}

#[test]
fn no_spec_and_no_setting_of_castoff_s_is_read_under_their_names() {
    for name in ["tini", "dumb-init", "catatonit"] {
        let launch =
            Launch::castoff_as(name).variable("CASTOFF_CONFIG=/nonexistent").variable("CASTOFF_GRACE=x");
        let (exit, out, err) = launch.arguments(&["--", "sh", "-c", "echo $CASTOFF_GRACE"]).start().end();
        assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Code(0), "x\n", ""), "{name}");
    }
}

#[test]
fn options_end_at_the_program() {
    // glibc's getopt, which Debian builds tini and catatonit with, would take them itself
    for name in ["tini", "dumb-init", "catatonit"] {
        let (exit, _, err) = Launch::castoff_as(name).arguments(&["sh", "-c", "exit 3"]).start().end();
        assert_eq!((exit, err.as_str()), (Exit::Code(3), ""), "{name}");
    }
}

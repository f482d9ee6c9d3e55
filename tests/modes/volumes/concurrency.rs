//! Several starts on one volume at once.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};

use super::site::{both, describe, tree, usual};
use crate::modes::case::Case;

/// A service that says what it sees of the volume.
const SEES: &str = "find root/site -name .castoff -prune -o -printf '%P %y %m\\n' | sort";

fn castoff(case: &Case, service: &str) -> Command {
    let arguments = ["--config", "castoff.toml", "--root", "root", "--", "sh", "-c", service];
    let mut command = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a start's service saw; `None`: it was not run.
fn seen(child: Child) -> (Option<String>, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let saw = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success().then_some(saw), said)
}

/// A case with enough files for a kill to come in between.
fn many() -> Case {
    let case = usual("1.0", "");
    for number in 0..300 {
        case.write(&format!("seed/many/{}/{number}", number % 7), format!("content of {number}"));
    }
    case
}

#[test]
fn thirty_two_starts_and_kills_in_the_middle() {
    let case = many();
    let whole = seen(castoff(&many(), SEES).spawn().unwrap()).0.unwrap();
    let start = |_| castoff(&case, SEES).spawn().unwrap();
    let mut survivors: Vec<Child> = Vec::new();
    // whoever stages, or has announced what it will do, is killed, and those that wait with it
    for sign in ["staging", "journal"] {
        let mut victims: Vec<Child> = (0..8).map(start).collect();
        while !case.exists(&format!("root/site/.castoff/{sign}"))
            && !case.exists("root/site/.castoff/complete")
        {
            std::thread::yield_now();
        }
        survivors.extend((0..8).map(start));
        for victim in &mut victims {
            let _ = victim.kill();
        }
        for victim in victims {
            if let (Some(saw), said) = seen(victim) {
                assert_eq!(saw, whole, "{said}");
            }
        }
    }
    assert_eq!(survivors.len(), 16);
    let mut filled = 0;
    for survivor in survivors {
        let (saw, said) = seen(survivor);
        filled += said.matches("filled /site/").count();
        assert_eq!(saw.as_ref(), Some(&whole), "{said}");
    }
    // a start that finishes what another began says so in other words
    assert!(filled <= 1, "filled {filled} times");
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
    assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"]);
}

/// Holds a volume's lock as another start would.
fn held(case: &Case) -> File {
    std::fs::create_dir_all(case.path("root/site/.castoff")).unwrap();
    case.set_mode("root/site/.castoff", 0o700);
    case.write("root/site/.castoff/lock", "the start of web-7 at 2026-11-21T15:04:05Z\n");
    let file = OpenOptions::new().read(true).write(true).open(case.path("root/site/.castoff/lock")).unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    file
}

#[test]
fn who_waits_says_for_whom_and_looks_again() {
    let case = usual("1.0", "");
    let lock = held(&case);
    let mut start = castoff(&case, "true").spawn().unwrap();
    let mut said = BufReader::new(start.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting for /site") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it does not wait");
    }
    assert!(line.contains("the start of web-7 at 2026-11-21T15:04:05Z works on it"), "{line}");
    // the other one completes the volume meanwhile
    let twin = usual("1.0", "");
    twin.run(&["true"]).code(0);
    for name in ["manifest", "complete"] {
        std::fs::copy(
            twin.path(format!("root/site/.castoff/{name}")),
            case.path(format!("root/site/.castoff/{name}")),
        )
        .unwrap();
        case.set_mode(&format!("root/site/.castoff/{name}"), 0o600);
    }
    drop(lock);
    assert!(start.wait().unwrap().success());
    assert_eq!(tree(&case.path("root/site")), [""; 0], "it was complete already");
}

#[test]
fn nobody_is_waited_for_without_end() {
    let case = usual("1.0", "lock-timeout = \"50ms\"");
    let _lock = held(&case);
    case.run(&["true"]).code(75).says(&[
        "/site is still being worked on after 50ms",
        "the start of web-7 at 2026-11-21T15:04:05Z holds it",
        "`lock-timeout`",
    ]);
}

#[test]
fn a_start_that_has_nothing_to_do_waits_for_nobody() {
    let case = usual("1.0", "lock-timeout = \"50ms\"");
    case.run(&["true"]).code(0);
    let _lock = held(&case);
    case.run(&["true"]).code(0);
    // an upgrade does
    describe(&case, "2.0", "policy = \"upgrade\"\nlock-timeout = \"50ms\"");
    case.run(&["true"]).code(75);
}

#[test]
fn two_upgrades_at_once() {
    let case = usual("1.0", "policy = \"upgrade\"");
    case.run(&["true"]).code(0);
    case.write("seed/version.php", "2.0");
    describe(&case, "2.0", "policy = \"upgrade\"");
    let starts: Vec<Child> =
        (0..4).map(|_| castoff(&case, "cat root/site/version.php").spawn().unwrap()).collect();
    let mut upgrades = 0;
    for start in starts {
        let (saw, said) = seen(start);
        assert_eq!(saw.as_deref(), Some("2.0"), "{said}");
        upgrades += said.matches("upgrade from 1.0 to 2.0").count();
    }
    assert_eq!(upgrades, 1);
}

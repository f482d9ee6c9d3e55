//! `generate`: a secret that castoff makes once and keeps.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use super::case::{Case, SOMEBODY, needs_root};

fn generated(scope: &str) -> Case {
    Case::new(&format!(
        "[env.KEY]\ngenerate = {{ length = 40 }}\n{scope}\
         [[template]]\nsource = \"t\"\ndest = \"/etc/key\"\nformat = \"plain\"\n"
    ))
    .file("t", "{{ KEY }}\n")
    .file("root/volume/content", "")
}

const IN_VOLUME: &str = "scope = \"/volume\"\n";

#[test]
fn it_is_made_once_and_kept_where_nobody_else_can_read_it() {
    for (scope, place) in [(IN_VOLUME, "root/volume/.castoff"), ("", "root/var/lib/castoff")] {
        let case = generated(scope);
        case.run(&["true"]).code(0).says(&["generated KEY, kept in"]);
        let key = case.read("root/etc/key");
        assert_eq!(key.trim().len(), 40);
        assert!(key.trim().bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key}");
        assert_eq!((case.mode(place), case.mode(&format!("{place}/generated"))), (0o700, 0o600));
        // another container, the same volume or state
        std::fs::remove_dir_all(case.path("root/etc")).unwrap();
        case.run(&["true"]).code(0);
        assert_eq!(case.read("root/etc/key"), key);
        // a value that is given wins, and what is kept stays
        case.run_with("KEY", "given", &["true"]).code(0);
        assert_eq!(case.read("root/etc/key"), "given\n");
        case.run(&["true"]).code(0);
        assert_eq!(case.read("root/etc/key"), key);
    }
}

#[test]
fn the_state_directory_can_be_chosen() {
    let case = generated("").variable("CASTOFF_STATE", "/srv/state");
    case.run(&["true"]).code(0);
    assert!(case.exists("root/srv/state/generated") && !case.exists("root/var"));
}

#[test]
fn eight_first_starts_at_once_agree() {
    for scope in [IN_VOLUME, ""] {
        let case = generated(scope);
        let starts: Vec<_> = (0..8)
            .map(|number| {
                let arguments = ["--config", "castoff.toml", "--root", "root", "--", "cat", "root/etc/key"];
                let mut command = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments);
                command.env("NUMBER", number.to_string());
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let mut keys: Vec<String> = Vec::new();
        for start in starts {
            let output = start.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            keys.push(String::from_utf8(output.stdout).unwrap());
        }
        keys.dedup();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert_eq!(keys[0].trim().len(), 40);
    }
}

#[test]
fn state_that_somebody_else_could_have_written_is_refused() {
    let file = "root/volume/.castoff/generated";
    for damage in ["owner", "mode", "garbled", "directory owner", "directory mode"] {
        if damage.contains("owner") && !needs_root() {
            continue;
        }
        let case = generated(IN_VOLUME);
        case.run(&["true"]).code(0);
        std::fs::remove_dir_all(case.path("root/etc")).unwrap();
        match damage {
            "owner" => case.set_owner(file, SOMEBODY, SOMEBODY),
            "mode" => case.set_mode(file, 0o620),
            // into a directory like this nothing is written
            "directory owner" => {
                std::fs::remove_file(case.path(file)).unwrap();
                case.set_owner("root/volume/.castoff", SOMEBODY, SOMEBODY);
            }
            "directory mode" => {
                std::fs::remove_file(case.path(file)).unwrap();
                case.set_mode("root/volume/.castoff", 0o770);
            }
            _ => case.write(file, "KEY canary\n"),
        }
        let said = case.run(&["true"]);
        let (code, message) = match damage {
            "garbled" => (74, "generated is damaged: line 1 is not castoff's"),
            _ => (77, "can't be trusted: castoff did not make it"),
        };
        assert_eq!(said.code, code, "{damage}: {}", said.err);
        said.says(&[message, "/volume/.castoff"]);
        assert!(!said.err.contains("canary"));
        assert!(!case.exists("root/etc"), "{damage}");
    }
}

#[test]
fn where_nothing_can_be_kept_that_is_said() {
    let case = generated("").file("root/etc/x", "");
    let read_only = "mkdir -p var run; for place in var run; do\n\
                     mount --bind $place $place; mount -o remount,bind,ro $place; done";
    let Some(said) = case.run_in_namespace(read_only, &["true"]) else { return };
    said.code(0).says(&["warning: KEY will change at the next start", "Read-only file system"]);
    assert_eq!(case.read("root/etc/key").trim().len(), 40);

    let case = generated(IN_VOLUME).file("root/etc/x", "");
    let read_only = "mount --bind volume volume; mount -o remount,bind,ro volume";
    let Some(said) = case.run_in_namespace(read_only, &["true"]) else { return };
    said.code(73).says(&["/volume/.castoff", "Read-only file system", "mount a writable volume"]);
    assert_eq!(case.names("root/etc"), ["x"]);
}

#[test]
fn the_second_place_serves_a_read_only_root() {
    let case = generated("").file("root/etc/x", "");
    let read_only = "mkdir -p var run; mount --bind var var; mount -o remount,bind,ro var";
    let Some(said) = case.run_in_namespace(read_only, &["true"]) else { return };
    said.code(0);
    assert!(case.exists("root/run/castoff/generated"));
}

/// Locks a file as castoff does, until it is dropped.
fn lock(path: &std::path::Path) -> File {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap();
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).unwrap();
    file
}

#[test]
fn who_waits_for_another_start_says_so_and_can_be_stopped() {
    for stopped in [true, false] {
        let case = generated(IN_VOLUME);
        std::fs::DirBuilder::new().create(case.path("root/volume/.castoff")).unwrap();
        case.set_mode("root/volume/.castoff", 0o700);
        let held = lock(&case.path("root/volume/.castoff/lock"));
        let arguments = ["--config", "castoff.toml", "--root", "root", "--", "true"];
        let mut command = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments);
        let mut castoff = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(castoff.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("castoff: waiting for "), "{line}");
        assert!(line.ends_with(", which holds /volume/.castoff\n"), "{line}");
        if stopped {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(castoff.id()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        } else {
            drop(held);
        }
        let status = castoff.wait().unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        if stopped {
            assert_eq!(status.signal(), Some(libc::SIGTERM), "{rest}");
            assert!(!case.exists("root/etc") && !case.exists("root/volume/.castoff/generated"));
        } else {
            assert!(status.success(), "{rest}");
            assert!(case.exists("root/etc/key"));
        }
    }
}

#[test]
fn a_volume_without_space_for_it() {
    let case = generated(IN_VOLUME).file("root/etc/x", "");
    let full = "mount -t tmpfs -o size=8k none volume; head -c 8192 /dev/zero >volume/full";
    let Some(said) = case.run_in_namespace(full, &["true"]) else { return };
    said.code(73).says(&["/volume/.castoff/", "No space left on device"]);
    assert_eq!(case.names("root/etc"), ["x"]);
}

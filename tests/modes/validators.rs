//! Programs that look at a file before it takes its place.

use std::fs::File;
use std::io::{BufRead, BufReader};

use crate::harness::{Exit, each_place};

use super::case::Case;
use super::golden::assert_golden;

fn validated(command: &str) -> Case {
    Case::new(&format!(
        "[env.NAME]\ndefault = \"one\"\n[env.KEY]\nsecret = true\ndefault = \"canary-key\"\n\
         [[template]]\nsource = \"t\"\ndest = \"/etc/app.conf\"\nformat = \"plain\"\nvalidate = {command}\n\
         [[template]]\nsource = \"t\"\ndest = \"/etc/other.conf\"\nformat = \"plain\"\n"
    ))
    .file("t", "name {{ NAME }}\nkey {{ KEY }}\n")
}

#[test]
fn a_file_that_passes_is_written() {
    let case = validated("[\"grep\", \"-q\", \"^name one$\", \"{file}\"]");
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/etc/app.conf"), "name one\nkey canary-key\n");
    assert_eq!(case.names("tmp"), [""; 0]);
}

#[test]
fn a_file_that_fails_is_not_and_neither_is_any_other() {
    let case = validated("[\"sh\", \"-c\", \"echo wrong in $0; cat $0; exit 3\", \"{file}\"]");
    let said = case.run(&["true"]);
    assert_golden("refused-by-validator", &said.text());
    assert!(!said.code(78).err.contains("canary"));
    assert_eq!(case.names("root"), [""; 0]);
    assert_eq!(case.names("tmp"), [""; 0]);
    assert_eq!(case.run(&["--check"]).err, said.err);
}

#[test]
fn a_validator_that_can_not_run() {
    let case = validated("[\"no-such-validator\", \"{file}\"]");
    let said = case.run(&["--check"]);
    said.code(65).says(&["can't run `no-such-validator`: not found", "castoff.toml:"]);
    assert_eq!(case.names("root"), [""; 0]);
}

#[test]
fn all_validators_are_asked() {
    let case = Case::new(
        "[[template]]\nsource = \"t\"\ndest = \"/a\"\nformat = \"plain\"\nvalidate = [\"false\", \"{file}\"]\n\
         [[template]]\nsource = \"t\"\ndest = \"/b\"\nformat = \"plain\"\nvalidate = [\"false\", \"{file}\"]\n",
    )
    .file("t", "");
    case.run(&["--check"]).code(78).says(&["/a was refused", "/b was refused", "castoff: 2 errors\n"]);
}

#[test]
fn a_file_that_stays_is_not_validated_again_but_by_a_check() {
    let case = validated("[\"sh\", \"-c\", \"echo {file} >>asked; exit 0\"]");
    let asked = || std::fs::read_to_string(case.path("asked")).unwrap_or_default().lines().count();
    case.run(&["true"]).code(0);
    assert_eq!(asked(), 1);
    case.run(&["true"]).code(0);
    assert!(!case.run(&["--plan", "true"]).code(0).out.contains("check "));
    assert_eq!(asked(), 1);
    case.run(&["--check"]).code(0);
    assert_eq!(asked(), 2);
}

#[test]
fn check_asks_them_and_changes_nothing_at_all() {
    let case = validated("[\"grep\", \"-q\", \"^name one$\", \"{file}\"]").file("root/etc/app.conf", "old\n");
    let before = case.listing();
    case.run(&["--check"]).code(0).says(&["castoff: ok: 2 variables, 2 files, 1 validator\n"]);
    assert_eq!(case.listing(), before);
    assert_eq!(case.names("tmp"), [""; 0]);
}

#[test]
fn the_copy_is_private_and_bears_the_name_of_the_file() {
    let script = "stat -c '%a %F' $0 $(dirname $0) | tr '\\\\n' ' '; basename $0; exit 1";
    let case = validated(&format!("[\"sh\", \"-c\", \"{script}\", \"{{file}}\"]"));
    case.run(&["--check"]).code(78).says(&["600 regular file 700 directory app.conf"]);
}

#[test]
fn its_environment_has_no_secret() {
    let case = validated("[\"sh\", \"-c\", \"env; exit 1\", \"{file}\"]").variable("KEY", "canary-key");
    let said = case.variable("NAME", "one").run(&["--check"]);
    said.code(78).says(&["NAME=one"]);
    assert!(!said.err.contains("KEY=") && !said.err.contains("canary"), "{}", said.err);
}

#[test]
fn term_ends_castoff_at_once_while_a_validator_hangs() {
    each_place(|place| {
        let hang = "exec >$PROBE; echo hangs; exec sleep 1000";
        let case = validated(&format!("[\"sh\", \"-c\", \"{hang}\", \"{{file}}\"]"));
        let path = |name: &str| case.path(name).to_str().unwrap().to_owned();
        nix::unistd::mkfifo(&case.path("probe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut castoff = case
            .launch(&["true"])
            .variable(&format!("TMPDIR={}", path("tmp")))
            .variable(&format!("PROBE={}", path("probe")))
            .place(place)
            .start();
        let mut probe = BufReader::new(File::open(path("probe")).unwrap()).lines();
        assert_eq!(probe.next().unwrap().unwrap(), "hangs");
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        // a shell sees 143 in both; nobody but a parent can tell
        let expected = if place.is_init() { Exit::Code(143) } else { Exit::Signal(libc::SIGTERM) };
        assert_eq!(exit, expected, "{err}");
        assert!(err.contains("asked to stop by SIGTERM before the service was started"), "{err}");
        // the validator, which alone could have it open, is gone
        assert!(probe.next().is_none());
        assert_eq!((case.names("root"), case.names("tmp")), (vec![], vec![]));
    });
}

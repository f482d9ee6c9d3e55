//! Commands that can't be run: the code, and the sentence.

use std::fs;

use crate::harness::{Directory, Exit, Launch, Place, each_place, namespaces_work, skipped};

/// /bin/sh as an ELF with some bytes replaced.
fn elf_with(replace: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut elf = fs::read("/bin/sh").unwrap();
    replace(&mut elf);
    elf
}

#[test]
fn each_failure_has_its_code_and_its_sentence() {
    let directory = Directory::new("failures");
    let other: (u8, &str) = if cfg!(target_arch = "aarch64") { (62, "x86_64") } else { (183, "aarch64") };
    let wrong_machine = elf_with(|elf| elf[18] = other.0);
    let loader = elf_with(|elf| {
        let at = elf.windows(4).position(|four| four == b"/lib").unwrap();
        elf[at..at + 4].copy_from_slice(b"/bil");
    });
    let built_for = format!("it was built for {}, and this machine is", other.1);
    let cases: Vec<(String, i32, &str)> = vec![
        ("slepe".into(), 127, "can't run `slepe`: not found in PATH"),
        ("/nonexistent/x".into(), 127, "there is no such file"),
        ("/etc".into(), 126, "it is a directory"),
        (directory.file("plain", 0o644, b"#!/bin/sh\n"), 126, "it is not executable (mode 0644)"),
        (
            directory.file("nointerp", 0o755, b"#!/opt/none -e\n"),
            126,
            "its interpreter `/opt/none` does not exist",
        ),
        (
            directory.file("crlf", 0o755, b"#!/bin/sh\r\nexit 0\r\n"),
            126,
            "its first line ends with a carriage return",
        ),
        (
            directory.file("text", 0o755, b"exit 0\n"),
            126,
            "a text without a first line that names its interpreter",
        ),
        (directory.file("empty", 0o755, b""), 126, "it is empty"),
        (directory.file("machine", 0o755, &wrong_machine), 126, &built_for),
        (directory.file("loader", 0o755, &loader), 126, "its loader `/bil"),
        (directory.file("binary", 0o755, b"\0\x01\x02"), 126, "no program that this kernel knows"),
        (String::new(), 127, "can't run ``: there is no such file"),
    ];
    for (command, code, sentence) in &cases {
        let (exit, out, err) = Launch::castoff(["--", command]).start().end();
        assert_eq!((exit, out.as_str()), (Exit::Code(*code), ""), "{command}: {err}");
        assert!(err.contains(sentence), "{command}: {err}");
        let (exec_exit, _, exec_err) = Launch::library(["--exec", "--", command]).start().end();
        assert_eq!((exec_exit, exec_err), (exit, err), "exec says the same as supervise");
    }
}

#[test]
fn no_command_is_a_mistake_of_the_command_line() {
    let (exit, _, err) = Launch::castoff([]).start().end();
    assert_eq!(exit, Exit::Code(64), "{err}");
}

#[test]
fn a_missing_command_ends_castoff_in_each_place_and_corrects_it() {
    each_place(|place| {
        let (exit, _, err) = Launch::castoff(["--", "slepe", "1"]).place(place).start().end();
        assert_eq!(exit, Exit::Code(127));
        assert!(err.contains("did you mean `sleep`?") && err.contains("searched: /usr/local/bin:"), "{err}");
    });
}

#[test]
fn too_long_arguments_are_said_to_be_that() {
    for manner in ["--exec", "--seal"] {
        let (exit, _, err) = Launch::library([manner, "--long-variable", "--", "/bin/true"]).start().end();
        assert_eq!(exit, Exit::Code(126));
        assert!(err.contains("its arguments and environment are too long, 200"), "{err}");
        assert!(
            err.contains("`LONG` is longer than the kernel's 131072 bytes") && !err.contains("xxx"),
            "{err}"
        );
    }
}

#[test]
fn a_noexec_mount_is_named() {
    if !nix::unistd::geteuid().is_root() || !namespaces_work() {
        return skipped("only root in a namespace of its own can mount something");
    }
    let script = format!(
        "mount -t tmpfs -o noexec none /mnt && cp /bin/true /mnt/x && exec {} -- /mnt/x",
        env!("CARGO_BIN_EXE_castoff")
    );
    let (exit, _, err) = Launch::program(["/bin/sh", "-c", &script]).place(Place::Init).start().end();
    assert_eq!(exit, Exit::Code(126), "{err}");
    assert!(err.contains("it lies on a mount with the option `noexec`"), "{err}");
}

#[test]
fn a_refused_candidate_gives_way_to_the_next() {
    let (first, second) = (Directory::new("first"), Directory::new("second"));
    first.file("tool", 0o644, b"#!/bin/sh\nexit 1\n");
    second.file("tool", 0o755, b"#!/bin/sh\nexit 3\n");
    let path = format!("PATH={}:{}:/bin", first.0.display(), second.0.display());
    let script = format!("{path} exec {} -- tool", env!("CARGO_BIN_EXE_castoff"));
    assert_eq!(Launch::program(["/bin/sh", "-c", &script]).start().wait(), Exit::Code(3));
}

//! `[[hooks]]`: a directory of programs that are run during the preparation.

use super::case::{Case, SOMEBODY, needs_root};

fn hooks(rest: &str) -> Case {
    Case::new(&format!("[[hooks]]\npath = \"/hooks.d\"\n{rest}\n"))
}

/// Writes a hook that says its name.
fn add(case: &Case, name: &str) {
    write(case, name, &format!("#!/bin/sh\necho ran {name}\n"));
}

fn write(case: &Case, name: &str, content: &str) {
    case.write(&format!("root/hooks.d/{name}"), content);
    case.set_mode(&format!("root/hooks.d/{name}"), 0o755);
}

#[test]
fn they_run_in_the_order_of_their_bytes() {
    let case = hooks("");
    assert_eq!(case.ran(), [""; 0]);
    for name in ["9-nine", "10-ten.sh", "b", "B", ".hidden", "old~", "a.dpkg-dist"] {
        add(&case, name);
    }
    case.write("root/hooks.d/README.md", "");
    case.write("root/hooks.d/files/x", "");
    assert_eq!(case.ran(), ["10-ten.sh", "9-nine", "B", "b"]);
    let said = case.run(&["true"]);
    said.says(&["/hooks.d/README.md is no hook: it reads like documentation"]);
    assert!(!said.err.contains("old~"), "{}", said.err);
    case.run(&["--log-level", "debug", "true"]).says(&["/hooks.d/old~ is no hook: an editor"]);
}

#[test]
fn steps_come_first() {
    let case = Case::new(
        "[[hooks]]\npath = \"/hooks.d\"\n[[step]]\nname = \"s\"\ncommand = [\"echo\", \"ran step\"]\n",
    );
    add(&case, "a");
    assert_eq!(case.ran(), ["step", "a"]);
}

#[test]
fn what_is_not_executable_is_told_before_anything_is_done() {
    let case = hooks("[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"").file("t", "x");
    add(&case, "10-a");
    case.write("root/hooks.d/20-env.sh", "export A=1\n");
    for mode in [&["true"][..], &["--check"], &["--plan"]] {
        case.run(mode).code(78).says(&[
            "/hooks.d/20-env.sh can't be a hook: it is not executable (mode 0644)",
            "never sourced",
            "chmod +x",
            "castoff.toml:3:8",
        ]);
    }
    assert!(!case.exists("root/t"));
    case.set_mode("root/hooks.d/20-env.sh", 0o755);
    case.run(&["--check"]).code(78).says(&["without a first line that names its interpreter"]);
    case.run(&["true"]).code(78).says(&["ran 10-a\n", "for the hook /hooks.d/20-env.sh"]);
}

#[test]
fn a_carriage_return_or_a_missing_interpreter_is_explained() {
    for (first, check, start) in [
        ("#!/bin/sh\r\n", Some("ends with a carriage return"), 78),
        ("#!/opt/none\n", Some("its interpreter `/opt/none` does not exist"), 78),
        ("#!/usr/bin/env sh\r\n", None, 69),
    ] {
        let case = hooks("");
        write(&case, "a", &format!("{first}true\n"));
        if let Some(said) = check {
            case.run(&["--check"]).code(78).says(&[said, "castoff.toml:3:8"]);
        }
        case.run(&["true"])
            .code(start)
            .says(&[check.unwrap_or("its first line ends with a carriage return")]);
    }
}

#[test]
fn what_others_can_write_is_refused() {
    for damage in ["hook", "directory", "above", "owner"] {
        if damage == "owner" && !needs_root() {
            continue;
        }
        let case = hooks("");
        add(&case, "a");
        match damage {
            "hook" => case.set_mode("root/hooks.d/a", 0o775),
            "directory" => case.set_mode("root/hooks.d", 0o777),
            "above" => case.set_mode("root", 0o777),
            _ => case.set_owner("root/hooks.d/a", SOMEBODY, SOMEBODY),
        }
        for mode in ["true", "--check"] {
            let said = case.run(&[mode]);
            said.code(77)
                .says(&["can't be trusted: others than root and castoff's user can change it", "chmod go-w"]);
            assert!(!said.err.contains("ran a"), "{}", said.err);
        }
    }
    // where nobody can write, the rights say nothing
    let case = hooks("");
    add(&case, "a");
    case.set_mode("root/hooks.d", 0o777);
    let read_only = "mount --bind hooks.d hooks.d; mount -o remount,bind,ro hooks.d";
    if let Some(said) = case.run_in_namespace(read_only, &["true"]) {
        said.code(0).says(&["ran a\n"]);
    }
}

#[test]
fn one_that_fails_ends_the_start() {
    let case = hooks("");
    write(&case, "10-a", "#!/bin/sh\nexit 5\n");
    add(&case, "20-b");
    let said = case.run(&["echo", "hi"]);
    said.code(69).says(&["hook /hooks.d/10-a ended with status 5"]);
    assert!(said.out.is_empty() && !said.err.contains("ran 20-b"), "{}", said.err);
    let case = hooks("timeout = \"100ms\"");
    write(&case, "a", "#!/bin/sh\nexec sleep 1000\n");
    case.run(&["true"]).code(75).says(&["hook /hooks.d/a took longer than 100ms"]);
}

#[test]
fn each_is_remembered_by_itself() {
    let case = hooks("run = \"first-start\"\nscope = \"/data\"\n[[volume]]\npath = \"/data\"");
    add(&case, "10-a");
    write(&case, "20-b", "#!/bin/sh\ntest -e ready && echo ran 20-b\n");
    case.run(&["true"]).code(69).says(&["ran 10-a\n", "20-b ended with status 1"]);
    case.write("ready", "");
    assert_eq!(case.ran(), ["20-b"]);
    add(&case, "30-late");
    assert_eq!(case.ran(), [""; 0]);
    let said = case.run(&["--plan", "true"]);
    assert!(
        said.out.contains("skip    hook /hooks.d/10-a  (the first start of /data is over)\n"),
        "{}",
        said.out
    );
}

#[test]
fn when_and_whom() {
    let case = hooks("when = \"1 == 2\"");
    case.write("root/hooks.d/x", "not executable, not wanted\n");
    assert_eq!(case.ran(), [""; 0]);
    if !needs_root() {
        return;
    }
    let case = hooks("user = \"54321:7\"");
    write(&case, "a", "#!/bin/sh\necho ran $(id -u) $(id -G) $HOME\n");
    assert_eq!(case.ran(), ["54321 7 /"]);
    let said = case.run(&["--plan", "true"]);
    assert!(said.out.contains("hook    /hooks.d/a, as 54321:7  (at each start)\n"), "{}", said.out);
}

#[test]
fn one_that_this_start_writes_is_run() {
    let case =
        hooks("[[template]]\nsource = \"t\"\ndest = \"/hooks.d/10-a\"\nformat = \"shell\"\nmode = \"0755\"")
            .file("t", "#!/bin/sh\necho ran written\n");
    // as an older castoff, or a hand, left it
    case.write("root/hooks.d/10-a", "old\n");
    case.run(&["--check"]).code(0);
    assert_eq!(case.ran(), ["written"]);
}

#[test]
fn it_is_no_directory() {
    let case = hooks("").file("root/hooks.d", "");
    let said = case.run(&["--check"]);
    assert_ne!(said.code, 0);
    said.says(&["/hooks.d", "castoff.toml:3:8"]);
}

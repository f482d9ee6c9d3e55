//! What is run after the preparation, as whom, and with what.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Exit, each_place};

use super::case::{Case, SOMEBODY, needs_root};

const SERVICE: &str = "[service.app]\ncommand = [\"sh\", \"-c\", \"echo service\"]\n";

#[test]
fn the_service_or_the_command_in_its_place() {
    let case = Case::new(SERVICE);
    assert_eq!(case.run(&[]).code(0).out, "service\n");
    let said = case.run(&["echo", "hi"]);
    assert_eq!(
        (said.code(0).out.as_str(), said.err.as_str()),
        ("hi\n", "castoff: nothing had to be written\n")
    );
    assert_eq!(case.run(&["--", "sh", "-c", "exit 7"]).code, 7);
    assert_eq!(case.run(&["sh", "-c", "kill -TERM $$"]).code, 143);
    assert_eq!(case.run(&["none"]).code, 127);
    assert_eq!(case.run(&["/etc"]).code, 126);
}

#[test]
fn nothing_to_run() {
    Case::new("").run(&[]).code(64).says(&["there is nothing to run", "[service.NAME]"]);
    if !std::path::Path::new("/etc/castoff.toml").exists() {
        Case::new("").run_plain(&[]).code(64).says(&["there is nothing to run and no spec"]);
        Case::new("").run_plain(&["--check"]).code(64).says(&["there is no spec"]);
        assert_eq!(Case::new("").run_plain(&["echo", "hi"]).code(0).out, "hi\n");
    }
}

#[test]
fn commands_that_nothing_is_prepared_for() {
    let spec = "prepare-for = [\"php*\", \"app\"]\n[env.PASS]\nsecret = true\n[env.NAME]\nrequired = true\n\
                [[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n[service.a]\ncommand = [\"app\"]\n";
    let case = Case::new(spec).file("t", "x").variable("PASS", "canary");
    // not prepared: nothing is missed, nothing is written, no secret is passed on
    let said = case.run(&["sh", "-c", "env"]);
    assert!(!said.code(0).out.contains("canary") && said.out.contains("PATH="), "{}", said.out);
    assert_eq!(case.names("root"), [""; 0]);
    for command in [&["php8.2", "-v"][..], &["/usr/sbin/php-fpm"], &["app"], &[]] {
        case.run(command).code(78).says(&["`NAME` is required"]);
    }
    // a spec that is wrong is told whatever is run
    Case::new("prepare-for = [\"php*\"]\nx = 1\n").run(&["true"]).code(65);
}

#[test]
fn exec_replaces_castoff() {
    for (options, replaced) in [(&["--exec"][..], true), (&[], false)] {
        let case = Case::new("");
        let arguments = [&["--config", "castoff.toml", "--root", "root"], options, &["sh", "-c", "echo $$"]];
        let mut command = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments.concat());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let child = command.spawn().unwrap();
        let pid = child.id().to_string();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim() == pid, replaced);
    }
}

#[test]
fn as_whom_and_where() {
    if !needs_root() {
        return;
    }
    let look = "id -u; id -g; id -G; echo $HOME; pwd";
    for (rest, expected) in [
        ("user = \"app\"\n", "4321\n1234\n1234 50\n/home/app\n"),
        ("user = \"app\"\ngroup = \"extra\"\n", "4321\n50\n50 1234\n/home/app\n"),
        ("user = \"54321:7\"\n", "54321\n7\n7\n/\n"),
        ("user = \"app\"\nworking-directory = \"/usr\"\n", "4321\n1234\n1234 50\n/home/app\n/usr\n"),
    ] {
        let case = Case::new(&format!("[service.a]\ncommand = [\"sh\", \"-c\", \"{look}\"]\n{rest}"))
            .file("root/etc/passwd", "app:x:4321:1234::/home/app:/bin/sh\n")
            .file("root/etc/group", "app:x:1234:\nextra:x:50:app\n")
            .variable("HOME", "/root");
        let said = case.run(&[]);
        assert!(said.code(0).out.starts_with(expected), "{rest}: {}", said.out);
    }
    let case = Case::new("[service.a]\ncommand = [\"true\"]\nuser = \"0\"\n").user(SOMEBODY);
    let said = case.run(&[]);
    assert_ne!(said.code, 0, "only root can become somebody else");
    said.says(&["error: "]);
}

#[test]
fn a_word_stays_a_word_whatever_its_variables_hold() {
    let case = Case::new(
        "[env.NAME]\n[service.a]\ncommand = [\"printf\", \"<%s>\", \"a {{ NAME }}\", \"{{ NAME }}\", \"{ NAME }\"]\n",
    )
    .variable("NAME", "b; 'c' $(d)\n*");
    let said = case.run(&[]);
    assert_eq!(said.code(0).out, "<a b; 'c' $(d)\n*><b; 'c' $(d)\n*><{ NAME }>");
    // nor does the command line's command become a template
    assert_eq!(case.run(&["echo", "{{ NAME }}"]).out, "{{ NAME }}\n");
}

#[test]
fn a_word_made_of_something_that_is_not_set() {
    let case = Case::new("[env.NAME]\n[service.a]\ncommand = [\"echo\", \"{{ NAME }}\"]\n");
    case.run(&[]).code(65).says(&["`NAME` is not set", "castoff.toml:4:24\n"]);
    case.run(&["--check"]).code(65);
}

#[test]
fn the_service_is_stopped_by_its_own_signal() {
    each_place(|place| {
        let case = Case::new(
            "[service.a]\nstop-signal = \"QUIT\"\n\
             command = [\"sh\", \"-c\", \"trap 'echo quit; exit 3' QUIT; echo ready; while :; do sleep 0.01; done\"]\n",
        );
        let mut castoff = case.launch(&[]).place(place).start();
        castoff.expect("ready");
        castoff.signal(libc::SIGTERM);
        castoff.expect("quit");
        assert_eq!(castoff.wait(), Exit::Code(3));
    });
}

#[test]
fn what_nobody_declared_is_passed_on_byte_by_byte() {
    let bytes = OsStr::from_bytes(b"a\xff\xfe\n\x01b");
    let case = Case::new("[env.NAME]\n[[template]]\nsource = \"t\"\ndest = \"/t\"\nformat = \"plain\"\n")
        .file("t", "x")
        .variable("RAW", bytes)
        .variable("NAME", "x")
        .variable(OsStr::from_bytes(b"N\xffME"), "y");
    for mode in [&["--"][..], &["--exec", "--"]] {
        let said = case.run(&[mode, &["sh", "-c", "printf %s \"$RAW\" | od -An -tx1"]].concat());
        assert_eq!(said.code(0).out, " 61 ff fe 0a 01 62\n");
        let said = case
            .run(&[mode, &["sh", "-c", "tr '\\0' '\\n' </proc/$$/environ | grep -ac '^N.*ME=y$'"]].concat());
        assert_eq!(said.code(0).out, "1\n");
    }
}

#[test]
fn arguments_are_passed_on_byte_by_byte() {
    let case = Case::new("");
    let arguments =
        ["--config", "castoff.toml", "--root", "root", "--", "sh", "-c", "printf %s \"$0\" | od -An -tx1"];
    let mut command = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments);
    let output = command.arg(OsStr::from_bytes(b"a\xff")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), " 61 ff\n");
}

#[test]
fn the_environment_of_the_service() {
    let case = Case::new(
        "[env.A]\ndefault = \"a\"\n[env.B]\ndefault = \"b\"\nexport = true\n[env.C]\nexport = false\n\
         [env.NEW]\naliases = [\"OLD\"]\nexport = true\n",
    )
    .variable("C", "c")
    .variable("OLD", "o")
    .variable("OTHER", "x")
    .variable("CASTOFF_LOG_LEVEL", "error");
    let said = case.run(&["sh", "-c", "env -u _ -u PWD -u TMPDIR -u SHLVL -u OLDPWD | sort"]);
    assert_eq!(said.code(0).out, "B=b\nNEW=o\nOTHER=x\nPATH=/usr/local/bin:/usr/bin:/bin\n");
}

#[test]
fn log_levels() {
    let case = Case::new("");
    for (level, lines) in [("error", 0), ("warn", 0), ("info", 1)] {
        let said = case.run(&["--log-level", level, "true"]);
        assert_eq!(said.code(0).err.lines().count(), lines, "{level}: {}", said.err);
    }
    let said = case.run(&["--log-level", "debug", "true"]);
    said.code(0).says(&["nothing had to be written", "running true"]);
}

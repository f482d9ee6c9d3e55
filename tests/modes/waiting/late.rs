//! What is there at once costs no word; what comes late is waited for.

use std::fs;
use std::os::unix::fs::symlink;

use super::fake::{ASKS_WHO, PORT, Script, address, greets, host_port, says, serve, silent};
use super::{case, start};
use crate::harness::{Exit, Place, each_place};
use crate::modes::case::Case;

/// Each kind of server with the script of one that is ready; `at` stands for where it is.
fn kinds() -> [(&'static str, Script); 6] {
    [
        ("tcp = \"at\"", |stream| silent(stream)),
        ("mysql = \"at\"", greets),
        ("mariadb = \"at\"", greets),
        ("postgres = \"at\"", |stream| says(stream, ASKS_WHO)),
        ("redis = \"at\"", |stream| says(stream, b"+PONG\r\n")),
        ("http = \"http://at/health?x=1\"", |stream| says(stream, b"HTTP/1.1 204 No Content\r\n\r\n")),
    ]
}

#[test]
fn what_is_there_is_not_talked_about() {
    for (lines, script) in kinds() {
        let at = host_port();
        serve(&at, script);
        let said = case(&format!("[[wait]]\n{}", lines.replace("at", &at))).run(&[]);
        assert_eq!(said.code(0).out, "service\n", "{lines}");
        is_quiet(&said.err);
    }
}

/// Nothing is said, unless the machine is so slow that there was no answer for two seconds.
fn is_quiet(err: &str) {
    assert!(err == "castoff: nothing had to be written\n" || err.contains("no answer yet"), "{err}");
}

#[test]
fn what_comes_late_is_waited_for() {
    for (lines, script) in kinds() {
        let at = host_port();
        let case = case(&format!("[[wait]]\n{}", lines.replace("at", &at)));
        let mut castoff = start(&case, Place::Child);
        let told = castoff.told_that(": Connection refused");
        assert!(told.contains("waiting for ") && told.contains(&at) && told.contains(" 1m: "), "{told}");
        serve(&at, script);
        castoff.expect("service");
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(0));
        assert!(err.contains("is ready after "), "{err}");
    }
}

#[test]
fn sockets_of_the_file_system_are_waited_for() {
    let kinds: [(&str, Script); 4] = [
        ("unix", |stream| silent(stream)),
        ("mysql", greets),
        ("postgres", |stream| says(stream, ASKS_WHO)),
        ("redis", |stream| says(stream, b"-NOAUTH Authentication required.\r\n")),
    ];
    for (key, script) in kinds {
        let mut case = Case::new("");
        let socket = case.path("socket").to_str().unwrap().to_owned();
        let spec =
            format!("version = 1\n[env.SOCKET]\n[[wait]]\n{key} = \"{{{{ SOCKET }}}}\"\n{}", super::SERVICE);
        case.write("castoff.toml", spec);
        case.set("SOCKET", &socket);
        let mut castoff = case.launch(&[]).variable(&format!("SOCKET={socket}")).start();
        castoff.told_that("No such file or directory");
        serve(&socket, script);
        castoff.expect("service");
        assert_eq!(castoff.wait(), Exit::Code(0));
    }
}

#[test]
fn files_and_commands_are_waited_for() {
    each_place(|place| {
        for (lines, first) in [
            ("file = \"at\"", "it does not exist"),
            ("command = [\"sh\", \"-c\", \"cat at\"]", "it ended with status 1: cat: "),
        ] {
            let case = Case::new("");
            let file = case.path("file").to_str().unwrap().to_owned();
            let lines = lines.replace("at\"", &format!("{file}\""));
            case.write("castoff.toml", format!("version = 1\n[[wait]]\n{lines}\n{}", super::SERVICE));
            let mut castoff = start(&case, place);
            castoff.told_that(first);
            // a link counts once there is something at its end
            symlink(case.path("later"), &file).unwrap();
            fs::write(case.path("later"), "x").unwrap();
            castoff.expect("service");
            assert_eq!(castoff.wait(), Exit::Code(0));
        }
    });
}

#[test]
fn one_after_the_other() {
    let case = Case::new("");
    let log = case.path("log");
    let note =
        |word: &str| format!("[[wait]]\ncommand = [\"sh\", \"-c\", \"echo {word} >>{}\"]\n", log.display());
    let lines: String = ["a", "b", "c"].map(note).concat();
    case.write("castoff.toml", format!("version = 1\n{lines}{}", super::SERVICE));
    assert_eq!(case.run(&[]).code(0).out, "service\n");
    assert_eq!(case.read("log"), "a\nb\nc\n");
}

#[test]
fn a_command_is_run_until_it_succeeds_with_what_the_service_gets() {
    let case = Case::new("");
    let tries = case.path("tries");
    let script = format!(
        "test -z $PASS && test $NAME = db && echo x >>{0} && test $(wc -l <{0}) = 3",
        tries.display()
    );
    let spec = format!(
        "version = 1\n[env.NAME]\ndefault = \"db\"\nexport = true\n[env.PASS]\nsecret = true\n\
         [[wait]]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n{}",
        super::SERVICE
    );
    case.write("castoff.toml", spec);
    let case = case.variable("PASS", "canary");
    assert_eq!(case.run(&[]).code(0).out, "service\n");
    assert_eq!(case.read("tries"), "x\nx\nx\n");
}

#[test]
fn every_address_of_a_name_is_tried() {
    let (dead, alive) = (address(), address());
    serve(&format!("{alive}:{PORT}"), greets);
    let case = case("[[wait]]\nmysql = \"db.test\"\ntimeout = \"30s\"\n")
        .file("root/hosts", format!("::1 db.test\n{dead} db.test\n{alive} db.test\n"));
    let Some(said) = case.run_in_namespace("mount --bind hosts /etc/hosts", &[]) else { return };
    assert_eq!(said.code(0).out, "service\n");
    is_quiet(&said.err);
}

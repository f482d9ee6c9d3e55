//! A real MariaDB under castoff, and one who asks it at once: ready means that it answers, a
//! stop leaves it clean, and after a crash it comes back with what it had.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::{Services, has};
use crate::harness::{Exit, Place, Running, each_place, send};

const PROGRAMS: [&str; 3] = ["/usr/sbin/mariadbd", "/usr/bin/mariadb", "/usr/bin/mariadb-install-db"];

/// A new data directory; `None`, said so, where there is no MariaDB.
fn new(name: &str) -> Option<Services> {
    if !has(&PROGRAMS) {
        return None;
    }
    let services = Services::new(name, "");
    // it runs as another user, and writes its temporary files here
    std::fs::set_permissions(&services.directory.0, PermissionsExt::from_mode(0o777)).unwrap();
    let mut install = Command::new(PROGRAMS[2]);
    install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
    install.arg(format!("--datadir={}/data", services.directory.0.display()));
    install.args(user().map(|user| format!("--user={user}")));
    // its server clears its temporary directory of other servers' tables
    install.env("TMPDIR", &services.directory.0).stdin(Stdio::null());
    let made = install.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(services)
}

/// Whom it runs as: it refuses to be root without being told to be.
fn user() -> Option<&'static str> {
    nix::unistd::geteuid().is_root().then_some("mysql")
}

/// `app` runs these scripts when the database is ready, and when it is told to stop; `ask` asks
/// the database, and may not fail.
fn start(services: &Services, place: Place, ready: &str, begin: &str, end: &str, rest: &str) -> Running {
    let here = services.directory.0.to_str().unwrap();
    let user = user().map_or_else(String::new, |user| format!("user = \"{user}\"\n"));
    let ask = format!(
        "ask() {{ /usr/bin/mariadb --no-defaults --socket={here}/socket --user=root -NBe \"$1\" || exit 9; }}"
    );
    services.directory.spec(&format!(
        "[service.db]\ncommand = [\"{}\", \"--no-defaults\", \"--datadir={here}/data\", \
         \"--tmpdir={here}\", \"--socket={here}/socket\", \"--pid-file={here}/pid\", \
         \"--skip-networking\"]\n{user}ready = {}\nstop-timeout = \"50s\"\n\
         restart = \"on-failure\"\nbackoff = \"20ms\"\n\
         [service.app]\ncommand = [\"sh\", \"-c\", '''{ask}; trap '{end}; exit 0' TERM; {begin}; \
         while :; do sleep 0.02; done''']\n{rest}\n",
        PROGRAMS[0],
        ready.replace("$HERE", here),
    ));
    services.start(place)
}

const ASKED: &str = "{ mariadb = \"$HERE/socket\", interval = \"20ms\" }";
const NOTIFIES: &str = "{ notify = true }";

#[test]
fn mariadb_answers_whom_it_was_ready_for_until_he_has_ended() {
    let Some(services) = new("mariadb") else { return };
    each_place(|place| {
        for ready in [ASKED, NOTIFIES] {
            let rest = "after = [\"db\"]";
            let end = "ask \"SELECT 6 * 8\"";
            let mut castoff = start(&services, place, ready, "ask \"SELECT 6 * 7\"", end, rest);
            castoff.expect("42");
            castoff.signal(libc::SIGTERM);
            castoff.expect("48");
            castoff.told_that("mariadbd: Shutdown complete");
            let (exit, _, err) = castoff.end();
            assert_eq!(exit, Exit::Code(0), "{place:?} {ready}: {err}");
        }
    });
}

#[test]
fn mariadb_that_was_killed_recovers_and_is_ready_again() {
    each_place(|place| {
        for (at, ready) in [ASKED, NOTIFIES].iter().enumerate() {
            let Some(services) = new(&format!("mariadb-killed-{place:?}-{at}")) else { return };
            let begin = "ask \"CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (x INT); \
                         INSERT INTO d.t VALUES (1); SELECT COUNT(*) FROM d.t\"";
            let mut castoff = start(&services, place, ready, begin, ":", "requires = [\"db\"]");
            castoff.expect("1");
            let own = castoff.pid;
            let server =
                castoff.descendants().into_iter().find(|seen| seen.parent == own && seen.name == "mariadbd");
            send(server.unwrap().pid, libc::SIGKILL);
            castoff.told_that("db was ended by SIGKILL");
            castoff.told_that("InnoDB: Starting crash recovery");
            castoff.told_that("db is ready");
            // what had been told to it before is there
            castoff.expect("2");
            castoff.signal(libc::SIGTERM);
            castoff.told_that("mariadbd: Shutdown complete");
            let (exit, _, err) = castoff.end();
            assert_eq!(exit, Exit::Code(0), "{place:?} {ready}: {err}");
        }
    });
}

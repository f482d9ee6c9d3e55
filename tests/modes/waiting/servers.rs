//! The real servers: not there yet, there and not ready, ready.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{case, not_yet, start};
use crate::formats::program::{Folder, Server, find, output};
use crate::harness::{Exit, Place, skipped};
use crate::modes::case::{Case, is_root};

/// PostgreSQL does not run as root: `nobody`.
const NOBODY: u32 = 65_534;

/// castoff waits for a server before it is there; `begin` starts it.
fn late<T>(lines: &str, begin: impl FnOnce() -> T) -> T {
    let case = case(&format!("[[wait]]\n{lines}\ntimeout = \"5m\"\n"));
    let mut castoff = start(&case, Place::Child);
    castoff.told_that(": No such file or directory");
    let server = begin();
    castoff.expect("service");
    assert_eq!(castoff.wait(), Exit::Code(0));
    server
}

fn at_once(lines: &str) {
    assert_eq!(case(&format!("[[wait]]\n{lines}\n")).run(&[]).code(0).out, "service\n");
}

/// The data directory of a new MariaDB server, and a server on it.
fn mariadb() -> Option<(Folder, Command)> {
    let (server, install) = (find(&["mariadbd"])?, find(&["mariadb-install-db"])?);
    let folder = Folder::new();
    let user = if is_root() { &["--user=root"][..] } else { &[] };
    let data = format!("--datadir={}/data", folder.path().display());
    let mut command = Command::new(install);
    // a server that starts clears its temporary directory of other servers' tables
    command.env("TMPDIR", folder.path());
    command.args(["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"]);
    output(command.args(user).stdin(Stdio::null()));
    let mut command = Command::new(server);
    command.env("TMPDIR", folder.path());
    command.args(["--no-defaults", &data, "--innodb-flush-log-at-trx-commit=0"]).args(user);
    command.arg(format!("--socket={}/socket", folder.path().display()));
    command.arg(format!("--pid-file={}/pid", folder.path().display()));
    Some((folder, command))
}

#[test]
fn mariadb_comes_late() {
    let Some((folder, mut command)) = mariadb() else { return };
    command.arg("--skip-networking");
    let socket = format!("mariadb = \"{}/socket\"", folder.path().display());
    let _server = late(&socket, || Server::start(&mut command, "ready for connections"));
    at_once(&socket);
}

/// Two hundred looks, each counted by the server as it likes, from a host that it may block:
/// not the one that the loopback addresses belong to, which it never does.
#[test]
fn mariadb_does_not_block_who_waits_for_it() {
    let (Some((folder, command)), Some(_), Some(_)) = (mariadb(), find(&["ip"]), find(&["bash"])) else {
        return;
    };
    let init = folder.write("init.sql", "CREATE USER x@'%' IDENTIFIED BY 'x';\n");
    let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
    let one = "[[wait]]\nmariadb = \"10.9.9.1:3399\"\n";
    let case = case(&one.repeat(200))
        .file("once.toml", format!("version = 1\n{one}"))
        .file("in-vain.toml", format!("version = 1\n{one}timeout = \"3s\"\n"))
        .file("root/hosts", "127.0.0.1 localhost\n10.9.9.1 waiter\n")
        .file("root/resolv.conf", "");
    let script = format!(
        "ip link set lo up; ip addr add 10.9.9.1/32 dev lo; cd root\n\
         mount --bind hosts /etc/hosts; mount --bind resolv.conf /etc/resolv.conf; cd ..\n\
         {} {} --init-file={} --bind-address=0.0.0.0 --port=3399 --max-connect-errors=5 2>/dev/null &\n\
         castoff={}\n\
         $castoff -c castoff.toml --root root || exit 1\n\
         $castoff -c once.toml --root root echo not blocked\n\
         for i in 1 2 3 4 5 6; do bash -c 'exec 3<>/dev/tcp/10.9.9.1/3399; head -c 1 <&3' >/dev/null; done\n\
         $castoff -c in-vain.toml --root root echo not blocked\n\
         exit 0",
        command.get_program().display(),
        words.join(" "),
        init.display(),
        env!("CARGO_BIN_EXE_castoff"),
    );
    let namespace = ["unshare", if is_root() { "-nmpf" } else { "-rnmpf" }, "--kill-child", "--mount-proc"];
    let probe = Command::new(namespace[0]).args(&namespace[1..]).arg("true").stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        return skipped("no network namespace can be made here");
    }
    let said = case.command(&namespace, &["sh", "-c", &script]).output().unwrap();
    let (out, err) = (case.shown(&said.stdout), case.shown(&said.stderr));
    // whoever breaks off after the greeting is blocked, so the server does count
    assert_eq!(out, "service\nnot blocked\n", "{err}");
    assert!(err.contains("it says: Host '10.9.9.1' is blocked because of many connection errors"), "{err}");
}

#[test]
fn postgres_comes_late_and_starts_up() {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    let program = |name: &str| {
        let found = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
        found.or_else(|| find(&[name]))
    };
    let (Some(initdb), Some(server)) = (program("initdb"), program("postgres")) else { return };
    let as_user = |program: &Path| {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir("/");
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    let folder = Folder::new();
    if is_root() {
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let data = folder.path().join("data");
    let mut command = as_user(&initdb);
    output(command.arg("-D").arg(&data).args([
        "-A",
        "scram-sha-256",
        "--pwfile=/etc/hostname",
        "-N",
        "-U",
        "x",
    ]));
    let server = |more: &[&str]| {
        let mut command = as_user(&server);
        command
            .arg("-D")
            .arg(&data)
            .args(["-F", "-c", "listen_addresses=", "-k"])
            .arg(folder.path())
            .args(more);
        command
    };
    let socket = format!("postgres = \"{}/.s.PGSQL.5432\"", folder.path().display());
    late(&socket, || Server::start(&mut server(&[]), "ready to accept connections")).end();
    std::fs::write(data.join("standby.signal"), "").unwrap();
    if is_root() {
        std::os::unix::fs::chown(data.join("standby.signal"), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let _standby = Server::start(&mut server(&["-c", "hot_standby=off"]), "entering standby mode");
    not_yet(&socket, "it says: the database system is ");
}

#[test]
fn redis_comes_late_asks_for_a_password_and_loads() {
    let Some(server) = find(&["redis-server"]) else { return };
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let socket = format!("redis = \"{path}/socket\"");
    let begin = |more: &[&str]| {
        let mut command = Command::new("sh");
        // its words go to stdout
        command.args(["-c", "exec \"$0\" \"$@\" >&2"]).arg(&server).args(["--port", "0", "--dir", path]);
        command.args(["--unixsocket", &format!("{path}/socket")]).args(more);
        command
    };
    let running = late(&socket, || {
        Server::start(&mut begin(&["--requirepass", "x"]), "ready to accept connections at")
    });
    at_once(&socket);
    let Some(client) = find(&["redis-cli"]) else { return };
    let tell = |words: &[&str]| {
        output(Command::new(&client).args(["-s", &format!("{path}/socket"), "-a", "x"]).args(words))
    };
    tell(&["eval", "for i = 1, 40000 do redis.call('set', i, i) end", "0"]);
    tell(&["save"]);
    drop(running);
    // it takes more than a minute, and redis listens all the time
    let slow = ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"];
    let _loading = Server::start(&mut begin(&slow), "Loading RDB produced by");
    not_yet(&socket, "it says: LOADING Redis is loading the dataset in memory");
}

#[test]
fn nginx_answers_with_a_status() {
    let Some(nginx) = find(&["nginx"]) else { return };
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let at = super::fake::host_port();
    let user = if is_root() { "user root;" } else { "" };
    let temps: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {path}/{name};\n"))
        .collect();
    let config = folder.write(
        "nginx.conf",
        &format!(
            "daemon off;\n{user}\nworker_processes 1;\npid {path}/pid;\nerror_log stderr notice;\n\
             events {{}}\nhttp {{\n{temps}access_log off;\nserver {{\nlisten {at};\nroot {path};\n}}\n}}\n"
        ),
    );
    let mut command = Command::new(nginx);
    command.args(["-e", "stderr", "-p", path, "-c"]).arg(config);
    let _server = Server::start(&mut command, "start worker process ");
    let case = Case::new(&format!("[[wait]]\nhttp = \"http://{at}/health?a=b\"\n{}", super::SERVICE));
    let mut castoff = start(&case, Place::Child);
    castoff.told_that("it says: status 404");
    folder.write("health", "ok");
    castoff.expect("service");
    assert_eq!(castoff.wait(), Exit::Code(0));
}

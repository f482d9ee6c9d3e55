//! Real daemons: what people run under supervisord and s6-overlay.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{Services, has};
use crate::harness::{Exit, each_place, landlock_works};

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn nginx_and_php_fpm() {
    if !nix::unistd::geteuid().is_root() || !has(&["/usr/sbin/nginx", "/usr/sbin/php-fpm8.2"]) {
        return;
    }
    each_place(|place| {
        let port = free_port();
        let services = Services::new("web", "");
        let here = services.directory.0.display();
        std::fs::set_permissions(&services.directory.0, PermissionsExt::from_mode(0o755)).unwrap();
        services.directory.file(
            "fpm.conf",
            0o644,
            format!(
                "[global]\nerror_log = /proc/self/fd/2\nprocess_control_timeout = 5s\nsystemd_interval = 1\n[www]\nuser = nobody\n\
                 group = nogroup\nlisten = {here}/fpm.sock\nlisten.mode = 0666\npm = static\npm.max_children = 2\n"
            )
            .as_bytes(),
        );
        services.directory.file(
            "nginx.conf",
            0o644,
            format!(
                "daemon off; pid {here}/nginx.pid; error_log stderr; events {{}} http {{ access_log off; \
                 client_body_temp_path {here}/body; fastcgi_temp_path {here}/fastcgi; proxy_temp_path {here}/proxy; \
                 scgi_temp_path {here}/scgi; uwsgi_temp_path {here}/uwsgi; server {{ \
                 listen 127.0.0.1:{port}; root {here}; location ~ \\.php$ {{ include /etc/nginx/fastcgi_params; \
                 fastcgi_param SCRIPT_FILENAME {here}$fastcgi_script_name; fastcgi_pass unix:{here}/fpm.sock; }} }} }}"
            )
            .as_bytes(),
        );
        services.directory.file("x.php", 0o644, b"<?php echo 'sum ', 40 + 2;");
        services.directory.spec(&format!(
            "[service.nginx]\ncommand = [\"/usr/sbin/nginx\", \"-c\", \"{here}/nginx.conf\"]\nafter = [\"php\"]\n\
             stop-signal = \"QUIT\"\nstop-timeout = \"10s\"\nrestart = \"always\"\nready = {{ tcp = \"127.0.0.1:{port}\" }}\n\
             [service.php]\ncommand = [\"/usr/sbin/php-fpm8.2\", \"-F\", \"-y\", \"{here}/fpm.conf\"]\nready = {{ notify = true }}\n\
             stop-signal = \"QUIT\"\nstop-timeout = \"10s\"\nrestart = \"always\"\nbackoff = \"20ms\"\n"
        ));
        let mut castoff = services.start(place);
        castoff.told_that("php is ready");
        castoff.told_that("nginx is ready");
        assert!(get(port, "/x.php").ends_with("sum 42"));
        // the master dies by force: its workers, which hold the socket, go too, and it comes back
        let master = castoff.descendants().into_iter().find(|seen| seen.name == "php-fpm8.2").unwrap();
        crate::harness::send(master.pid, libc::SIGKILL);
        castoff.told_that("php was ended by SIGKILL");
        castoff.told_that("php is ready");
        assert!(get(port, "/x.php").ends_with("sum 42"));
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(0), "{place:?}: {err}");
    });
}

#[test]
fn redis_and_what_needs_it() {
    if !has(&["/usr/bin/redis-server"]) {
        return;
    }
    each_place(|place| {
        let services = Services::new("redis", "");
        let here = services.directory.0.display();
        services.directory.spec(&format!(
            "[service.redis]\ncommand = [\"redis-server\", \"--port\", \"0\", \"--unixsocket\", \"{here}/r\", \"--dir\", \"{here}\", \
             \"--supervised\", \"systemd\", \"--save\", \"\"]\nready = {{ unix = \"{here}/r\", interval = \"50ms\" }}\nstop-timeout = \"10s\"\n\
             [service.app]\ncommand = [\"sh\", \"-c\", \"trap 'exit 0' TERM; echo app; while :; do sleep 0.02; done\"]\nrequires = [\"redis\"]\n"
        ));
        let mut castoff = services.start(place);
        let app = |line: String| line == "app";
        while !app(castoff.line()) {}
        let mut redis = UnixStream::connect(services.directory.0.join("r")).unwrap();
        redis.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        redis.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(0), "{place:?}: {err}");
    });
}

/// What is beside a word of a file in a process's directory of /proc.
fn told(pid: i32, file: &str, word: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find(|line| line.starts_with(word)).unwrap_or_default();
    line.trim_start_matches(word).trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One question over redis's socket, and the first line of its answer.
fn ask(socket: &Path, question: &str) -> String {
    let mut redis = UnixStream::connect(socket).unwrap();
    redis.write_all(format!("{question}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(redis).read_line(&mut answer).unwrap();
    answer.trim_end().to_owned()
}

#[test]
fn redis_with_every_right_cut() {
    if !nix::unistd::geteuid().is_root() || !has(&["/usr/bin/redis-server"]) {
        return;
    }
    each_place(|place| {
        let services = Services::new("cut", "");
        let root = services.directory.0.clone();
        let here = root.display();
        for (name, mode) in [("", 0o755), ("data", 0o777), ("web", 0o777)] {
            std::fs::create_dir_all(root.join(name)).unwrap();
            std::fs::set_permissions(root.join(name), PermissionsExt::from_mode(mode)).unwrap();
        }
        services.directory.spec(&format!(
            "[service.redis]\ncommand = [\"/usr/bin/redis-server\", \"--port\", \"0\", \"--unixsocket\", \"{here}/data/r\", \
             \"--unixsocketperm\", \"777\", \"--enable-protected-configs\", \"local\", \"--save\", \"\", \"--supervised\", \"systemd\"]\nready = {{ notify = true }}\n\
             user = \"nobody\"\ngroups = [\"12345\"]\nworking-directory = \"{here}/data\"\numask = \"0027\"\nnice = 3\n\
             oom-score-adj = 500\nlimits = {{ nofile = 512, core = 0 }}\nno-new-privs = true\n\
             capabilities = {{ bounding = \"none\" }}\nread-only-paths = [\"{here}/web\"]\n\
             [service.app]\ncommand = [\"sh\", \"-c\", \"trap 'exit 0' TERM; echo app; while :; do sleep 0.02; done\"]\nafter = [\"redis\"]\n"
        ));
        let mut castoff = services.start(place);
        while castoff.line() != "app" {}
        let redis = castoff.descendants().into_iter().find(|seen| seen.name.starts_with("redis")).unwrap();
        let nobody = "65534 65534 65534 65534";
        for (file, word, expected) in [
            ("status", "Uid", nobody),
            ("status", "Gid", nobody),
            // besides those of the user
            ("status", "Groups", "12345 65534"),
            ("status", "Umask", "0027"),
            ("status", "NoNewPrivs", "1"),
            ("status", "CapBnd", "0000000000000000"),
            ("status", "CapEff", "0000000000000000"),
            ("limits", "Max open files", "512 512 files"),
            ("limits", "Max core file size", "0 0 bytes"),
            ("oom_score_adj", "", "500"),
        ] {
            assert_eq!(told(redis.pid, file, word), expected, "{place:?}: {word}");
        }
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", redis.pid)).unwrap();
        assert_eq!(stat.rsplit(')').next().unwrap().split_whitespace().nth(16), Some("3"), "nice");
        // it does its work, where it may
        let socket = root.join("data/r");
        assert_eq!(ask(&socket, "SAVE"), "+OK");
        let saved = std::fs::metadata(root.join("data/dump.rdb")).unwrap();
        assert_eq!((saved.uid(), saved.mode() & 0o777), (65534, 0o640));
        if landlock_works() {
            assert_eq!(ask(&socket, &format!("CONFIG SET dir {here}/web")), "+OK");
            assert!(ask(&socket, "SAVE").starts_with("-ERR"), "{place:?}");
        }
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(0), "{place:?}: {err}");
    });
}

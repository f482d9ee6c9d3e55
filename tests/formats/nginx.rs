//! nginx, read back over HTTP: what it answers with.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

use super::program::{Folder, Server, find};
use super::readback::{Filled, Piece, all_values, between, filled, piece};

/// Serves what the locations `/0`, `/1` … answer.
fn served(http: &str, server: &str, count: usize) -> Option<Vec<Vec<u8>>> {
    let nginx = find(&["nginx"])?;
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    let temps: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {path}/{name};\n"))
        .collect();
    let config = folder.write(
        "nginx.conf",
        &format!(
            "daemon off;\n{user}\nworker_processes 1;\npid {path}/pid;\nerror_log stderr notice;\n\
             events {{}}\nhttp {{\n{temps}access_log off;\nkeepalive_requests 1000000;\ndefault_type text/plain;\n\
             variables_hash_max_size 65536;\n{http}\nserver {{\nlisten unix:{path}/sock;\n{server}\n}}\n}}\n"
        ),
    );
    let mut command = Command::new(nginx);
    command.arg("-e").arg("stderr").arg("-p").arg(folder.path()).arg("-c").arg(config);
    let _server = Server::start(&mut command, "start worker process ");
    let mut writer = UnixStream::connect(folder.path().join("sock")).unwrap();
    let mut reader = BufReader::new(writer.try_clone().unwrap());
    Some((0..count).map(|n| get(&mut writer, &mut reader, n)).collect())
}

fn get(writer: &mut UnixStream, reader: &mut impl BufRead, n: usize) -> Vec<u8> {
    write!(writer, "GET /{n} HTTP/1.1\r\nHost: host.test\r\n\r\n").unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the connection stays open");
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            _ if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}

fn check(piece: Piece, share: usize) {
    let filled = filled("nginx", piece, &all_values());
    filled.accepts(share);
    if let Some(read) = served("", &filled.text, filled.expected.len()) {
        filled.compare(&read);
    }
}

#[test]
fn whole_words_are_taken_or_refused() {
    check(piece("nginx word", "location = /N { return 200 ", "; }\n"), 50);
}

#[test]
fn quoted_words_are_taken_or_refused() {
    check(piece("nginx \"…\"", "location = /N { return 200 \"", "\"; }\n"), 50);
    check(
        between("nginx '…'", "location = /N { return 200 'a\\\\", "${host}b'; }\n", ("a\\", "host.testb")),
        50,
    );
}

#[test]
fn parts_of_a_word_are_taken_or_refused() {
    check(
        between("nginx part", "location = /N { return 200 /srv/", "/${host}; }\n", ("/srv/", "/host.test")),
        20,
    );
    check(
        between(
            "nginx part, first",
            "location = /N { return 200 ",
            ".example.org; }\n",
            ("", ".example.org"),
        ),
        20,
    );
}

#[test]
fn conditions_compare_with_the_value() {
    let piece = piece(
        "nginx if",
        "location = /N { set $v \"N\"; if ($host = ",
        ") { return 500; } return 200 $v; }\n",
    );
    let mut filled = filled("nginx", piece, &all_values());
    filled.expected = (0..filled.expected.len()).map(|n| n.to_string()).collect();
    compare(&filled, served("", &filled.text, filled.expected.len()));
}

#[test]
fn comments_stay_comments() {
    let mut filled =
        filled("nginx", piece("nginx comment", "# ", "\nlocation = /N { return 200 N; }\n"), &all_values());
    filled.expected = (0..filled.expected.len()).map(|n| n.to_string()).collect();
    compare(&filled, served("", &filled.text, filled.expected.len()));
}

/// The way for a value with a `$`: a variable of `geo` holds it.
#[test]
fn geo_takes_a_dollar() {
    let filled = filled("nginx", piece("nginx geo", "geo $gN { default ", "; }\n"), &all_values());
    filled.accepts(80);
    let count = filled.expected.len();
    let server: String = (0..count).map(|n| format!("location = /{n} {{ return 200 $g{n}; }}\n")).collect();
    compare(&filled, served(&filled.text, &server, count));
}

fn compare(filled: &Filled, read: Option<Vec<Vec<u8>>>) {
    if let Some(read) = read {
        filled.compare(&read);
    }
}

//! nginx, read back over HTTP: what it answers with.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

use castoff::format::{Literal, Skeleton, by_name};

use super::counts::{self, Refusals};
use super::program::{Folder, Server, find};
use super::readback::{Filled, Piece, all_values, between, filled, piece};

/// Serves what the locations `/0`, `/1` … answer.
fn served(http: &str, server: &str, count: usize) -> Option<Vec<Vec<u8>>> {
    let requests: Vec<_> = (0..count).map(|n| (format!("/{n}"), "host.test".to_owned())).collect();
    answers(http, server, &requests)
}

/// What is answered to requests of paths, each to a host.
fn answers(http: &str, server: &str, requests: &[(String, String)]) -> Option<Vec<Vec<u8>>> {
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
             variables_hash_max_size 65536;\n{}\nserver {{\nlisten unix:{path}/sock;\n{server}\n}}\n}}\n",
            http.replace("FOLDER", path),
        ),
    );
    let mut command = Command::new(nginx);
    command.arg("-e").arg("stderr").arg("-p").arg(folder.path()).arg("-c").arg(config);
    let _server = Server::start(&mut command, "start worker process ");
    let mut writer = UnixStream::connect(folder.path().join("sock")).unwrap();
    let mut reader = BufReader::new(writer.try_clone().unwrap());
    Some(requests.iter().map(|(path, host)| get(&mut writer, &mut reader, path, host)).collect())
}

fn get(writer: &mut UnixStream, reader: &mut impl BufRead, path: &str, host: &str) -> Vec<u8> {
    write!(writer, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
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
        filled.compare("nginx", &read);
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
    let filled = filled("nginx", piece, &all_values()).expecting_numbers();
    compare(&filled, served("", &filled.text, filled.expected.len()));
}

#[test]
fn comments_stay_comments() {
    let piece = piece("nginx comment", "# ", "\nlocation = /N { return 200 N; }\n");
    let filled = filled("nginx", piece, &all_values()).expecting_numbers();
    compare(&filled, served("", &filled.text, filled.expected.len()));
}

/// Each location answers with its number, to the path that its value is.
#[test]
fn locations_match_their_own_path() {
    // What nginx tidies up in a path before it compares is never matched by any location.
    let tidied = |value: &String| value.contains('/') || value.len() > 1_500;
    let values: Vec<String> = all_values().into_iter().filter(|value| !tidied(value)).collect();
    let quoted = |path: &str| path.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    for (piece, share) in [
        (between("nginx location", "location = /N-", "-e { return 200 N; }\n", ("N-", "-e")), 30),
        (between("nginx location \"…\"", "location = \"/N-", "\" { return 200 N; }\n", ("N-", "")), 50),
        (between("nginx prefix", "location ^~ '/N-", "' { return 200 N; }\n", ("N-", "")), 50),
    ] {
        let filled = filled("nginx", piece, &values);
        filled.accepts(share);
        let numbered = filled.expected.iter().enumerate();
        let requests: Vec<_> = numbered
            .map(|(n, path)| (format!("/{}", quoted(&path.replacen('N', &n.to_string(), 1))), "h".to_owned()))
            .collect();
        let server = format!("merge_slashes off;\n{}", filled.text);
        compare(&filled.expecting_numbers(), answers("", &server, &requests));
    }
}

/// Every item of a list is a word of its own: a server answers to each of its names.
#[test]
fn lists_are_read_item_by_item() {
    // What means something in a name, or can't stand in a request.
    let other = |c: char| c <= ' ' || c == '\x7f' || c.is_ascii_uppercase() || ".*:[]/$\\".contains(c);
    let named = |value: &String| {
        !value.is_empty() && value.len() < 200 && !value.contains(other) && !value.starts_with('~')
    };
    let values: BTreeSet<String> = all_values().into_iter().filter(named).collect();
    let values: Vec<String> = values.into_iter().collect();
    let lists: Vec<Literal> = values
        .chunks(5)
        .map(|list| Literal::List(list.iter().cloned().map(Literal::Text).collect()))
        .collect();
    let mut skeleton = Skeleton::default();
    for _ in &lists {
        skeleton.push_text("server { server_name ");
        skeleton.push_hole();
        skeleton.push_text("; }\n");
    }
    let fillings = (by_name("nginx").unwrap().fill)(&skeleton, &lists);
    let mut http = "server_names_hash_bucket_size 1024;\nserver_names_hash_max_size 65536;\n".to_owned();
    for (n, filling) in fillings.into_iter().enumerate() {
        let names = filling.unwrap();
        http.push_str(&format!(
            "server {{ listen unix:FOLDER/sock; server_name {names}; location = / {{ return 200 {n}; }} }}\n"
        ));
    }
    let requests: Vec<_> = values.iter().map(|name| ("/".to_owned(), name.clone())).collect();
    let Some(read) = answers(&http, "", &requests) else { return };
    for (n, (name, read)) in values.iter().zip(read).enumerate() {
        assert_eq!(String::from_utf8_lossy(&read), (n / 5).to_string(), "{name:?}");
    }
    counts::values("nginx", "nginx list: server_name ●", "nginx", values.len(), &Refusals::default());
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
        filled.compare("nginx", &read);
    }
}

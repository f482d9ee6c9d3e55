//! Apache httpd, read back over HTTP: what `SetEnv` and `Define` hold is echoed by a page with
//! server-side includes, headers are those of its answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::program::{Folder, Server, find};
use super::readback::{Filled, Piece, all_values, between, filled, piece, some_values};

const MODULES: &[&str] = &[
    "mpm_event",
    "unixd",
    "env",
    "include",
    "authz_core",
    "headers",
    "authn_core",
    "auth_basic",
    "authz_user",
    "authn_file",
];
const SEPARATOR: &str = "\n<-- of a copy -->\n";

/// Where `text` stands.
enum Place {
    Config,
    Htaccess,
}

/// The answer, headers and body, for a page that echoes the variables `V0`, `V1` …
fn answer(place: &Place, text: &str, count: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let apache = find(&["apache2", "httpd"])?;
    let folder = Folder::new();
    let mut page = String::new();
    for n in 0..count {
        write!(page, "<!--#echo encoding=\"none\" var=\"V{n}\"-->{SEPARATOR}").unwrap();
    }
    folder.write("page.shtml", &page);
    let (config, htaccess) = match place {
        Place::Config => (text, ""),
        Place::Htaccess => ("", text),
    };
    folder.write(".htaccess", htaccess);
    // A worker is another user, whatever the umask of this process is.
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    for name in ["page.shtml", ".htaccess"] {
        std::fs::set_permissions(folder.path().join(name), PermissionsExt::from_mode(0o644)).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.write("httpd.conf", &settings(folder.path(), port, config));
    let mut command = Command::new(apache);
    let _server =
        Server::start(command.arg("-DFOREGROUND").arg("-f").arg(config), "resuming normal operations");
    let (answer, body) = get(port, "/page.shtml", "h");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..100]));
    Some((answer, body))
}

/// The headers and the body of an answer.
fn get(port: u16, path: &str, host: &str) -> (Vec<u8>, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (answer, body)
}

/// The answers of a server with `config` to requests of `(path, host)`.
fn answers(config: &str, folder: &Folder, requests: &[(String, String)]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let apache = find(&["apache2", "httpd"])?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = config.replace("PORT", &port.to_string());
    let config = folder.write("httpd.conf", &settings(folder.path(), port, &config));
    let mut command = Command::new(apache);
    let _server =
        Server::start(command.arg("-DFOREGROUND").arg("-f").arg(config), "resuming normal operations");
    Some(requests.iter().map(|(path, host)| get(port, path, host)).collect())
}

fn settings(folder: &Path, port: u16, more: &str) -> String {
    let folder = folder.display();
    let modules = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/local/apache2/modules"];
    let modules = modules.into_iter().find(|path| Path::new(path).is_dir()).unwrap();
    let load: String = MODULES
        .iter()
        .map(|name| {
            format!(
                "<IfModule !{name}_module>\nLoadModule {name}_module {modules}/mod_{name}.so\n</IfModule>\n"
            )
        })
        .collect();
    format!(
        "{load}ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\nServerName host.test\n\
         Listen 127.0.0.1:{port}\nErrorLog /proc/self/fd/2\nUser #65534\nGroup #65534\n\
         StartServers 1\nThreadsPerChild 25\nMaxRequestWorkers 25\nMinSpareThreads 1\nMaxSpareThreads 26\n\
         DocumentRoot {folder}\n<Directory {folder}>\nRequire all granted\nOptions +Includes\n\
         AllowOverride FileInfo\nSetOutputFilter INCLUDES\n</Directory>\n{more}"
    )
}

fn check(place: &Place, piece: Piece, share: usize) {
    let filled = filled("apache", piece, &all_values());
    filled.accepts(share);
    compare(place, &filled);
}

fn compare(place: &Place, filled: &Filled) {
    if let Some((_, body)) = answer(place, &filled.text, filled.expected.len()) {
        filled.compare("apache2", &parts(&body));
    }
}

fn parts(body: &[u8]) -> Vec<Vec<u8>> {
    let separator = SEPARATOR.as_bytes();
    let (mut parts, mut from) = (Vec::new(), 0);
    let mut at = 0;
    while at < body.len() {
        if body[at..].starts_with(separator) {
            parts.push(body[from..at].to_vec());
            at += separator.len();
            from = at;
        } else {
            at += 1;
        }
    }
    parts
}

#[test]
fn whole_arguments_are_taken_or_refused() {
    check(&Place::Config, piece("apache argument", "SetEnv VN ", "\n"), 45);
    check(&Place::Htaccess, piece(".htaccess argument", "  setenv VN ", "  \r\n"), 45);
    check(&Place::Config, piece("apache argument, continued", "SetEnv \\\n VN \\\r\n ", "\\\n \n"), 45);
}

#[test]
fn quoted_arguments_are_taken_or_refused() {
    let pieces = [
        between("apache \"…\"", "SetEnv VN \"a ", " \\\"b\"\n", ("a ", " \"b")),
        between("apache '…'", "SetEnv VN 'a\\\\", " \"b'\n", ("a\\", " \"b")),
    ];
    for piece in pieces {
        check(&Place::Config, piece, 45);
        check(&Place::Htaccess, piece, 45);
    }
}

#[test]
fn parts_of_an_argument_are_taken_or_refused() {
    check(&Place::Config, between("apache part", "SetEnv VN /srv/", "/x\n", ("/srv/", "/x")), 20);
    check(&Place::Htaccess, between("apache part, first", "SetEnv VN ", "}\n", ("", "}")), 20);
}

/// `Define` is pasted as text wherever `${…}` stands.
#[test]
fn what_is_plain_is_plain_everywhere() {
    let pieces = [
        piece("apache plain", "Define DN ", "\nSetEnv VN \"${DN}\"\n"),
        between("apache plain part", "Define DN x", "y\nSetEnv VN a${DN}b\n", ("ax", "yb")),
    ];
    for piece in pieces {
        check(&Place::Config, piece, 2);
    }
}

#[test]
fn comments_and_sections_keep_their_end() {
    for (name, before, after, share) in [
        ("apache comment", " # ", "\nSetEnv VN N\n", 40),
        ("apache comment, continued", "# \\\n", " \nSetEnv VN N\n", 40),
        ("apache section", "<IfDefine !castoff", ">\nSetEnv VN N\n</IfDefine>\n", 5),
    ] {
        let filled = filled("apache", piece(name, before, after), &all_values());
        filled.accepts(share);
        compare(&Place::Config, &filled.expecting_numbers());
    }
}

#[test]
fn headers_are_taken_or_refused() {
    for (name, before, after, reads) in [
        ("apache header", "Header add X-N ", "\n", ("", "")),
        ("apache header \"…\"", "Header always add X-N \"a%% ", ";\\\"b\"\n", ("a% ", ";\"b")),
        ("apache header part", "Header add X-N a", "/b\n", ("a", "/b")),
    ] {
        let filled = filled("apache", between(name, before, after, reads), &all_values());
        filled.accepts(20);
        for place in [Place::Config, Place::Htaccess] {
            let Some((head, _)) = answer(&place, &filled.text, 0) else { continue };
            let mut read = vec![Vec::new(); filled.expected.len()];
            for line in head.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"X-")) {
                let colon = line.iter().position(|byte| *byte == b':').unwrap();
                let number: usize = std::str::from_utf8(&line[..colon]).unwrap().parse().unwrap();
                let value = line[colon..].strip_prefix(b": ").unwrap();
                read[number].extend_from_slice(value.strip_suffix(b"\r").unwrap());
            }
            filled.compare("apache2", &read);
        }
    }
}

/// Requests of `/0`, `/1` …
fn numbered(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("/{n}"), "h".to_owned())).collect()
}

#[test]
fn the_texts_of_errors_are_taken_or_refused() {
    let denied = "<Location /N>\nRequire all denied\nErrorDocument 403 ";
    let before: &'static str = format!("{denied}\"a ").leak();
    // A plain value may be a page, which this server doesn't have.
    let page = |value: &String| value.starts_with('/') || value.contains(':') || value == "default";
    let texts: Vec<String> = all_values().into_iter().filter(|value| !page(value)).collect();
    for (piece, share) in [
        (piece("apache ErrorDocument", denied, "\n</Location>\n"), 30),
        (between("apache ErrorDocument \"…\"", before, " b\"\n</Location>\n", ("a ", " b")), 30),
    ] {
        let filled = filled("apache", piece, &texts);
        filled.accepts(share);
        let requests = numbered(filled.expected.len());
        let Some(read) = answers(&filled.text, &Folder::new(), &requests) else { return };
        filled.compare("apache2", &read.into_iter().map(|(_, body)| body).collect::<Vec<_>>());
    }
}

#[test]
fn the_names_of_realms_are_taken_or_refused() {
    let before = "<Location /N>\nRequire valid-user\nAuthType Basic\nauthname ";
    let filled = filled("apache", piece("apache AuthName", before, "\n</Location>\n"), &all_values());
    filled.accepts(30);
    let requests = numbered(filled.expected.len());
    let Some(read) = answers(&filled.text, &Folder::new(), &requests) else { return };
    let realm = |head: Vec<u8>| {
        let line = head
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(b"WWW-Authenticate: Basic realm=\""));
        let line = line.and_then(|line| line.strip_suffix(b"\"\r")).unwrap();
        // Quotes are escaped in a header.
        String::from_utf8(line.to_vec()).unwrap().replace("\\\"", "\"").into_bytes()
    };
    filled.compare("apache2", &read.into_iter().map(|(head, _)| realm(head)).collect::<Vec<_>>());
}

#[test]
fn document_roots_are_the_directories_that_were_named() {
    let folder = Folder::new();
    let name = |value: &str| folder.path().join(format!("d{value}"));
    let values: BTreeSet<String> = some_values(1_500)
        .into_iter()
        .filter(|value| value.len() < 200 && !value.contains(['/', '\0']))
        .collect();
    let values: Vec<String> = values.into_iter().collect();
    let before: &'static str =
        format!("<VirtualHost *:PORT>\nservername hN\nDocumentRoot \"{}/d", folder.path().display()).leak();
    let filled =
        filled("apache", piece("apache DocumentRoot \"…\"", before, "\"\n</VirtualHost>\n"), &values);
    filled.accepts(50);
    for value in &filled.expected {
        std::fs::create_dir(name(value)).unwrap();
        std::fs::write(name(value).join("x"), value).unwrap();
    }
    let hosts: Vec<_> = (0..filled.expected.len()).map(|n| ("/x".to_owned(), format!("h{n}"))).collect();
    let Some(read) = answers(&filled.text, &folder, &hosts) else { return };
    filled.compare("apache2", &read.into_iter().map(|(_, body)| body).collect::<Vec<_>>());
}

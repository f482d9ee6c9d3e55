//! Apache httpd, read back over HTTP: what `SetEnv` and `Define` hold is echoed by a page with
//! server-side includes, headers are those of its answer.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::program::{Folder, Server, find};
use super::readback::{Filled, Piece, all_values, between, filled, piece};
use super::values::{generated, seed};

const MODULES: &[&str] = &["mpm_event", "unixd", "env", "include", "authz_core", "headers"];
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
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /page.shtml HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..100]));
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    Some((answer, body))
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

fn more_values() -> Vec<String> {
    let mut values = all_values();
    values.extend(generated(seed() + 1, 5_000));
    values
}

fn check(place: &Place, piece: Piece, share: usize) {
    let filled = filled("apache", piece, &more_values());
    filled.accepts(share);
    compare(place, &filled);
}

fn compare(place: &Place, filled: &Filled) {
    if let Some((_, body)) = answer(place, &filled.text, filled.expected.len()) {
        filled.compare(&parts(&body));
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
        let mut filled = filled("apache", piece(name, before, after), &more_values());
        filled.accepts(share);
        filled.expected = (0..filled.expected.len()).map(|n| n.to_string()).collect();
        compare(&Place::Config, &filled);
    }
}

#[test]
fn headers_are_taken_or_refused() {
    for (name, before, after, reads) in [
        ("apache header", "Header add X-N ", "\n", ("", "")),
        ("apache header \"…\"", "Header always add X-N \"a%% ", ";\\\"b\"\n", ("a% ", ";\"b")),
        ("apache header part", "Header add X-N a", "/b\n", ("a", "/b")),
    ] {
        let filled = filled("apache", between(name, before, after, reads), &more_values());
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
            filled.compare(&read);
        }
    }
}

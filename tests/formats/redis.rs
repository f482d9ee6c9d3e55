//! `redis.conf`, read back by redis-server: the settings that it tells, the passwords that
//! it hashed, and what it makes of words on its own socket, which it splits by the same code.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use sha2::{Digest, Sha256};

use super::counts::{self, Refusals};
use super::program::{Folder, find};
use super::readback::{Piece, all_values, between, fill, filled, piece};
use super::templates::{hex, pairs};
use super::values;

struct Redis {
    child: Child,
    folder: Folder,
}

impl Redis {
    /// Starts a server with `config`, on a socket of its own; `None` if there is no redis.
    fn start(config: &str) -> Option<Self> {
        let program = find(&["redis-server"])?;
        let folder = Folder::new();
        let own = format!("port 0\nsave \"\"\nunixsocket {0}/socket\ndir {0}\n", folder.path().display());
        let file = folder.write("redis.conf", &format!("{own}{config}"));
        let mut command = Command::new(program);
        command.arg(file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut redis = Self { child: command.spawn().unwrap(), folder };
        let mut said = String::new();
        let mut lines = BufReader::new(redis.child.stdout.take().unwrap());
        while !said.contains("ready to accept connections at") {
            if lines.read_line(&mut said).unwrap() == 0 {
                let mut error = String::new();
                redis.child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                let error: String = error.chars().take(500).collect();
                panic!("redis-server did not start: {error}");
            }
        }
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Some(redis)
    }

    /// The words of a line, in hexadecimal; `None` if its quotes are out of balance.
    fn split(&self, line: &str) -> Option<Vec<String>> {
        let mut connection = self.connect();
        connection.stream.write_all(line.as_bytes()).unwrap();
        if connection.answers.fill_buf().unwrap().starts_with(b"-") {
            return None;
        }
        let hex = |word: &Vec<u8>| word.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(connection.answer().iter().map(hex).collect())
    }

    fn connect(&self) -> Connection {
        let stream = UnixStream::connect(self.folder.path().join("socket")).unwrap();
        Connection { answers: BufReader::new(stream.try_clone().unwrap()), stream }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Connection {
    stream: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Connection {
    /// Asks with words whose lengths are told, so that nothing is quoted.
    fn ask(&mut self, words: &[&str]) -> Vec<Vec<u8>> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.write_all(request.as_bytes()).unwrap();
        self.answer()
    }

    /// The strings of an answer, however deep they stand.
    fn answer(&mut self) -> Vec<Vec<u8>> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.answers.read_exact(&mut text).unwrap();
                text.truncate(text.len() - 2);
                vec![text]
            }
            "*" => (0..rest.parse::<usize>().unwrap()).flat_map(|_| self.answer()).collect(),
            "-" => panic!("redis said: {}", &rest[..rest.len().min(200)]),
            _ => vec![rest.into()],
        }
    }
}

/// Settings that take any text, as `CONFIG GET` tells them.
const SETTINGS: [&str; 12] = [
    "requirepass",
    "masterauth",
    "masteruser",
    "pidfile",
    "syslog-ident",
    "server_cpulist",
    "bio_cpulist",
    "aof_rewrite_cpulist",
    "bgsave_cpulist",
    "replica-announce-ip",
    "cluster-announce-ip",
    "ignore-warnings",
];

#[test]
fn settings_are_told_byte_for_byte() {
    if find(&["redis-server"]).is_none() {
        return;
    }
    let around = [("", ""), ("\"", "\""), ("'", "'"), ("x", "y"), ("\"\\x41", "\\\"\""), ("'\\'", " '")];
    let reads = [("", ""), ("", ""), ("", ""), ("x", "y"), ("A", "\""), ("'", " ")];
    let all = all_values();
    let (mut taken, mut asked, mut refusals) = (0, 0, Refusals::default());
    // Every value in one setting, and each shape in turn.
    for (batch, values) in all.chunks(SETTINGS.len()).enumerate() {
        let shapes: Vec<usize> = (0..values.len()).map(|n| (n + batch) % around.len()).collect();
        let pieces: Vec<_> = (0..values.len())
            .map(|n| {
                (format!("{} {}", SETTINGS[n], around[shapes[n]].0), format!("{}\n", around[shapes[n]].1))
            })
            .collect();
        let answers = fill("redis", &pieces, values);
        let mut config = "user reader on nopass +@all\n".to_owned();
        let mut expected = Vec::new();
        for (n, (value, answer)) in values.iter().zip(&answers).enumerate() {
            asked += 1;
            let text = match answer {
                Ok(text) => text,
                Err(refusal) => {
                    assert!(!values::harmless().contains(value), "{value:?} refused: {refusal:?}");
                    refusals.add(refusal);
                    continue;
                }
            };
            config.push_str(&format!("{}{text}{}", pieces[n].0, pieces[n].1));
            let reads = reads[shapes[n]];
            expected.push((SETTINGS[n], format!("{}{value}{}", reads.0, reads.1)));
        }
        let server = Redis::start(&config).unwrap();
        let mut connection = server.connect();
        connection.ask(&["AUTH", "reader", ""]);
        let told = connection.ask(&["CONFIG", "GET", "*"]);
        for (name, value) in &expected {
            let place = told.iter().step_by(2).position(|told| told == name.as_bytes()).unwrap();
            assert!(told[2 * place + 1] == value.as_bytes(), "{name} {value:?} is told otherwise");
        }
        taken += expected.len();
    }
    counts::values("redis", "redis settings", "redis-server", taken, &refusals);
    assert!(taken * 100 >= asked * 70, "only {taken} of {asked} taken");
}

#[test]
fn passwords_of_users_are_hashed_byte_for_byte() {
    for (piece, share) in [
        (piece("redis user \"…\"", "user uN on \">", "\"\n"), 90),
        (piece("redis user '…'", "user uN on '>", "'\n"), 60),
        (piece("redis user, bare", "user uN on >", "\n"), 20),
    ] {
        let filled = filled("redis", piece, &all_values());
        let Some(server) = Redis::start(&filled.text) else { return };
        let mut connection = server.connect();
        let read: Vec<Vec<u8>> = (0..filled.expected.len())
            .map(|n| {
                let told = connection.ask(&["ACL", "GETUSER", &format!("u{n}")]);
                let at = told.iter().position(|text| text == b"passwords").unwrap();
                told[at + 1].clone()
            })
            .collect();
        filled.accepts(share);
        let hashes = |text: &String| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        let hashed = filled.expected.iter().map(hashes).collect();
        filled.expecting(hashed).compare("redis-server", &read);
    }
}

/// Redis splits what a person types on its socket by the function that splits its
/// configuration, but takes no more than 64 kB there.
fn words(piece: Piece, share: usize) {
    let values: Vec<String> = all_values().into_iter().filter(|value| value.len() < 16_000).collect();
    let filled = filled("redis", piece, &values);
    let Some(server) = Redis::start("") else { return };
    let mut connection = server.connect();
    let mut requests = connection.stream.try_clone().unwrap();
    let text = filled.text.clone();
    let writer = std::thread::spawn(move || requests.write_all(text.as_bytes()).unwrap());
    let read: Vec<Vec<u8>> = filled.expected.iter().flat_map(|_| connection.answer()).collect();
    writer.join().unwrap();
    filled.compare("redis-server", &read);
    filled.accepts(share);
}

#[test]
fn words_are_split_as_they_were_written() {
    words(piece("redis word", "ECHO ", "\n"), 90);
    words(between("redis \"…\"", "ECHO \"\\x41 ", " \\\"\"\r\n", ("A ", " \"")), 90);
    words(between("redis '…'", "ECHO '\\' ", " b'\n", ("' ", " b")), 70);
    words(between("redis part", "ECHO a", "b\n", ("a", "b")), 20);
}

#[test]
fn comments_stay_comments_and_nothing_else_is_set() {
    let filled = filled("redis", piece("redis comment", " # ", "\nuser uN on nopass\n"), &all_values());
    let Some(server) = Redis::start(&filled.text) else { return };
    let users = server.connect().ask(&["ACL", "USERS"]);
    assert_eq!(users.len(), filled.expected.len() + 1, "each user, and `default`");
    filled.count("redis-server");
    filled.accepts(70);
}

const FRAGMENTS: &[&str] = &[
    " ", " ", "\"", "\"", "'", "'", "\\", "\\x", "\\x4", "\\n", "\\\"", "\\'", "4", "a", "b", "x", "#", "\t",
    "\r", "\x0b",
];

/// Whatever stands around it, a value changes nothing but the text in its place.
#[test]
fn no_value_changes_the_words_around_it() {
    let Some(server) = Redis::start("") else { return };
    for around in [("", ""), ("\"", "\""), ("'", "'"), ("a ", " b")] {
        let around = (format!("EVAL \"return ARGV\" 0 {}", around.0), format!("{}\n", around.1));
        let pairs = pairs("redis", (&around.0, &around.1), FRAGMENTS, 4_000);
        let mut valid = 0;
        for pair in pairs.iter().filter(|pair| pair.filled.len() < 16_000) {
            let Some(marked) = server.split(&pair.marked) else { continue };
            let filled = server.split(&pair.filled).unwrap_or_default();
            let replaced = |word: &String| {
                let word = word.clone();
                pair.replace
                    .iter()
                    .fold(word, |word, (marker, value)| word.replace(&hex(marker), &hex(value)))
            };
            let expected: Vec<String> = marked.iter().map(replaced).collect();
            assert_eq!(filled, expected, "seed {}\n{:?}\n{:?}", values::seed(), pair.marked, pair.filled);
            valid += 1;
        }
        counts::templates("redis", "redis-server", pairs.len(), valid);
        assert!(valid * 50 > pairs.len(), "only {valid} of {} lines were valid", pairs.len());
    }
}

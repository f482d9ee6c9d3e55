//! `ssmtp.conf`, read back by ssmtp: what it tells a mail server.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use castoff::format::Filling;

use super::counts::{self, Refusals};
use super::program::{Folder, find};
use super::readback::{fill, some_values};
use super::smtp_server::{Session, SmtpServer};
use super::values;

/// Killed before it waits for its answer, so that it never writes a dead.letter.
struct Ssmtp(Child);

impl Drop for Ssmtp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What ssmtp tells the server when it is configured so.
fn session(program: &Path, folder: &Folder, server: &SmtpServer, config: &str) -> Session {
    let config = folder.write("ssmtp.conf", config);
    let mail = folder.write("mail", "Subject: x\n\nx\n");
    let mut command = Command::new(program);
    command.arg("-C").arg(config).arg("root").stdin(std::fs::File::open(mail).unwrap());
    let child = Ssmtp(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let session = server.session();
    drop(child);
    session
}

const KEYS: [&str; 6] = ["AuthUser=", "AuthPass=", "hostname=", "rewriteDomain=", "root=", "AddHeader=X-A: "];

/// The configuration with `values` in its keys, and what became of each; one that was
/// refused is left at `x`.
fn config(port: u16, values: &[String]) -> (String, Vec<Filling>) {
    let pieces: Vec<_> = KEYS.iter().map(|key| ((*key).to_owned(), "\n".to_owned())).collect();
    let answers = fill("ssmtp", &pieces, values);
    let mut config = format!("# test\nmailhub=127.0.0.1:{port}\n");
    for (key, answer) in KEYS.iter().zip(&answers) {
        config.push_str(&format!("{key}{}\n", answer.as_deref().unwrap_or("x")));
    }
    (config, answers)
}

/// What the server was told for each key.
fn told(session: &Session) -> Vec<Vec<u8>> {
    let bracketed =
        |verb| session.argument(verb).and_then(|text| text.strip_suffix(b">")).unwrap_or_default().to_vec();
    let header = session.headers.iter().find_map(|line| line.strip_prefix(b"X-A: ")).unwrap_or_default();
    let hello = session.argument("EHLO ").unwrap_or_default();
    let sender = bracketed("MAIL FROM:<");
    let domain = sender.iter().position(|byte| *byte == b'@').map_or(&[][..], |at| &sender[at + 1..]);
    [&session.user, &session.password, hello, domain, &bracketed("RCPT TO:<"), header]
        .map(<[u8]>::to_vec)
        .to_vec()
}

/// ssmtp waits more than it works, so several work side by side.
const LANES: usize = 8;

#[test]
fn ssmtp_takes_a_value_whole_or_it_is_refused() {
    let Some(program) = find(&["ssmtp"]) else { return };
    let all = some_values(2_000);
    let lanes: Vec<[Told; KEYS.len()]> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                scope.spawn({
                    let (program, all) = (&program, &all);
                    move || read_back(program, all, lane)
                })
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    for (at, key) in KEYS.iter().enumerate() {
        let taken: usize = lanes.iter().map(|lane| lane[at].taken).sum();
        let mut refusals = Refusals::default();
        lanes.iter().for_each(|lane| refusals.merge(lane[at].refusals.clone()));
        counts::values("ssmtp", &format!("ssmtp {key}"), "ssmtp", taken, &refusals);
        assert!(taken * 100 >= all.len() * 15, "{key}: only {taken} taken");
    }
}

/// What became of the values of one key.
#[derive(Default)]
struct Told {
    taken: usize,
    refusals: Refusals,
}

/// The values of one lane, each in each key and never beside itself.
fn read_back(program: &Path, all: &[String], lane: usize) -> [Told; KEYS.len()] {
    let (server, folder) = (SmtpServer::start(), Folder::new());
    let mut lane_told: [Told; KEYS.len()] = Default::default();
    for start in (lane..all.len()).step_by(LANES) {
        let chosen: Vec<String> =
            (0..KEYS.len()).map(|key| all[(start + 7 * key) % all.len()].clone()).collect();
        let (config, answers) = config(server.port(), &chosen);
        let told = told(&session(program, &folder, &server, &config));
        for (key, (value, (answer, told))) in chosen.iter().zip(answers.iter().zip(told)).enumerate() {
            assert!(answer.is_ok() || !values::harmless().contains(value), "{}{value} is refused", KEYS[key]);
            let value = if answer.is_ok() { value.as_str() } else { "x" };
            match answer {
                Ok(_) => lane_told[key].taken += 1,
                Err(refusal) => lane_told[key].refusals.add(refusal),
            }
            // An address without a domain gets that of rewriteDomain.
            let expected = if key == 4 && !value.contains('@') {
                [value.as_bytes(), b"@"].concat()
            } else {
                value.into()
            };
            let same = if key == 4 { told.starts_with(&expected) } else { told == expected };
            assert!(same, "{} {value:?} was read as {:?}", KEYS[key], String::from_utf8_lossy(&told));
        }
    }
    lane_told
}

#[test]
fn the_longest_values_are_read_whole() {
    let Some(program) = find(&["ssmtp"]) else { return };
    let (server, folder) = (SmtpServer::start(), Folder::new());
    let longest = [1533, 1533, 63, 1000, 1000, 1000];
    let values: Vec<String> = longest.iter().map(|length| "a".repeat(*length)).collect();
    let (config_of_longest, answers) = config(server.port(), &values);
    assert!(answers.iter().all(Filling::is_ok));
    let told = told(&session(&program, &folder, &server, &config_of_longest));
    for (key, told) in told.iter().enumerate() {
        assert!(told.starts_with(values[key].as_bytes()), "{} is cut", KEYS[key]);
    }
    let too_long: Vec<String> = values.iter().map(|value| value.clone() + "a").collect();
    assert!(config(server.port(), &too_long).1.iter().all(Filling::is_err));
}

#[test]
fn a_mail_hub_is_read_whole_or_in_parts() {
    let Some(program) = find(&["ssmtp"]) else { return };
    let (server, folder) = (SmtpServer::start(), Folder::new());
    let port = server.port().to_string();
    let piece = |before: &str, after: &str| (before.to_owned(), after.to_owned());
    for (pieces, values) in [
        (vec![piece("mailhub=", " # c\n")], vec![format!("127.0.0.1:{port}")]),
        (vec![piece("mailhub=", ":"), piece("", "\n")], vec!["127.0.0.1".to_owned(), port.clone()]),
    ] {
        let mut config = String::new();
        for ((before, after), answer) in pieces.iter().zip(fill("ssmtp", &pieces, &values)) {
            config.push_str(&format!("{before}{}{after}", answer.unwrap()));
        }
        let session = session(&program, &folder, &server, &format!("{config}hostname=h\n"));
        assert_eq!(session.argument("HELO "), Some(&b"h"[..]));
    }
}

#[test]
fn a_comment_never_becomes_a_line_of_its_own() {
    let Some(program) = find(&["ssmtp"]) else { return };
    let (server, folder) = (SmtpServer::start(), Folder::new());
    let mut all = values::generated(values::seed(), 300);
    all.push("x".repeat(2044) + "root=evil@example.org");
    all.push("x".repeat(2045));
    let mut config = format!("mailhub=127.0.0.1:{}\nroot=good@example.org\n", server.port());
    for value in &all {
        if let Ok(text) = &fill("ssmtp", &[("# ".into(), "\n".into())], std::slice::from_ref(value))[0] {
            config.push_str(&format!("# {text}\n"));
        }
    }
    let session = session(&program, &folder, &server, &config);
    assert_eq!(session.argument("RCPT TO:<"), Some(&b"good@example.org>"[..]));
}

//! `msmtprc`, read back by msmtp: what it says of its configuration, and the password that
//! it tells a mail server.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::counts::{self, Refusals};
use super::program::{Folder, find, output};
use super::readback::{fill, some_values};
use super::smtp_server::{Session, SmtpServer};
use super::values;

struct Msmtp(Child);

impl Drop for Msmtp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// msmtp refuses a file with a password that others can read.
fn write(folder: &Folder, config: &str) -> PathBuf {
    let file = folder.write("msmtprc", config);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// Each line: before and after the value in the file, and before and after it in what msmtp prints.
const LINES: [[&str; 4]; 7] = [
    ["user ", "\n", "user = ", ""],
    ["domain\t ", " \n", "domain = ", ""],
    ["ntlmdomain \"", "\"\n", "ntlmdomain = ", ""],
    ["tls_host_override x", "y\n", "tls_host_override = x", "y"],
    ["maildomain ", "@x\n", "maildomain = ", "@x"],
    ["from ", "\r\n", "from = ", ""],
    ["logfile ", "\n", "logfile = ", ""],
];

#[test]
fn msmtp_takes_a_value_whole_or_it_is_refused() {
    let Some(program) = find(&["msmtp"]) else { return };
    let folder = Folder::new();
    let all = some_values(2_000);
    let pieces: Vec<_> = LINES.iter().map(|line| (line[0].to_owned(), line[1].to_owned())).collect();
    let mut taken = [0; LINES.len()];
    let mut refusals = [(); LINES.len()].map(|()| Refusals::default());
    for start in 0..all.len() {
        let chosen: Vec<String> =
            (0..LINES.len()).map(|line| all[(start + 7 * line) % all.len()].clone()).collect();
        let answers = fill("msmtp", &pieces, &chosen);
        let mut config = "account default\nhost h\n".to_owned();
        for (line, answer) in LINES.iter().zip(&answers) {
            config.push_str(&format!("{}{}{}", line[0], answer.as_deref().unwrap_or("x"), line[1]));
        }
        let printed = print(&program, &write(&folder, &config));
        for (line, (value, answer)) in chosen.iter().zip(&answers).enumerate() {
            assert!(
                answer.is_ok() || !values::harmless().contains(value),
                "{}{value} is refused",
                LINES[line][0]
            );
            let value = if answer.is_ok() { value } else { "x" };
            taken[line] += usize::from(answer.is_ok());
            let _ = answer.as_ref().inspect_err(|refusal| refusals[line].add(refusal));
            let expected = format!("\n{}{value}{}\n", LINES[line][2], LINES[line][3]);
            let found = printed.windows(expected.len()).any(|window| window == expected.as_bytes());
            assert!(found, "{}{value:?} isn't in {}", LINES[line][0], String::from_utf8_lossy(&printed));
        }
    }
    for ((line, taken), refusals) in LINES.iter().zip(taken).zip(&refusals) {
        counts::values(
            "msmtp",
            &format!("msmtp {}●{}", line[0], line[1].trim_end()),
            "msmtp -P",
            taken,
            refusals,
        );
        assert!(taken * 100 >= all.len() * 40, "{}: only {taken} taken", line[0]);
    }
}

fn print(program: &Path, config: &Path) -> Vec<u8> {
    output(
        Command::new(program)
            .arg("-C")
            .arg(config)
            .args(["-P", "x@y"])
            .stdin(Stdio::null())
            .env("LC_ALL", "C"),
    )
}

#[test]
fn the_server_is_told_the_password() {
    let Some(program) = find(&["msmtp"]) else { return };
    let (server, folder) = (SmtpServer::start(), Folder::new());
    let (mut taken, mut refusals, all) = (0, Refusals::default(), some_values(500));
    for value in &all {
        let piece = ("password ".to_owned(), "\n".to_owned());
        let password = match &fill("msmtp", &[piece], std::slice::from_ref(value))[0] {
            Ok(password) => password.clone(),
            Err(refusal) => {
                refusals.add(refusal);
                continue;
            }
        };
        let config = format!(
            "account default\nhost 127.0.0.1\nport {}\nfrom a@b\nauth plain\nuser u\npassword {password}\n",
            server.port()
        );
        let session = send(&program, &folder, &server, &config);
        assert_eq!(session.user, b"u");
        let told = String::from_utf8_lossy(&session.password).into_owned();
        assert!(session.password == value.as_bytes(), "the password {value:?} was told as {told:?}");
        taken += 1;
    }
    counts::values("msmtp", "msmtp password ●", "msmtp", taken, &refusals);
    assert!(taken * 100 >= all.len() * 40, "only {taken} taken");
}

fn send(program: &Path, folder: &Folder, server: &SmtpServer, config: &str) -> Session {
    let config = write(folder, config);
    let mail = folder.write("mail", "Subject: x\n\nx\n");
    let mut command = Command::new(program);
    command.arg("-C").arg(config).arg("x@y").stdin(std::fs::File::open(mail).unwrap());
    let child = Msmtp(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let session = server.session();
    drop(child);
    session
}

#[test]
fn account_names_select_accounts() {
    let Some(program) = find(&["msmtp"]) else { return };
    let folder = Folder::new();
    let name = "my_account-1.x@y+z".to_owned();
    let pieces = [("account ".into(), "\nhost h\n".into()), ("account default : ".into(), "\n".into())];
    let answers = fill("msmtp", &pieces, &[name.clone(), name]);
    let mut config = String::new();
    for ((before, after), answer) in pieces.iter().zip(answers) {
        config.push_str(&format!("{before}{}{after}", answer.unwrap()));
    }
    let printed = print(&program, &write(&folder, &config));
    assert!(String::from_utf8_lossy(&printed).contains("\nhost = h\n"));
}

//! SQL for PostgreSQL, read back by a server of its own through `psql`, with
//! `standard_conforming_strings` on and off.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::counts;
use super::program::{Folder, Server, find, output};
use super::readback::{all_values, between, filled, hex_lines, piece};
use super::templates::{readable_pairs, taken_alike};

/// PostgreSQL does not run as root: `nobody`.
const USER: u32 = 65_534;

struct Postgres {
    _server: Server,
    client: PathBuf,
    folder: Folder,
}

/// A program of the server, which Debian keeps out of PATH.
fn server_program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).find(|file| file.is_file());
    found.or_else(|| find(&[name]))
}

fn as_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).current_dir("/");
    if nix::unistd::geteuid().is_root() {
        command.uid(USER).gid(USER);
    }
    command
}

impl Postgres {
    fn start() -> Option<Self> {
        let (initdb, server) = (server_program("initdb")?, server_program("postgres")?);
        // Not what is in PATH on Debian: a script that looks for a server first.
        let client = server_program("psql")?;
        let folder = Folder::new();
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(folder.path(), Some(USER), Some(USER)).unwrap();
        }
        let data = folder.path().join("data");
        let mut command = as_user(&initdb);
        command.arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
            "-U",
            "postgres",
        ]);
        output(&mut command);
        let mut command = as_user(&server);
        command.arg("-D").arg(&data).args(["-F", "-c", "listen_addresses=", "-k"]).arg(folder.path());
        Some(Self { _server: Server::start(&mut command, "ready to accept connections"), client, folder })
    }

    fn run(&self, conforming: &str, script: &str) -> Vec<u8> {
        let script = self.folder.write("script.sql", script);
        let mut command = Command::new(&self.client);
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres"]);
        command.arg("-h").arg(self.folder.path()).arg("-f").arg(script);
        let options = format!("-c standard_conforming_strings={conforming} -c escape_string_warning=off");
        output(command.env("PGOPTIONS", options).env("PGCLIENTENCODING", "UTF8"))
    }
}

const HEX: &str = "'UTF8'), 'hex');\n";

#[test]
fn texts_mean_the_same_under_both_settings() {
    let Some(server) = Postgres::start() else { return };
    let text = |name, before: &str, after: &str, reads| {
        let before: &'static str = format!("SELECT encode(convert_to({before}").leak();
        let after: &'static str = format!("{after}, {HEX}").leak();
        between(name, before, after, reads)
    };
    for (piece, share) in [
        (text("postgres value", "", "", ("", "")), 70),
        (text("postgres operand", "'a' || ", "::text || 'b'", ("a", "b")), 70),
        (text("postgres '…'", "'a''", "''b'", ("a'", "'b")), 50),
        (text("postgres '…', continued", "'a'\n'", "'\n '''b'", ("a", "'b")), 50),
        (text("postgres E'…'", "E'\\x41\\'", "\\\\b'", ("A'", "\\b")), 70),
        (text("postgres E'…', continued", "E'a'\n'", "'\n 'b\\\\'", ("a", "b\\")), 70),
        (text("postgres -- comment", "'a' -- ", "\n", ("a", "")), 50),
        (text("postgres /* */ comment", "/* /* */ ", " */ 'a'", ("a", "")), 50),
        (
            text(
                "postgres name",
                "(SELECT json_object_keys(row_to_json(r)) FROM (SELECT 1 AS \"a\"\"",
                "b\") r)",
                ("a\"", "b"),
            ),
            40,
        ),
    ] {
        let mut filled = filled("sql-postgres", piece, &all_values());
        if piece.name.contains("comment") {
            filled.expected.iter_mut().for_each(|expected| *expected = "a".to_owned());
        }
        for conforming in ["on", "off"] {
            filled.compare("psql", &hex_lines(&server.run(conforming, &filled.text)));
        }
        filled.accepts(share);
    }
}

/// The server compares a password with the hash that it keeps; here it keeps md5 ones,
/// which SQL can make too.
#[test]
fn passwords_of_roles_are_hashed_byte_for_byte() {
    let Some(server) = Postgres::start() else { return };
    let piece = piece("postgres role", "CREATE ROLE uN PASSWORD ", ";\n");
    // A password of the form of a hash is taken for one, and an empty one for none.
    let is_hash = |value: &String| value.starts_with("md5") || value.starts_with("SCRAM-SHA-256$");
    let values: Vec<String> =
        all_values().into_iter().filter(|value| !is_hash(value) && !value.is_empty()).collect();
    for conforming in ["on", "off"] {
        let filled = filled("sql-postgres", piece, &values);
        let mut script = format!("SET password_encryption = 'md5';\nBEGIN;\n{}", filled.text);
        for (n, value) in filled.expected.iter().enumerate() {
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            script.push_str(&format!(
                "SELECT encode(convert_to((rolpassword = 'md5' || md5('\\x{hex}'::bytea || 'u{n}'::bytea))::text, {} \
                 FROM pg_authid WHERE rolname = 'u{n}';\n",
                "'UTF8'), 'hex')"
            ));
        }
        script.push_str("ROLLBACK;\n");
        if conforming == "off" {
            script = script.replace("('\\x", "(E'\\\\x");
        }
        let read = hex_lines(&server.run(conforming, &script));
        filled.expecting_each("true").compare("psql", &read);
        filled.accepts(70);
    }
}

const FRAGMENTS: &[&str] = &[
    " ", " ", " ", "'", "'", "''", "E'", "\"", "||", ",", "a", "1", "-", "--", "\n", "/*", "*/", "$$", "$a$",
    "\\", "\\'", "(", ")", "::text", "AS ", "=", ";", "SELECT ", "U&", "X'",
];

/// Whatever stands around it, a value changes nothing but the text in its place.
#[test]
fn no_value_changes_what_stands_around_it() {
    let Some(server) = Postgres::start() else { return };
    let ask = |sql: &str, conforming: &str| {
        let mut command = Command::new(&server.client);
        command.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", "postgres", "-c", sql, "-h"]);
        let options = format!("-c standard_conforming_strings={conforming} -c escape_string_warning=off");
        command.arg(server.folder.path()).env("PGOPTIONS", options).env("PGCLIENTENCODING", "UTF8");
        let told = command.output().unwrap();
        told.status.success().then(|| String::from_utf8(told.stdout).unwrap())
    };
    let (mut asked, mut taken) = (0, 0);
    for around in [("SELECT ", ";"), ("SELECT '", "';"), ("SELECT E'", "';"), ("SELECT /* ", "*/ 'b';")] {
        let pairs = readable_pairs("sql-postgres", around, FRAGMENTS, 60);
        for conforming in ["on", "off"] {
            asked += pairs.len();
            taken += taken_alike(&pairs, |sql| ask(sql, conforming), str::to_owned);
        }
    }
    counts::templates("sql-postgres", "psql", asked, taken);
    assert!(taken > 60, "only {taken} templates were valid");
}

//! SQL for MariaDB, read back by a mariadbd of its own through the `mariadb` client, under
//! each setting that changes what its strings mean, and from an init file.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::counts;
use super::program::{Folder, Server, find, output};
use super::readback::{Piece, all_values, between, filled, hex_lines, piece};
use super::templates::{readable_pairs, taken_alike};

struct MariaDb {
    _server: Server,
    client: PathBuf,
    folder: Folder,
}

impl MariaDb {
    /// A server with a data directory of its own, that read `init` when it started.
    fn start(init: &str) -> Option<Self> {
        let (server, client) = (find(&["mariadbd"])?, find(&["mariadb"])?);
        let install = find(&["mariadb-install-db"])?;
        let folder = Folder::new();
        let root = nix::unistd::geteuid().is_root();
        let data = format!("--datadir={}/data", folder.path().display());
        let mut command = Command::new(install);
        // a server that starts clears its temporary directory of other servers' tables
        command.env("TMPDIR", folder.path());
        command.args(["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"]);
        let user = if root { &["--user=root"][..] } else { &[] };
        output(command.args(user).stdin(Stdio::null()));
        let mut command = Command::new(server);
        command.env("TMPDIR", folder.path());
        let init = folder.write("init.sql", init);
        command.args(["--no-defaults", &data, "--skip-networking", "--innodb-flush-log-at-trx-commit=0"]);
        command.arg(format!("--socket={}/socket", folder.path().display()));
        command.arg(format!("--pid-file={}/pid", folder.path().display()));
        command.arg(format!("--init-file={}", init.display()));
        command.args(["--character-set-server=utf8mb4"]).args(user);
        Some(Self { _server: Server::start(&mut command, "ready for connections"), client, folder })
    }

    /// What the client prints for a script, without the names of columns.
    fn run(&self, mode: &str, script: &str) -> Vec<u8> {
        self.client(mode, script, &["--skip-column-names"])
    }

    fn client(&self, mode: &str, script: &str, arguments: &[&str]) -> Vec<u8> {
        output(&mut self.command(mode, script, arguments))
    }

    fn command(&self, mode: &str, script: &str, arguments: &[&str]) -> Command {
        let script = std::fs::File::open(self.folder.write("script.sql", script)).unwrap();
        let mut command = Command::new(&self.client);
        command.args(["--no-defaults", "--batch", "--raw", "--default-character-set=utf8mb4"]);
        command.arg(format!("--socket={}/socket", self.folder.path().display()));
        command.arg(format!("--init-command=SET sql_mode='{mode}'"));
        command.args(arguments).stdin(script);
        command
    }
}

/// The settings under which a script has to be read alike.
const MODES: [&str; 3] =
    ["", "NO_BACKSLASH_ESCAPES", "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT"];

#[test]
fn strings_mean_the_same_under_every_setting() {
    let Some(server) = MariaDb::start("") else { return };
    let hex = |name, before, after, reads| between(name, before, after, reads);
    for (piece, share, ansi) in [
        (piece("mariadb value", "SELECT HEX(convert(", " using utf8mb4));\n"), 100, true),
        (hex("mariadb value, operand", "select hex(concat('a', ", ",'b'));\n", ("a", "b")), 100, true),
        (hex("mariadb '…'", "SELECT HEX('a''", " \\\\b');\n", ("a'", " \u{1}b")), 50, true),
        (hex("mariadb \"…\"", "SELECT HEX(\"a'", "\"\"b\");\n", ("a'", "\"b")), 50, false),
        (hex("mariadb # comment", "SELECT HEX('a') # ", "\n;\n", ("a", "")), 50, true),
        (hex("mariadb -- comment", "-- ", "\nSELECT HEX('a');\n", ("a", "")), 50, true),
        (hex("mariadb /* */ comment", "SELECT HEX(/* ", " */ 'a');\n", ("a", "")), 50, true),
    ] {
        let mut read_as = filled("sql-mariadb", piece, &all_values());
        if piece.name.contains("comment") {
            read_as.expected.iter_mut().for_each(|expected| *expected = "a".to_owned());
        }
        for mode in MODES.iter().copied().chain(ansi.then_some("ANSI_QUOTES,NO_BACKSLASH_ESCAPES")) {
            // Two backslashes of the template's own are one or two characters.
            let own = if mode.contains("NO_BACKSLASH_ESCAPES") { "\\\\" } else { "\\" };
            let expected = read_as.expected.iter().map(|text| text.replace(" \u{1}b", &format!(" {own}b")));
            let expected = read_as.expecting(expected.collect());
            expected.compare("mariadb", &hex_lines(&server.run(mode, &read_as.text)));
        }
        read_as.accepts(share);
    }
}

#[test]
fn names_stay_names() {
    let Some(server) = MariaDb::start("") else { return };
    let piece = between("mariadb name", "SELECT * FROM (SELECT N AS `a``", "b`) t;\n", ("a`", "b"));
    let filled = filled("sql-mariadb", piece, &all_values());
    for mode in MODES {
        let printed = server.client(mode, &filled.text, &[]);
        let printed = printed.strip_suffix(b"\n").unwrap();
        let lines: Vec<&[u8]> = printed.split(|byte| *byte == b'\n').collect();
        let (names, numbers): (Vec<_>, Vec<_>) =
            lines.chunks(2).map(|pair| (pair[0].to_vec(), pair[1])).unzip();
        let in_order = numbers.iter().enumerate().all(|(n, number)| n.to_string().as_bytes() == *number);
        assert!(in_order, "each statement gives one row");
        filled.compare("mariadb", &names);
    }
    filled.accepts(40);
}

/// An init file knows no quotes: a statement ends with the line that ends with `;`.
#[test]
fn init_files_are_read_alike() {
    let values: Vec<String> = all_values().into_iter().filter(|value| value.len() < 4_000).collect();
    let rows = |piece: Piece| filled("sql-mariadb", piece, &values);
    let bare = rows(piece("mariadb init file, value", "insert into x.bare values (N, ", ");\n"));
    let quoted = rows(piece("mariadb init file, '…'", "insert into x.quoted values (N, '", "');\n"));
    let noted = rows(piece("mariadb init file, comment", "# ", "\ninsert into x.noted values (N, 'a');\n"));
    let mut init = "SET NAMES utf8mb4;\nCREATE DATABASE x;\n".to_owned();
    for table in ["bare", "quoted", "noted"] {
        init.push_str(&format!(
            "CREATE TABLE x.{table} (n INT PRIMARY KEY, v LONGTEXT CHARACTER SET utf8mb4);\n"
        ));
    }
    // One transaction, or each row is written to the disk.
    init.push_str(&format!("START TRANSACTION;\n{}{}{}COMMIT;\n", bare.text, quoted.text, noted.text));
    let Some(server) = MariaDb::start(&init) else { return };
    let read = |table: &str| hex_lines(&server.run("", &format!("SELECT HEX(v) FROM x.{table} ORDER BY n;")));
    bare.compare("mariadbd", &read("bare"));
    quoted.compare("mariadbd", &read("quoted"));
    noted.expecting_each("a").compare("mariadbd", &read("noted"));
    bare.accepts(100);
    quoted.accepts(50);
    noted.accepts(50);
}

#[test]
fn passwords_of_accounts_are_hashed_byte_for_byte() {
    let Some(server) = MariaDb::start("") else { return };
    let direct = piece("mariadb account", "create user u@`hN` identified by ", ";\n");
    let quoted =
        "set statement sql_mode = '' for execute immediate concat('create user u@hN identified by ', quote(";
    let quoted = piece("mariadb account, by QUOTE", quoted, "));\n");
    for (piece, share, mode) in [
        (direct, 40, ""),
        (direct, 40, "NO_BACKSLASH_ESCAPES"),
        (quoted, 100, ""),
        (quoted, 100, "NO_BACKSLASH_ESCAPES"),
    ] {
        let filled = filled("sql-mariadb", piece, &all_values());
        let mut script = filled.text.clone();
        for (n, value) in filled.expected.iter().enumerate() {
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            script.push_str(&format!(
                "SELECT HEX(CONCAT(authentication_string = PASSWORD(CONVERT(X'{hex}' USING utf8mb4)), '')) \
                 FROM mysql.user WHERE user = 'u' AND host = 'h{n}';\n"
            ));
        }
        for n in 0..filled.expected.len() {
            script.push_str(&format!("DROP USER u@h{n};\n"));
        }
        let read = hex_lines(&server.run(mode, &script));
        filled.expecting_each("1").compare("mariadb", &read);
        filled.accepts(share);
    }
}

const FRAGMENTS: &[&str] = &[
    " ",
    " ",
    " ",
    "'",
    "'",
    "''",
    "\"",
    "\"",
    "`",
    ",",
    "a",
    "1",
    "-",
    "-- ",
    "#",
    "\n",
    "/*",
    "/*!",
    "*/",
    "\\",
    "\\'",
    "(",
    ")",
    "AS ",
    "=",
    ";",
    "SELECT ",
    "N'",
    "X'",
    "_utf8mb4 ",
    "@a",
    "||",
    "\nDELIMITER x\n",
    "concat(",
];

/// Whatever stands around it, a value changes nothing but the text in its place.
#[test]
fn no_value_changes_what_stands_around_it() {
    let Some(server) = MariaDb::start("") else { return };
    let ask = |sql: &str, mode: &str| {
        let told = server.command(mode, sql, &["--skip-column-names"]).output().unwrap();
        told.status.success().then(|| String::from_utf8(told.stdout).unwrap())
    };
    let (mut asked, mut taken) = (0, 0);
    for around in
        [("SELECT ", ";"), ("SELECT '", "';"), ("SELECT \"", "\";"), ("SELECT /* ", "*/ 'b';"), ("", "\n;\n")]
    {
        let pairs = readable_pairs("sql-mariadb", around, FRAGMENTS, 60);
        for mode in MODES {
            asked += pairs.len();
            taken += taken_alike(&pairs, |sql| ask(sql, mode), str::to_owned);
        }
    }
    counts::templates("sql-mariadb", "mariadb", asked, taken);
    assert!(taken > 100, "only {taken} templates were valid");
}

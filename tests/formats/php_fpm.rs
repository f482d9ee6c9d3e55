//! php-fpm's pools, read back in a worker: what a script sees over FastCGI.

use std::process::Command;

use super::counts;
use super::program::{Folder, Server, find, output};
use super::readback::{Filled, Piece, all_values, between, fill, filled, hex_lines, piece};
use super::templates::{readable_pairs, taken_alike};
use super::values;

const SCRIPT: &str = "<?php foreach (explode(' ', $_SERVER['WANTED']) as $name) { \
    echo bin2hex($name[0] === 'K' ? $_SERVER[$name] : ini_get($name)), \"\\n\"; }";

const NAMES: [&str; 5] = ["php-fpm", "php-fpm8.2", "php-fpm8.3", "php-fpm8.4", "php-fpm8.1"];

/// A running php-fpm with its folder.
struct Fpm {
    folder: Folder,
    client: std::path::PathBuf,
    _server: Server,
}

impl Fpm {
    fn start(pools: &str) -> Option<Self> {
        let (fpm, client) = (find(&NAMES)?, find(&["cgi-fcgi"])?);
        let folder = Folder::new();
        folder.write("script.php", SCRIPT);
        let pools = pools.replace("FOLDER", folder.path().to_str().unwrap());
        let config = folder.write("fpm.conf", &format!("[global]\nerror_log = /proc/self/fd/2\n{pools}"));
        let mut command = Command::new(fpm);
        command.args(["-n", "-F", "-O", "-R", "-y"]).arg(config).env("NOTIFY_SOCKET", "");
        let server = Server::start(&mut command, "ready to handle connections");
        Some(Self { folder, client, _server: server })
    }

    /// The values of some variables of the environment (`K…`) or settings, in a pool.
    fn read(&self, pool: &str, wanted: &[String]) -> Vec<Vec<u8>> {
        let socket = self.folder.path().join(format!("{pool}.sock"));
        let mut command = Command::new(&self.client);
        command
            .args(["-bind", "-connect"])
            .arg(socket)
            .env_clear()
            .env("REQUEST_METHOD", "GET")
            .env("SCRIPT_FILENAME", self.folder.path().join("script.php"))
            .env("WANTED", wanted.join(" "));
        let answer = output(&mut command);
        let body = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer with a header") + 4;
        hex_lines(&answer[body..])
    }
}

fn pool(name: &str, settings: &str) -> String {
    let user = if nix::unistd::geteuid().is_root() { "user = root\ngroup = root\n" } else { "" };
    format!(
        "[{name}]\nlisten = FOLDER/{name}.sock\n{user}pm = ondemand\npm.max_children = 1\n\
         php_admin_value[memory_limit] = 512M\n{settings}"
    )
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("K{n}")).collect()
}

fn check(piece: Piece, share: usize) {
    compare(&filled("php-fpm", piece, &all_values()), share);
}

fn compare(filled: &Filled, share: usize) {
    filled.accepts(share);
    let Some(fpm) = Fpm::start(&pool("www", &filled.text)) else { return };
    let mut read = Vec::new();
    // One variable of FastCGI holds no more than 128 kB on its way through the client.
    for names in names(filled.expected.len()).chunks(1000) {
        read.extend(fpm.read("www", names));
    }
    filled.compare("php-fpm", &read);
}

#[test]
fn whole_values_reach_the_worker() {
    check(piece("fpm whole", "env[KN] = ", "\n"), 60);
}

#[test]
fn double_quoted_values_reach_the_worker() {
    check(piece("fpm \"…\"", "env[KN] = \"", "\"\n"), 60);
    check(between("fpm \"…\", between", "env[KN] = \"a\\\\", "{x}\\\"y\"\n", ("a\\", "{x}\"y")), 60);
}

#[test]
fn parts_of_a_value_reach_the_worker() {
    check(between("fpm part", "env[KN] = /run/", ".sock\n", ("/run/", ".sock")), 60);
    check(between("fpm part beside spaces", "env[KN] = -t -f ", " -i\n", ("-t -f ", " -i")), 50);
}

#[test]
fn single_quoted_values_reach_the_worker() {
    check(piece("fpm '…'", "env[KN] = '", "'\n"), 50);
}

#[test]
fn comments_stay_comments() {
    let filled = filled("php-fpm", piece("fpm comment", "; ", "\nenv[KN] = \"N\"\n"), &all_values());
    compare(&filled.expecting_numbers(), 60);
}

/// Settings of php itself, which many pools take a few of each.
#[test]
fn settings_of_php_reach_the_worker() {
    const SETTINGS: &[&str] = &[
        "user_agent",
        "error_prepend_string",
        "error_append_string",
        "arg_separator.output",
        "highlight.string",
        "highlight.comment",
        "highlight.keyword",
        "unserialize_callback_func",
    ];
    let mut pools = String::new();
    let mut expected: Vec<Vec<String>> = Vec::new();
    let (mut taken, mut refused) = (0, 0);
    for (n, values) in values::hostile().chunks(SETTINGS.len()).enumerate() {
        let pieces: Vec<_> =
            SETTINGS.iter().map(|name| (format!("php_admin_value[{name}] = "), "\n".to_owned())).collect();
        let answers = fill("php-fpm", &pieces[..values.len()], values);
        let mut lines = String::new();
        let mut texts = Vec::new();
        for ((piece, answer), value) in pieces.iter().zip(answers).zip(values) {
            match answer {
                Ok(text) => lines.push_str(&format!("{}{text}\n", piece.0)),
                Err(_) => refused += 1,
                // A line that isn't there is read as whatever php's default is.
            }
            texts.push(value.clone());
        }
        taken += lines.lines().count();
        pools.push_str(&pool(&format!("p{n}"), &lines));
        expected.push(
            texts
                .into_iter()
                .enumerate()
                .filter(|(at, _)| lines.contains(&pieces[*at].0))
                .map(|(at, text)| format!("{}\0{text}", SETTINGS[at]))
                .collect(),
        );
    }
    assert!(taken > 200, "most of the known values are taken: {taken}, {refused} refused");
    let Some(fpm) = Fpm::start(&pools) else { return };
    for (n, expected) in expected.iter().enumerate() {
        let (names, texts): (Vec<String>, Vec<&str>) = expected
            .iter()
            .filter_map(|row| row.split_once('\0'))
            .map(|(name, text)| (name.to_owned(), text))
            .unzip();
        if names.is_empty() {
            continue;
        }
        let read = fpm.read(&format!("p{n}"), &names);
        let read: Vec<String> = read.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        assert_eq!(read, texts, "pool {n}: {names:?}");
    }
}

const FRAGMENTS: &[&str] = &[
    " ",
    " ",
    "\"",
    "\"",
    "'",
    "'",
    "\\",
    "\\\"",
    "$",
    "{",
    "}",
    "${",
    "a",
    "x",
    "/",
    "-",
    ":",
    "on",
    "none",
    "1",
    "=",
    ";",
    "\n",
    "\nenv[b] = ",
    "\nenv[b] = \"",
    "\nenv[",
    "]",
    "&",
    "(",
    "!",
    "#",
    "$pool",
    "\nuser = ",
];

/// Whatever stands around it, a value changes nothing but the text in its place: `-tt` shows
/// what php-fpm has read.
#[test]
fn no_value_changes_what_stands_around_it() {
    let Some(fpm) = find(&NAMES) else { return };
    let folder = Folder::new();
    let ask = |text: &str| {
        let config = folder
            .write("fpm.conf", &format!("[global]\nerror_log = /proc/self/fd/2\n{}", pool("www", text)));
        let mut command = Command::new(&fpm);
        let told = command.args(["-n", "-R", "-tt", "-y"]).arg(config).output().unwrap();
        // Each line begins with the time.
        let said = String::from_utf8(told.stderr).unwrap();
        let lines = said.lines().map(|line| line.split_once("] ").map_or(line, |(_, rest)| rest));
        told.status.success().then(|| lines.map(|line| format!("{line}\n")).collect())
    };
    let (mut asked, mut taken) = (0, 0);
    for around in [
        ("env[a] = ", "\nenv[z] = 1\n"),
        ("env[a] = \"", "\"\nenv[z] = 1\n"),
        ("env[a] = '", "'\n"),
        ("; ", "\nenv[z] = 1\n"),
    ] {
        let pairs = readable_pairs("php-fpm", around, FRAGMENTS, 80);
        asked += pairs.len();
        taken += taken_alike(&pairs, ask, str::to_owned);
    }
    counts::templates("php-fpm", "php-fpm -tt", asked, taken);
    assert!(taken > 60, "only {taken} templates were valid");
}

//! `.env` files, read back by dash, bash, busybox ash and python-dotenv.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::program::{Folder, find, output};
use super::readback::{Filled, all_values, between, filled, hex_lines};

const PYTHON: &str = r"
import sys
try: from dotenv import dotenv_values
except ImportError: sys.exit(9)
for value in dotenv_values(sys.argv[1]).values(): print(value.encode().hex())
";

fn check(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    reads: (&'static str, &'static str),
    share: usize,
) {
    let filled = filled("dotenv", between(name, before, after, reads), &all_values());
    compare(&filled);
    filled.accepts(share);
}

fn compare(filled: &Filled) {
    let folder = Folder::new();
    let file = folder.write(".env", &filled.text);
    for (shell, arguments) in [("dash", &[][..]), ("bash", &[]), ("busybox", &["sh"])] {
        sourced(filled, &folder, &file, shell, arguments);
    }
    python(filled, &file);
}

fn sourced(filled: &Filled, folder: &Folder, file: &Path, shell: &str, arguments: &[&str]) {
    let Some(shell) = find(&[shell]) else { return };
    let mut script = format!(". {}\n", file.display());
    for n in 0..filled.expected.len() {
        writeln!(script, "printf '%s\\0' \"$V{n}\"").unwrap();
    }
    let script = folder.write("print.sh", &script);
    let read = output(Command::new(shell).args(arguments).arg(script).env_clear().env("LC_ALL", "C.UTF-8"));
    let mut read: Vec<Vec<u8>> = read.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    read.pop();
    filled.compare(&read);
}

fn python(filled: &Filled, file: &Path) {
    let Some(python) = find(&["python3"]) else { return };
    let mut command = Command::new(python);
    command.args(["-X", "utf8", "-c", PYTHON]).arg(file);
    if command.output().unwrap().status.code() == Some(9) {
        let required = std::env::var("CASTOFF_REQUIRE_PARSERS").is_ok_and(|value| value == "1");
        assert!(!required, "python-dotenv is not installed, and CASTOFF_REQUIRE_PARSERS is 1");
        return eprintln!("skipped: python-dotenv is not installed");
    }
    filled.compare(&hex_lines(&output(&mut command)));
}

#[test]
fn values_are_read_alike_or_refused() {
    check(".env value", "VN=", "\n", ("", ""), 30);
    check(".env exported value", "# c\n\nexport VN=", " # c\n", ("", ""), 30);
}

#[test]
fn parts_are_read_alike_or_refused() {
    check(".env part", "VN=http://", "/x\n", ("http://", "/x"), 1);
}

#[test]
fn quoted_values_are_read_alike_or_refused() {
    check(".env '…'", "VN='a ", " b'\n", ("a ", " b"), 30);
    check(".env \"…\"", "VN=\"a ", " b\"\n", ("a ", " b"), 30);
}

#[test]
fn comments_stay_comments() {
    let filled = filled("dotenv", between(".env comment", "VN=x # ", "\n", ("", "")), &all_values());
    let read = Filled { expected: vec!["x".to_owned(); filled.expected.len()], ..filled };
    compare(&read);
    read.accepts(60);
}

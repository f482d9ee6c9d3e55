//! `.env` files, read back by dash, bash, busybox ash, python-dotenv and, where it is installed,
//! docker compose.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::program::{Folder, find, output, python_with};
use super::readback::{Filled, all_values, between, filled, hex_lines};

const PYTHON: &str = r"
import sys
from dotenv import dotenv_values
for value in dotenv_values(sys.argv[1]).values(): print(value.encode().hex())
";

const COMPOSE: &str = r"
import sys, yaml
loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
values = yaml.load(open(sys.argv[1], encoding='utf-8'), loader)['services']['s'].get('environment') or {}
for n in range(len(values)): print(str(values[f'V{n}']).replace('$$', '$').encode().hex())
";

fn check(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    reads: (&'static str, &'static str),
    share: usize,
) {
    let (piece, mut values) = (between(name, before, after, reads), all_values());
    let all = filled("dotenv", piece, &values);
    compare(&all);
    all.accepts(share);
    // What docker-compose prints has these as line breaks, which YAML folds.
    values.retain(|value| !value.contains(['\u{85}', '\u{2028}', '\u{2029}']));
    compose(&filled("dotenv", piece, &values));
}

fn compare(filled: &Filled) {
    let folder = Folder::new();
    let file = folder.write(".env", &filled.text);
    for (shell, arguments) in [("dash", &[][..]), ("bash", &[]), ("busybox", &["sh"])] {
        sourced(filled, &folder, &file, shell, arguments);
    }
    python(filled, &file);
}

/// What compose makes of an `env_file`. It prints YAML, in which it doubles each `$`.
fn compose(filled: &Filled) {
    let (Some(mut command), Some(python)) = (docker_compose(), python_with("yaml")) else { return };
    let folder = Folder::new();
    let file = folder.write(".env", &filled.text);
    let service = format!("services:\n  s:\n    image: x\n    env_file: {}\n", file.display());
    let project = folder.write("compose.yml", &format!("version: '3'\n{service}"));
    let told = output(command.arg("-f").arg(project).arg("config").current_dir(folder.path()));
    let told = folder.write("told.yml", std::str::from_utf8(&told).unwrap());
    let read = output(Command::new(python).args(["-X", "utf8", "-c", COMPOSE]).arg(told));
    filled.compare("docker compose", &hex_lines(&read));
}

/// The plugin of docker, or the program that came before it; few machines have one of them.
fn docker_compose() -> Option<Command> {
    for (program, arguments) in [("docker", &["compose"][..]), ("docker-compose", &[])] {
        let mut command = Command::new(program);
        let version = command.args(arguments).arg("version").output();
        if version.is_ok_and(|output| output.status.success()) {
            let mut command = Command::new(program);
            command.args(arguments);
            return Some(command);
        }
    }
    eprintln!("skipped: docker compose is not installed");
    None
}

fn sourced(filled: &Filled, folder: &Folder, file: &Path, shell: &str, arguments: &[&str]) {
    let name = [&[shell], arguments].concat().join(" ");
    let Some(shell) = find(&[shell]) else { return };
    let mut script = format!(". {}\n", file.display());
    for n in 0..filled.expected.len() {
        writeln!(script, "printf '%s\\0' \"$V{n}\"").unwrap();
    }
    let script = folder.write("print.sh", &script);
    let read = output(Command::new(shell).args(arguments).arg(script).env_clear().env("LC_ALL", "C.UTF-8"));
    let mut read: Vec<Vec<u8>> = read.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    read.pop();
    filled.compare(&name, &read);
}

fn python(filled: &Filled, file: &Path) {
    let Some(python) = python_with("dotenv") else { return };
    let mut command = Command::new(python);
    command.args(["-X", "utf8", "-c", PYTHON]).arg(file);
    filled.compare("python-dotenv", &hex_lines(&output(&mut command)));
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
    let read = filled.expecting_each("x");
    compare(&read);
    read.accepts(60);
}

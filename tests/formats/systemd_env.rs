//! Environment files of systemd, read back by systemd's own parser.
//!
//! A manager isn't needed for that: the generator that reads `environment.d` uses the same
//! parser. It differs in two ways, which the test evens out: it expands `$` afterwards, so
//! each is doubled here, and it drops variables with an empty value, so these are left out.

use std::process::Command;

use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, all_values, between, filled, piece};

const GENERATORS: &str = "/usr/lib/systemd/user-environment-generators";

fn values() -> Vec<String> {
    let mut values = all_values();
    values.retain(|value| !value.is_empty());
    values
}

/// What the generator prints for the variables `VN`, whose quotes and escapes are C's.
fn read(text: &str) -> Option<Vec<Vec<u8>>> {
    let generator = find(&[&format!("{GENERATORS}/30-systemd-environment-d-generator")])?;
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("environment.d")).unwrap();
    folder.write("environment.d/test.conf", &text.replace('$', "$$"));
    let mut command = Command::new(generator);
    command.env_clear().env("XDG_CONFIG_HOME", folder.path()).env("HOME", "/nonexistent");
    let printed = output(&mut command);
    let lines = printed.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"V"));
    let mut read: Vec<(usize, Vec<u8>)> = lines
        .map(|line| {
            let equals = line.iter().position(|byte| *byte == b'=').unwrap();
            let number = std::str::from_utf8(&line[1..equals]).unwrap().parse().unwrap();
            (number, unquoted(&line[equals + 1..]))
        })
        .collect();
    // It prints no order that is of use.
    read.sort();
    Some(read.into_iter().map(|(_, value)| value).collect())
}

fn unquoted(text: &[u8]) -> Vec<u8> {
    let Some(text) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return text.to_vec();
    };
    let mut bytes = text.iter().copied();
    let mut value = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        value.push(match bytes.next().unwrap() {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            first @ b'0'..=b'3' => {
                let mut digit = || bytes.next().unwrap() - b'0';
                (first - b'0') * 64 + digit() * 8 + digit()
            }
            other => other,
        });
    }
    value
}

fn check(piece: Piece, share: usize) {
    let filled = filled("systemd-env", piece, &values());
    compare(&filled);
    filled.accepts(share);
}

fn compare(filled: &Filled) {
    if let Some(read) = read(&filled.text) {
        filled.compare("systemd", &read);
    }
}

#[test]
fn values_are_read_alike_or_refused() {
    check(piece("systemd-env value", "VN=", "\n"), 80);
    check(between("systemd-env \"…\"", "VN=\"a ", " b\"\r\n", ("a ", " b")), 80);
    check(between("systemd-env '…'", " VN = 'a ", " b' \n", ("a ", " b")), 50);
}

#[test]
fn parts_are_read_alike_or_refused() {
    check(between("systemd-env part", "VN=http://", "/x\n", ("http://", "/x")), 50);
    check(between("systemd-env first part", "VN=", "/x # y\n", ("", "/x # y")), 50);
    check(between("systemd-env last part", "VN=x ;", "\n", ("x ;", "")), 50);
}

#[test]
fn comments_stay_comments() {
    for (name, before) in [("systemd-env # comment", "VN=x\n# "), ("systemd-env ; comment", "VN=x\n ;")] {
        let filled = filled("systemd-env", piece(name, before, "\n"), &values());
        let read = filled.expecting_each("x");
        compare(&read);
        read.accepts(50);
    }
}

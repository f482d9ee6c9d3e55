//! Option files of MariaDB, read back by my_print_defaults.

use std::process::Command;

use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, all_values, between, filled, piece};

const READER: &str = "my_print_defaults";

fn values() -> Vec<String> {
    let mut values = all_values();
    values.extend(["à", "xà", "!include /x", "a\u{b}"].map(str::to_owned));
    values
}

/// The values that the program prints for group `g`, split at the line `mark` of each.
fn read(text: &str, count: usize, mark: impl Fn(usize) -> String) -> Option<Vec<Vec<u8>>> {
    let program = find(&[READER])?;
    let folder = Folder::new();
    let file = folder.write("my.cnf", text);
    let printed = output(Command::new(program).arg(format!("--defaults-file={}", file.display())).arg("g"));
    let printed = String::from_utf8(printed).unwrap();
    let mut rest = &printed[..];
    let mut read = Vec::new();
    if count > 0 {
        rest = rest.strip_prefix(&mark(0)[1..]).unwrap();
    }
    for n in 1..=count {
        let next = if n < count { mark(n) } else { "\n--end=1\n".to_owned() };
        let (value, after) =
            rest.split_once(&next).unwrap_or_else(|| panic!("option {n} is missing: {rest:.200}"));
        read.push(value.as_bytes().to_vec());
        rest = after;
    }
    assert_eq!(rest, "", "nothing else is read");
    Some(read)
}

fn check(piece: Piece, share: usize) {
    let filled = filled("mycnf", piece, &values());
    compare(&filled, |n| format!("\n--v{n}="));
    filled.accepts(share);
}

fn compare(filled: &Filled, mark: impl Fn(usize) -> String) {
    let text = format!("[g]\n{}\n[g]\nend=1\n", filled.text);
    if let Some(read) = read(&text, filled.expected.len(), mark) {
        filled.compare(READER, &read);
    }
}

#[test]
fn bare_holes_take_what_fits_on_a_line() {
    check(piece("my.cnf value", "vN=", "\n"), 80);
    check(piece("my.cnf value before a comment", " vN = ", " # it's \"c\n"), 80);
}

#[test]
fn quoted_values_are_read_alike_or_refused() {
    check(between("my.cnf \"…\"", "vN=\"a ", " b\" # c\n", ("a ", " b")), 80);
    check(between("my.cnf '…'", "vN='", "'\r\n", ("", "")), 80);
}

#[test]
fn parts_are_read_alike_or_refused() {
    check(between("my.cnf part", "vN=http://", "/x\n", ("http://", "/x")), 30);
    check(between("my.cnf first part", "vN=", "/x y # c\n", ("", "/x y")), 30);
    check(between("my.cnf last part", "vN=x ;", "\n", ("x ;", "")), 30);
}

#[test]
fn names_are_read_alike_or_refused() {
    let options = filled("mycnf", piece("my.cnf option", "", "=K\n"), &values());
    compare_names(&options, |name| format!("\n--{name}=K"));
    let groups = filled("mycnf", piece("my.cnf group", "[", "]\nx=1\n"), &values());
    let Some(program) = find(&[READER]) else { return };
    let folder = Folder::new();
    let file = folder.write("my.cnf", &groups.text);
    // The programs ignore the case of a group's name.
    for name in &groups.expected {
        let argument = format!("--defaults-file={}", file.display());
        let read = output(Command::new(&program).args([&argument, "--", name]));
        let times = groups.expected.iter().filter(|other| other.eq_ignore_ascii_case(name)).count();
        assert_eq!(String::from_utf8(read).unwrap(), "--x=1\n".repeat(times), "{name}");
    }
    groups.count(READER);
}

fn compare_names(options: &Filled, line: impl Fn(&str) -> String) {
    let Some(program) = find(&[READER]) else { return };
    let folder = Folder::new();
    let file = folder.write("my.cnf", &format!("[g]\n{}", options.text));
    let read = output(Command::new(program).arg(format!("--defaults-file={}", file.display())).arg("g"));
    let expected: String = options.expected.iter().map(|name| line(name)).collect();
    assert_eq!(String::from_utf8(read).unwrap().trim_end(), expected.trim_start());
    options.count(READER);
}

#[test]
fn included_files_are_those_that_were_named() {
    let Some(program) = find(&[READER]) else { return };
    let folder = Folder::new();
    let before: &'static str = Box::leak(format!("!include {}/f_", folder.path().display()).into_boxed_str());
    let included = filled("mycnf", piece("my.cnf !include", before, "\n"), &values());
    let mut expected = String::new();
    for name in included.expected.iter().filter(|name| !name.contains('/')) {
        folder.write(&format!("f_{name}"), &format!("[g]\nname={name}\n"));
        expected.push_str(&format!("--name={name}\n"));
    }
    let text: String = included
        .text
        .lines()
        .filter(|line| !line.trim_start_matches(before).contains('/'))
        .map(|line| format!("{line}\n"))
        .collect();
    let file = folder.write("my.cnf", &text);
    let read = output(Command::new(program).arg(format!("--defaults-file={}", file.display())).arg("g"));
    assert_eq!(String::from_utf8(read).unwrap(), expected);
    assert!(expected.lines().count() > 10, "some names are taken");
}

#[test]
fn comments_stay_comments() {
    for (name, before) in [("my.cnf comment", "vN=x # "), ("my.cnf comment line", "vN=x\n;")] {
        let filled = filled("mycnf", piece(name, before, "\n"), &values());
        let read = filled.expecting_each("x");
        compare(&read, |n| format!("\n--v{n}="));
        read.accepts(40);
    }
}

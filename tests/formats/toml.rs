//! TOML, read back by Python's tomllib and the toml crate.

use std::process::Command;

use toml::de::{DeTable, DeValue};

use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, between, filled, hex_lines, piece};
use super::values;

/// Prints each value but 7, and each key of `true` or of a table of one `x = false`.
const PYTHON: &str = r"
import sys
try: import tomllib
except ImportError: sys.exit(9)
def walk(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if item is True or item == {'x': False}: print(key.encode().hex())
            else: walk(item)
    elif isinstance(value, list):
        for item in value: walk(item)
    elif value != 7: print(value.encode().hex())
walk(tomllib.load(open(sys.argv[1], 'rb')))
";

fn values() -> Vec<String> {
    let mut values = values::hostile();
    values.extend(values::harmless());
    values.extend(values::generated(values::seed(), 5_000));
    values
}

fn check(piece: Piece, share: usize) {
    let filled = filled("toml", piece, &values());
    compare(&filled);
    filled.accepts(share);
}

fn compare(filled: &Filled) {
    if let Some(read) = python(&filled.text) {
        filled.compare(&read);
    }
    let document = DeTable::parse(&filled.text).unwrap_or_else(|error| panic!("{}: {error}", filled.name));
    let mut read = Vec::new();
    walk(&DeValue::Table(document.into_inner()), &mut read);
    // This reader sorts its tables, so order says nothing here.
    let mut expected: Vec<Vec<u8>> = filled.expected.iter().map(|text| text.clone().into_bytes()).collect();
    expected.sort();
    read.sort();
    assert!(read == expected, "{}: the toml crate reads something else", filled.name);
}

fn python(text: &str) -> Option<Vec<Vec<u8>>> {
    let python = find(&["python3"])?;
    let folder = Folder::new();
    let file = folder.write("values.toml", text);
    let mut command = Command::new(python);
    command.args(["-X", "utf8", "-c", PYTHON]).arg(file);
    if command.output().unwrap().status.code() == Some(9) {
        let required = std::env::var("CASTOFF_REQUIRE_PARSERS").is_ok_and(|value| value == "1");
        assert!(!required, "python3 has no tomllib, and CASTOFF_REQUIRE_PARSERS is 1");
        eprintln!("skipped: python3 has no tomllib");
        return None;
    }
    Some(hex_lines(&output(&mut command)))
}

fn walk(value: &DeValue<'_>, read: &mut Vec<Vec<u8>>) {
    match value {
        DeValue::Table(table) => {
            for (key, item) in table {
                let is_mark = item.get_ref().as_bool() == Some(true)
                    || item.get_ref().get("x").and_then(|x| x.get_ref().as_bool()) == Some(false);
                if is_mark {
                    read.push(key.get_ref().as_bytes().to_vec());
                } else {
                    walk(item.get_ref(), read);
                }
            }
        }
        DeValue::Array(items) => items.iter().for_each(|item| walk(item.get_ref(), read)),
        DeValue::Integer(_) => {}
        DeValue::String(text) => read.push(text.as_bytes().to_vec()),
        other => panic!("{} where text was due", other.type_str()),
    }
}

#[test]
fn bare_holes_take_every_text() {
    check(piece("toml value", "vN = ", "\n"), 100);
    check(piece("toml in an array", "vN = [ 7, # c\n ", ",\n]\n"), 100);
    check(piece("toml in an inline table", "vN = { a = {b = 7}, c.d = ", " }\n"), 100);
    check(piece("toml in a table", "[[t.\"x y\"]]\nv = ", " # c\n"), 100);
}

#[test]
fn keys_take_every_text() {
    check(piece("toml key", "[vN]\n", " = true\n"), 100);
    check(piece("toml quoted key", "[vN]\na.\"", "\" = true\n"), 100);
    check(piece("toml key of a header", "[vN.", "]\nx = false\n"), 100);
}

#[test]
fn strings_are_read_alike_or_refused() {
    check(between("toml \"…\"", "vN = \"a\\t ", " b\"\n", ("a\t ", " b")), 100);
    check(between("toml \"\"\"…\"\"\"", "vN = \"\"\"", "\nb\"\"\"\n", ("", "\nb")), 100);
    check(between("toml \"\"\" beside quotes", "vN = \"\"\"a\"\"", "\"\"\"\"\"\n", ("a\"\"", "\"\"")), 95);
    check(between("toml \"\"\" after \\", "vN = \"\"\"a\\ \n  ", " b\"\"\"\n", ("a", " b")), 95);
    check(between("toml '…'", "vN = '", " b'\n", ("", " b")), 40);
    check(between("toml '''…'''", "vN = '''", " \n'''\n", ("", " \n")), 40);
    check(between("toml ''' beside quotes", "vN = '''''", "'\n'''\n", ("''", "'\n")), 30);
}

#[test]
fn parts_of_keys_are_read_alike_or_refused() {
    check(between("toml part of a key", "[vN]\nk_", " = true\n", ("k_", "")), 1);
}

#[test]
fn comments_stay_comments() {
    let filled = filled("toml", piece("toml comment", "vN = \"x\" # ", "\n"), &values());
    let read = Filled { expected: vec!["x".to_owned(); filled.expected.len()], ..filled };
    compare(&read);
    read.accepts(40);
}

//! TOML, read back by Python's tomllib and the toml crate.

use std::process::Command;

use castoff::format::{Literal, Skeleton, by_name};
use toml::de::{DeTable, DeValue};

use super::program::{Folder, output, python_with};
use super::readback::{Filled, Piece, all_values, between, filled, hex_lines, piece};

/// Prints each value but 7, and each key of `true` or of a table of one `x = false`.
const PYTHON: &str = r"
import sys, tomllib
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

fn check(piece: Piece, share: usize) {
    let filled = filled("toml", piece, &all_values());
    compare(&filled);
    filled.accepts(share);
}

fn compare(filled: &Filled) {
    if let Some(read) = python(&filled.text) {
        filled.compare("tomllib", &read);
    }
    let document = DeTable::parse(&filled.text).unwrap_or_else(|error| panic!("{}: {error}", filled.name));
    let mut read = Vec::new();
    walk(&DeValue::Table(document.into_inner()), &mut read);
    // This reader sorts its tables, so order says nothing here.
    let mut expected: Vec<Vec<u8>> = filled.expected.iter().map(|text| text.clone().into_bytes()).collect();
    expected.sort();
    read.sort();
    assert!(read == expected, "{}: the toml crate reads something else", filled.name);
    filled.count("the toml crate");
}

fn python(text: &str) -> Option<Vec<Vec<u8>>> {
    let python = python_with("tomllib")?;
    let folder = Folder::new();
    let file = folder.write("values.toml", text);
    Some(hex_lines(&output(Command::new(python).args(["-X", "utf8", "-c", PYTHON]).arg(file))))
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
    let filled = filled("toml", piece("toml comment", "vN = \"x\" # ", "\n"), &all_values());
    let read = filled.expecting_each("x");
    compare(&read);
    read.accepts(40);
}

#[test]
fn other_types_keep_their_type() {
    let text = |text: &str| Literal::Text(text.to_owned());
    let values = [
        (Literal::Bool(true), "True"),
        (Literal::Int(-5), "-5"),
        (Literal::Int(i64::MIN.into()), "-9223372036854775808"),
        (Literal::Int(i64::MAX.into()), "9223372036854775807"),
        (Literal::Float(1.0), "1.0"),
        (Literal::Float(-0.0), "-0.0"),
        (Literal::Float(0.1 + 0.2), "0.30000000000000004"),
        (Literal::Float(1e300), "1e+300"),
        (Literal::Float(5e-324), "5e-324"),
        (Literal::Float(f64::INFINITY), "inf"),
        (Literal::Float(f64::NEG_INFINITY), "-inf"),
        (Literal::Float(f64::NAN), "nan"),
        (text("1"), "'1'"),
        (Literal::List(vec![text("no"), Literal::Int(1), Literal::List(vec![])]), "['no', 1, []]"),
        (
            Literal::Map(vec![("a.b".into(), Literal::Map(vec![("".into(), Literal::Float(2.0))]))]),
            "{'a.b': {'': 2.0}}",
        ),
    ];
    let mut skeleton = Skeleton::default();
    for n in 0..values.len() {
        skeleton.push_text(&format!("v{n} = "));
        skeleton.push_hole();
        skeleton.push_text("\n");
    }
    let literals: Vec<Literal> = values.iter().map(|(value, _)| value.clone()).collect();
    let fillings = (by_name("toml").unwrap().fill)(&skeleton, &literals);
    let lines =
        fillings.iter().enumerate().map(|(n, filling)| format!("v{n} = {}\n", filling.as_ref().unwrap()));
    let Some(python) = python_with("tomllib") else { return };
    let folder = Folder::new();
    let file = folder.write("values.toml", &lines.collect::<String>());
    let script =
        "import sys, tomllib\nfor v in tomllib.load(open(sys.argv[1], 'rb')).values(): print(repr(v))";
    let read = String::from_utf8(output(Command::new(python).args(["-c", script]).arg(file))).unwrap();
    assert_eq!(read.lines().collect::<Vec<_>>(), values.map(|(_, read)| read));
}

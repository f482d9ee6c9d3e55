//! YAML, read back by PyYAML (YAML 1.1), its libyaml, and ruamel.yaml (YAML 1.2).

use std::process::Command;

use castoff::format::{Literal, Skeleton, by_name};

use super::program::{Folder, output, python_with};
use super::readback::{Filled, Piece, all_values, between, filled, hex_lines, piece};

/// Prints each value but 7, and each key of `true`.
const PYTHON: &str = r"
import sys
text = open(sys.argv[2], 'rb').read()
if sys.argv[1] == 'yaml.SafeLoader': import yaml; value = yaml.load(text, yaml.SafeLoader)
elif sys.argv[1] == 'yaml.CSafeLoader': import yaml; value = yaml.load(text, yaml.CSafeLoader)
else:
    from ruamel.yaml import YAML
    value = YAML(typ='safe', pure=True).load(text)
def walk(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if item is True: print(key.encode().hex())
            else: walk(item)
    elif isinstance(value, list):
        for item in value: walk(item)
    elif value != 7: print((value if len(sys.argv) < 4 else repr(value)).encode().hex())
walk(value)
";

/// The readers, and the module that each needs.
const READERS: [(&str, &str); 3] =
    [("yaml.SafeLoader", "yaml"), ("yaml.CSafeLoader", "yaml"), ("ruamel", "ruamel.yaml")];

fn values() -> Vec<String> {
    let mut values = all_values();
    values.extend(["<<", "12:30:45", "2001-12-14", "1_000", "0o17", ".inf", "---", "..."].map(str::to_owned));
    values
}

fn check(piece: Piece, share: usize) {
    let filled = filled("yaml", piece, &values());
    compare(&filled);
    filled.accepts(share);
}

fn compare(filled: &Filled) {
    let folder = Folder::new();
    let file = folder.write("values.yaml", &filled.text);
    for (reader, module) in READERS {
        let Some(python) = python_with(module) else { continue };
        let mut command = Command::new(python);
        command.args(["-X", "utf8", "-c", PYTHON, reader]).arg(&file);
        filled.compare(reader, &hex_lines(&output(&mut command)));
    }
}

#[test]
fn bare_holes_take_every_text() {
    check(piece("yaml value", "vN: ", "\n"), 100);
    check(piece("yaml in a sequence", "-\n  - a: 7\n    b: !!str ", " # c\n"), 100);
    check(piece("yaml in a flow collection", "- [ 7, {a: ", ", 'b': 7} ]\n"), 100);
    check(piece("yaml on a line of its own", "vN:\n  ", "\n"), 100);
}

#[test]
fn keys_take_every_text_that_is_not_too_long() {
    check(piece("yaml key", "- ", ": true\n"), 98);
    check(piece("yaml flow key", "- {7: 7, ", ": true}\n"), 98);
}

#[test]
fn double_quotes_take_every_text() {
    check(between("yaml \"…\"", "- \"a\\t ", " b\"\n", ("a\t ", " b")), 100);
    check(between("yaml \"…\" of several lines", "- \"a\n  ", "\n  b\"\n", ("a ", " b")), 95);
}

#[test]
fn single_quotes_are_read_alike_or_refused() {
    check(between("yaml '…'", "- '", " ''b'\n", ("", " 'b")), 50);
    check(between("yaml '…' of several lines", "- 'a\n  ", "\n  b'\n", ("a ", " b")), 40);
}

#[test]
fn parts_are_read_alike_or_refused() {
    check(between("yaml part", "- http://", "/x\n", ("http://", "/x")), 2);
    check(between("yaml first part", "- ", "/x y\n", ("", "/x y")), 2);
    check(between("yaml flow part", "- [key-", ", 7]\n", ("key-", "")), 2);
    check(between("yaml part of a key", "- key-", ": true\n", ("key-", "")), 2);
}

#[test]
fn blocks_are_read_alike_or_refused() {
    check(between("yaml |", "- |\n  ", "\n", ("", "\n")), 40);
    check(between("yaml | with text", "- a: |2-\n    x ", " y\n    z\n", ("x ", " y\nz")), 50);
    check(between("yaml | second line", "- |+\n\n  x\n  ", "\n\n", ("\nx\n", "\n\n")), 40);
    check(between("yaml >", "- >\n  ", "\n  x\n", ("", " x\n")), 40);
    check(between("yaml > with text", "- >-\n  x ", ".\n", ("x ", ".")), 40);
}

#[test]
fn comments_stay_comments() {
    let filled = filled("yaml", piece("yaml comment", "- x # ", "\n"), &values());
    let read = filled.expecting_each("x");
    compare(&read);
    read.accepts(50);
}

#[test]
fn other_types_keep_their_type() {
    let list = Literal::List(vec![Literal::Text("no".into()), Literal::Int(1)]);
    let map = Literal::Map(vec![("1".into(), list.clone()), ("~".into(), Literal::Text("~".into()))]);
    let values = [
        (Literal::None, "None"),
        (Literal::Bool(false), "False"),
        (Literal::Int(-5), "-5"),
        (Literal::Float(1.0), "1.0"),
        (Literal::Float(1e300), "1e+300"),
        (Literal::Float(1.5e-9), "1.5e-09"),
        (Literal::Float(f64::INFINITY), "inf"),
        (Literal::List(vec![list, map, Literal::List(vec![]), Literal::Map(vec![])]), "'no' 1 'no' 1 '~'"),
    ];
    let mut skeleton = Skeleton::default();
    for _ in &values {
        skeleton.push_text("- ");
        skeleton.push_hole();
        skeleton.push_text("\n");
    }
    let literals: Vec<Literal> = values.iter().map(|(value, _)| value.clone()).collect();
    let fillings = (by_name("yaml").unwrap().fill)(&skeleton, &literals);
    let text: String = fillings.iter().map(|filling| format!("- {}\n", filling.as_ref().unwrap())).collect();
    let expected = values.map(|(_, read)| read).join(" ");
    let folder = Folder::new();
    let file = folder.write("values.yaml", &text);
    for (reader, module) in READERS {
        let Some(python) = python_with(module) else { continue };
        let read = output(Command::new(python).args(["-c", PYTHON, reader]).arg(&file).arg("types"));
        let read: Vec<String> =
            hex_lines(&read).into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
        assert_eq!(read.join(" "), expected, "{reader}");
    }
}

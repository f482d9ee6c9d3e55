//! JSON, read back by python and php.

use std::process::Command;

use super::counts::{self, Refusals};
use super::program::{Folder, find, output};
use super::readback::{all_values, fill, hex_lines};

const PYTHON: &str = r"
import json, sys
for pair in json.load(open(sys.argv[1], encoding='utf-8')):
    for text in (pair if isinstance(pair, list) else next(iter(pair.items()))): print(text.encode().hex())
";
const PHP: &str = r#"
foreach (json_decode(file_get_contents($argv[1]), true, 512, JSON_THROW_ON_ERROR) as $pair)
    foreach ($argv[2] === "map" ? [(string) key($pair), current($pair)] : $pair as $text) echo bin2hex($text), "\n";
"#;

/// One document with a copy of `before ● middle ● after` for each value, which stands in both holes.
fn check(before: &str, middle: &str, after: &str, reads: fn(&str) -> [String; 2]) {
    let values = all_values();
    let (mut pieces, mut twice) = (Vec::new(), Vec::new());
    for value in &values {
        let start = if pieces.is_empty() { "[" } else { "" };
        pieces.push((format!("{start}{before}"), middle.to_owned()));
        pieces.push((String::new(), format!("{after},\n")));
        twice.extend([value.clone(), value.clone()]);
    }
    let fillings = fill("json", &pieces, &twice);
    let mut document = String::new();
    for ((before, after), filling) in pieces.iter().zip(fillings) {
        document.push_str(before);
        document.push_str(&filling.expect("JSON can hold any text"));
        document.push_str(after);
    }
    let document = document.trim_end_matches(",\n").to_owned() + "]";
    let expected: Vec<Vec<u8>> =
        values.iter().flat_map(|value| reads(value)).map(String::into_bytes).collect();
    let kind = if before.starts_with('{') { "map" } else { "list" };
    let folder = Folder::new();
    let file = folder.write("values.json", &document);
    for (name, arguments) in [("python3", &["-c", PYTHON][..]), ("php", &["-n", "-r", PHP, "--"])] {
        let Some(program) = find(&[name]) else { continue };
        let read = hex_lines(&output(Command::new(program).args(arguments).arg(&file).arg(kind)));
        assert_eq!(read.len(), expected.len());
        assert!(read == expected, "{before}●{middle}●{after} is read as something else");
        counts::values(
            "json",
            &format!("json {before}●{middle}●{after}"),
            name,
            expected.len(),
            &Refusals::default(),
        );
    }
}

#[test]
fn values_and_strings_take_every_text() {
    check("[", ", \"a", "\\\"b\"]", |value| [value.to_owned(), format!("a{value}\"b")]);
}

#[test]
fn keys_take_every_text() {
    check("{\"k", "\": ", "}", |value| [format!("k{value}"), value.to_owned()]);
    check("{", ": \"", "\"}", |value| [value.to_owned(), value.to_owned()]);
}

//! The filter `url`, against Python's `urllib.parse`: it quotes alike, and what it quotes
//! is a component that parses back to the value.

use std::process::Command;

use super::counts::{self, Refusals};
use super::program::{Folder, find, output};
use super::readback::{all_values, hex_lines};
use super::values;

const PYTHON: &str = r"
import json, sys
from urllib.parse import quote, unquote, urlsplit
for value, quoted in json.load(open(sys.argv[1])):
    assert quoted == quote(value, safe=''), (value[:100], quoted[:100])
    url = urlsplit(f'mysql://{quoted}:{quoted}@db:3306/{quoted}?a={quoted}#{quoted}')
    assert (url.hostname, url.port) == ('db', 3306), value[:100]
    for part in url.username or '', url.password or '', url.path[1:], url.query[2:], url.fragment:
        assert part == quoted, (value[:100], part[:100])
    print(unquote(quoted).encode().hex())
";

#[test]
fn components_come_back_from_a_url() {
    let Some(python) = find(&["python3"]) else { return };
    let values = all_values();
    let engine = castoff::expression::engine();
    let template = engine.template_from_str("{{ v | url }}").unwrap();
    let quoted = values.iter().map(|v| template.render(minijinja::context! { v }).unwrap());
    let pairs: Vec<(&String, String)> = values.iter().zip(quoted).collect();
    let folder = Folder::new();
    let file = folder.write("pairs.json", &serde_json::to_string(&pairs).unwrap());
    let read = hex_lines(&output(Command::new(python).args(["-X", "utf8", "-c", PYTHON]).arg(file)));
    assert_eq!(read.len(), values.len());
    for (value, read) in values.iter().zip(read) {
        assert!(value.as_bytes() == &read[..], "seed {}: {value:?} came back changed", values::seed());
    }
    counts::values("url", "the filter url", "urllib.parse", values.len(), &Refusals::default());
}

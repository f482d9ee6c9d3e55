//! php.ini, read back by php: through `parse_ini_file`, and as php's own settings.

use std::process::Command;

use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, all_values, between, filled, hex_lines, piece};

/// Through the scanner, in the mode that php reads its own settings in.
const PARSE: &str = "$r = parse_ini_file($argv[1], false, INI_SCANNER_NORMAL); \
    if ($r === false) exit(9); foreach ($r as $v) { echo bin2hex($v), \"\\n\"; }";

/// Through `php -c`.
const OWN: &str = "for ($n = 0; $n < $argv[1]; $n++) { echo bin2hex(get_cfg_var(\"castoff.$n\")), \"\\n\"; }";

fn parsed(php: &std::path::Path, text: &str) -> Vec<Vec<u8>> {
    let folder = Folder::new();
    let file = folder.write("values.ini", text);
    hex_lines(&output(Command::new(php).args(["-n", "-r", PARSE]).arg(file)))
}

fn own(php: &std::path::Path, filled: &Filled) -> Vec<Vec<u8>> {
    let folder = Folder::new();
    let file = folder.write("php.ini", &filled.text);
    let mut command = Command::new(php);
    command.env("PHP_INI_SCAN_DIR", "").arg("-c").arg(file).args(["-r", OWN]);
    hex_lines(&output(command.arg(filled.expected.len().to_string())))
}

fn check(piece: Piece, share: usize) {
    let Some(php) = find(&["php"]) else { return };
    let filled = filled("php-ini", piece, &all_values());
    filled.compare("parse_ini_file", &parsed(&php, &filled.text));
    filled.compare("php -c", &own(&php, &filled));
    filled.accepts(share);
}

#[test]
fn whole_values_take_every_value() {
    check(piece("ini whole", "castoff.N = ", "\n"), 100);
    check(piece("ini whole, commented", "castoff.N=", " ; the rest\n"), 100);
}

#[test]
fn double_quotes_take_every_value() {
    check(piece("ini \"…\"", "castoff.N = \"", "\"\n"), 100);
    check(between("ini \"…\", between", "castoff.N = \"a\\\\", "{x}\\\"y\"\n", ("a\\", "{x}\"y")), 100);
    check(between("ini \"…\", before a line break", "castoff.N = \"a", "\nb\"\n", ("a", "\nb")), 100);
}

#[test]
fn parts_of_a_value_take_every_value() {
    check(between("ini part", "castoff.N = /run/", ".sock\n", ("/run/", ".sock")), 100);
    check(between("ini part beside a name", "castoff.N = foo", "bar\n", ("foo", "bar")), 100);
    check(between("ini part beside quotes", "castoff.N = \"a \"", "'b'\n", ("a ", "b")), 100);
    check(between("ini part beside spaces", "castoff.N = -t -f ", " -i\n", ("-t -f ", " -i")), 85);
}

#[test]
fn single_quotes_take_what_they_can_carry() {
    check(piece("ini '…'", "castoff.N = '", "'\n"), 70);
    check(between("ini '…', between", "castoff.N = x'", "'y\n", ("x", "y")), 70);
}

#[test]
fn comments_stay_comments() {
    let Some(php) = find(&["php"]) else { return };
    for piece in [
        piece("ini comment", "; ", "\ncastoff.N = N\n"),
        piece("ini comment after a value", "castoff.N = N ;", "\n"),
    ] {
        let filled = filled("php-ini", piece, &all_values()).expecting_numbers();
        filled.compare("parse_ini_file", &parsed(&php, &filled.text));
        filled.accepts(60);
    }
}

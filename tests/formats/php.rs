//! PHP source, read back by php.

use std::process::Command;

use castoff::format::{Literal, Skeleton, by_name};

use super::program::{Folder, find, output};
use super::readback::{Piece, all_values, between, filled, hex_lines, piece};

const DUMP: &str = "\nforeach ($r as $v) { echo bin2hex($v), \"\\n\"; }\n";

/// Fills one copy per value, runs the file and compares; at least `share` per cent are taken.
fn check(piece: Piece, share: usize) {
    let Some(php) = find(&["php"]) else { return };
    let folder = Folder::new();
    let filled = filled("php", piece, &all_values());
    let file = folder.write("values.php", &format!("<?php $r = []; ?>{}<?php {DUMP}", filled.text));
    let read = output(Command::new(php).args(["-n", "-d", "memory_limit=512M"]).arg(file));
    filled.compare("php", &hex_lines(&read));
    filled.accepts(share);
}

fn code(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    reads: (&'static str, &'static str),
    share: usize,
) {
    check(between(name, before, after, reads), share);
}

#[test]
fn expressions_take_every_value() {
    code("php expression", "<?php $r[] = ", "; ?>", ("", ""), 100);
}

#[test]
fn arguments_take_every_value() {
    code("php argument", "<?php array_push($r, ", "); ?>", ("", ""), 100);
}

#[test]
fn operands_take_every_value() {
    code("php operand", "<?php $r[] = 'a'.", ".'b'; ?>", ("a", "b"), 100);
}

#[test]
fn single_quotes_take_every_value() {
    code("php '…'", "<?php $r[] = 'a\\'", "\\'b'; ?>", ("a'", "'b"), 100);
    code("php '…' alone", "<?php $r[] = '", "'; ?>", ("", ""), 100);
}

#[test]
fn double_quotes_take_every_value() {
    code("php \"…\"", "<?php $r[] = \"", "\"; ?>", ("", ""), 100);
    code("php \"…\" after an escape", "<?php $r[] = \"\\x41\\n", "41\"; ?>", ("A\n", "41"), 100);
    code("php \"…\" after a variable", "<?php $v = 'w'; $r[] = \"{$v}", "$v\"; ?>", ("w", "w"), 100);
    code("php \"…\" before a bracket", "<?php $v = ['w']; $r[] = \"$v[0]", "[0]{\"; ?>", ("w", "[0]{"), 100);
}

#[test]
fn heredocs_take_every_value() {
    code("php heredoc", "<?php $r[] = <<<EOT\na ", " b\nEOT;\n ?>", ("a ", " b"), 100);
    code("php heredoc, line start", "<?php $r[] = <<<\"EOT\"\n", "\nEOT;\n ?>", ("", ""), 100);
    code(
        "php heredoc, indented",
        "<?php $r[] = <<<EOT\n    x\n    ",
        "\n  EOT . '';\n ?>",
        ("  x\n  ", ""),
        100,
    );
    code("php heredoc, mid-line end", "<?php $v = 'w'; $r[] = <<<END\n", "{$v}x\nEND;\n ?>", ("", "wx"), 100);
}

#[test]
fn nowdocs_take_what_they_can_carry() {
    code("php nowdoc", "<?php $r[] = <<<'EOT'\na ", " b\nEOT;\n ?>", ("a ", " b"), 90);
    code("php nowdoc, line start", "<?php $r[] = <<<'EOT'\n", "\nEOT;\n ?>", ("", ""), 90);
    code("php nowdoc, joined", "<?php $r[] = <<<'EOT'\n", "T;x\nEOT;\n ?>", ("", "T;x"), 80);
    code("php nowdoc, indented", "<?php $r[] = <<<'EOT'\n  ", "\n  EOT;\n ?>", ("", ""), 60);
}

#[test]
fn comments_stay_comments() {
    let Some(php) = find(&["php"]) else { return };
    for (piece, share) in [
        (piece("php //", "<?php // ", "\n$r[] = N; ?>"), 60),
        (piece("php # before a tag", "<?php # x", " ?><?php $r[] = N; ?>"), 60),
        (piece("php /* */", "<?php /* ", " */ $r[] = N; ?>"), 90),
        (piece("php /** */, touching", "<?php /**", "*/ $r[] = N; ?>"), 90),
    ] {
        let folder = Folder::new();
        let filled = filled("php", piece, &all_values()).expecting_numbers();
        let file = folder.write("values.php", &format!("<?php $r = []; ?>{}<?php {DUMP}", filled.text));
        filled.compare("php", &hex_lines(&output(Command::new(&php).arg("-n").arg(file))));
        filled.accepts(share);
    }
}

#[test]
fn every_kind_of_value_keeps_its_type() {
    let Some(php) = find(&["php"]) else { return };
    let text = |text: &str| Literal::Text(text.to_owned());
    let table = [
        (Literal::None, "NULL"),
        (Literal::Bool(true), "true"),
        (Literal::Bool(false), "false"),
        (Literal::Int(0), "0"),
        (Literal::Int(-5), "-5"),
        (Literal::Int(i64::MAX.into()), "9223372036854775807"),
        (Literal::Int(i64::MIN.into()), "-9223372036854775807-1"),
        (Literal::Float(1.0), "1.0"),
        (Literal::Float(-0.0), "-0.0"),
        (Literal::Float(0.1 + 0.2), "0.30000000000000004"),
        (Literal::Float(1e300), "1.0E+300"),
        (Literal::Float(5e-324), "5.0E-324"),
        (text("5"), "'5'"),
        (Literal::List(vec![]), "array (\n)"),
        (Literal::List(vec![text("a'"), Literal::Int(-1)]), "array (\n  0 => 'a\\'',\n  1 => -1,\n)"),
        (
            Literal::Map(vec![("k".to_owned(), Literal::List(vec![Literal::Float(2.0)]))]),
            "array (\n  'k' => \n  array (\n    0 => 2.0,\n  ),\n)",
        ),
    ];
    // A sign, a point, or a power beside the value must not join it.
    for (before, after, wrap) in [("", "", false), ("[-", "** 1][0]", true), ("- - ", "", true)] {
        let folder = Folder::new();
        let mut skeleton = Skeleton::default();
        skeleton.push_text("<?php\nnamespace A;\n");
        let numbers = |value: &Literal| matches!(value, Literal::Int(-10..=10));
        let rows: Vec<_> = table.iter().filter(|(value, _)| !wrap || numbers(value)).collect();
        for _ in &rows {
            skeleton.push_text(&format!("echo \\var_export({before}"));
            skeleton.push_hole();
            skeleton.push_text(&format!("{after}, true), \"\\0\";\n"));
        }
        let values: Vec<Literal> = rows.iter().map(|(value, _)| value.clone()).collect();
        let fillings = (by_name("php").unwrap().fill)(&skeleton, &values);
        let mut fillings = fillings.into_iter().map(Result::unwrap);
        let file: String = skeleton
            .units()
            .iter()
            .map(|unit| match unit {
                castoff::format::Unit::Char(c) => c.to_string(),
                castoff::format::Unit::Hole => fillings.next().unwrap(),
            })
            .collect();
        let read = output(Command::new(&php).arg("-n").arg(folder.write("types.php", &file)));
        let read = String::from_utf8(read).unwrap();
        let expected: Vec<String> = rows
            .iter()
            .map(|(value, text)| match (value, before) {
                (Literal::Int(value), "[-") => (-value).to_string(),
                _ => (*text).to_owned(),
            })
            .collect();
        let read: Vec<&str> = read.trim_end_matches('\0').split('\0').collect();
        assert_eq!(read, expected, "{before}");
    }
}

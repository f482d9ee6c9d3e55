//! Templates put together at random: whatever stands around a hole, a value that is
//! taken changes nothing but the text in its place.
//!
//! Each template is filled twice, once with a marker that no template holds. What the
//! program reads must be the same both times, with the marker replaced by the value.

use std::process::Command;

use castoff::format::{Literal, Skeleton, Unit, by_name};

use super::counts;
use super::program::{Folder, find, output};
use super::values::{self, Random};

/// Letters and digits, which no fragment holds together.
const MARKER: &str = "Qz7";

/// A template of random fragments with one to three holes.
fn template(random: &mut Random, around: (&str, &str), fragments: &[&str]) -> Skeleton {
    let mut skeleton = Skeleton::default();
    skeleton.push_text(around.0);
    let holes = 1 + random.below(3);
    for _ in 0..holes {
        for _ in 0..random.below(5) {
            skeleton.push_text(random.pick::<&str>(fragments));
        }
        skeleton.push_hole();
    }
    for _ in 0..random.below(5) {
        skeleton.push_text(random.pick::<&str>(fragments));
    }
    skeleton.push_text(around.1);
    skeleton
}

/// The file with these values, or `None` if one is refused.
fn file(format: &str, skeleton: &Skeleton, values: &[String]) -> Option<String> {
    let values: Vec<Literal> = values.iter().map(|value| Literal::Text(value.clone())).collect();
    let fillings = (by_name(format).unwrap().fill)(skeleton, &values);
    assert_eq!(fillings.len(), skeleton.holes(), "one answer for each hole");
    let mut fillings = fillings.into_iter().collect::<Result<Vec<_>, _>>().ok()?.into_iter();
    let unit = |unit: &Unit| match unit {
        Unit::Char(c) => c.to_string(),
        Unit::Hole => fillings.next().unwrap(),
    };
    Some(skeleton.units().iter().map(unit).collect())
}

/// Pairs of files: with markers, and with values that were all taken.
pub(super) struct Pair {
    pub(super) marked: String,
    pub(super) filled: String,
    /// The markers and the values that take their places.
    pub(super) replace: Vec<(String, String)>,
}

pub(super) fn pairs(format: &str, around: (&str, &str), fragments: &[&str], count: usize) -> Vec<Pair> {
    let mut random = Random::new(values::seed());
    let hostile = values::hostile();
    let mut pairs = Vec::new();
    for _ in 0..count {
        let skeleton = template(&mut random, around, fragments);
        let markers: Vec<String> = (0..skeleton.holes()).map(|n| format!("{MARKER}{n}q")).collect();
        let values: Vec<String> = markers
            .iter()
            .map(|_| match random.below(3) {
                0 => random.pick(fragments).to_string(),
                1 => String::new(),
                _ => random.pick(&hostile).clone(),
            })
            .collect();
        if let (Some(marked), Some(filled)) =
            (file(format, &skeleton, &markers), file(format, &skeleton, &values))
        {
            pairs.push(Pair { marked, filled, replace: markers.into_iter().zip(values).collect() });
        }
    }
    assert!(pairs.len() * 20 > count, "{format}: only {} of {count} templates can be filled", pairs.len());
    pairs
}

/// Short and printable ones, for programs that print some characters in ways of their own: at
/// most `count`.
pub(super) fn readable_pairs(
    format: &str,
    around: (&str, &str),
    fragments: &[&str],
    count: usize,
) -> Vec<Pair> {
    let readable =
        |pair: &Pair| pair.filled.len() < 1_000 && pair.filled.chars().all(|c| matches!(c, '\n' | ' '..='~'));
    pairs(format, around, fragments, 1_500).into_iter().filter(readable).take(count).collect()
}

/// Compares what `read` makes of the texts, which come to a program one at a time: what it reads,
/// with values as they are, or `None` for a text that it doesn't take. How many it took.
pub(super) fn taken_alike(
    pairs: &[Pair],
    read: impl Fn(&str) -> Option<String>,
    tidied: impl Fn(&str) -> String,
) -> usize {
    let mut taken = 0;
    for pair in pairs {
        let Some(marked) = read(&pair.marked) else { continue };
        let expected =
            pair.replace.iter().fold(marked, |text, (marker, value)| text.replace(&marker[..], value));
        let (found, expected) = (read(&pair.filled).map(|text| tidied(&text)), tidied(&expected));
        let seed = values::seed();
        assert_eq!(found, Some(expected), "seed {seed}\n{:?}\n{:?}", pair.marked, pair.filled);
        taken += 1;
    }
    taken
}

/// Runs `script` over all texts, each in `$text`, and returns the lines it printed.
fn read(php: &std::path::Path, script: &str, texts: &[&str]) -> Vec<String> {
    let folder = Folder::new();
    let lines: Vec<String> = texts.iter().map(|text| hex(text)).collect();
    let file = folder.write("texts", &lines.join("\n"));
    let script = format!(
        "$file = $argv[1] . '.one'; foreach (explode(\"\\n\", file_get_contents($argv[1])) as $line) {{ \
         $text = hex2bin($line); {script} echo \"\\n\"; }}"
    );
    let arguments = ["-n", "-d", "display_errors=0", "-d", "extension=tokenizer", "-r", &script];
    let output = output(Command::new(php).args(arguments).arg(file));
    String::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
}

pub(super) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn same_but_for_the_values(format: &str, pairs: &[Pair], script: &str) {
    let Some(php) = find(&["php"]) else { return };
    let marked = read(&php, script, &pairs.iter().map(|pair| &pair.marked[..]).collect::<Vec<_>>());
    let filled = read(&php, script, &pairs.iter().map(|pair| &pair.filled[..]).collect::<Vec<_>>());
    let mut valid = 0;
    for ((pair, marked), filled) in pairs.iter().zip(&marked).zip(&filled) {
        let mut expected = marked.clone();
        for (marker, value) in &pair.replace {
            expected = expected.replace(&hex(marker), &hex(value));
        }
        assert_eq!(
            *filled,
            expected,
            "{format}, seed {}\n--- marked\n{}\n--- filled\n{:?}\n",
            values::seed(),
            pair.marked,
            pair.filled
        );
        valid += usize::from(!marked.is_empty());
    }
    assert!(valid * 50 > pairs.len(), "{format}: only {valid} of {} files were valid", pairs.len());
    counts::templates(format, "php", pairs.len(), valid);
}

const INI: &[&str] = &[
    " ",
    " ",
    "\"",
    "\"",
    "'",
    "'",
    "\\",
    "$",
    "{",
    "}",
    "${",
    "a",
    "x",
    "/",
    ".",
    "-",
    ":",
    "on",
    "none",
    "E_ALL",
    "1",
    "=",
    ";",
    "\n",
    "\nb = ",
    "\n[s]\nc = ",
    "&",
    "(",
    "!",
    "[",
    "]",
    "#",
    "\\\"",
    "''",
    "$po",
    "\r",
    "\t",
];

/// Names and values in order, in hexadecimal; nothing where the file is not valid.
const READ_INI: &str = "file_put_contents($file, $text); $r = @parse_ini_file($file, true, INI_SCANNER_NORMAL); \
    if ($r !== false) array_walk_recursive($r, function ($v, $k) { echo bin2hex($k), '=', bin2hex($v), ' '; });";

#[test]
fn no_value_changes_what_stands_around_it_in_an_ini_file() {
    for around in [("a = ", "\nz = 1\n"), ("a = \"", "\"\nz = 1\n"), ("a = '", "'\nz = 1\n"), ("", "\n")] {
        same_but_for_the_values("php-ini", &pairs("php-ini", around, INI, 2000), READ_INI);
    }
}

const PHP: &[&str] = &[
    " ", " ", "'", "'", "\"", "\"", "\\", "$", "{", "}", "{$a}", "${a}", "$a", "[", "]", "->", "?->", "a",
    "0", "x4", "\\u{", "1", "/", "*", "/*", "*/", "//", "#", "\n", "\n  ", "?", ">", "?>", "<?php ", "<?=",
    "<", "<<<", "<<<E\n", "<<<'E'\n", "\nE", "E", ";", "=", ".", "-", "(", ")", ",", "return ", "`", "\r",
];

/// The kinds and texts of all tokens but white space, comments and what stands between
/// interpolations; strings without those as php reads them. Nothing where the file is not valid.
const READ_PHP: &str = "try { $t = token_get_all($text, TOKEN_PARSE); } catch (ParseError $e) { $t = []; } \
    foreach ($t as $x) { if (!is_array($x)) { echo bin2hex($x), ' '; continue; } \
    if (in_array($x[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT, T_ENCAPSED_AND_WHITESPACE])) continue; \
    if ($x[0] === T_CONSTANT_ENCAPSED_STRING) { echo 's', bin2hex(eval('return ' . $x[1] . ';')), ' '; continue; } \
    echo token_name($x[0]), ':', bin2hex($x[1]), ' '; }";

#[test]
fn no_value_changes_what_stands_around_it_in_php() {
    for around in [
        ("<?php $r = ", ";"),
        ("<?php $r = \"", "\";"),
        ("<?php $r = '", "';"),
        ("<?php $r = <<<E\n", "\nE;\n"),
        ("<?php $r = <<<'E'\n", "\nE;\n"),
        ("<?php // ", "\n$r = 1;"),
        ("<?php /* ", "*/ $r = 1;"),
    ] {
        same_but_for_the_values("php", &pairs("php", around, PHP, 1500), READ_PHP);
    }
}

const NGINX: &[&str] = &[
    " ",
    " ",
    " ",
    ";",
    "\n",
    "\"",
    "'",
    "\\",
    "$",
    "${",
    "}",
    "{",
    "#",
    "a",
    "x1",
    "/",
    ".",
    "~",
    "=",
    "(",
    ")",
    "$a",
    "${a}",
    "\t",
    "if ($a = ",
    "location ",
    "set $b ",
    "server_name ",
    "geo $c {\ndefault ",
    "*",
    "^",
];

/// What `ngx_conf_read_token` makes of a text: words, each with what it says, and what
/// ends a directive. `None` where nginx refuses the text.
fn nginx_words(text: &str) -> Option<Vec<String>> {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let (mut at, mut words) = (0, 0);
    while let Some(&c) = bytes.get(at) {
        match c {
            ' ' | '\t' | '\r' | '\n' => at += 1,
            '#' => at += bytes[at..].iter().position(|&c| c == '\n').unwrap_or(bytes.len() - at),
            ';' | '{' | '}' => {
                if (words == 0) != (c == '}') {
                    return None;
                }
                out.push(format!("[{c}]"));
                words = 0;
                at += 1;
            }
            _ => {
                let quote = Some(c).filter(|c| "\"'".contains(*c));
                at += usize::from(quote.is_some());
                let mut word = String::new();
                let mut variable = false;
                loop {
                    let c = *bytes.get(at)?;
                    let brace_of_variable = c == '{' && variable;
                    variable = c == '$';
                    match (c, bytes.get(at + 1)) {
                        _ if brace_of_variable => {
                            word.push(c);
                            variable = true;
                        }
                        ('\\', Some(&next)) => {
                            match next {
                                '"' | '\'' | '\\' => word.push(next),
                                't' => word.push('\t'),
                                'r' => word.push('\r'),
                                'n' => word.push('\n'),
                                _ => word.extend(['\\', next]),
                            }
                            at += 1;
                        }
                        _ if quote == Some(c) => {
                            at += 1;
                            // Only these may come after a quote.
                            match bytes.get(at)? {
                                ' ' | '\t' | '\r' | '\n' | ';' | '{' | ')' => break,
                                _ => return None,
                            }
                        }
                        _ if quote.is_none() && " \t\r\n;{".contains(c) => break,
                        _ => word.push(c),
                    }
                    at += 1;
                }
                words += 1;
                out.push(format!("w:{}", hex(&word)));
            }
        }
    }
    (words == 0).then_some(out)
}

#[test]
fn no_value_changes_what_stands_around_it_in_nginx() {
    for around in [("set $v ", ";\n"), ("set $v \"", "\";\n"), ("a { b '", "'; }\n"), ("", "\n")] {
        let pairs = pairs("nginx", around, NGINX, 4000);
        let mut valid = 0;
        for pair in &pairs {
            let expected = nginx_words(&pair.marked).map(|words| {
                words
                    .into_iter()
                    .map(|word| {
                        pair.replace
                            .iter()
                            .fold(word, |word, (marker, value)| word.replace(&hex(marker), &hex(value)))
                    })
                    .collect::<Vec<_>>()
            });
            let found = nginx_words(&pair.filled);
            assert_eq!(found, expected, "seed {}\n{}\n{:?}", values::seed(), pair.marked, pair.filled);
            valid += usize::from(found.is_some());
            assert!(!pair.filled.contains("$Qz"), "{}", pair.marked);
        }
        counts::templates("nginx", "a model of nginx's lexer", pairs.len(), valid);
        assert!(valid * 50 > pairs.len(), "nginx: only {valid} of {} files were valid", pairs.len());
    }
}

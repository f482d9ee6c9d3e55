//! `main.cf`, read back by postconf, which expands what it prints (and prints one space for
//! each row of blanks), and by postmap, which names a type that it doesn't know.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::counts;
use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, all_values, between, filled, piece};
use super::templates::{readable_pairs, taken_alike};

/// A program of postfix, and where its libraries are if it isn't installed: Debian's postfix
/// can't be beside ssmtp, so `scripts/setup.sh` only unpacks it.
fn program(name: &str) -> Option<Command> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/postfix/usr");
    let program: PathBuf = unpacked.join("sbin").join(name);
    if program.is_file() {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", unpacked.join("lib/postfix"));
        return Some(command);
    }
    find(&[name]).map(Command::new)
}

/// Compares what postconf says of the parameters `v0`, `v1`…
fn compare(filled: &Filled) {
    let Some(mut command) = program("postconf") else { return };
    let folder = Folder::new();
    let names: Vec<String> = (0..filled.expected.len()).map(|n| format!("v{n}")).collect();
    // postconf knows parameters of one's own if a known one uses them.
    let used: Vec<String> = names.iter().map(|name| format!("${{{name}}}")).collect();
    folder.write("master.cf", "");
    folder.write("main.cf", &format!("{}\nsmtpd_banner = {}\nfoo = bar\n", filled.text, used.join(" ")));
    let printed = output(command.arg("-c").arg(folder.path()).args(["-x", "-h"]).args(names));
    let printed = printed.strip_suffix(b"\n").unwrap();
    let read: Vec<Vec<u8>> = printed.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let squeezed = filled.expected.iter().map(|value| squeeze(value)).collect();
    filled.expecting(squeezed).compare("postconf", &read);
}

/// As postconf prints a value: one space for each row of blanks.
fn squeeze(value: &str) -> String {
    let blanks = [' ', '\t', '\r'];
    let words: Vec<&str> = value.split(blanks).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn check(piece: Piece, share: usize) {
    let filled = filled("postfix", piece, &all_values());
    compare(&filled);
    filled.accepts(share);
}

#[test]
fn values_are_read_whole_or_refused() {
    check(piece("postfix value", "vN = ", "\n"), 70);
    check(piece("postfix value, blanks", "vN\t=  ", " \r\n"), 70);
    check(piece("postfix value, next line", "vN =\n# c\n\n ", "\n # d\n"), 60);
    check(between("postfix part", "vN = $${x", "}y\n", ("${x", "}y")), 30);
    check(between("postfix item", "vN = ${vN?{a}:{a}}, ", "\n  , b\n", ("a, ", "  , b")), 30);
    check(between("postfix dollars", "vN = $$$$", "$$x\n", ("$$", "$x")), 20);
}

/// postmap waits for a second before it ends with an error, so many run at the same time;
/// it replaces what isn't printable in its messages.
#[test]
fn blanks_in_values_are_kept() {
    let printable = |value: &String| !value.is_empty() && value.chars().all(|c| (' '..='~').contains(&c));
    let spaced = |value: &String| printable(value) && value.contains("  ");
    let all = all_values();
    let mut values: Vec<String> = all.iter().filter(|value| printable(value)).take(60).cloned().collect();
    values.extend(all.iter().filter(|value| spaced(value) && value.len() < 1_000).take(40).cloned());
    values.extend(["a  b", "a   $b  #c"].map(str::to_owned));
    let piece = piece("postfix blanks", "default_database_type = ", "\n");
    let mut running = Vec::new();
    for value in &values {
        let filled = filled("postfix", piece, std::slice::from_ref(value));
        let (Some(expected), Some(mut command)) = (filled.expected.first(), program("postmap")) else {
            continue;
        };
        let folder = Folder::new();
        folder.write("main.cf", &format!("mail_owner = daemon\nsetgid_group = staff\n{}", filled.text));
        let table = folder.write("table", "");
        command.arg("-c").arg(folder.path()).arg(table).stderr(std::process::Stdio::piped());
        running.push((folder, expected.clone(), command.spawn().unwrap()));
    }
    let count = running.len();
    for (_folder, expected, process) in running {
        let said = process.wait_with_output().unwrap().stderr;
        let said = String::from_utf8_lossy(&said);
        let expected = format!("unsupported map type for this operation: {expected}");
        assert!(said.contains(&expected), "{expected:?} is not what postmap said: {said}");
    }
    eprintln!("postfix blanks: {count} of {} read back, the others refused", values.len());
}

#[test]
fn comments_stay_comments() {
    let filled = filled("postfix", piece("postfix comment", "vN = a\n # ", "\n  b\n#c\n"), &all_values());
    let read = filled.expecting_each("a  b");
    compare(&read);
    read.accepts(60);
}

const FRAGMENTS: &[&str] = &[
    " ", " ", "\n", "\n ", "\n w = ", "\nw = ", "\nw=", "=", "$", "$$", "$(", "${", "}", ")", "{", "?", ":",
    "a", "b", "x", "$w", "${w}", "${w?", "${w:", "#", "\n#", "\n #", ",", "\\", "\"",
];

/// Whatever stands around it, a value changes nothing but the text in its place.
#[test]
fn no_value_changes_what_stands_around_it() {
    if program("postconf").is_none() {
        return;
    }
    let ask = |text: &str| {
        let folder = Folder::new();
        folder.write("master.cf", "");
        folder.write("main.cf", &format!("{text}smtpd_banner = ${{v}} ${{w}}\n"));
        let mut command = program("postconf").unwrap();
        let told = command.arg("-c").arg(folder.path()).args(["-x", "v", "w"]).output().unwrap();
        told.status.success().then(|| String::from_utf8(told.stdout).unwrap())
    };
    let lines = |text: &str| text.lines().map(|line| squeeze(line) + "\n").collect();
    let mut all = Vec::new();
    for around in [
        ("v = ", "\nw = 1\n"),
        ("v = a\n ", "\nw = $v\n"),
        ("w = b\nv = ${w?{", "}:{x}}\n"),
        ("w = b\nv = c", "\n"),
    ] {
        all.extend(readable_pairs("postfix", around, FRAGMENTS, 40));
    }
    // It waits for a second before it ends with an error.
    let taken: usize = std::thread::scope(|scope| {
        let ask = &ask;
        let lanes: Vec<_> =
            all.chunks(10).map(|pairs| scope.spawn(move || taken_alike(pairs, ask, lines))).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).sum()
    });
    counts::templates("postfix", "postconf", all.len(), taken);
    assert!(taken > 40, "only {taken} templates were valid");
}

//! `supervisord.conf`, read back by supervisor's own reader of it.

use std::process::Command;

use super::counts;
use super::program::{Folder, find, output};
use super::readback::{Filled, Piece, all_values, between, filled, filled_after, hex_lines, piece};
use super::templates::{hex, pairs};
use super::values;

/// Prints one option of each program, or what the server was told, in the order of their numbers.
const PYTHON: &str = r"
import sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.here = '/the/folder'
read = options.read_config(sys.argv[1])
found = {}
for group in read.process_group_configs:
    for program in group.process_configs:
        found[program.name] = program
for server in read.server_configs:
    found[server['section'].split(':')[1]] = server
if sys.argv[2] == 'supervisord':
    found = {name: read.environment for name in read.environment}
for n in range(len(found)):
    item = found[f'p{n}']
    value = item.environment[sys.argv[3]] if sys.argv[2] == 'environment' else \
        item[f'p{n}'] if sys.argv[2] == 'supervisord' else \
        item[sys.argv[3]] if sys.argv[2] == 'server' else getattr(item, sys.argv[3])
    print(value.encode().hex())
";

/// The Python that has supervisor's modules: the first line of its program names it.
fn python() -> Option<String> {
    let program = std::fs::read_to_string(find(&["supervisord"])?).unwrap();
    let line = program.lines().next().and_then(|line| line.strip_prefix("#!"));
    Some(line.unwrap().trim().to_owned())
}

fn check(filled: &Filled, before: &str, what: [&str; 2], share: usize) {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    let file = folder.write("supervisord.conf", &format!("{before}{}", filled.text));
    let mut command = Command::new(python);
    command.args(["-X", "utf8", "-c", PYTHON]).arg(file).args(what).env_clear();
    filled.compare("supervisord", &hex_lines(&output(&mut command)));
    filled.accepts(share);
}

const SERVER: &str = "[include]\nfiles = no\n[supervisord]\nnodaemon = true\n";

fn program(name: &'static str, before: &str, after: &str, reads: (&'static str, &'static str)) -> Piece {
    let before: &'static str = format!("[program:pN]\ncommand = /bin/true\n{before}").leak();
    let after: &'static str = format!("{after}\n").leak();
    between(name, before, after, reads)
}

#[test]
fn options_of_programs_take_a_value_whole_or_it_is_refused() {
    let directory = |piece: Piece, share| {
        check(&filled("supervisord", piece, &all_values()), SERVER, ["program", "directory"], share);
    };
    directory(program("supervisord value", "directory=", "", ("", "")), 40);
    directory(program("supervisord value, blanks", "Directory :\t", " \t", ("", "")), 40);
    directory(program("supervisord part", "directory = /x", "y%%", ("/x", "y%")), 40);
    directory(program("supervisord value, comment", "directory = ", " ; c # d", ("", "")), 30);
    directory(program("supervisord, second line", "directory = a\n  ", "", ("a\n", "")), 40);
}

#[test]
fn log_files_are_expanded_twice() {
    let values: Vec<String> = all_values().into_iter().filter(|value| !value.contains('/')).collect();
    let piece = program("supervisord log file", "stdout_logfile = x", "", ("x", ""));
    check(&filled("supervisord", piece, &values), SERVER, ["program", "stdout_logfile"], 40);
}

#[test]
fn variables_of_programs_are_read_whole_or_refused() {
    let environment = |piece: Piece, share| {
        check(&filled("supervisord", piece, &all_values()), SERVER, ["environment", "K"], share);
    };
    let program = |name, before: &str, after: &str, reads| {
        program(name, &format!("environment={before}"), after, reads)
    };
    environment(program("supervisord variable", "A=1,K=", ",B=\"2\"", ("", "")), 30);
    environment(program("supervisord variable \"…\"", "K=\"", "\"", ("", "")), 30);
    environment(program("supervisord variable '…'", "A=\"'\", K='a", "b',", ("a", "b")), 30);
    environment(program("supervisord variable, next line", "A=\"b\",\n  K = ", "\n  ,B=1", ("", "")), 30);
}

/// supervisord's own environment is expanded twice.
#[test]
fn variables_of_the_server_are_read_whole_or_refused() {
    let piece = piece("supervisord's own variable", " pN=", ",\n");
    let head = "[supervisord]\nenvironment =\n";
    let filled = filled_after(head, "supervisord", piece, &all_values());
    check(&filled, head, ["supervisord", ""], 30);
}

#[test]
fn passwords_and_commands_are_read_whole_or_refused() {
    let before = "[inet_http_server:pN]\nport = 127.0.0.1:1\nusername = u\npassword = ";
    let password = piece("supervisord password", before, "\n");
    check(&filled("supervisord", password, &all_values()), SERVER, ["server", "password"], 40);
    let command = piece("supervisord command", "[program:pN]\ncommand = /bin/true --x=", "\n");
    let command = Piece { reads: ("/bin/true --x=", ""), ..command };
    check(&filled("supervisord", command, &all_values()), SERVER, ["program", "command"], 5);
}

#[test]
fn comments_stay_comments() {
    for piece in [
        piece("supervisord ; comment", "; ", "\n[program:pN]\ncommand=a\n"),
        piece("supervisord # comment", "#", "\n[program:pN]\ncommand=a\n"),
        piece("supervisord comment at the end", "[program:pN]\ncommand=a ; b", "\n"),
    ] {
        let filled = filled("supervisord", piece, &all_values());
        let read = filled.expecting_each("a");
        check(&read, SERVER, ["program", "command"], 30);
    }
}

/// Sections, options and their values in hexadecimal, or nothing where the file is not valid.
const READ: &str = r"
import json, sys
from supervisor.options import UnhosedConfigParser, expand
from supervisor.datatypes import dict_of_key_value_pairs
names = {'here': '/h', 'ENV_a': 'e'}
code = lambda text: text.encode().hex()
for text in json.load(open(sys.argv[1])):
    parser, out = UnhosedConfigParser(), []
    try:
        parser.read_string(text.replace('\r', '\n'))
        for section in parser.sections():
            for option, value in parser.items(section):
                value = expand(value, names, option)
                out += [code(section), code(option)]
                if option == 'environment':
                    for key, value in dict_of_key_value_pairs(value).items():
                        out += [code(key), code(value)]
                else:
                    out.append(code(value))
        print(' '.join(out))
    except Exception:
        print()
";

const FRAGMENTS: &[&str] = &[
    " ",
    " ",
    "\n",
    "\n ",
    "\n  ",
    "=",
    ":",
    ";",
    " ;",
    "#",
    " #",
    "%",
    "%%",
    "%(here)s",
    "%(",
    "(",
    ")",
    "s",
    "\"",
    "\"",
    "'",
    "'",
    ",",
    "a",
    "b",
    "A=",
    "environment=",
    "\nenvironment=A=",
    "\nenvironment=A=\"",
    "\nuser = ",
    "\n[program:q]\n",
    "[",
    "]",
    "\t",
    "\r",
    "{SHA}",
];

/// Whatever stands around it, a value changes nothing but the text in its place.
#[test]
fn no_value_changes_what_stands_around_it() {
    let Some(python) = python() else { return };
    for around in [
        ("[program:p]\nuser=", "\nz = 1\n"),
        ("[program:p]\nenvironment=A=", ",B=1\nz = 1\n"),
        ("[program:p]\nenvironment=A=\"", "\"\nz = 1\n"),
        ("[program:p]\n", "\n"),
    ] {
        let pairs = pairs("supervisord", around, FRAGMENTS, 6_000);
        let texts: Vec<&str> = pairs.iter().flat_map(|pair| [&pair.marked[..], &pair.filled[..]]).collect();
        let folder = Folder::new();
        let file = folder.write("texts", &serde_json::to_string(&texts).unwrap());
        let read = output(Command::new(&python).args(["-X", "utf8", "-c", READ]).arg(file));
        let read: Vec<String> = String::from_utf8(read).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(read.len(), texts.len());
        let mut valid = 0;
        for (pair, read) in pairs.iter().zip(read.chunks(2)) {
            let replaced = pair.replace.iter();
            let expected = replaced
                .fold(read[0].clone(), |text, (marker, value)| text.replace(&hex(marker), &hex(value)));
            assert!(
                read[0].is_empty() || read[1] == expected,
                "seed {}\n--- marked\n{}\n--- filled\n{:?}\n{expected}\n{}",
                values::seed(),
                pair.marked,
                pair.filled,
                read[1],
            );
            valid += usize::from(!read[0].is_empty());
        }
        counts::templates("supervisord", "supervisord", pairs.len(), valid);
        assert!(valid * 50 > pairs.len(), "only {valid} of {} files were valid", pairs.len());
    }
}

//! `follow`: new lines of a service's log files come to castoff's stderr, through rotation.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use super::services::Castoff;
use crate::harness::{Place, each_place};

/// A castoff whose service runs, and which follows `name` of its directory.
fn following(place: Place, name: &str, keys: &str, before: impl FnOnce(&PathBuf)) -> (Castoff, PathBuf) {
    let prepared = Castoff::prepared();
    let path = PathBuf::from(prepared.path(name));
    before(&path);
    let services = format!(
        "[service.web]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 1000\"]\nfollow = [{path:?}]\n{keys}\n"
    );
    let mut castoff = prepared.start(place, &services);
    assert!(castoff.running.line().contains("up"));
    (castoff, path)
}

fn append(path: &PathBuf, text: &str) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn told(castoff: &mut Castoff, lines: &[&str]) {
    for line in lines {
        let next = loop {
            let next = castoff.running.told();
            if !next.starts_with("castoff: ") {
                break next;
            }
        };
        assert_eq!(next, *line);
    }
}

#[test]
fn only_new_lines_are_shown_and_they_are_whole() {
    each_place(|place| {
        let (mut castoff, path) = following(place, "log", "", |path| append(path, "old\n"));
        append(&path, "one\ntw");
        told(&mut castoff, &["one"]);
        append(&path, "o\n");
        told(&mut castoff, &["two"]);
        append(&path, "the rest");
        castoff.running.signal(libc::SIGTERM);
        told(&mut castoff, &["the rest"]);
    });
}

#[test]
fn a_file_that_is_renamed_and_made_anew_is_read_on_both() {
    each_place(|place| {
        let (mut castoff, path) = following(place, "log", "log = \"prefix\"", |path| append(path, "old\n"));
        for round in 0..4 {
            append(&path, "before\n");
            told(&mut castoff, &["web | before"]);
            let renamed = path.with_extension(round.to_string());
            fs::rename(&path, &renamed).unwrap();
            append(&renamed, "from who has not let go\n");
            told(&mut castoff, &["web | from who has not let go"]);
            append(&path, "new\n");
            told(&mut castoff, &["web | new"]);
            append(&renamed, "still\n");
            told(&mut castoff, &["web | still"]);
        }
        fs::remove_file(&path).unwrap();
        append(&path, "after a removal\n");
        told(&mut castoff, &["web | after a removal"]);
    });
}

#[test]
fn a_file_that_is_copied_and_truncated_is_read_from_its_beginning() {
    each_place(|place| {
        let (mut castoff, path) = following(place, "log", "", |path| append(path, "old\n"));
        append(&path, "a line\n");
        told(&mut castoff, &["a line"]);
        for _ in 0..3 {
            File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
            append(&path, "new\n");
            told(&mut castoff, &["new"]);
            append(&path, "a longer line\n");
            told(&mut castoff, &["a longer line"]);
        }
    });
}

#[test]
fn a_file_may_come_late_and_its_directories_too() {
    each_place(|place| {
        let (mut castoff, path) = following(place, "log", "", |_| {});
        append(&path, "first\n");
        told(&mut castoff, &["first"]);
        let (mut castoff, path) = following(place, "a/b/c/log", "", |_| {});
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        append(&path, "first\n");
        told(&mut castoff, &["first"]);
        fs::remove_dir_all(path.ancestors().nth(3).unwrap()).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        append(&path, "second\n");
        told(&mut castoff, &["second"]);
    });
}

#[test]
fn links_and_pipes_are_not_followed() {
    each_place(|place| {
        let link = |path: &PathBuf| std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
        let (mut castoff, path) = following(place, "log", "", link);
        castoff.running.told_that("it is a symbolic link, and only regular files are followed");
        fs::remove_file(&path).unwrap();
        append(&path, "first\n");
        told(&mut castoff, &["first"]);
        let fifo = |path: &PathBuf| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let (mut castoff, _) = following(place, "log", "", fifo);
        castoff.running.told_that("it is a named pipe, and only regular files are followed");
    });
}

#[test]
fn json_names_the_file() {
    each_place(|place| {
        let (mut castoff, path) = following(place, "log", "log = \"json\"", |_| {});
        append(&path, "{\"a\":1}\n");
        let line = castoff.running.told_that("message");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["message"]["a"], 1);
        assert_eq!((&value["service"], &value["stream"]), (&"web".into(), &"stderr".into()));
        assert_eq!(value["file"], path.to_str().unwrap());
    });
}

//! A volume without room, without inodes, and one that is mounted read-only.

use std::fs;

use super::site::{both, start, usual};
use crate::modes::case::Case;

/// Mounts a small file system at the volume, with a file of somebody else's in it that takes
/// the room; starts castoff, looks, makes room, and starts it again.
fn without_room(case: &Case, options: &str, take: &str) -> Option<String> {
    let script = format!(
        "mkdir -p site; mount -t tmpfs -o mode=755,{options} tmpfs site; mkdir site/theirs; {take}; \
         (cd ..; \"$@\" 2>&1) && exit 9; echo \"ended with $?\"; find site -path '*/theirs' -prune -o -print; \
         df --output=used site | tail -1 | tr -d ' ' | sed 's/^/used /'; rm -r site/theirs"
    );
    let spec = case.read("castoff.toml");
    case.write("castoff.toml", spec);
    let copy = "rm -rf copy; cp -a root/site copy";
    let said = case.run_in_namespace(&script, &["sh", "-c", copy])?;
    said.code(0);
    Some(said.out)
}

#[test]
fn without_room_it_says_so_and_leaves_none_taken() {
    let case = usual("1.0", "");
    fs::write(case.path("seed/large"), vec![b'x'; 600 << 10]).unwrap();
    let take = "head -c 614400 /dev/zero >site/theirs/large";
    let Some(out) = without_room(&case, "size=1m", take) else { return };
    for part in [
        "can't write `root/site/.castoff/staging/large`: No space left on device",
        "free or add space where `root/site/.castoff/staging` is stored",
        "ended with 73",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let left: Vec<&str> = out.lines().filter(|line| line.starts_with("site")).collect();
    assert_eq!(left, ["site", "site/.castoff", "site/.castoff/lock"], "{out}");
    assert!(out.contains("used 604"), "theirs and a page for the lock: {out}");
    assert_eq!(fs::metadata(case.path("copy/large")).unwrap().len(), 600 << 10, "when there is room");
}

#[test]
fn without_inodes_it_says_so_and_leaves_none_taken() {
    let case = usual("1.0", "");
    let take = "for i in 1 2 3 4 5 6; do : >site/theirs/$i; done";
    let Some(out) = without_room(&case, "nr_inodes=14", take) else { return };
    assert!(out.contains("No space left on device") && out.contains("free or add space"), "{out}");
    let left: Vec<&str> = out.lines().filter(|line| line.starts_with("site")).collect();
    assert_eq!(left, ["site", "site/.castoff", "site/.castoff/lock"], "{out}");
    assert!(case.exists("copy/content/theme/style.css"));
}

#[test]
fn a_complete_volume_starts_where_nothing_can_be_written() {
    let case = usual("1.0", "policy = \"upgrade\"");
    start(&case);
    let (_, before) = both(&case);
    let script = "mount --bind site site; mount -o remount,bind,ro site";
    let Some(said) = case.run_in_namespace(script, &["true"]) else { return };
    said.code(0).says(&["nothing had to be written"]);
    assert_eq!(both(&case).1, before);
}

#[test]
fn a_volume_that_is_looked_through_at_each_start_has_to_be_writable() {
    let case = usual("1.0", "policy = \"missing\"");
    start(&case);
    let script = "mount --bind site site; mount -o remount,bind,ro site";
    let Some(said) = case.run_in_namespace(script, &["true"]) else { return };
    said.code(73).says(&["can't lock `root/site/.castoff/lock`: Read-only file system", "mount a writable"]);
}

#[test]
fn an_empty_volume_where_nothing_can_be_written_is_explained() {
    let case = usual("1.0", "");
    fs::create_dir_all(case.path("root/site")).unwrap();
    let script = "mount --bind site site; mount -o remount,bind,ro site";
    let Some(said) = case.run_in_namespace(script, &["true"]) else { return };
    said.code(73).says(&["`root/site/.castoff`", "Read-only file system", "mount a writable volume"]);
}

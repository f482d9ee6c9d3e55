//! What a start that was killed, refused or told to go back leaves for the next one. The
//! places are chosen here; `tests/faults` goes through all of them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::site::{both, describe, start, usual};
use crate::harness::skipped;
use crate::modes::case::{Case, Said};

/// A start with a system call killed or failing, as strace's `inject=…` says it. `None`,
/// said so, where there is no strace.
fn disturbed(case: &Case, injection: &str) -> Option<Said> {
    if !Path::new("/usr/bin/strace").exists() {
        skipped("no strace to disturb castoff with");
        return None;
    }
    let inject = format!("inject={injection}");
    let before = ["/usr/bin/strace", "-f", "-o", "/dev/null", "-e", &inject, env!("CARGO_BIN_EXE_castoff")];
    let arguments = ["--config", "castoff.toml", "--root", "root", "true"];
    let output = case.command(&before, &arguments).output().unwrap();
    use std::os::unix::process::ExitStatusExt;
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap());
    Some(Said { code, out: case.shown(&output.stdout), err: case.shown(&output.stderr) })
}

/// A volume filled by 1.0 and the image of 2.0, whose version.php is another and which has
/// a new file.
fn newer(lines: &str) -> Case {
    let case = usual("1.0", lines);
    start(&case);
    case.write("seed/version.php", "2.0");
    case.write("seed/new", "new");
    describe(&case, "2.0", lines);
    case
}

#[test]
fn a_first_fill_that_was_killed_between_two_names_is_finished() {
    let case = usual("1.0", "");
    case.set_mode("seed", 0o750);
    fs::hard_link(case.path("seed/index.php"), case.path("seed/same.php")).unwrap();
    let Some(said) = disturbed(&case, "renameat2:signal=SIGKILL:when=3") else { return };
    said.code(137);
    assert!(case.exists("root/site/index.php") && !case.exists("root/site/same.php"));
    start(&case).says(&["an earlier start did not finish filling it"]);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
    assert_eq!(case.mode("root/site"), 0o750, "what the seed's root has");
    let inode = |name| fs::metadata(case.path(name)).unwrap().ino();
    assert_eq!(inode("root/site/index.php"), inode("root/site/same.php"), "one file with two names");
    assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"]);
}

#[test]
fn an_upgrade_that_was_killed_remembers_what_users_did() {
    let case = newer("policy = \"upgrade\"\nconflicts = \"new-file\"");
    case.write("root/site/index.php", "edited");
    case.write("seed/index.php", "<?php two");
    case.set_mode("root/site/version.php", 0o600);
    let Some(said) = disturbed(&case, "renameat:signal=SIGKILL:when=2") else { return };
    said.code(137);
    assert!(!case.exists("root/site/index.php.castoff-new"), "killed before that");
    start(&case).says(&["an earlier start did not finish changing it"]);
    assert_eq!(case.read("root/site/index.php"), "edited");
    assert_eq!(case.read("root/site/index.php.castoff-new"), "<?php two");
    assert_eq!(
        (case.read("root/site/version.php"), case.mode("root/site/version.php")),
        ("2.0".into(), 0o600)
    );
}

#[test]
fn rights_that_somebody_set_stay_in_every_upgrade() {
    let lines = "policy = \"upgrade\"";
    let case = newer(lines);
    case.set_mode("root/site/version.php", 0o600);
    start(&case);
    case.write("seed/version.php", "3.0");
    describe(&case, "3.0", lines);
    start(&case);
    assert_eq!(
        (case.read("root/site/version.php"), case.mode("root/site/version.php")),
        ("3.0".into(), 0o600)
    );
}

#[test]
fn adding_what_is_missing_goes_on_with_adding() {
    let case = newer("policy = \"missing\"");
    let Some(said) = disturbed(&case, "renameat2:signal=SIGKILL:when=1") else { return };
    said.code(137);
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "1.0", "nothing is replaced");
    assert_eq!(case.read("root/site/new"), "new");
}

#[test]
fn a_mirror_that_was_killed_keeps_no_rights_of_users() {
    let case = newer("policy = \"mirror\"");
    case.set_mode("root/site/version.php", 0o600);
    let Some(said) = disturbed(&case, "renameat2:signal=SIGKILL:when=1") else { return };
    said.code(137);
    start(&case).says(&["an earlier start did not finish changing it"]);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
}

#[test]
fn an_edit_of_the_same_size_is_still_one_after_something_was_added() {
    let case = newer("policy = \"missing\"");
    case.write("root/site/version.php", "9.9");
    start(&case);
    case.write("seed/version.php", "3.0");
    describe(&case, "3.0", "policy = \"upgrade\"");
    start(&case).says(&["/site/version.php was edited, and stays"]);
    assert_eq!(case.read("root/site/version.php"), "9.9");
}

#[test]
fn the_older_image_clears_what_an_upgrade_had_copied() {
    let lines = "policy = \"upgrade\"";
    let case = newer(lines);
    let Some(said) = disturbed(&case, "syncfs:signal=SIGKILL:when=1") else { return };
    said.code(137);
    assert!(case.exists("root/site/.castoff/staging/new") && !case.exists("root/site/.castoff/journal"));
    describe(&case, "1.0", lines);
    assert!(case.run(&["--plan", "--", "true"]).out.contains("(an earlier start left its copies there)"));
    start(&case);
    assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"]);
    assert_eq!((case.read("root/site/version.php"), case.exists("root/site/new")), ("1.0".into(), false));
    start(&case).says(&["nothing had to be written"]);
}

#[test]
fn the_older_image_takes_back_what_was_done_to_a_directory() {
    let lines = "policy = \"upgrade\"";
    let case = newer(lines);
    case.set_mode("seed/content", 0o700);
    let Some(said) = disturbed(&case, "renameat2:signal=SIGKILL:when=1") else { return };
    said.code(137);
    assert_eq!(case.mode("root/site/content"), 0o700, "done before it was killed");
    case.set_mode("seed/content", 0o755);
    case.write("seed/version.php", "1.0");
    fs::remove_file(case.path("seed/new")).unwrap();
    describe(&case, "1.0", lines);
    start(&case);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
}

#[test]
fn a_start_that_fails_gives_its_room_back() {
    let case = usual("1.0", "");
    let Some(said) = disturbed(&case, "syncfs:error=ENOSPC:when=1") else { return };
    said.code(73)
        .says(&["can't bring `/site` to stable storage: No space left on device", "free or add space"]);
    assert_eq!(case.names("root/site/.castoff"), ["lock"]);
    start(&case).says(&["filled /site/"]);
}

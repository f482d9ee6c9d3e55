//! Upgrades, mirrors and restarts of a volume whose seed is an archive; rules, owners and
//! the end by a signal.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use super::archives::{case_of, describe, facts, has, shell};
use super::site::{SEED, start, tree};
use crate::modes::case::{Case, SOMEBODY, needs_root};

/// The usual seed, in an archive of this name.
fn usual(archive: &str, lines: &str) -> Case {
    let case = case_of(archive, lines);
    for (name, content) in SEED {
        case.write(&format!("seed/{name}"), content);
    }
    symlink("../index.php", case.path("seed/content/link")).unwrap();
    fs::hard_link(case.path("seed/index.php"), case.path("seed/same.php")).unwrap();
    pack(&case, archive);
    case
}

/// Packs `seed` into the archive. `./index.php` comes before `./same.php`.
fn pack(case: &Case, archive: &str) {
    let compress = if archive.ends_with(".tar") { "cat" } else { "zstd -q" };
    shell(case, &format!("tar --sort=name -C seed -c . | {compress} > {archive}"));
}

fn archives() -> Vec<&'static str> {
    let mut archives = vec!["site.tar"];
    archives.extend(has("zstd").then_some("site.tar.zst"));
    archives
}

fn same_as_seed(case: &Case) {
    let (seed, volume) = (tree(&case.path("seed")), tree(&case.path("root/site")));
    assert_eq!(volume, seed);
}

#[test]
fn a_restart_does_not_look_into_the_archive() {
    for archive in archives() {
        for policy in ["once", "upgrade"] {
            let case = usual(archive, &format!("policy = \"{policy}\""));
            start(&case);
            same_as_seed(&case);
            case.write(archive, "not an archive any more");
            start(&case).says(&["nothing had to be written"]);
        }
    }
}

#[test]
fn an_upgrade_by_an_archive() {
    for archive in archives() {
        let case = usual(archive, "policy = \"upgrade\"");
        start(&case);
        case.write("root/site/index.php", "edited");
        case.write("seed/version.php", "2.0");
        case.write("seed/new/file", "new");
        fs::remove_file(case.path("seed/content/readme.txt")).unwrap();
        // a new name of a file that is not shipped anew
        fs::hard_link(case.path("seed/content/theme/style.css"), case.path("seed/later.css")).unwrap();
        fs::hard_link(case.path("seed/index.php"), case.path("seed/other.php")).unwrap();
        pack(&case, archive);
        describe(&case, archive, "2.0", "policy = \"upgrade\"");
        start(&case).says(&["/site/: upgrade from 1.0 to 2.0: 4 added, 1 replaced, 1 removed"]);
        assert_eq!(case.read("root/site/index.php"), "edited");
        case.write("root/site/index.php", "<?php one");
        same_as_seed(&case);
        assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"]);
        start(&case).says(&["nothing had to be written"]);
    }
}

#[test]
fn a_directory_and_an_archive_ship_the_same() {
    let case = usual("site.tar", "policy = \"upgrade\"");
    start(&case);
    for (seed, version) in [("seed", "2.0"), ("site.tar", "3.0"), ("seed", "4.0")] {
        describe(&case, seed, version, "policy = \"upgrade\"");
        start(&case).says(&["0 added, 0 replaced, 0 removed"]);
    }
}

#[test]
fn missing_files_come_from_the_archive() {
    for archive in archives() {
        let case = usual(archive, "policy = \"missing\"");
        start(&case);
        case.write("root/site/version.php", "edited");
        fs::remove_file(case.path("root/site/same.php")).unwrap();
        fs::remove_dir_all(case.path("root/site/content")).unwrap();
        start(&case);
        assert_eq!(case.read("root/site/version.php"), "edited");
        assert_eq!(case.read("root/site/same.php"), "<?php one", "without its other name");
        case.write("root/site/version.php", "1.0");
        same_as_seed(&case);
        let content = |case: &Case| facts(&case.path("root/site"));
        let before = content(&case);
        start(&case);
        assert_eq!(content(&case), before);
    }
}

#[test]
fn a_mirror_of_an_archive() {
    for archive in archives() {
        let case = usual(archive, "policy = \"mirror\"");
        start(&case);
        let inode = |name: &str| fs::symlink_metadata(case.path(format!("root/site/{name}"))).unwrap().ino();
        let before = (inode("index.php"), inode("content/theme/style.css"));
        case.write("root/site/version.php", "9.9");
        case.write("root/site/shell.php", "evil");
        fs::remove_file(case.path("root/site/content/readme.txt")).unwrap();
        start(&case).says(&["/site/shell.php is not of the image: put aside", "1 added, 1 replaced"]);
        same_as_seed(&case);
        assert_eq!((inode("index.php"), inode("content/theme/style.css")), before, "what is right stays");
        case.write("seed/version.php", "2.0");
        pack(&case, archive);
        describe(&case, archive, "2.0", "policy = \"mirror\"");
        start(&case);
        same_as_seed(&case);
    }
}

#[test]
fn what_is_excluded_is_not_unpacked_and_its_other_name_is() {
    let case = usual("site.tar", "exclude = [\"index.php\", \"content/theme\"]");
    fs::hard_link(case.path("seed/index.php"), case.path("seed/third.php")).unwrap();
    pack(&case, "site.tar");
    start(&case);
    assert!(!case.exists("root/site/index.php") && !case.exists("root/site/content/theme"));
    let of = |name: &str| fs::metadata(case.path(format!("root/site/{name}"))).unwrap();
    assert_eq!(case.read("root/site/same.php"), "<?php one");
    assert_eq!((of("same.php").ino(), of("same.php").nlink()), (of("third.php").ino(), 2));
}

#[test]
fn owner_and_modes_are_those_of_the_spec() {
    if !needs_root() {
        return;
    }
    let lines = format!("owner = \"{SOMEBODY}:{SOMEBODY}\"\nmodes = [{{ paths = \"**\", file = \"0640\" }}]");
    let case = usual("site.tar", &lines);
    start(&case);
    for name in ["root/site", "root/site/content/link", "root/site/same.php"] {
        assert_eq!(case.owner(name), (SOMEBODY, SOMEBODY), "{name}");
    }
    assert_eq!(case.mode("root/site/index.php"), 0o640);
}

#[test]
fn directories_that_the_archive_only_implies() {
    let case = usual("site.tar", "");
    fs::create_dir(case.path("root/site")).unwrap();
    case.set_mode("root/site", 0o2711);
    shell(&case, "cd seed; tar -cf ../site.tar content/theme/style.css index.php");
    start(&case);
    assert_eq!(case.mode("root/site"), 0o2711, "nothing says what the root gets");
    assert_eq!((case.mode("root/site/content"), case.mode("root/site/content/theme")), (0o755, 0o755));
    assert_eq!(case.read("root/site/content/theme/style.css"), "body {}");
    describe(&case, "site.tar", "2.0", "policy = \"upgrade\"");
    start(&case).says(&["0 added, 0 replaced, 0 removed"]);
}

#[test]
fn the_root_of_the_archive_is_that_of_the_volume() {
    let case = usual("site.tar", "");
    case.set_mode("seed", 0o1777);
    pack(&case, "site.tar");
    start(&case);
    assert_eq!(case.mode("root/site"), 0o1777);
}

#[test]
fn somebody_without_rights_unpacks_into_their_own_volume() {
    if !needs_root() {
        return;
    }
    let case = usual("site.tar", "").user(SOMEBODY);
    fs::create_dir_all(case.path("root/site")).unwrap();
    case.set_owner("root/site", SOMEBODY, SOMEBODY);
    case.set_mode("seed/index.php", 0o400);
    pack(&case, "site.tar");
    start(&case);
    assert_eq!(case.owner("root/site/content/link"), (SOMEBODY, SOMEBODY));
    same_as_seed(&case);
    start(&case).says(&["nothing had to be written"]);
}

#[test]
fn a_volume_that_somebody_else_filled() {
    let case = usual("site.tar", "existing = \"fill\"");
    case.write("root/site/index.php", "theirs");
    start(&case);
    assert_eq!(case.read("root/site/index.php"), "theirs");
    assert_eq!(case.read("root/site/same.php"), "<?php one");
    assert_eq!(case.read("root/site/content/readme.txt"), "read me");
}

#[test]
fn whoever_unpacks_stops_when_told_to() {
    let case = usual("site.tar", "");
    // holes of a terabyte: minutes of hashing, and not a block
    shell(&case, "truncate -s 1T huge; tar --format=posix --sparse -cf site.tar huge; rm huge");
    let arguments = ["--config", "castoff.toml", "--root", "root", "true"];
    let mut child = case.command(&[env!("CARGO_BIN_EXE_castoff")], &arguments).spawn().unwrap();
    while !case.exists("root/site/.castoff/staging/huge") {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was told to");
        std::thread::yield_now();
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let status = child.wait().unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(status.code().or(status.signal().map(|signal| 128 + signal)), Some(143));
    assert!(!case.exists("root/site/huge") && !case.exists("root/site/.castoff/complete"));
    // and the next start begins anew
    pack(&case, "site.tar");
    start(&case);
    same_as_seed(&case);
}

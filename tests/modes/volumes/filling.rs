//! First starts and restarts.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::site::{both, describe, site, start, tree, usual};
use crate::modes::case::{SOMEBODY, needs_root};

#[test]
fn a_volume_becomes_what_the_seed_is() {
    let case = usual("1.0", "");
    start(&case).says(&["filled /site/ from $DIR/seed"]);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
    assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"]);
    assert_eq!(case.mode("root/site/.castoff"), 0o700);
}

#[test]
fn a_restart_touches_nothing_and_looks_at_nothing() {
    let case = usual("1.0", "");
    start(&case);
    let before = case.listing();
    // what a walk would stumble over
    fs::remove_file(case.path("root/site/index.php")).unwrap();
    fs::remove_dir_all(case.path("seed/content")).unwrap();
    start(&case).says(&["nothing had to be written"]);
    assert!(!case.exists("root/site/index.php"));
    let unchanged = |line: &String| line.contains("root/site/content") || line.contains(".castoff/");
    let after = case.listing();
    let of = |lines: &[String]| lines.iter().filter(|line| unchanged(line)).cloned().collect::<Vec<_>>();
    assert_eq!(of(&after), of(&before));
}

#[test]
fn other_modes_tell_what_would_be_done_and_do_nothing() {
    let case = usual("1.0", "");
    let before = case.listing();
    let said = case.run(&["--plan", "--", "true"]);
    said.code(0);
    assert!(said.out.contains("fill    /site/  from $DIR/seed  (it was never filled)"), "{}", said.out);
    case.run(&["--check", "--", "true"]).code(0);
    assert_eq!(case.listing(), before);
    start(&case);
    let said = case.run(&["--plan", "--", "true"]);
    assert!(said.code(0).out.contains("keep    /site  (the volume is complete)"), "{}", said.out);
}

#[test]
fn owner_and_modes_are_those_of_the_spec() {
    if !needs_root() {
        return;
    }
    let lines = format!(
        "owner = \"{SOMEBODY}:{SOMEBODY}\"\n\
         modes = [{{ paths = \"**\", file = \"0640\", directory = \"2750\" }}, {{ paths = \"*.php\", file = \"0444\" }}]"
    );
    let case = usual("1.0", &lines);
    start(&case);
    for (name, mode) in [("index.php", 0o444), ("content", 0o2750), ("content/theme/style.css", 0o640)] {
        let name = format!("root/site/{name}");
        assert_eq!((case.mode(&name), case.owner(&name)), (mode, (SOMEBODY, SOMEBODY)), "{name}");
    }
    assert_eq!(case.owner("root/site"), (SOMEBODY, SOMEBODY));
    assert_eq!(case.owner("root/site/content/link"), (SOMEBODY, SOMEBODY));
    assert_eq!(case.owner("root/site/.castoff"), (0, 0));
}

#[test]
fn what_is_excluded_is_not_shipped() {
    let case = usual("1.0", "exclude = [\"content/theme\", \"*.txt\", \"**/readme.txt\"]");
    start(&case);
    let names: Vec<String> = tree(&case.path("root/site"));
    assert!(names.iter().all(|name| !name.contains("theme") && !name.contains("readme")), "{names:?}");
    assert!(case.exists("root/site/content/link"));
}

#[test]
fn a_rendered_file_is_not_the_seeds_business() {
    let case = usual("1.0", "policy = \"upgrade\"");
    let spec = case.read("castoff.toml");
    let template = "[[template]]\nsource = \"t\"\ndest = \"/site/version.php\"\nformat = \"plain\"\n";
    case.write("castoff.toml", format!("{spec}{template}"));
    case.write("t", "rendered");
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "rendered");
    case.write("seed/version.php", "2.0");
    case.write("castoff.toml", format!("{spec}{template}").replace("1.0", "2.0"));
    let said = start(&case);
    assert!(!said.err.contains("edited"), "{}", said.err);
    assert_eq!(case.read("root/site/version.php"), "rendered");
}

#[test]
fn a_directory_of_the_spec_in_a_volume_waits_for_it() {
    let case = usual("1.0", "");
    let spec = case.read("castoff.toml");
    case.write(
        "castoff.toml",
        format!("{spec}[[directory]]\npath = \"/site/content/up\"\nmode = \"0770\"\n"),
    );
    start(&case).says(&["filled /site/", "made /site/content/up/"]);
    assert_eq!(case.mode("root/site/content/up"), 0o770);
}

#[test]
fn a_volume_in_a_volume_is_its_own() {
    let case = site("1.0", "");
    for name in ["seed/a", "seed/up/from-outer", "inner/b"] {
        case.write(name, name);
    }
    let spec = case.read("castoff.toml");
    let inner = case.path("inner");
    case.write(
        "castoff.toml",
        format!("{spec}[[volume]]\npath = \"/site/up\"\nseed = \"{}\"\n", inner.display()),
    );
    start(&case);
    assert_eq!(case.read("root/site/up/b"), "inner/b");
    assert!(!case.exists("root/site/up/from-outer") && case.exists("root/site/a"));
}

#[test]
fn what_others_put_there_before_stays() {
    let case = usual("1.0", "");
    case.write("root/site/content/upload.jpg", "theirs");
    case.write("root/site/lost+found/x", "");
    start(&case);
    assert_eq!(case.read("root/site/content/upload.jpg"), "theirs");
    assert_eq!(case.read("root/site/content/theme/style.css"), "body {}");
}

#[test]
fn a_volume_that_somebody_else_filled() {
    for (lines, code, index, added) in [
        ("", 73, "theirs", false),
        ("existing = \"fill\"", 0, "theirs", true),
        ("existing = \"adopt\"", 0, "theirs", false),
        ("existing = \"replace\"", 0, "<?php one", true),
    ] {
        let case = usual("1.0", lines);
        case.write("root/site/index.php", "theirs");
        let said = case.run(&["true"]);
        said.code(code);
        assert_eq!(case.read("root/site/index.php"), index, "{lines}");
        assert_eq!(case.exists("root/site/version.php"), added, "{lines}");
        if code != 0 {
            said.says(&[
                "/site holds files that castoff did not put there",
                "index.php differ from the image's; nothing was changed",
                "castoff.toml:6",
            ]);
        } else {
            start(&case).says(&["nothing had to be written"]);
        }
    }
}

#[test]
fn an_adopted_volume_is_upgraded_where_it_has_the_images_files() {
    let case = usual("1.0", "policy = \"upgrade\"\nexisting = \"adopt\"");
    case.write("root/site/index.php", "theirs");
    case.write("root/site/version.php", "1.0");
    start(&case);
    case.write("seed/version.php", "2.0");
    describe(&case, "2.0", "policy = \"upgrade\"");
    start(&case);
    assert_eq!(
        (case.read("root/site/version.php"), case.read("root/site/index.php")),
        ("2.0".into(), "theirs".into())
    );
}

#[test]
fn the_root_of_an_empty_volume_gets_the_seeds_mode() {
    let case = usual("1.0", "");
    case.set_mode("seed", 0o1777);
    start(&case);
    assert_eq!(case.mode("root/site"), 0o1777);
}

#[test]
fn times_and_kinds_and_odd_names_survive() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let case = usual("1.0", "");
    let odd = OsStr::from_bytes(b"seed/\xff\n\\ name");
    fs::write(case.path(odd), "odd").unwrap();
    let long = format!("seed/{}", "n".repeat(255));
    case.write(&long, "long");
    nix::unistd::mkfifo(&case.path("seed/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::hard_link(case.path("seed/index.php"), case.path("seed/same.php")).unwrap();
    let holes = fs::File::create(case.path("seed/holes")).unwrap();
    holes.set_len(5 << 30).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    fs::File::open(case.path("seed/index.php")).unwrap().set_modified(time).unwrap();
    start(&case);
    let at = |name: &str| fs::symlink_metadata(case.path(format!("root/site/{name}"))).unwrap();
    assert_eq!(fs::read(case.path(OsStr::from_bytes(b"root/site/\xff\n\\ name"))).unwrap(), b"odd");
    assert_eq!(case.read(&format!("root/site/{}", "n".repeat(255))), "long");
    assert_eq!(at("index.php").modified().unwrap(), time);
    assert_eq!(at("index.php").ino(), at("same.php").ino(), "one file with two names");
    assert_eq!((at("holes").len(), at("holes").blocks()), (5 << 30, 0), "larger than 4 GiB, and no block");
    use std::os::unix::fs::FileTypeExt;
    assert!(at("fifo").file_type().is_fifo());
    assert_eq!(at("fifo").permissions().mode() & 0o777, 0o700);
    // and the manifest knows them: nothing is to be done to them in an upgrade
    describe(&case, "2.0", "policy = \"upgrade\"");
    start(&case).says(&["upgrade from 1.0 to 2.0: 0 added, 0 replaced, 0 removed"]);
}

#[test]
fn somebody_without_rights_fills_their_own_volume() {
    if !needs_root() {
        return;
    }
    let case = usual("1.0", "").user(SOMEBODY);
    fs::create_dir_all(case.path("root/site")).unwrap();
    case.set_owner("root/site", SOMEBODY, SOMEBODY);
    case.run(&["true"]).code(0);
    assert_eq!(case.owner("root/site/index.php"), (SOMEBODY, SOMEBODY));
    assert_eq!(case.read("root/site/content/theme/style.css"), "body {}");
    case.run(&["true"]).code(0).says(&["nothing had to be written"]);
}

#[test]
fn somebody_without_rights_can_not_give_files_away() {
    if !needs_root() {
        return;
    }
    let case = usual("1.0", "owner = \"1:1\"").user(SOMEBODY);
    fs::create_dir_all(case.path("root/site")).unwrap();
    case.set_owner("root/site", SOMEBODY, SOMEBODY);
    case.run(&["true"]).code(77).says(&["leave out the owner in the spec"]);
    assert_eq!(tree(&case.path("root/site")), [""; 0], "nothing is half done");
}

#[test]
fn mistakes_of_the_image() {
    for (seed, says) in [
        ("/nowhere", "the seed /nowhere can't be read: No such file or directory"),
        ("/dev/null", "the seed /dev/null is nothing to fill a volume from"),
    ] {
        let case = usual("1.0", "");
        case.write("castoff.toml", format!("version = 1\n[[volume]]\npath = \"/site\"\nseed = \"{seed}\"\n"));
        case.run(&["true"]).code(66).says(&[says, "castoff.toml:4"]);
        case.run(&["--check", "--", "true"]).code(66);
    }
}

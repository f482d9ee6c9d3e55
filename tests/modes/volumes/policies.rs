//! `once`, `missing` and `mirror` after the first start.

use std::fs;

use super::site::{both, describe, start, usual};

#[test]
fn once_is_once() {
    let case = usual("1.0", "policy = \"once\"");
    start(&case);
    case.write("seed/version.php", "2.0");
    fs::remove_file(case.path("root/site/index.php")).unwrap();
    describe(&case, "2.0", "policy = \"once\"");
    start(&case).says(&["nothing had to be written"]);
    assert_eq!(case.read("root/site/version.php"), "1.0");
    assert!(!case.exists("root/site/index.php"));
}

#[test]
fn missing_adds_what_is_missing_and_changes_nothing() {
    let case = usual("1.0", "policy = \"missing\"");
    start(&case);
    case.write("root/site/version.php", "edited");
    fs::remove_file(case.path("root/site/index.php")).unwrap();
    fs::remove_dir_all(case.path("root/site/content")).unwrap();
    case.write("seed/new", "new");
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "edited");
    assert_eq!(case.read("root/site/index.php"), "<?php one");
    assert_eq!(case.read("root/site/content/theme/style.css"), "body {}");
    assert_eq!(case.read("root/site/new"), "new");
    let before = case.listing();
    start(&case);
    let of = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| line.contains("root/site/")).collect()
    };
    let (before, after) = (of(before), of(case.listing()));
    let content = |lines: &[String]| {
        lines.iter().filter(|line| !line.contains(".castoff")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(content(&after), content(&before));
}

#[test]
fn a_mirror_is_what_the_image_is() {
    let case = usual("1.0", "policy = \"mirror\"\nkeep = [\"uploads/**\"]");
    start(&case);
    case.write("root/site/version.php", "edited");
    case.write("root/site/shell.php", "<?php system($_GET['c']);");
    case.write("root/site/content/evil/more.php", "evil");
    case.write("root/site/uploads/photo.jpg", "photo");
    fs::create_dir(case.path("root/site/lost+found")).unwrap();
    case.set_mode("root/site/index.php", 0o666);
    fs::remove_file(case.path("root/site/content/readme.txt")).unwrap();
    start(&case).says(&["/site/shell.php is not of the image: put aside in .castoff/aside"]);
    assert_eq!(case.read("root/site/uploads/photo.jpg"), "photo");
    fs::remove_dir_all(case.path("root/site/uploads")).unwrap();
    fs::remove_dir(case.path("root/site/lost+found")).expect("the file system's own stays");
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
    let aside = case.names("root/site/.castoff/aside");
    assert!(aside.iter().any(|name| name.ends_with("/shell.php")), "nothing is lost: {aside:?}");
    assert!(aside.iter().any(|name| name.ends_with("/content/evil/more.php")), "{aside:?}");
}

#[test]
fn a_mirror_of_a_newer_image() {
    let case = usual("1.0", "policy = \"mirror\"");
    start(&case);
    case.write("seed/version.php", "2.0");
    fs::remove_file(case.path("seed/index.php")).unwrap();
    describe(&case, "2.0", "policy = \"mirror\"");
    start(&case);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
    assert!(!case.exists("root/site/.castoff/aside"), "what castoff shipped itself is removed");
    describe(&case, "1.0", "policy = \"mirror\"");
    case.run(&["true"]).code(78);
}

#[test]
fn a_volume_without_a_seed_is_left_alone() {
    let case = usual("1.0", "");
    case.write("castoff.toml", "version = 1\n[[volume]]\npath = \"/site\"\n");
    case.write("root/site/a", "a");
    start(&case).says(&["nothing had to be written"]);
    assert_eq!(case.names("root/site"), [".castoff", ".castoff/started", "a"]);
    start(&case).says(&["nothing had to be written"]);
}

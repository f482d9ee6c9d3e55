//! A newer image meets a volume that an older one filled.

use std::fs;

use super::site::{both, describe, start, tree, usual};
use crate::modes::case::Case;

/// A volume filled by 1.0, and the image of 2.0.
fn upgraded(lines: &str) -> Case {
    let lines = format!("policy = \"upgrade\"\n{lines}");
    let case = usual("1.0", &lines);
    start(&case);
    case.write("seed/version.php", "2.0");
    case.write("seed/new/file", "new");
    fs::remove_file(case.path("seed/content/readme.txt")).unwrap();
    describe(&case, "2.0", &lines);
    case
}

#[test]
fn an_untouched_volume_becomes_what_the_new_image_is() {
    let case = upgraded("");
    start(&case).says(&["/site/: upgrade from 1.0 to 2.0: 2 added, 1 replaced, 1 removed"]);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
    assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"]);
    start(&case).says(&["nothing had to be written"]);
}

#[test]
fn an_untouched_file_is_not_written_anew() {
    let case = upgraded("");
    let before = case.listing();
    let line = |lines: &[String]| lines.iter().find(|line| line.contains("root/site/index.php")).cloned();
    start(&case);
    assert_eq!(line(&case.listing()), line(&before));
}

#[test]
fn what_was_edited_stays_and_is_told() {
    let case = upgraded("");
    case.write("root/site/version.php", "1.0, patched");
    case.write("root/site/content/readme.txt", "mine");
    case.write("root/site/index.php", "edited, and the image did not change it");
    case.write("root/site/theirs.php", "never shipped");
    start(&case).says(&[
        "/site/version.php was edited, and stays",
        "/site/content/readme.txt was edited, and stays",
        "2 added, 0 replaced, 0 removed",
    ]);
    assert_eq!(case.read("root/site/version.php"), "1.0, patched");
    assert_eq!(case.read("root/site/content/readme.txt"), "mine");
    assert_eq!(case.read("root/site/theirs.php"), "never shipped");
    assert!(!case.exists("root/site/version.php.castoff-new"));
}

#[test]
fn the_new_one_is_put_beside_an_edited_one_on_request() {
    let case = upgraded("conflicts = \"new-file\"");
    case.write("root/site/version.php", "1.0, patched");
    start(&case).says(&["/site/version.php was edited and stays; the image's is beside it"]);
    assert_eq!(case.read("root/site/version.php"), "1.0, patched");
    assert_eq!(case.read("root/site/version.php.castoff-new"), "2.0");
}

#[test]
fn an_edited_one_is_replaced_on_request() {
    let case = upgraded("conflicts = \"replace\"");
    case.write("root/site/version.php", "1.0, patched");
    case.write("root/site/new/file", "theirs: castoff never shipped it");
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "2.0");
    assert_eq!(case.read("root/site/new/file"), "theirs: castoff never shipped it");
}

#[test]
fn an_edit_that_hides_is_found() {
    let case = upgraded("");
    let path = case.path("root/site/version.php");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "9.9").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    start(&case).says(&["/site/version.php was edited, and stays"]);
    assert_eq!(case.read("root/site/version.php"), "9.9");
}

#[test]
fn a_volume_that_was_restored_from_a_backup_is_upgraded_all_the_same() {
    let case = upgraded("");
    let status = std::process::Command::new("sh")
        .args(["-c", "cp -a root/site root/copy && rm -r root/site && mv root/copy root/site"])
        .current_dir(case.path(""))
        .status();
    assert!(status.unwrap().success());
    case.write("root/site/index.php", "edited");
    start(&case).says(&["2 added, 1 replaced, 1 removed"]);
    assert_eq!(case.read("root/site/index.php"), "edited");
}

#[test]
fn what_was_removed_stays_away() {
    let case = upgraded("");
    fs::remove_file(case.path("root/site/version.php")).unwrap();
    fs::remove_dir_all(case.path("root/site/content/theme")).unwrap();
    case.write("seed/content/theme/more.css", "more");
    start(&case);
    assert!(!case.exists("root/site/version.php") && !case.exists("root/site/content/theme"));
    // and at the next upgrade too
    case.write("seed/version.php", "3.0");
    describe(&case, "3.0", "policy = \"upgrade\"");
    start(&case);
    assert!(!case.exists("root/site/version.php") && !case.exists("root/site/content/theme"));
}

#[test]
fn kept_paths_are_shipped_once() {
    let case = upgraded("keep = [\"content/**\", \"version.php\"]");
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "1.0");
    assert!(case.exists("root/site/content/readme.txt") && case.exists("root/site/new/file"));
}

#[test]
fn files_and_directories_change_places() {
    let case = upgraded("");
    fs::remove_file(case.path("seed/index.php")).unwrap();
    case.write("seed/index.php/now-a-directory", "yes");
    fs::remove_dir_all(case.path("seed/content")).unwrap();
    case.write("seed/content", "now a file");
    start(&case);
    let (seed, volume) = both(&case);
    assert_eq!(volume, seed);
}

#[test]
fn a_directory_with_files_of_others_is_not_removed() {
    let case = upgraded("");
    case.write("root/site/content/theme/mine.css", "mine");
    fs::remove_dir_all(case.path("seed/content")).unwrap();
    start(&case);
    assert_eq!(
        tree(&case.path("root/site/content")),
        ["theme directory 755 ", "theme/mine.css file 644 mine"]
    );
}

#[test]
fn rights_that_somebody_set_stay() {
    let case = upgraded("");
    case.set_mode("root/site/version.php", 0o600);
    case.set_mode("seed/index.php", 0o600);
    start(&case);
    assert_eq!(
        (case.read("root/site/version.php").as_str(), case.mode("root/site/version.php")),
        ("2.0", 0o600)
    );
    assert_eq!(case.mode("root/site/index.php"), 0o600, "the image changed them");
}

#[test]
fn a_volume_of_a_newer_image_is_refused() {
    let case = upgraded("");
    start(&case);
    describe(&case, "1.5", "policy = \"upgrade\"");
    let before = case.listing();
    case.run(&["true"])
        .code(78)
        .says(&["/site was brought to version 2.0, and this image is 1.5", "run version 2.0 or a newer one"]);
    assert_eq!(case.listing(), before);
    describe(&case, "1.5", "policy = \"upgrade\"\nallow-downgrade = true");
    start(&case).says(&["upgrade from 2.0 to 1.5"]);
}

#[test]
fn three_images_later() {
    let case = upgraded("");
    case.write("root/site/version.php", "patched");
    start(&case);
    case.write("seed/version.php", "3.0");
    case.write("seed/index.php", "<?php three");
    describe(&case, "3.0", "policy = \"upgrade\"");
    start(&case).says(&["/site/version.php was edited, and stays", "0 added, 1 replaced, 0 removed"]);
    fs::write(case.path("root/site/version.php"), "3.0").unwrap();
    case.write("seed/version.php", "4.0");
    describe(&case, "4.0", "policy = \"upgrade\"");
    start(&case);
    assert_eq!(case.read("root/site/version.php"), "4.0", "it is the image's again");
}

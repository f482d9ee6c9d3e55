//! Destinations that are something else than a plain file in a writable directory.

use std::fs;
use std::os::unix::fs::symlink;

use super::case::{Case, SOMEBODY, needs_root};

/// Two files: the first in a directory that is fine, the second where the test wants it.
fn two_files(dest: &str) -> Case {
    Case::new(&format!(
        "[[template]]\nsource = \"t\"\ndest = \"/first/a\"\nformat = \"plain\"\n\
         [[template]]\nsource = \"t\"\ndest = \"{dest}\"\nformat = \"plain\"\n"
    ))
    .file("t", "new\n")
    .file("root/first/a", "old\n")
}

/// The first file is as it was, and nothing lies beside it.
fn assert_untouched(case: &Case) {
    assert_eq!(case.read("root/first/a"), "old\n");
    assert_eq!(case.names("root/first"), ["a"]);
    assert_eq!(case.names("tmp"), [""; 0]);
}

#[test]
fn a_link_that_the_image_has_is_followed() {
    let case = two_files("/second/b").file("root/target", "old\n").file("root/second/x", "");
    symlink("../target", case.path("root/second/b")).unwrap();
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/target"), "new\n");
    assert!(case.path("root/second/b").is_symlink());
}

#[test]
fn a_link_that_somebody_could_have_planted_is_not() {
    let case = two_files("/second/b").file("root/target", "theirs\n").file("root/second/x", "");
    symlink("../target", case.path("root/second/b")).unwrap();
    case.set_mode("root/second", 0o777);
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/target"), "theirs\n");
    assert_eq!(case.read("root/second/b"), "new\n");
}

#[test]
fn a_directory_that_somebody_could_have_linked_away_is_refused() {
    if !needs_root() {
        return;
    }
    let case = two_files("/home/www/etc/b").file("root/home/x", "").file("root/target/x", "");
    fs::create_dir(case.path("root/home/www")).unwrap();
    case.set_owner("root/home/www", SOMEBODY, SOMEBODY);
    symlink("/target", case.path("root/home/www/etc")).unwrap();
    case.run(&["true"]).code(73).says(&["/home/www/etc` is not trusted"]);
    assert_eq!(case.names("root/target"), ["x"]);
    assert_untouched(&case);
}

#[test]
fn a_directory_in_the_place_of_a_file() {
    let case = two_files("/second/b").file("root/second/b/inside", "");
    case.run(&["true"]).code(73).says(&["/second/b is a directory", "castoff.toml:"]);
    assert_untouched(&case);
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_replaced_and_never_opened() {
    let case = two_files("/second/b").file("root/second/x", "");
    nix::unistd::mkfifo(&case.path("root/second/b"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/second/b"), "new\n");
}

#[test]
fn a_file_in_the_place_of_a_directory() {
    let case = two_files("/second/b").file("root/second", "a file");
    case.run(&["true"]).code(73).says(&["/second", "Not a directory", "remove or rename it"]);
    assert_untouched(&case);
}

#[test]
fn a_mounted_file_belongs_to_who_mounted_it() {
    for options in ["", "mount -o remount,bind,ro second/b"] {
        let case = two_files("/second/b").file("theirs", "theirs\n").file("root/second/b", "placeholder\n");
        let script = format!("mount --bind ../theirs second/b; {options}");
        let Some(said) = case.run_in_namespace(&script, &["true"]) else { return };
        said.code(0).says(&["kept /second/b: something is mounted there", "wrote /first/a"]);
        assert_eq!(case.read("theirs"), "theirs\n");
        let plan = case.run_in_namespace(&script, &["--plan", "true"]).unwrap();
        assert!(plan.out.contains("keep    /second/b  (something is mounted there"), "{}", plan.out);
        assert_eq!(case.read("root/second/b"), "placeholder\n");
        assert_eq!(case.names("root/second"), ["b"]);
    }
}

#[test]
fn a_read_only_place_ends_the_start_and_nothing_is_half_written() {
    for script in [
        "mount --bind second second; mount -o remount,bind,ro second",
        "mount -t tmpfs -o ro,size=64k none second",
    ] {
        let case = two_files("/second/b").file("root/second/x", "");
        let Some(said) = case.run_in_namespace(script, &["true"]) else { return };
        said.code(73).says(&[
            "can't create `root/second/b`: Read-only file system",
            "mount a writable volume or a tmpfs at `root/second`",
            "castoff: 1 error\n",
        ]);
        assert_untouched(&case);
        assert_eq!(case.names("root/second"), ["x"]);
        let check = case.run_in_namespace(script, &["--check", "true"]).unwrap();
        assert_eq!((check.code, &check.err), (73, &said.err), "a check finds it, too");
        let plan = case.run_in_namespace(script, &["--plan", "true"]).unwrap();
        let expected = "    this will fail: can't create `root/second/b`: Read-only file system\n";
        assert!(plan.code(0).out.contains(expected), "{}", plan.out);
    }
}

#[test]
fn a_read_only_root_with_all_as_it_should_be_is_no_error() {
    let case = two_files("/second/b");
    case.run(&["true"]).code(0);
    let script = "mount --bind . .; mount -o remount,bind,ro .";
    let Some(said) = case.run_in_namespace(script, &["true"]) else { return };
    said.code(0).says(&["nothing had to be written"]);
}

#[test]
fn a_full_file_system() {
    let case = two_files("/second/b").file("root/second/x", "").file("t", "x".repeat(256 << 10));
    let script = "mount -t tmpfs -o size=16k none second";
    let Some(said) = case.run_in_namespace(&format!("{script}; ls -la second >&2"), &["true"]) else {
        return;
    };
    said.code(73).says(&["No space left on device", "free or add space where `root/second` is stored"]);
    assert_untouched(&case);
}

#[test]
fn a_directory_that_castoff_may_not_write() {
    if !needs_root() {
        return;
    }
    let case = two_files("/second/b").file("root/second/x", "").user(SOMEBODY);
    case.set_owner("root/first", SOMEBODY, SOMEBODY);
    // that root owns a file there, which can't be kept so, is no reason to fail
    let said = case.run(&["true"]);
    said.code(73).says(&[
        "`root/second/b`: Permission denied",
        "castoff runs as uid 54321",
        "start the container as root",
    ]);
    assert_eq!(case.run(&["--check", "true"]).code(73).err, said.err, "a check finds it, too");
    assert_untouched(&case);
}

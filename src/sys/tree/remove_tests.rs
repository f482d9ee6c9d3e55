use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::errno::Errno;

use super::remove_tree;
use crate::sys::fixture::{Scratch, as_user, bind, root_or_skip, with_own_mounts};
use crate::sys::tree::TreeError;
use crate::sys::tree::fixture::{Attacker, Canary, NEVER, tree};

#[test]
fn all_below_a_name_goes_and_nothing_else() {
    let scratch = Scratch::new();
    for name in ["gone/a/b/c/file", "gone/a/file", "gone/x/y/z", "stays/file"] {
        scratch.file(name, "");
    }
    scratch.link("gone/a/out", "../../stays");
    scratch.link("gone/out", scratch.path("stays/file"));
    scratch.fifo("gone/fifo");
    let root = tree(&scratch.path(""));
    remove_tree(&root, Path::new("gone"), NEVER).unwrap();
    assert_eq!(scratch.names(""), ["stays"]);
    assert_eq!(scratch.names("stays"), ["file"]);
    for nothing in ["gone", "gone/not/there"] {
        remove_tree(&root, Path::new(nothing), NEVER).unwrap();
    }
    scratch.link("link", "stays");
    remove_tree(&root, Path::new("link"), NEVER).unwrap();
    assert_eq!(scratch.names(""), ["stays"]);
}

#[test]
fn who_is_not_root_removes_directories_without_rights() {
    let scratch = Scratch::new();
    scratch.directory("open", 0o777);
    let open = scratch.path("open");
    let left = as_user(1234, move || {
        for (name, mode) in [("read-only", 0o555), ("closed", 0o000), ("blind", 0o311)] {
            fs::create_dir_all(open.join("gone").join(name).join("in")).unwrap();
            fs::write(open.join("gone").join(name).join("file"), "").unwrap();
            fs::set_permissions(open.join("gone").join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        remove_tree(&tree(&open), Path::new("gone"), NEVER).unwrap();
        fs::read_dir(open).unwrap().count()
    });
    assert!(left.is_none_or(|left| left == 0));
}

#[test]
fn what_is_mounted_inside_stays_and_is_named() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.file("theirs/file", "theirs");
        scratch.file("gone/deep/mounted/x", "");
        bind(&scratch.path("theirs"), &scratch.path("gone/deep/mounted"));
        let error = remove_tree(&tree(&scratch.path("")), Path::new("gone"), NEVER).unwrap_err();
        let TreeError::Failed(error) = error else { panic!("stopped") };
        assert_eq!((error.errno(), &error.path), (Some(Errno::EBUSY), &scratch.path("gone/deep/mounted")));
        assert_eq!(scratch.read("theirs/file"), "theirs");
        nix::mount::umount(&scratch.path("gone/deep/mounted")).unwrap();
    });
}

#[test]
fn it_can_be_stopped() {
    let scratch = Scratch::new();
    scratch.file("gone/file", "");
    let outcome = remove_tree(&tree(&scratch.path("")), Path::new("gone"), &|| true);
    assert_eq!(outcome.unwrap_err(), TreeError::Stopped);
}

#[test]
fn nothing_planted_leads_the_removal_out() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let canary = Canary::new(&scratch);
    scratch.directory("volume/top", 0o755);
    let attacker = Attacker::start(&scratch.path("volume/top"), &canary);
    let root = tree(&scratch.path("volume"));
    for _ in attacker.during(1000) {
        match remove_tree(&root, Path::new("top/sub"), NEVER) {
            Ok(()) | Err(TreeError::Failed(_)) => {}
            Err(TreeError::Stopped) => panic!("nobody asked"),
        }
    }
    attacker.end();
    canary.assert_untouched();
}

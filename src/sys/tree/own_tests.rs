use std::fs;
use std::os::unix::fs::{MetadataExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::{Left, Owned, Spare, own_tree};
use crate::sys::accounts::Owner;
use crate::sys::fixture::{Scratch, as_user, bind, root_or_skip, with_own_mounts};
use crate::sys::tree::fixture::{Attacker, Canary, NEVER, tree};
use crate::sys::tree::{Progress, TreeError};

const SERVICE: Owner = Owner { uid: Some(33), gid: Some(34) };

fn nothing(_: &Path) -> Spare {
    Spare::Nothing
}

fn own(path: &Path) -> Owned {
    own_tree(&tree(path), SERVICE, &nothing, NEVER, &Progress::default()).unwrap()
}

fn owner(path: PathBuf) -> (u32, u32) {
    let found = fs::symlink_metadata(path).unwrap();
    (found.uid(), found.gid())
}

#[test]
fn everything_below_is_given_away_once() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.file("outside", "");
    scratch.file("top/a/b/file", "");
    scratch.file("top/theirs", "");
    scratch.link("top/a/link", scratch.path("outside"));
    scratch.fifo("top/fifo");
    chown(scratch.path("top/theirs"), Some(33), Some(34)).unwrap();
    let ctime = || fs::metadata(scratch.path("top/theirs")).map(|found| found.ctime_nsec()).unwrap();
    let before = ctime();
    assert_eq!(own(&scratch.path("top")), Owned { changed: 5, left: vec![] });
    for given in ["a", "a/b", "a/b/file", "a/link", "fifo", "theirs"] {
        assert_eq!(owner(scratch.path("top").join(given)), (33, 34), "{given}");
    }
    assert_eq!((owner(scratch.path("top")), owner(scratch.path("outside"))), ((0, 0), (0, 0)));
    assert_eq!(own(&scratch.path("top")), Owned::default());
    assert_eq!(ctime(), before);
    let group = Owner { uid: None, gid: Some(0) };
    let owned = own_tree(&tree(&scratch.path("top")), group, &nothing, NEVER, &Progress::default()).unwrap();
    assert_eq!((owned.changed, owner(scratch.path("top/a/b/file"))), (6, (33, 0)));
}

#[test]
fn what_is_spared_stays() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    for name in ["top/file", "top/itself/file", "top/all/file"] {
        scratch.file(name, "");
    }
    let spared = |path: &Path| match path.to_str().unwrap() {
        "file" | "itself" => Spare::Itself,
        "all" => Spare::WithAllBelow,
        _ => Spare::Nothing,
    };
    let owned = own_tree(&tree(&scratch.path("top")), SERVICE, &spared, NEVER, &Progress::default()).unwrap();
    assert_eq!((owned.changed, owner(scratch.path("top/itself/file"))), (1, (33, 34)));
}

#[test]
fn a_file_with_other_names_is_left_and_named() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.file("outside", "");
    scratch.file("top/ours", "");
    scratch.file("top/open/x", "");
    let link = |from: &str, to: &str| fs::hard_link(scratch.path(from), scratch.path(to)).unwrap();
    // A file of somebody else's, linked here twice …
    link("outside", "top/planted");
    link("outside", "top/again");
    // … one of this tree alone …
    scratch.directory("top/sub", 0o755);
    link("top/ours", "top/sub/ours");
    // … and one whose names are where others could have put them.
    link("top/open/x", "top/open/y");
    scratch.directory("top/open", 0o777);
    let owned = own(&scratch.path("top"));
    let expected = [("again", 3), ("open/x", 2), ("open/y", 2), ("planted", 3)];
    let left: Vec<_> =
        expected.map(|(path, links)| (PathBuf::from(path), Left::SeveralNames(links))).into_iter().collect();
    assert_eq!(owned.left, left);
    assert_eq!(owner(scratch.path("outside")), (0, 0));
    assert_eq!(owner(scratch.path("top/sub/ours")), (33, 34));
    assert_eq!(owner(scratch.path("top/open/x")), (0, 0));
}

#[test]
fn what_is_mounted_inside_is_left_and_named() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.file("theirs/file", "");
        scratch.file("top/mounted/x", "");
        scratch.file("top/file", "");
        bind(&scratch.path("theirs"), &scratch.path("top/mounted"));
        bind(&scratch.path("theirs/file"), &scratch.path("top/file"));
        let left = ["file", "mounted"].map(|path| (PathBuf::from(path), Left::MountPoint));
        assert_eq!(own(&scratch.path("top")).left, left);
        assert_eq!((owner(scratch.path("theirs")), owner(scratch.path("theirs/file"))), ((0, 0), (0, 0)));
        for mount in ["top/mounted", "top/file"] {
            nix::mount::umount(&scratch.path(mount)).unwrap();
        }
    });
}

#[test]
fn who_may_not_give_away_is_told() {
    let scratch = Scratch::new();
    scratch.directory("open", 0o777);
    let open = scratch.path("open");
    let outcome = as_user(1234, move || {
        fs::write(open.join("file"), "").unwrap();
        let asked = |uid| Owner { uid: Some(uid), gid: None };
        let own = |uid| own_tree(&tree(&open), asked(uid), &nothing, NEVER, &Progress::default());
        (own(1234), own(33))
    });
    if let Some((right, wrong)) = outcome {
        assert_eq!(right.unwrap(), Owned::default());
        let Err(TreeError::Failed(error)) = wrong else { panic!("{wrong:?}") };
        assert_eq!((error.errno(), error.path), (Some(Errno::EPERM), scratch.path("open/file")));
    }
}

#[test]
fn nothing_planted_is_given_away() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let canary = Canary::new(&scratch);
    scratch.directory("volume/top", 0o777);
    let attacker = Attacker::start(&scratch.path("volume/top"), &canary);
    for _ in attacker.during(1000) {
        own_tree(&tree(&scratch.path("volume")), SERVICE, &nothing, NEVER, &Progress::default()).unwrap();
    }
    attacker.end();
    canary.assert_untouched();
}

#[test]
fn a_name_that_wanders_is_not_counted_twice() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let canary = Canary::new(&scratch);
    scratch.directory("top", 0o777);
    for at in 0..200 {
        symlink("x", scratch.path("top").join(format!("n{at}"))).unwrap();
        lchown(scratch.path("top").join(format!("n{at}")), Some(33), Some(34)).unwrap();
    }
    // One name of the canary's file that is renamed all the time, so that a walk meets it
    // under several.
    let (ends, names) = (std::sync::atomic::AtomicBool::new(false), ["a", "m", "n1x", "n5x", "z"]);
    let path = |at: usize| scratch.path("top").join(names[at % names.len()]);
    fs::hard_link(scratch.path("canary/inside/file"), path(0)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0.. {
                if ends.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                fs::rename(path(at), path(at + 1)).unwrap();
            }
        });
        for _ in 0..1000 {
            own(&scratch.path("top"));
        }
        ends.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    canary.assert_untouched();
}

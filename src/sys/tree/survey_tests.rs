use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::survey;
use crate::sys::file_error::{Cause, Operation};
use crate::sys::fixture::{Scratch, as_user, bind, root_or_skip, with_own_mounts};
use crate::sys::status::Kind;
use crate::sys::tree::fixture::{Attacker, Canary, NEVER, all, paths, tree};
use crate::sys::tree::{Content, Entry, Progress, TreeError, Want, hash_file, same_bytes};

fn found(path: &Path) -> Vec<Entry> {
    survey(&tree(path), &all, true, NEVER, &Progress::default()).unwrap()
}

#[test]
fn names_come_sorted_with_kind_and_content() {
    let scratch = Scratch::new();
    for name in ["top/b/file", "top/b-2", "top/a", "top/b/sub/x"] {
        scratch.file(name, name);
    }
    scratch.link("top/link", "a");
    scratch.fifo("top/fifo");
    let entries = found(&scratch.path("top"));
    assert_eq!(paths(&entries), ["a", "b", "b/file", "b/sub", "b/sub/x", "b-2", "fifo", "link"]);
    assert!(entries.is_sorted_by(|one, other| one.path < other.path));
    let entry = |name: &str| entries.iter().find(|entry| entry.path == Path::new(name)).unwrap();
    assert_eq!((entry("b").kind, &entry("b").content), (Kind::Directory, &Content::None));
    assert_eq!(entry("link").content, Content::Link("a".into()));
    assert_eq!((entry("fifo").kind, entry("b/file").size), (Kind::Fifo, 10));
    let hashed = hash_file(&tree(&scratch.path("top")), Path::new("b/file"), NEVER).unwrap();
    assert_eq!(&hashed, entry("b/file"));
}

#[test]
fn the_hash_is_xxh3_of_the_bytes() {
    let scratch = Scratch::new();
    // As `xxh128sum` prints them.
    for (content, hash) in [
        (Vec::new(), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f_u128),
        (b"abc".to_vec(), 0x06b0_5ab6_733a_6185_78af_5f94_892f_3950),
    ] {
        fs::write(scratch.path("file"), content).unwrap();
        let Content::File(found) =
            hash_file(&tree(&scratch.path("")), Path::new("file"), NEVER).unwrap().content
        else {
            panic!("no file")
        };
        assert_eq!(found.0, hash);
    }
}

#[test]
fn only_what_is_wanted_is_entered_and_only_what_is_asked_for_read() {
    let scratch = Scratch::new();
    scratch.file("top/skip/file", "");
    scratch.file("top/alone/file", "");
    scratch.file("top/take/file", "content");
    scratch.file("top/large", "content");
    let wanted = |path: &Path, _| match path.to_str().unwrap() {
        "skip" => Want::Skip,
        "alone" => Want::TakeAlone,
        _ => Want::Take,
    };
    for (hashing, read) in [(false, 0), (true, 14)] {
        let progress = Progress::default();
        let entries = survey(&tree(&scratch.path("top")), &wanted, hashing, NEVER, &progress).unwrap();
        assert_eq!(paths(&entries), ["alone", "large", "take", "take/file"]);
        assert_eq!(entries[0].content, Content::None);
        assert_eq!(matches!(entries[3].content, Content::File(_)), hashing);
        assert_eq!(progress.bytes.into_inner(), read);
    }
}

#[test]
fn what_is_mounted_inside_is_flagged_and_not_entered() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.file("theirs/file", "theirs");
        scratch.file("top/mounted/mine", "");
        scratch.file("top/file", "");
        bind(&scratch.path("theirs"), &scratch.path("top/mounted"));
        bind(&scratch.path("theirs/file"), &scratch.path("top/file"));
        for root in [tree(&scratch.path("top")), tree(&scratch.path("top")).without_openat2()] {
            let entries = survey(&root, &all, true, NEVER, &Progress::default()).unwrap();
            assert_eq!(paths(&entries), ["file", "mounted"]);
            assert!(entries.iter().all(|entry| entry.mount_point && entry.content == Content::None));
            assert_eq!(root.directory(Path::new("mounted")).unwrap_err().errno(), Some(Errno::EXDEV));
        }
        for mount in ["top/mounted", "top/file"] {
            nix::mount::umount(&scratch.path(mount)).unwrap();
        }
    });
}

#[test]
fn what_can_not_be_read_is_named() {
    let scratch = Scratch::new();
    scratch.file("top/closed/file", "");
    scratch.file("top/secret", "");
    let set = |name: &str, mode| {
        fs::set_permissions(scratch.path("top").join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    set("secret", 0o600);
    let top = scratch.path("top");
    let look = move |hashing: bool| {
        survey(&tree(&top), &all, hashing, NEVER, &Progress::default()).map(|entries| entries.len())
    };
    let look = std::sync::Arc::new(look);
    let again = std::sync::Arc::clone(&look);
    if let Some((unread, read)) = as_user(1234, move || (again(false), again(true))) {
        assert_eq!(unread.unwrap(), 3);
        let Err(TreeError::Failed(error)) = read else { panic!("{read:?}") };
        assert_eq!((error.operation, error.errno()), (Operation::ReadContent, Some(Errno::EACCES)));
        assert_eq!(error.path, scratch.path("top/secret"));
    }
    set("closed", 0o700);
    if let Some(outcome) = as_user(1234, move || look(false)) {
        let Err(TreeError::Failed(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((error.operation, error.path), (Operation::List, scratch.path("top/closed")));
    }
}

#[test]
fn a_deep_tree_needs_few_descriptors_and_has_a_bound() {
    let scratch = Scratch::new();
    scratch.directory("top", 0o755);
    let mut path = PathBuf::from("top");
    // 15 names of 255 bytes, then short ones until the path has 4,095 bytes.
    for _ in 0..15 {
        path.push("d".repeat(255));
    }
    while path.as_os_str().len() - "top/".len() < 4095 - 2 {
        path.push("e");
    }
    let mut here = tree(&scratch.path(""));
    for name in path.iter() {
        let directory = here.root();
        let _ = nix::sys::stat::mkdirat(directory, name, nix::sys::stat::Mode::S_IRWXU);
        here = here.below(Path::new(name)).unwrap();
    }
    let entries = found(&scratch.path("top"));
    assert_eq!(entries.len(), path.iter().count() - 1);
    nix::sys::stat::mkdirat(here.root(), "too-deep", nix::sys::stat::Mode::S_IRWXU).unwrap();
    let outcome = survey(&tree(&scratch.path("top")), &all, true, NEVER, &Progress::default());
    let Err(TreeError::Failed(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.errno(), Some(Errno::ENAMETOOLONG));
}

#[test]
fn it_can_be_stopped_in_a_file() {
    let scratch = Scratch::new();
    fs::File::create(scratch.path("large")).unwrap().set_len(1 << 40).unwrap();
    let progress = Progress::default();
    let asked = || progress.bytes.load(std::sync::atomic::Ordering::Relaxed) > 1 << 20;
    let outcome = survey(&tree(&scratch.path("")), &all, true, &asked, &progress);
    assert_eq!(outcome.unwrap_err(), TreeError::Stopped);
}

#[test]
fn bytes_are_compared() {
    let scratch = Scratch::new();
    let long = |last: char| "x".repeat(300_000) + &last.to_string();
    for (name, content) in
        [("a", long('a')), ("same", long('a')), ("last", long('b')), ("longer", long('a') + "x")]
    {
        scratch.file(name, &content);
    }
    scratch.link("link", "a");
    let root = tree(&scratch.path(""));
    let same = |other: &str| same_bytes((&root, Path::new("a")), (&root, Path::new(other)), NEVER);
    assert_eq!(["a", "same", "last", "longer"].map(|other| same(other).unwrap()), [true, true, false, false]);
    let Err(TreeError::Failed(error)) = same("link") else { panic!("followed") };
    assert_eq!(error.cause, Cause::WrongKind { found: Kind::Symlink, expected: Kind::Regular });
}

#[test]
fn nothing_planted_is_read() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let canary = Canary::new(&scratch);
    scratch.directory("volume/top", 0o755);
    let Content::File(secret) =
        hash_file(&tree(&scratch.path("canary/inside")), Path::new("file"), NEVER).unwrap().content
    else {
        panic!("no file")
    };
    let attacker = Attacker::start(&scratch.path("volume/top"), &canary);
    for round in attacker.during(1000) {
        let root = tree(&scratch.path("volume"));
        let root = if round % 2 == 0 { root } else { root.without_openat2() };
        match survey(&root, &all, true, NEVER, &Progress::default()) {
            Ok(entries) => {
                // The hard link is a name of the tree like any other; nothing else leads there.
                let read = entries.iter().filter(|entry| entry.content == Content::File(secret));
                assert!(read.into_iter().all(|entry| entry.path.ends_with("hard")));
            }
            Err(TreeError::Failed(error)) => assert_eq!(error.cause, Cause::Changing, "{error}"),
            Err(TreeError::Stopped) => panic!("nobody asked"),
        }
    }
    attacker.end();
    canary.assert_untouched();
}

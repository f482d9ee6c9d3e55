use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;

use super::{Copied, copy_tree};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::Operation;
use crate::sys::fixture::{Scratch, as_user, bind, root_or_skip, with_own_mounts};
use crate::sys::status::Kind;
use crate::sys::tree::fixture::{Attacker, Canary, NEVER, all, as_it_is, paths, tree};
use crate::sys::tree::{Content, Entry, Progress, TreeError, Want, remove_tree, survey};

/// Copies `from` to `to`, which is made as castoff makes its staging directory.
fn copy(scratch: &Scratch, choice: impl Fn(&Path, Kind) -> Want + Sync) -> Result<Copied, TreeError> {
    scratch.directory("to", 0o700);
    let (from, to) = (tree(&scratch.path("from")), tree(&scratch.path("to")));
    copy_tree(&from, &to, &choice, &as_it_is, NEVER, &Progress::default())
}

fn set_mtime(path: &Path, seconds: i64, nanoseconds: i64) {
    use nix::sys::stat::{UtimensatFlags, utimensat};
    use nix::sys::time::TimeSpec;
    let time = TimeSpec::new(seconds, nanoseconds);
    utimensat(nix::fcntl::AT_FDCWD, path, &time, &time, UtimensatFlags::NoFollowSymlink).unwrap();
}

#[test]
fn every_kind_comes_out_as_it_was() {
    let scratch = Scratch::new();
    scratch.file("from/sub/file", "content");
    scratch.file("from/empty", "");
    scratch.link("from/sub/link", "/nowhere");
    scratch.fifo("from/fifo");
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path("from/socket")).unwrap();
    scratch.directory("from/bare", 0o2755);
    fs::set_permissions(scratch.path("from/sub/file"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::set_permissions(scratch.path("from/sub"), fs::Permissions::from_mode(0o550)).unwrap();
    for (at, name) in ["sub/file", "sub/link", "fifo", "socket", "bare", "sub"].into_iter().enumerate() {
        set_mtime(&scratch.path("from").join(name), 1_000_000_000, 123_456_789 + i64::try_from(at).unwrap());
    }
    let copied = copy(&scratch, all).unwrap();
    assert_eq!(paths(&copied.entries), ["bare", "empty", "fifo", "socket", "sub", "sub/file", "sub/link"]);
    for entry in &copied.entries {
        let of = |tree: &str| fs::symlink_metadata(scratch.path(tree).join(&entry.path)).unwrap();
        let (before, after) = (of("from"), of("to"));
        let facts =
            |found: &fs::Metadata| (found.file_type(), found.mode(), found.mtime(), found.mtime_nsec());
        assert_eq!(facts(&before), facts(&after), "{}", entry.path.display());
        assert_eq!(entry.mode, after.mode() & 0o7777);
        assert_eq!(entry.identity.1, after.ino());
        assert_eq!(entry.mtime, (after.mtime(), u32::try_from(after.mtime_nsec()).unwrap()));
        assert_eq!(entry.ctime, (after.ctime(), u32::try_from(after.ctime_nsec()).unwrap()));
    }
    assert_eq!(scratch.read("to/sub/file"), "content");
    assert_eq!(fs::read_link(scratch.path("to/sub/link")).unwrap(), Path::new("/nowhere"));
    assert!(fs::metadata(scratch.path("to/socket")).unwrap().file_type().is_socket());
    // What a survey of the copy finds is what the copy said.
    let found = survey(&tree(&scratch.path("to")), &all, true, NEVER, &Progress::default()).unwrap();
    assert_eq!(found, copied.entries);
    fs::set_permissions(scratch.path("from/sub"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(scratch.path("to/sub"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn another_user_copies_what_they_may_read() {
    let scratch = Scratch::new();
    scratch.file("from/sub/file", "content");
    scratch.file("from/mine", "");
    fs::set_permissions(scratch.path("from/sub"), fs::Permissions::from_mode(0o555)).unwrap();
    scratch.directory("open", 0o777);
    let (from, open) = (scratch.path("from"), scratch.path("open"));
    let outcome = as_user(1234, move || {
        let staging = open.join("to");
        fs::create_dir(&staging).unwrap();
        let as_root = |entry: &Entry| Attributes { mode: entry.mode, uid: Some(0), gid: None };
        let progress = Progress::default();
        let first = copy_tree(&tree(&from), &tree(&staging), &all, &as_it_is, NEVER, &progress).unwrap();
        fs::create_dir(open.join("again")).unwrap();
        let again = copy_tree(&tree(&from), &tree(&open.join("again")), &all, &as_root, NEVER, &progress);
        (first, again)
    });
    if let Some((copied, refused)) = outcome {
        assert_eq!(paths(&copied.entries), ["mine", "sub", "sub/file"]);
        assert!(copied.entries.iter().all(|entry| entry.uid == 1234));
        let Err(TreeError::Failed(error)) = refused else { panic!("{refused:?}") };
        assert_eq!(error.operation, Operation::ChangeOwner { uid: Some(0), gid: None });
        assert_eq!(error.errno(), Some(Errno::EPERM));
    }
}

#[test]
fn owner_and_mode_are_what_was_asked_for() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.file("from/sub/file", "content");
    scratch.link("from/link", "x");
    scratch.fifo("from/fifo");
    scratch.directory("to", 0o700);
    let given = |entry: &Entry| Attributes {
        mode: if entry.kind == Kind::Directory { 0o2750 } else { 0o4640 },
        uid: Some(33),
        gid: Some(34),
    };
    let (from, to) = (tree(&scratch.path("from")), tree(&scratch.path("to")));
    let copied = copy_tree(&from, &to, &all, &given, NEVER, &Progress::default()).unwrap();
    for (path, mode) in [("sub", 0o2750), ("sub/file", 0o4640), ("fifo", 0o4640), ("link", 0o777)] {
        let found = fs::symlink_metadata(scratch.path("to").join(path)).unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (33, 34, mode), "{path}");
        let entry = copied.entries.iter().find(|entry| entry.path == Path::new(path)).unwrap();
        assert_eq!((entry.uid, entry.gid, entry.mode), (33, 34, mode), "{path}");
    }
}

#[test]
fn devices() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.directory("from", 0o755);
    let status = Command::new("mknod").arg(scratch.path("from/null")).args(["c", "1", "3"]).status().unwrap();
    assert!(status.success());
    let copied = copy(&scratch, all).unwrap();
    assert_eq!(copied.entries[0].content, Content::Device(libc::makedev(1, 3)));
    let found = fs::metadata(scratch.path("to/null")).unwrap();
    assert!(found.file_type().is_char_device() && found.rdev() == libc::makedev(1, 3));
    scratch.directory("open", 0o777);
    let (from, open) = (scratch.path("from"), scratch.path("open"));
    let refused = as_user(1234, move || {
        fs::create_dir(open.join("to")).unwrap();
        copy_tree(&tree(&from), &tree(&open.join("to")), &all, &as_it_is, NEVER, &Progress::default())
    });
    let Some(Err(TreeError::Failed(error))) = refused else { panic!("{refused:?}") };
    assert_eq!(error.operation, Operation::MakeNode(Kind::CharacterDevice));
    assert!(crate::diagnostic::Diagnostic::from(error).render(false).contains("leave the device out"));
}

#[test]
fn names_of_all_bytes_and_lengths() {
    let scratch = Scratch::new();
    let odd = OsStr::from_bytes(b"\xff\n\x01 \\'");
    let long = OsString::from("n".repeat(255));
    for name in [odd, &long] {
        fs::create_dir_all(scratch.path("from").join(name)).unwrap();
        fs::write(scratch.path("from").join(name).join(name), "x").unwrap();
    }
    let copied = copy(&scratch, all).unwrap();
    assert_eq!(copied.entries.len(), 4);
    for name in [odd, &long] {
        assert_eq!(fs::read(scratch.path("to").join(name).join(name)).unwrap(), b"x");
    }
}

#[test]
fn files_with_several_names_stay_one_file() {
    let scratch = Scratch::new();
    scratch.file("from/first", "content");
    for at in 0..200 {
        let directory = scratch.path(format!("from/d{}", at % 20));
        fs::create_dir_all(&directory).unwrap();
        fs::hard_link(scratch.path("from/first"), directory.join(format!("n{at}"))).unwrap();
        fs::write(directory.join(format!("other{at}")), at.to_string()).unwrap();
    }
    scratch.link("from/link", "x");
    fs::hard_link(scratch.path("from/link"), scratch.path("from/second-link")).unwrap();
    let copied = copy(&scratch, all).unwrap();
    assert_eq!(copied.entries.len(), 1 + 200 + 200 + 20 + 2);
    let inode = fs::metadata(scratch.path("to/first")).unwrap();
    assert_eq!(inode.nlink(), 201);
    let named = copied.entries.iter().filter(|entry| entry.identity.1 == inode.ino());
    assert_eq!(named.count(), 201);
    assert_eq!(fs::symlink_metadata(scratch.path("to/link")).unwrap().nlink(), 2);
    assert_eq!(scratch.read("to/d7/n7"), "content");
}

#[test]
fn holes_stay_holes_and_large_files_whole() {
    const SIZE: u64 = (4 << 30) + 4321;
    let scratch = Scratch::new();
    scratch.directory("from", 0o755);
    let file = File::create(scratch.path("from/large")).unwrap();
    file.set_len(SIZE).unwrap();
    file.write_all_at(b"in the middle", 1 << 32).unwrap();
    let ends = File::create(scratch.path("from/ends")).unwrap();
    ends.write_all_at(b"start", 0).unwrap();
    ends.write_all_at(b"end", 3 << 20).unwrap();
    File::create(scratch.path("from/nothing")).unwrap().set_len(1 << 20).unwrap();
    fs::write(scratch.path("from/dense"), vec![0_u8; 1 << 20]).unwrap();
    let copied = copy(&scratch, all).unwrap();
    for name in ["large", "ends", "nothing", "dense"] {
        let (before, after) = (
            fs::metadata(scratch.path("from").join(name)).unwrap(),
            fs::metadata(scratch.path("to").join(name)).unwrap(),
        );
        assert_eq!((before.len(), before.blocks()), (after.len(), after.blocks()), "{name}");
    }
    let content = |name: &str| {
        copied.entries.iter().find(|entry| entry.path == Path::new(name)).unwrap().content.clone()
    };
    // A hole is zeros to whoever reads it.
    assert_eq!(content("nothing"), content("dense"));
    let mut middle = [0; 13];
    File::open(scratch.path("to/large")).unwrap().read_exact_at(&mut middle, 1 << 32).unwrap();
    assert_eq!(&middle, b"in the middle");
    assert_eq!(fs::read(scratch.path("to/ends")).unwrap(), fs::read(scratch.path("from/ends")).unwrap());
}

#[test]
fn what_is_not_wanted_stays_away() {
    let scratch = Scratch::new();
    scratch.file("from/keep/file", "");
    scratch.file("from/alone/file", "");
    scratch.file("from/skip/file", "");
    scratch.file("from/skip.txt", "");
    let copied = copy(&scratch, |path, _| match path.to_str().unwrap() {
        "skip" | "skip.txt" => Want::Skip,
        "alone" => Want::TakeAlone,
        _ => Want::Take,
    });
    assert_eq!(paths(&copied.unwrap().entries), ["alone", "keep", "keep/file"]);
    assert_eq!(scratch.names("to"), ["alone", "keep"]);
    assert_eq!(scratch.names("to/alone"), [""; 0]);
}

#[test]
fn what_is_mounted_in_the_source_is_not_copied() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.file("theirs/file", "theirs");
        scratch.file("from/mounted/mine", "");
        scratch.file("from/file", "mine");
        bind(&scratch.path("theirs"), &scratch.path("from/mounted"));
        bind(&scratch.path("theirs/file"), &scratch.path("from/file"));
        let copied = copy(&scratch, all).unwrap();
        let flagged: Vec<_> =
            copied.entries.iter().map(|entry| (entry.path.to_str().unwrap(), entry.mount_point)).collect();
        assert_eq!(flagged, [("file", true), ("mounted", true)]);
        assert_eq!(scratch.names("to"), ["mounted"]);
        assert_eq!(scratch.names("to/mounted"), [""; 0]);
        for mount in ["from/mounted", "from/file"] {
            nix::mount::umount(&scratch.path(mount)).unwrap();
        }
    });
}

#[test]
fn castoff_is_asked_to_stop_within_a_tree_and_within_a_file() {
    let scratch = Scratch::new();
    scratch.directory("from", 0o755);
    fs::write(scratch.path("from/large"), vec![7_u8; 8 << 20]).unwrap();
    scratch.directory("to", 0o700);
    let progress = Progress::default();
    let asked = || progress.bytes.load(Ordering::Relaxed) >= 1 << 20;
    let (from, to) = (tree(&scratch.path("from")), tree(&scratch.path("to")));
    let outcome = copy_tree(&from, &to, &all, &as_it_is, &asked, &progress);
    assert_eq!(outcome.unwrap_err(), TreeError::Stopped);
    assert!(fs::metadata(scratch.path("to/large")).unwrap().len() < 4 << 20);
    for at in 0..100 {
        scratch.file(&format!("many/d{}/f{at}", at % 10), "");
    }
    scratch.directory("other", 0o700);
    let count = AtomicU64::new(0);
    let asked = || count.fetch_add(1, Ordering::Relaxed) > 3;
    let (from, to) = (tree(&scratch.path("many")), tree(&scratch.path("other")));
    let outcome = copy_tree(&from, &to, &all, &as_it_is, &asked, &Progress::default());
    assert_eq!(outcome.unwrap_err(), TreeError::Stopped);
}

#[test]
fn a_full_or_read_only_target_is_named() {
    use nix::mount::{MsFlags, mount, umount};
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.directory("from/sub", 0o755);
        fs::write(scratch.path("from/sub/file"), vec![7_u8; 1 << 20]).unwrap();
        scratch.directory("to", 0o700);
        let size = Some("size=128k,mode=0700");
        mount(Some("tmpfs"), &scratch.path("to"), Some("tmpfs"), MsFlags::empty(), size).unwrap();
        let failed = |outcome: Result<Copied, TreeError>| match outcome {
            Err(TreeError::Failed(error)) => (error.operation, error.errno().unwrap(), error.path),
            outcome => panic!("{outcome:?}"),
        };
        let path = scratch.path("to/sub/file");
        assert_eq!(failed(copy(&scratch, all)), (Operation::Write, Errno::ENOSPC, path));
        umount(&scratch.path("to")).unwrap();
        let flags = MsFlags::MS_RDONLY;
        mount(Some("tmpfs"), &scratch.path("to"), Some("tmpfs"), flags, size).unwrap();
        let path = scratch.path("to/sub");
        let (from, to) = (tree(&scratch.path("from")), tree(&scratch.path("to")));
        let outcome = copy_tree(&from, &to, &all, &as_it_is, NEVER, &Progress::default());
        assert_eq!(failed(outcome), (Operation::CreateDirectory, Errno::EROFS, path));
        drop((from, to));
        umount(&scratch.path("to")).unwrap();
    });
}

#[test]
fn nothing_planted_in_the_source_leads_the_copy_out() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let canary = Canary::new(&scratch);
    scratch.directory("volume/top", 0o755);
    let attacker = Attacker::start(&scratch.path("volume/top"), &canary);
    let (root, from) = (tree(&scratch.path("")), tree(&scratch.path("volume")));
    let mut whole = 0;
    for round in attacker.during(1000) {
        fs::DirBuilder::new().mode(0o700).create(scratch.path("to")).unwrap();
        let from = if round % 2 == 0 { &from } else { &tree(&scratch.path("volume")).without_openat2() };
        let outcome =
            copy_tree(from, &tree(&scratch.path("to")), &all, &as_it_is, NEVER, &Progress::default());
        whole += u32::from(outcome.is_ok());
        for entry in outcome.iter().flat_map(|copied| &copied.entries) {
            if entry.kind == Kind::Regular && !entry.path.ends_with("hard") {
                let content = fs::read(scratch.path("to").join(&entry.path)).unwrap();
                assert_ne!(content, b"untouched", "{}", entry.path.display());
            }
        }
        remove_tree(&root, Path::new("to"), NEVER).unwrap();
    }
    attacker.end();
    assert!(whole > 0);
    canary.assert_untouched();
}

#[test]
fn wide_directories_are_copied_whole() {
    let scratch = Scratch::new();
    for at in 0..700 {
        scratch.file(&format!("from/wide/f{at}"), &at.to_string());
    }
    let copied = copy(&scratch, all).unwrap();
    assert_eq!(copied.entries.len(), 701);
    assert_eq!(scratch.read("to/wide/f699"), "699");
    let found = survey(&tree(&scratch.path("to")), &all, true, NEVER, &Progress::default()).unwrap();
    assert!(found == copied.entries, "a survey finds something else than was copied");
}

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use proptest::prelude::*;

use super::{Commit, Staged, Swept, is_temporary_name, stage, temporary_name};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{Cause, FileError, Operation};
use crate::sys::files::look;
use crate::sys::fixture::{Scratch, as_user, bind, make_read_only, root_or_skip, with_own_mounts};
use crate::sys::path_walk::{Location, Resolution};
use crate::sys::status::Kind;

const PLAIN: Attributes = Attributes { mode: 0o640, uid: None, gid: None };

fn begin(location: Location, content: &str) -> Result<Staged, FileError> {
    stage(location, content.as_bytes(), PLAIN, &mut Swept::default())
}

fn write(location: Location, content: &str) -> Result<Commit, FileError> {
    begin(location, content)?.commit()
}

#[test]
fn nothing_is_seen_before_the_commit_and_all_of_it_after() {
    let scratch = Scratch::new();
    scratch.file("file", "old");
    let staged = begin(scratch.location("file"), "new").unwrap();
    assert_eq!(scratch.read("file"), "old");
    assert_eq!(staged.commit().unwrap(), Commit::Replaced);
    assert_eq!(scratch.read("file"), "new");
    assert_eq!(fs::metadata(scratch.path("file")).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(scratch.names(""), ["file"]);
}

#[test]
fn dropped_it_leaves_nothing() {
    let scratch = Scratch::new();
    drop(begin(scratch.location("file"), "new").unwrap());
    assert_eq!(scratch.names(""), [""; 0]);
}

#[test]
fn owner_and_mode_are_there_before_the_name_is() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let wanted = Attributes { mode: 0o6751, uid: Some(33), gid: Some(34) };
    let staged = stage(scratch.location("file"), b"x", wanted, &mut Swept::default()).unwrap();
    let temporary = &scratch.names("")[0];
    for (name, commit) in [(temporary.as_str(), Some(staged)), ("file", None)] {
        let found = fs::metadata(scratch.path(name)).unwrap();
        assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o6751, 33, 34), "{name}");
        commit.map(|staged| staged.commit().unwrap());
    }
}

#[test]
fn whatever_has_the_name_is_replaced_and_not_followed() {
    let scratch = Scratch::new();
    scratch.file("canary", "alive");
    scratch.directory("open", 0o777);
    scratch.link("open/link", "../canary");
    scratch.fifo("open/fifo");
    fs::hard_link(scratch.path("canary"), scratch.path("open/hard")).unwrap();
    for name in ["open/link", "open/fifo", "open/hard"] {
        assert_eq!(write(scratch.location(name), "new").unwrap(), Commit::Replaced, "{name}");
        let found = fs::symlink_metadata(scratch.path(name)).unwrap();
        assert!(found.is_file() && found.nlink() == 1, "{name}");
        assert_eq!((scratch.read(name).as_str(), scratch.read("canary").as_str()), ("new", "alive"));
    }
    assert_eq!(fs::metadata(scratch.path("canary")).unwrap().mode() & 0o777, 0o644);
}

#[test]
fn a_trusted_link_as_last_component_is_followed() {
    let scratch = Scratch::new();
    scratch.file("etc/real.conf", "old");
    scratch.link("app.conf", "/etc/real.conf");
    write(scratch.location("app.conf"), "new").unwrap();
    assert!(fs::symlink_metadata(scratch.path("app.conf")).unwrap().is_symlink());
    assert_eq!(scratch.read("etc/real.conf"), "new");
}

#[test]
fn a_directory_is_refused_when_staging() {
    let scratch = Scratch::new();
    scratch.directory("file", 0o755);
    let error = begin(scratch.location("file"), "new").unwrap_err();
    assert_eq!(error.cause, Cause::WrongKind { found: Kind::Directory, expected: Kind::Regular });
    assert_eq!(scratch.names(""), ["file"]);
}

#[test]
fn the_longest_name_there_can_be() {
    let scratch = Scratch::new();
    for name in ["n".repeat(255), "ä".repeat(127), "n".repeat(243)] {
        assert_eq!(write(scratch.location(&name), &name).unwrap(), Commit::Replaced);
        assert_eq!(scratch.read(&name), name);
    }
    assert_eq!(scratch.names("").len(), 3);
}

#[test]
fn a_mount_point_is_kept() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.file("file", "image's");
        scratch.file("theirs", "theirs");
        bind(&scratch.path("theirs"), &scratch.path("file"));
        assert!(look(&scratch.location("file")).unwrap().unwrap().mount_point);
        assert_eq!(write(scratch.location("file"), "new").unwrap(), Commit::KeptMountPoint);
        assert_eq!((scratch.read("file").as_str(), scratch.names("").len()), ("theirs", 2));
        nix::mount::umount(&scratch.path("file")).unwrap();
        assert!(!look(&scratch.location("file")).unwrap().unwrap().mount_point);
    });
}

#[test]
fn a_read_only_file_system_is_an_error_when_staging() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.file("mount/file", "old");
        bind(&scratch.path("mount"), &scratch.path("mount"));
        make_read_only(&scratch.path("mount"));
        let error = begin(scratch.location("mount/file"), "new").unwrap_err();
        let path = scratch.path("mount/file");
        assert_eq!(error, FileError::system(Operation::Create, path, Errno::EROFS));
        nix::mount::umount(&scratch.path("mount")).unwrap();
    });
}

#[test]
fn without_the_right_to_write_or_to_give_away() {
    let scratch = Scratch::new();
    scratch.directory("roots", 0o755);
    scratch.directory("open", 0o777);
    let (roots, open) = (scratch.location("roots/file"), scratch.location("open/file"));
    let errors = as_user(1234, move || {
        let to_root = Attributes { mode: 0o644, uid: Some(0), gid: Some(0) };
        let refused = stage(open, b"x", to_root, &mut Swept::default()).unwrap_err();
        (begin(roots, "x").unwrap_err(), refused)
    });
    if let Some((roots, open)) = errors {
        assert_eq!((roots.operation, roots.errno()), (Operation::Create, Some(Errno::EACCES)));
        assert_eq!(open.operation, Operation::ChangeOwner { uid: Some(0), gid: Some(0) });
        assert_eq!(open.errno(), Some(Errno::EPERM));
        assert_eq!(scratch.names("open"), [""; 0]);
    }
}

#[test]
fn a_full_disk_is_an_error_when_staging_and_leaves_nothing() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.directory("small", 0o755);
        let target = scratch.path("small");
        let flags = nix::mount::MsFlags::empty();
        nix::mount::mount(Some("none"), &target, Some("tmpfs"), flags, Some("size=64k")).unwrap();
        write(scratch.location("small/file"), "old").unwrap();
        let error = begin(scratch.location("small/file"), &"x".repeat(1 << 20)).unwrap_err();
        assert_eq!((error.operation, error.errno()), (Operation::Write, Some(Errno::ENOSPC)));
        assert_eq!(
            (scratch.names("small"), scratch.read("small/file")),
            (vec!["file".to_owned()], "old".into())
        );
        nix::mount::umount(&target).unwrap();
    });
}

/// What a killed start leaves: the descriptor is closed, the entry stays.
fn kill(staged: Staged) {
    let mut staged = staged;
    staged.in_place = true;
}

#[test]
fn killed_before_the_commit_the_old_content_stays_and_the_next_start_sweeps() {
    let scratch = Scratch::new();
    scratch.file("file", "old");
    kill(begin(scratch.location("file"), "half").unwrap());
    assert_eq!((scratch.read("file").as_str(), scratch.names("").len()), ("old", 2));
    write(scratch.location("another"), "new").unwrap();
    assert_eq!(scratch.names(""), ["another", "file"]);
}

#[test]
fn one_that_was_given_away_already_is_swept_by_root() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    let theirs = Attributes { mode: 0o400, uid: Some(1234), gid: None };
    kill(stage(scratch.location("file"), b"x", theirs, &mut Swept::default()).unwrap());
    write(scratch.location("another"), "new").unwrap();
    assert_eq!(scratch.names(""), ["another"]);
}

#[test]
fn the_sweep_spares_the_living_and_what_only_looks_alike() {
    let scratch = Scratch::new();
    let living = begin(scratch.location("file"), "new").unwrap();
    scratch.file(".note.castoff-short", "");
    scratch.file(".note.castoff-UPPERCASE123", "");
    scratch.file("note.castoff-abcdefghijkl", "");
    scratch.fifo(".fifo.castoff-abcdefghijkl");
    scratch.directory(".directory.castoff-abcdefghijkl", 0o755);
    scratch.link(".link.castoff-abcdefghijkl", ".note.castoff-short");
    scratch.file(".two.castoff-abcdefghijkl", "");
    fs::hard_link(scratch.path(".two.castoff-abcdefghijkl"), scratch.path("second")).unwrap();
    let before = scratch.names("");
    drop(begin(scratch.location("another"), "x").unwrap());
    assert_eq!(scratch.names(""), before);
    living.commit().unwrap();
    assert_eq!(scratch.read("file"), "new");
}

#[test]
fn each_directory_is_swept_once_a_start() {
    let scratch = Scratch::new();
    let mut swept = Swept::default();
    drop(stage(scratch.location("one"), b"", PLAIN, &mut swept).unwrap());
    kill(begin(scratch.location("two"), "").unwrap());
    drop(stage(scratch.location("one"), b"", PLAIN, &mut swept).unwrap());
    assert_eq!(scratch.names("").len(), 1);
}

#[test]
fn a_directory_exchanged_after_it_was_found_does_not_matter() {
    let scratch = Scratch::new();
    scratch.directory("place", 0o755);
    scratch.directory("canary", 0o755);
    let location = scratch.location("place/file");
    fs::rename(scratch.path("place"), scratch.path("moved")).unwrap();
    scratch.link("place", "canary");
    write(location, "new").unwrap();
    assert_eq!((scratch.read("moved/file").as_str(), scratch.names("canary").len()), ("new", 0));
}

#[test]
fn of_concurrent_writers_one_whole_content_stays() {
    let scratch = Scratch::new();
    let contents: Vec<String> = ('a'..='h').map(|c| c.to_string().repeat(100_000)).collect();
    std::thread::scope(|scope| {
        for content in &contents {
            scope.spawn(|| {
                for _ in 0..25 {
                    write(scratch.location("file"), content).unwrap();
                    assert!(contents.contains(&scratch.read("file")));
                }
            });
        }
    });
    assert_eq!(scratch.names(""), ["file"]);
}

/// A service's user exchanges a directory of theirs for a link to a place that is not
/// theirs, thousands of times, while root writes below it.
#[test]
fn an_attacker_that_exchanges_directories_gains_nothing() {
    const WRITES: usize = 3000;
    const REFUSALS: usize = 300;
    const MOST_ATTEMPTS: usize = 1_000_000;
    let scratch = Scratch::new();
    scratch.directory("canary", 0o755);
    scratch.directory("theirs/place", 0o755);
    scratch.directory("theirs", 0o777);
    let (place, aside, link) =
        (scratch.path("theirs/place"), scratch.path("theirs/aside"), scratch.path("theirs/link"));
    scratch.link("theirs/link", "../canary");
    let done = AtomicBool::new(false);
    let base = scratch.base();
    let (mut written, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fs::rename(&place, &aside).unwrap();
                fs::rename(&link, &place).unwrap();
                std::thread::yield_now();
                fs::rename(&place, &link).unwrap();
                fs::rename(&aside, &place).unwrap();
                std::thread::yield_now();
            }
        });
        let mut swept = Swept::default();
        for _ in 0..MOST_ATTEMPTS {
            match base.resolve(Path::new("/theirs/place/file")) {
                Ok(Resolution::Found(location)) => {
                    let staged = stage(location, b"content", PLAIN, &mut swept);
                    staged.and_then(Staged::commit).unwrap();
                    written += 1;
                }
                Ok(Resolution::ParentMissing(_)) => std::thread::yield_now(),
                Err(error) => {
                    assert!(matches!(error.cause, Cause::UntrustedLink { .. }), "{error}");
                    refused += 1;
                    std::thread::yield_now();
                }
            }
            if written >= WRITES && refused >= REFUSALS {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(written >= WRITES && refused >= REFUSALS, "{written} written, {refused} refused");
    assert_eq!(scratch.names("canary"), [""; 0]);
    assert_eq!(scratch.names("theirs/place"), ["file"]);
}

#[test]
fn unreadable_directories_can_be_written_in() {
    let scratch = Scratch::new();
    scratch.directory("drop", 0o733);
    let location = scratch.location("drop/file");
    if let Some(outcome) = as_user(1234, move || write(location, "x").unwrap()) {
        assert_eq!(outcome, Commit::Replaced);
        let mode = fs::metadata(scratch.path("drop/file")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
    }
}

proptest! {
    #[test]
    fn temporary_names_fit_are_recognised_and_cut_between_characters(
        name in prop_oneof!["[a-z.]{1,255}", "[äß€🦀a]{1,63}"]
    ) {
        let temporary = temporary_name(OsStr::new(&name)).unwrap();
        prop_assert!(temporary.len() <= 255);
        prop_assert!(temporary.to_str().is_some());
        prop_assert!(is_temporary_name(temporary.as_bytes()));
    }

    #[test]
    fn any_bytes_have_a_temporary_name(name in prop::collection::vec(1_u8..=255, 1..=255)) {
        let temporary = temporary_name(OsStr::from_bytes(&name)).unwrap();
        prop_assert!(temporary.len() <= 255 && is_temporary_name(temporary.as_bytes()));
    }
}

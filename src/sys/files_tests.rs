use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::{Adjustment, adjust, look, read_bounded};
use crate::exit::ExitCode;
use crate::sys::attributes::Attributes;
use crate::sys::file_error::{Cause, FileError, Operation};
use crate::sys::fixture::{Scratch, as_user, root_or_skip};
use crate::sys::status::Kind;

fn mode_only(mode: u32) -> Attributes {
    Attributes { mode, uid: None, gid: None }
}

fn mode(scratch: &Scratch, name: &str) -> u32 {
    fs::metadata(scratch.path(name)).unwrap().permissions().mode() & 0o7777
}

#[test]
fn reads_what_links_lead_to_and_no_more_than_the_limit() {
    let scratch = Scratch::new();
    scratch.file("..data/password", "12345\n");
    scratch.link("password", "..data/password");
    assert_eq!(read_bounded(&scratch.path("password"), 6).unwrap(), b"12345\n");
    let error = read_bounded(&scratch.path("password"), 5).unwrap_err();
    assert_eq!(error.cause, Cause::TooLarge { limit: 5 });
    assert!(read_bounded("/proc/self/maps".as_ref(), 1 << 20).unwrap().len() > 10);
    // A device without an end.
    let error = read_bounded("/dev/zero".as_ref(), 10).unwrap_err();
    assert!(matches!(error.cause, Cause::WrongKind { found: Kind::CharacterDevice, .. }), "{error}");
}

#[test]
fn what_can_not_be_read_says_why_and_does_not_block() {
    let scratch = Scratch::new();
    scratch.file("file", "");
    scratch.fifo("fifo");
    scratch.link("dangling", "nowhere");
    scratch.link("loop", "loop");
    let wrong = |found| Cause::WrongKind { found, expected: Kind::Regular };
    for (name, expected) in [
        ("missing", Cause::System(Errno::ENOENT)),
        ("dangling", Cause::System(Errno::ENOENT)),
        ("loop", Cause::System(Errno::ELOOP)),
        ("file/x", Cause::System(Errno::ENOTDIR)),
        ("", wrong(Kind::Directory)),
        ("fifo", wrong(Kind::Fifo)),
    ] {
        let error = read_bounded(&scratch.path(name), 10).unwrap_err();
        assert_eq!(error, FileError::new(Operation::Read, scratch.path(name), expected));
        assert_eq!(error.exit(), ExitCode::INPUT);
    }
    scratch.file("closed", "secret");
    fs::set_permissions(scratch.path("closed"), fs::Permissions::from_mode(0o600)).unwrap();
    let path = scratch.path("closed");
    if let Some(error) = as_user(1234, move || read_bounded(&path, 10).unwrap_err()) {
        assert_eq!(error.errno(), Some(Errno::EACCES));
    }
}

#[test]
fn looking_follows_nothing_and_opens_only_regular_files() {
    let scratch = Scratch::new();
    scratch.file("file", "content");
    scratch.fifo("fifo");
    scratch.directory("open/dir", 0o755);
    scratch.directory("open", 0o777);
    scratch.link("open/link", "../file");
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path("socket")).unwrap();
    for (name, kind) in [
        ("file", Kind::Regular),
        ("fifo", Kind::Fifo),
        ("socket", Kind::Socket),
        ("open/dir", Kind::Directory),
        ("open/link", Kind::Symlink),
    ] {
        let entry = look(&scratch.location(name)).unwrap().unwrap();
        assert_eq!((entry.status.kind, entry.file.is_some()), (kind, kind == Kind::Regular), "{name}");
        assert!(!entry.mount_point, "{name}");
    }
    assert!(look(&scratch.location("missing")).unwrap().is_none());
}

#[test]
fn a_device_is_not_opened() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    // Opening it would fail: no driver has this number.
    mknod(&scratch.path("device"), SFlag::S_IFCHR, Mode::S_IRWXU, makedev(4095, 255)).unwrap();
    let entry = look(&scratch.location("device")).unwrap().unwrap();
    assert_eq!((entry.status.kind, entry.file.is_none()), (Kind::CharacterDevice, true));
    assert_eq!(adjust(&scratch.location("device"), mode_only(0o600)).unwrap(), Adjustment::MustReplace);
}

#[test]
fn corrects_the_mode_in_place() {
    let scratch = Scratch::new();
    scratch.file("file", "content");
    fs::set_permissions(scratch.path("file"), fs::Permissions::from_mode(0o600)).unwrap();
    let inode = fs::metadata(scratch.path("file")).unwrap().ino();
    let location = scratch.location("file");
    assert_eq!(adjust(&location, mode_only(0o640)).unwrap(), Adjustment::Adjusted);
    assert_eq!(adjust(&location, mode_only(0o640)).unwrap(), Adjustment::Unchanged);
    assert_eq!((mode(&scratch, "file"), fs::metadata(scratch.path("file")).unwrap().ino()), (0o640, inode));
}

#[test]
fn the_set_user_id_bit_survives_the_change_of_owner() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.file("file", "content");
    let wanted = Attributes { mode: 0o4750, uid: Some(33), gid: Some(34) };
    assert_eq!(adjust(&scratch.location("file"), wanted).unwrap(), Adjustment::Adjusted);
    let found = fs::metadata(scratch.path("file")).unwrap();
    assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o4750, 33, 34));
}

#[test]
fn a_file_with_another_name_is_not_touched() {
    let scratch = Scratch::new();
    scratch.file("shadow", "root");
    fs::set_permissions(scratch.path("shadow"), fs::Permissions::from_mode(0o600)).unwrap();
    scratch.directory("service", 0o755);
    fs::hard_link(scratch.path("shadow"), scratch.path("service/file")).unwrap();
    let outcome = adjust(&scratch.location("service/file"), mode_only(0o644)).unwrap();
    assert_eq!((outcome, mode(&scratch, "shadow")), (Adjustment::MustReplace, 0o600));
}

#[test]
fn a_link_a_pipe_and_nothing_are_not_touched() {
    let scratch = Scratch::new();
    scratch.file("canary", "");
    scratch.fifo("fifo");
    scratch.directory("open", 0o777);
    scratch.link("open/link", "../canary");
    for name in ["open/link", "fifo", "missing", "open"] {
        let outcome = adjust(&scratch.location(name), mode_only(0o600)).unwrap();
        assert_eq!(outcome, Adjustment::MustReplace, "{name}");
    }
    assert_eq!(mode(&scratch, "canary"), 0o644);
}

#[test]
fn who_could_write_before_does_not_keep_an_open_file() {
    let scratch = Scratch::new();
    scratch.file("file", "");
    fs::set_permissions(scratch.path("file"), fs::Permissions::from_mode(0o664)).unwrap();
    let location = scratch.location("file");
    assert_eq!(adjust(&location, mode_only(0o644)).unwrap(), Adjustment::MustReplace);
    if !root_or_skip() {
        return;
    }
    fs::set_permissions(scratch.path("file"), fs::Permissions::from_mode(0o644)).unwrap();
    chown(scratch.path("file"), Some(1234), None).unwrap();
    let to_root = Attributes { mode: 0o644, uid: Some(0), gid: None };
    assert_eq!(adjust(&location, to_root).unwrap(), Adjustment::MustReplace);
    assert_eq!(adjust(&location, mode_only(0o600)).unwrap(), Adjustment::Adjusted);
}

#[test]
fn giving_away_without_the_right_is_a_permission_error() {
    let scratch = Scratch::new();
    scratch.file("file", "");
    if !root_or_skip() {
        return;
    }
    chown(scratch.path("file"), Some(1234), Some(1234)).unwrap();
    let location = scratch.location("file");
    let wanted = Attributes { mode: 0o644, uid: Some(33), gid: None };
    let error = as_user(1234, move || adjust(&location, wanted).unwrap_err()).unwrap();
    assert_eq!(error.operation, Operation::ChangeOwner { uid: Some(33), gid: None });
    assert_eq!((error.errno(), error.exit()), (Some(Errno::EPERM), ExitCode::PERMISSION));
}

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;

use super::{Ensured, ensure};
use crate::sys::attributes::Attributes;
use crate::sys::file_error::Cause;
use crate::sys::fixture::{Scratch, bind, make_read_only, root_or_skip, with_own_mounts};
use crate::sys::status::Kind;

fn mode_only(mode: u32) -> Attributes {
    Attributes { mode, uid: None, gid: None }
}

#[test]
fn makes_corrects_and_leaves_alone() {
    let scratch = Scratch::new();
    for (mode, expected) in [
        (0o2775, Ensured::Created),
        (0o2775, Ensured::Unchanged),
        (0o700, Ensured::Adjusted),
        (0o700, Ensured::Unchanged),
    ] {
        assert_eq!(ensure(&scratch.location("run"), mode_only(mode)).unwrap(), expected, "{mode:o}");
        assert_eq!(fs::metadata(scratch.path("run")).unwrap().mode() & 0o7777, mode);
    }
}

#[test]
fn gives_it_to_its_owner_and_not_what_is_in_it() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.file("run/file", "");
    let wanted = Attributes { mode: 0o755, uid: Some(33), gid: Some(34) };
    assert_eq!(ensure(&scratch.location("run"), wanted).unwrap(), Ensured::Adjusted);
    let owner = |name| fs::metadata(scratch.path(name)).map(|found| (found.uid(), found.gid())).unwrap();
    assert_eq!((owner("run"), owner("run/file")), ((33, 34), (0, 0)));
}

#[test]
fn what_is_in_the_way_is_an_error() {
    let scratch = Scratch::new();
    scratch.file("file", "");
    scratch.fifo("fifo");
    scratch.directory("canary", 0o755);
    scratch.directory("open", 0o777);
    scratch.link("open/link", "../canary");
    for (name, found) in [("file", Kind::Regular), ("fifo", Kind::Fifo), ("open/link", Kind::Symlink)] {
        let error = ensure(&scratch.location(name), mode_only(0o700)).unwrap_err();
        assert_eq!(error.cause, Cause::WrongKind { found, expected: Kind::Directory }, "{name}");
    }
    assert_eq!(fs::metadata(scratch.path("canary")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn on_a_read_only_file_system_only_what_is_missing_or_wrong_fails() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.directory("mount/right", 0o755);
        bind(&scratch.path("mount"), &scratch.path("mount"));
        make_read_only(&scratch.path("mount"));
        let ensure = |name, mode| ensure(&scratch.location(name), mode_only(mode));
        assert_eq!(ensure("mount/right", 0o755).unwrap(), Ensured::Unchanged);
        assert_eq!(ensure("mount/right", 0o700).unwrap_err().errno(), Some(Errno::EROFS));
        assert_eq!(ensure("mount/missing", 0o700).unwrap_err().errno(), Some(Errno::EROFS));
        nix::mount::umount(&scratch.path("mount")).unwrap();
    });
}

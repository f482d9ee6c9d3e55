use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::errno::Errno;

use super::{Base, Component, Resolution, Walk, components, distrust};
use crate::sys::file_error::{Cause, Distrust, FileError};
use crate::sys::fixture::{Scratch, as_user, root_or_skip};
use crate::sys::status::{Kind, Status};

/// All ways to walk must agree; the path that was found, or where directories are missing.
fn resolve(base: &Base, destination: &str) -> Result<String, FileError> {
    let shown = |resolution: Resolution| match resolution {
        Resolution::Found(location) => {
            let path = location.path().strip_prefix(&base.shown).unwrap();
            path.to_str().unwrap().to_owned()
        }
        Resolution::ParentMissing(missing) => {
            let first = missing.first_missing();
            format!("missing {}", first.strip_prefix(&base.shown).unwrap().display())
        }
    };
    let both = base.resolve(Path::new(destination)).map(shown);
    let walk = Walk::new(base, components(destination.as_ref()));
    assert_eq!(walk.run(&base.shown_below(Path::new(destination))).map(shown), both, "{destination}");
    let found = base.find(Path::new(destination)).map(|found| found.map(Resolution::Found).map(shown));
    let wanted = both.clone().map(|path| (!path.starts_with("missing ")).then_some(path));
    assert_eq!(found, wanted, "{destination}");
    both
}

fn cause(base: &Base, destination: &str) -> Cause {
    resolve(base, destination).unwrap_err().cause
}

#[test]
fn where_destinations_lie() {
    let scratch = Scratch::new();
    scratch.file("etc/php/pool.conf", "");
    scratch.file("usr/share/app/x", "");
    scratch.link("relative", "etc/php");
    scratch.link("absolute", "/etc/php");
    scratch.link("etc/up", "../../../../../usr/share");
    scratch.link("etc/file", "php/pool.conf");
    scratch.link("etc/dangling", "new/deep/file");
    scratch.link("chain", "relative/../up/app");
    let base = scratch.base();
    for (destination, found) in [
        ("/etc/php/pool.conf", "etc/php/pool.conf"),
        ("etc/php/pool.conf", "etc/php/pool.conf"),
        ("/etc/php/new.conf", "etc/php/new.conf"),
        ("//etc/./php//new.conf", "etc/php/new.conf"),
        ("/etc/php/", "etc/php"),
        ("/top", "top"),
        ("/relative/new", "etc/php/new"),
        ("/absolute/new", "etc/php/new"),
        ("/etc/file", "etc/php/pool.conf"),
        ("/etc/up/app/y", "usr/share/app/y"),
        ("/chain/y", "usr/share/app/y"),
        ("/../../../etc/php/new", "etc/php/new"),
        ("/etc/../../../top", "top"),
        ("/relative/../top", "etc/top"),
        ("/etc/none/a/b", "missing etc/none"),
        ("/none/a", "missing none"),
        ("/etc/dangling", "missing etc/new"),
    ] {
        assert_eq!(resolve(&base, destination).unwrap(), found, "{destination}");
    }
}

#[test]
fn what_is_refused() {
    let scratch = Scratch::new();
    scratch.file("etc/file", "");
    scratch.link("loop", "loop");
    scratch.link("a", "b/x");
    scratch.link("b", "a/x");
    scratch.link("end", "etc/..");
    let base = scratch.base();
    for (destination, expected) in [
        ("/", Cause::NoName),
        ("", Cause::NoName),
        ("/etc/..", Cause::NoName),
        ("/end", Cause::NoName),
        ("/etc/file/x", Cause::System(Errno::ENOTDIR)),
        ("/loop", Cause::System(Errno::ELOOP)),
        ("/loop/x", Cause::System(Errno::ELOOP)),
        ("/a", Cause::System(Errno::ELOOP)),
        ("/none/../x", Cause::System(Errno::ENOENT)),
        ("/e\0tc/x", Cause::System(Errno::EINVAL)),
    ] {
        assert_eq!(cause(&base, destination), expected, "{destination}");
    }
    let long = format!("/{}/x", "n".repeat(256));
    assert_eq!(cause(&base, &long), Cause::System(Errno::ENAMETOOLONG));
}

#[test]
fn forty_links_and_not_one_more() {
    let scratch = Scratch::new();
    scratch.directory("real", 0o755);
    scratch.link("l40", "real");
    for n in (0..40).rev() {
        scratch.link(&format!("l{n}"), format!("l{}", n + 1));
    }
    let base = scratch.base();
    assert_eq!(resolve(&base, "/l1/x").unwrap(), "real/x");
    assert_eq!(cause(&base, "/l0/x"), Cause::System(Errno::ELOOP));
}

#[test]
fn who_is_trusted() {
    let status =
        |uid, mode| Status { kind: Kind::Symlink, mode, uid, gid: 0, links: 1, size: 1, identity: (0, 0) };
    for (link, holder, mode, expected) in [
        (0, 0, 0o755, None),
        (7, 7, 0o755, None),
        (0, 7, 0o700, None),
        (7, 0, 0o755, None),
        (33, 0, 0o755, Some(Distrust::LinkOwner(33))),
        (0, 33, 0o755, Some(Distrust::DirectoryOwner(33))),
        (0, 0, 0o775, Some(Distrust::DirectoryMode(0o775))),
        (0, 0, 0o757, Some(Distrust::DirectoryMode(0o757))),
        (0, 0, 0o1777, Some(Distrust::DirectoryMode(0o1777))),
    ] {
        assert_eq!(distrust(&status(link, 0o777), &status(holder, mode), 7), expected);
    }
}

#[test]
fn an_untrusted_link_on_the_way_is_named_and_as_last_component_left_alone() {
    let scratch = Scratch::new();
    scratch.directory("canary", 0o755);
    scratch.directory("open", 0o777);
    scratch.link("open/way", "../canary");
    let base = scratch.base();
    let error = resolve(&base, "/open/way/file").unwrap_err();
    let link = scratch.path("open/way");
    assert_eq!(error.cause, Cause::UntrustedLink { link, reason: Distrust::DirectoryMode(0o777) });
    assert_eq!(error.path, scratch.path("open/way/file"));
    assert_eq!(resolve(&base, "/open/way").unwrap(), "open/way");
}

#[test]
fn another_users_link_or_directory_is_not_trusted() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.directory("canary", 0o755);
    scratch.directory("theirs", 0o755);
    scratch.link("theirs/way", "../canary");
    scratch.link("way", "canary");
    std::os::unix::fs::chown(scratch.path("theirs"), Some(1234), None).unwrap();
    std::os::unix::fs::lchown(scratch.path("way"), Some(1234), None).unwrap();
    let base = scratch.base();
    for (destination, expected) in
        [("/theirs/way/x", Distrust::DirectoryOwner(1234)), ("/way/x", Distrust::LinkOwner(1234))]
    {
        assert!(
            matches!(cause(&base, destination), Cause::UntrustedLink { reason, .. } if reason == expected),
            "{destination}"
        );
    }
    // To that user, both are their own.
    let as_them = as_user(1234, move || resolve(&base, "/theirs/way/x").unwrap());
    assert!(as_them.is_none_or(|path| path == "canary/x"));
    drop(scratch);
}

#[test]
fn missing_directories_are_made_with_the_asked_mode_whatever_the_umask() {
    let scratch = Scratch::new();
    let resolution = scratch.base().resolve(Path::new("/a/b/c/file")).unwrap();
    let Resolution::ParentMissing(missing) = resolution else { panic!("it was there") };
    assert_eq!(missing.first_missing(), scratch.path("a"));
    assert_eq!(missing.error().errno(), Some(Errno::ENOENT));
    assert_eq!(missing.path(), scratch.path("a/b/c/file"));
    let location = missing.create(0o775).unwrap();
    assert_eq!(location.path(), scratch.path("a/b/c/file"));
    for made in ["a", "a/b", "a/b/c"] {
        let mode = std::fs::metadata(scratch.path(made)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o775, "{made}");
    }
    let held = Status::of(location.directory()).unwrap().identity.1;
    assert_eq!(held, std::fs::metadata(scratch.path("a/b/c")).unwrap().ino());
}

#[test]
fn a_link_planted_where_a_directory_was_missing_is_refused() {
    let scratch = Scratch::new();
    scratch.directory("canary", 0o755);
    let resolution = scratch.base().resolve(Path::new("/a/file")).unwrap();
    scratch.link("a", "canary");
    assert_eq!(resolution.or_create(0o755).unwrap_err().errno(), Some(Errno::ENOTDIR));
    assert_eq!(scratch.names("canary"), [""; 0]);
}

#[test]
fn a_directory_moved_out_of_the_root_does_not_lead_out() {
    let scratch = Scratch::new();
    scratch.directory("root/a/b", 0o755);
    let base = Base::private(&scratch.path("root")).unwrap();
    let mut walk = Walk::new(&base, components("a/b".as_ref()));
    // The walk stands in root/a/b, which is then moved beside the root …
    while let Some(Component::Name(name)) = walk.pending.pop() {
        let (directory, _) = super::look(walk.here(), &name).unwrap();
        walk.entered.push((directory, name));
    }
    std::fs::rename(scratch.path("root/a/b"), scratch.path("b")).unwrap();
    // … and goes up more often than it went down.
    walk.pending = components("../../../etc".as_ref());
    walk.pending.reverse();
    let Ok(Resolution::Found(location)) = walk.run(Path::new("/x")) else { panic!("not found") };
    let held = Status::of(location.directory()).unwrap().identity.1;
    assert_eq!(held, std::fs::metadata(scratch.path("root")).unwrap().ino());
}

#[test]
fn no_right_to_search_is_an_error_with_the_component() {
    let scratch = Scratch::new();
    scratch.directory("closed/in", 0o755);
    scratch.directory("closed", 0o700);
    let base = scratch.base();
    if let Some(error) = as_user(1234, move || resolve(&base, "/closed/in/x").unwrap_err()) {
        assert_eq!((error.errno(), error.path), (Some(Errno::EACCES), scratch.path("closed/in")));
    }
}

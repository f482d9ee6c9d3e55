use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Hooks, PassedOver, Reason, list};
use crate::sys::fixture::Scratch;

fn executable(scratch: &Scratch, below: &str) {
    scratch.file(below, "#!/bin/sh\n");
    fs::set_permissions(scratch.path(below), fs::Permissions::from_mode(0o755)).unwrap();
}

fn of(scratch: &Scratch) -> Hooks {
    list(&scratch.base(), Path::new("/hooks.d")).unwrap()
}

#[test]
fn what_is_executed_and_in_which_order() {
    let scratch = Scratch::new();
    for name in ["b", "10-x.sh", "9-y", "B", "ä", "Z.py"] {
        executable(&scratch, &format!("hooks.d/{name}"));
    }
    let hooks = of(&scratch);
    let names: Vec<_> = hooks.ready.iter().map(|hook| hook.name.as_str()).collect();
    let expected = ["10-x.sh", "9-y", "B", "Z.py", "b", "ä"].map(|name| format!("/hooks.d/{name}"));
    assert_eq!(names, expected);
    assert_eq!(hooks.ready[0].path, scratch.path("hooks.d/10-x.sh").canonicalize().unwrap());
    assert!(hooks.refused.is_empty() && hooks.passed_over.is_empty());
}

#[test]
fn a_missing_directory_is_an_empty_one() {
    assert_eq!(of(&Scratch::new()), Hooks::default());
}

#[test]
fn what_is_passed_over() {
    let scratch = Scratch::new();
    for name in [".hidden", "a~", "b.dpkg-old", "c.bak", "#d#"] {
        executable(&scratch, &format!("hooks.d/{name}"));
    }
    scratch.directory("hooks.d/folder", 0o755);
    scratch.file("hooks.d/README", "");
    scratch.file("hooks.d/notes.txt", "");
    let hooks = of(&scratch);
    assert!(hooks.ready.is_empty() && hooks.refused.is_empty(), "{hooks:?}");
    let found: Vec<_> = hooks.passed_over.iter().map(|(name, why)| (name.as_str(), *why)).collect();
    let expected = [
        ("/hooks.d/#d#", PassedOver::LeftBehind),
        ("/hooks.d/.hidden", PassedOver::Hidden),
        ("/hooks.d/README", PassedOver::Document),
        ("/hooks.d/a~", PassedOver::LeftBehind),
        ("/hooks.d/b.dpkg-old", PassedOver::LeftBehind),
        ("/hooks.d/c.bak", PassedOver::LeftBehind),
        ("/hooks.d/folder", PassedOver::Directory),
        ("/hooks.d/notes.txt", PassedOver::Document),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_refused() {
    let scratch = Scratch::new();
    scratch.file("hooks.d/10-env.sh", "");
    executable(&scratch, "hooks.d/20-open");
    fs::set_permissions(scratch.path("hooks.d/20-open"), fs::Permissions::from_mode(0o775)).unwrap();
    scratch.fifo("hooks.d/30-pipe");
    scratch.link("hooks.d/40-nowhere", "missing");
    let reasons: Vec<_> = of(&scratch).refused.into_iter().map(|refused| refused.reason).collect();
    assert!(
        matches!(
            &reasons[..],
            [
                Reason::NotExecutable(0o644),
                Reason::OthersCanWrite(_, 0o775, _),
                Reason::NoFile,
                Reason::Unreachable(_)
            ]
        ),
        "{reasons:?}"
    );
}

#[test]
fn a_directory_that_others_can_write_is_refused_and_so_is_one_in_it() {
    for (open, mode) in [("hooks.d", 0o777), ("hooks.d", 0o1777), ("", 0o775)] {
        let scratch = Scratch::new();
        executable(&scratch, "hooks.d/10-x");
        fs::set_permissions(scratch.path(open), fs::Permissions::from_mode(mode)).unwrap();
        let hooks = of(&scratch);
        assert!(hooks.ready.is_empty());
        assert!(matches!(hooks.refused[..], [super::Refused { reason: Reason::OthersCanWrite(..), .. }]));
    }
    // others' files in a sticky directory can't be moved
    let scratch = Scratch::new();
    executable(&scratch, "hooks.d/10-x");
    fs::set_permissions(scratch.path(""), fs::Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(of(&scratch).ready.len(), 1);
}

#[test]
fn a_link_is_followed_to_what_can_be_trusted() {
    let scratch = Scratch::new();
    executable(&scratch, "lib/good");
    scratch.directory("open", 0o777);
    executable(&scratch, "open/bad");
    fs::set_permissions(scratch.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    scratch.directory("hooks.d", 0o755);
    scratch.link("hooks.d/10", "../lib/good");
    scratch.link("hooks.d/20", "../open/bad");
    let hooks = of(&scratch);
    assert_eq!(hooks.ready[0].path, scratch.path("lib/good").canonicalize().unwrap());
    assert!(matches!(&hooks.refused[..], [refused] if refused.name == "/hooks.d/20"), "{hooks:?}");
}

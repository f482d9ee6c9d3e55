use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;

use super::{Mount, Tree, number_from_proc};
use crate::sys::fixture::{Scratch, bind, with_own_mounts};
use crate::sys::status::Status;
use crate::sys::tree::fixture::tree;

/// With openat2(2) and without.
fn both(scratch: &Scratch, below: &str) -> [Tree; 2] {
    [tree(&scratch.path(below)), tree(&scratch.path(below)).without_openat2()]
}

#[test]
fn directories_below_are_opened_and_nothing_else() {
    let scratch = Scratch::new();
    scratch.file("top/a/b/file", "");
    scratch.directory("outside", 0o755);
    scratch.link("top/out", "../outside");
    scratch.link("top/in", "a");
    scratch.fifo("top/fifo");
    for root in both(&scratch, "top") {
        for path in ["", "a", "a/b"] {
            let opened = Status::of(root.directory(Path::new(path)).unwrap()).unwrap();
            assert_eq!(
                opened.identity.1,
                fs::metadata(scratch.path("top").join(path)).unwrap().ino(),
                "{path}"
            );
        }
        for (path, expected) in [
            ("..", vec![Errno::EINVAL]),
            ("a/../a", vec![Errno::EINVAL]),
            ("/etc", vec![Errno::EINVAL]),
            ("out", vec![Errno::ELOOP, Errno::ENOTDIR]),
            ("in/b", vec![Errno::ELOOP, Errno::ENOTDIR]),
            ("a/b/file", vec![Errno::ENOTDIR]),
            ("fifo", vec![Errno::ENOTDIR]),
            ("none", vec![Errno::ENOENT]),
            ("none/a", vec![Errno::ENOENT]),
        ] {
            let error = root.directory(Path::new(path)).unwrap_err();
            assert!(expected.contains(&error.errno().unwrap()), "{path}: {error}");
        }
    }
}

#[test]
fn mounts_of_the_same_file_system_are_not_crossed_and_the_root_may_be_one() {
    with_own_mounts(|| {
        let scratch = Scratch::new();
        scratch.directory("theirs/in", 0o755);
        scratch.directory("top/a/mounted", 0o755);
        bind(&scratch.path("top"), &scratch.path("top"));
        bind(&scratch.path("theirs"), &scratch.path("top/a/mounted"));
        for root in both(&scratch, "top") {
            assert!(root.directory(Path::new("a")).is_ok());
            for path in ["a/mounted", "a/mounted/in"] {
                let error = root.directory(Path::new(path)).unwrap_err();
                assert_eq!(error.errno(), Some(Errno::EXDEV), "{path}");
            }
        }
        for mount in ["top/a/mounted", "top"] {
            nix::mount::umount(&scratch.path(mount)).unwrap();
        }
    });
}

#[test]
fn the_kernel_and_proc_name_a_mount_alike() {
    let root = fs::File::open("/").unwrap();
    let told = number_from_proc(std::os::fd::AsFd::as_fd(&root)).unwrap();
    match Mount::of(&root).unwrap() {
        Mount::Number(number) => assert_eq!(number, told),
        Mount::Device(_) => panic!("neither says it"),
    }
}

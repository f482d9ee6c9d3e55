use std::collections::BTreeMap;
use std::ffi::{CStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Dropped, Xattr, read, write};
use crate::sys::attributes::Attributes;
use crate::sys::fixture::{Scratch, as_user, root_or_skip, skipped};
use crate::sys::tree::fixture::{NEVER, all, as_it_is, tree};
use crate::sys::tree::{Copied, Entry, Progress, copy_tree};

const CAPABILITY: &CStr = c"security.capability";
const ACCESS: &CStr = c"system.posix_acl_access";

/// A list of `struct posix_acl_xattr_entry` with its version (acl(5), linux/posix_acl_xattr.h):
/// the owner, the user 33, the group, the mask, others.
fn acl(mask: u16) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in
        [(1_u16, 7_u16, u32::MAX), (2, 5, 33), (4, 5, u32::MAX), (0x10, mask, u32::MAX), (0x20, 0, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// `VFS_CAP_REVISION_2` with cap_net_bind_service effective (linux/capability.h).
fn capability() -> Vec<u8> {
    [0x0200_0001_u32, 1 << 10, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Whether all were taken; else the test can't be made here.
fn set(path: &Path, xattrs: &[Xattr]) -> bool {
    let dropped = Dropped::default();
    write(File::open(path).unwrap(), xattrs, &dropped).unwrap();
    let dropped = dropped.into_counts();
    if !dropped.is_empty() {
        skipped(&format!("{} takes no {dropped:?}", path.display()));
    }
    dropped.is_empty()
}

fn get(path: &Path) -> Vec<Xattr> {
    let mut found = read(File::open(path).unwrap()).unwrap();
    found.sort();
    found
}

fn xattr(name: &CStr, value: impl Into<Vec<u8>>) -> Xattr {
    (name.to_owned(), value.into())
}

fn copy(scratch: &Scratch, attributes: &(dyn Fn(&Entry) -> Attributes + Sync)) -> Copied {
    scratch.directory("to", 0o700);
    let (from, to) = (tree(&scratch.path("from")), tree(&scratch.path("to")));
    copy_tree(&from, &to, &all, attributes, NEVER, &Progress::default()).unwrap()
}

#[test]
fn what_files_and_directories_have_is_copied() {
    let scratch = Scratch::new();
    scratch.file("from/sub/file", "content");
    // More names and bytes than fit the first guess.
    let mut many: Vec<Xattr> = (0..40).map(|at| (CStr::to_owned(&name(at)), vec![b'v'; 30])).collect();
    many.push(xattr(c"user.empty", ""));
    many.sort();
    if !set(&scratch.path("from/sub/file"), &many) {
        return;
    }
    let one = vec![xattr(c"user.one", "\0\n")];
    assert!(set(&scratch.path("from/sub"), &one));
    assert!(copy(&scratch, &as_it_is).dropped.is_empty());
    assert_eq!(get(&scratch.path("to/sub/file")), many);
    assert_eq!(get(&scratch.path("to/sub")), one);
}

fn name(at: u32) -> std::ffi::CString {
    std::ffi::CString::new(format!("user.{at:040}")).unwrap()
}

#[test]
fn access_control_lists_and_capabilities_survive_the_change_of_owner_and_mode() {
    if !root_or_skip() {
        return;
    }
    let scratch = Scratch::new();
    scratch.file("from/sub/file", "content");
    let default = xattr(c"system.posix_acl_default", acl(7));
    let on_file = vec![xattr(CAPABILITY, capability()), xattr(ACCESS, acl(5))];
    let mode = fs::Permissions::from_mode(0o750);
    fs::set_permissions(scratch.path("from/sub/file"), mode.clone()).unwrap();
    if !set(&scratch.path("from/sub/file"), &on_file)
        || !set(&scratch.path("from/sub"), std::slice::from_ref(&default))
    {
        return;
    }
    let given = |entry: &Entry| Attributes { mode: entry.mode, uid: Some(33), gid: Some(34) };
    assert!(copy(&scratch, &given).dropped.is_empty());
    assert_eq!(get(&scratch.path("to/sub/file")), on_file);
    assert_eq!(get(&scratch.path("to/sub")), [default]);
    assert_eq!(fs::metadata(scratch.path("to/sub/file")).unwrap().permissions().mode() & 0o7777, 0o750);
}

#[test]
fn a_list_that_the_target_would_hand_down_is_not_inherited() {
    let scratch = Scratch::new();
    scratch.file("from/sub/file", "content");
    scratch.directory("to", 0o700);
    if !set(&scratch.path("to"), &[xattr(c"system.posix_acl_default", acl(7))]) {
        return;
    }
    copy(&scratch, &as_it_is);
    for name in ["to/sub", "to/sub/file"] {
        assert_eq!(get(&scratch.path(name)), [], "{name}");
    }
}

#[test]
fn what_the_user_may_not_set_is_dropped_and_counted() {
    let scratch = Scratch::new();
    for name in ["from/a", "from/b"] {
        scratch.file(name, "content");
        if !root_or_skip() || !set(&scratch.path(name), &[xattr(CAPABILITY, capability())]) {
            return;
        }
    }
    scratch.directory("open", 0o777);
    let (from, open) = (scratch.path("from"), scratch.path("open"));
    let copied = as_user(1234, move || {
        fs::create_dir(open.join("to")).unwrap();
        copy_tree(&tree(&from), &tree(&open.join("to")), &all, &as_it_is, NEVER, &Progress::default())
    });
    if let Some(copied) = copied {
        let expected = BTreeMap::from([(OsString::from("security.capability"), 2)]);
        assert_eq!(copied.unwrap().dropped, expected);
    }
}

//! Archives that are broken, or made to do harm: refused with the member's name and what is
//! wrong, and nothing of the volume is touched.

use std::fs;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::archives::{case_of, facts, has, shell};
use crate::modes::case::Case;

/// Python that writes `bad.tar`: `add(name, type, link, data)`.
const WRITER: &str = "
import tarfile, io, sys
t = tarfile.open('bad.tar', 'w', format=tarfile.PAX_FORMAT)
def add(name, type=b'0', link='', data=b'', **more):
    i = tarfile.TarInfo(name); i.type = type; i.linkname = link; i.size = len(data); i.mode = 0o755
    for k, v in more.items(): setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
";

/// A case whose `bad.tar` these lines of Python write.
fn written(lines: &str) -> Case {
    let case = case_of("bad.tar", "");
    case.write("write.py", format!("{WRITER}{lines}\nt.close()\n"));
    case.write("outside/canary", "alive");
    shell(&case, "python3 write.py");
    case
}

/// Refused with these words, and with nothing done in the volume or outside.
fn refused(case: &Case, says: &[&str]) {
    fs::create_dir_all(case.path("outside")).unwrap();
    let before = facts(&case.path("outside"));
    case.run(&["true"]).code(66).says(says).says(&["castoff.toml:6"]);
    assert_eq!(facts(&case.path("outside")), before);
    assert!(facts(&case.path("root/site")).is_empty(), "nothing of it is there");
    assert!(!case.exists("root/site/.castoff/complete"));
}

#[test]
fn members_that_lead_out() {
    if !has("python3") {
        return;
    }
    for (lines, says) in [
        ("add('/etc/x')", "`/etc/x`: its name is absolute"),
        ("add('a/../../x')", "`a/../../x`: its name has `..` in it"),
        ("add('..', b'5')", "`../`: its name has `..` in it"),
        (
            "add('a', b'2', '../../outside')\nadd('a/canary', data=b'dead')",
            "`a/canary`: `a` on the way to it is a symbolic link of the archive",
        ),
        (
            "add('d', b'5')\nadd('d/a', b'2', '/')\nadd('d/a/tmp/x', b'5')",
            "`d/a/tmp/x/`: `d/a` on the way to it is a symbolic link",
        ),
        ("add('x', b'1', '/etc/passwd')", "`x`: the name that it is a hard link to is absolute"),
        ("add('x', b'1', '../outside/canary')", "`x`: the name that it is a hard link to has `..` in it"),
        (
            "add('x', b'1', 'nothing')",
            "`x`: it is a hard link to `nothing`, which is not among the members before it",
        ),
        ("add('d', b'5')\nadd('x', b'1', 'd')", "`x`: it is a hard link to `d`, a directory"),
        (
            "add('a', b'2', '../outside')\nadd('x', b'1', 'a/canary')",
            "`x`: it is a hard link to `a/canary`, which is not",
        ),
        ("add('f', data=b'1')\nadd('f/x')", "`f/x`: `f` on the way to it is a regular file"),
        ("add('d/x')\nadd('d', b'2', '/')", "`d`: a directory with members in it has the same name"),
        ("add('.', b'2', '/etc')", "what holds all others can only be a directory"),
        ("add('x', b'Z')", "`x`: castoff knows no member of type `Z`"),
        ("add('a'*70000)", "its name is too long"),
    ] {
        refused(&written(lines), &["the archive $DIR/bad.tar can't be unpacked", says]);
    }
}

#[test]
fn a_link_that_is_there_harms_nobody() {
    if !has("python3") {
        return;
    }
    let case = written(
        "add('a', b'2', '../../outside')\nadd('a', b'5')\nadd('a/canary', data=b'mine')\n\
         add('l', b'2', '../../outside/canary')\nadd('l', data=b'mine')\nadd('h', b'1', 'l')\nadd('h', b'1', 'h')",
    );
    case.run(&["true"]).code(0);
    assert_eq!(case.read("outside/canary"), "alive");
    for name in ["a/canary", "l", "h"] {
        assert_eq!(case.read(&format!("root/site/{name}")), "mine", "the last one wins: {name}");
    }
}

#[test]
fn broken_archives() {
    let make =
        "mkdir seed; seq 1 20000 > seed/a; seq 1 20000 > seed/b; tar --sort=name -C seed -cf good.tar a b";
    for (script, says) in [
        ("head -c 60000 good.tar > bad.tar", "`a`: the archive ends here, before it is complete"),
        ("head -c 109568 good.tar > bad.tar", "after `a`: the archive ends here, without the block of zeros"),
        ("head -c 110000 good.tar > bad.tar", "after `a`: the archive ends here, before it is complete"),
        (
            "cp good.tar bad.tar; printf x | dd of=bad.tar bs=1 seek=109569 conv=notrunc status=none",
            "after `a`: the checksum of its header is wrong",
        ),
        (": > bad.tar", "there is nothing in it"),
        ("head -c 10240 /dev/zero > bad.tar", "there is nothing in it"),
        ("seq 1 1000 > bad.tar", "it is no tar archive"),
        ("gzip < good.tar > bad.tar", "it is no tar archive, but compressed by gzip"),
        (
            "tar -M -L 70 -C seed -cf bad.tar -f rest.tar b; mv rest.tar bad.tar",
            "it is part of an archive in several volumes",
        ),
    ] {
        let case = case_of("bad.tar", "");
        shell(&case, &format!("{make}; {script}"));
        refused(&case, &[says]);
    }
}

#[test]
fn what_follows_the_end_is_nobodys_business() {
    let case = case_of("bad.tar", "");
    shell(&case, "echo a > a; tar -cf bad.tar a; seq 1 10000 >> bad.tar");
    case.run(&["true"]).code(0);
    assert_eq!(case.read("root/site/a"), "a\n");
}

#[test]
fn broken_compression() {
    if !has("zstd") {
        return;
    }
    let make = "mkdir seed; seq 1 60000 > seed/a; tar -C seed -cf good.tar a; zstd -q good.tar";
    for (script, says) in [
        ("head -c 20000 good.tar.zst > bad.tar.zst", "the archive ends here, before it is complete"),
        ("head -c -2 good.tar.zst > bad.tar.zst", "the archive ends here, before it is complete"),
        ("(head -c -4 good.tar.zst; printf abcd) > bad.tar.zst", "the compressed data are damaged"),
        ("cp good.tar bad.tar.zst", "it is not compressed by zstd"),
        ("gzip < good.tar > bad.tar.zst", "it is not compressed by zstd"),
        ("zstd -q -c a > bad.tar.zst", "it is no tar archive"),
        (
            "head -c 300M /dev/zero | zstd -q --long=28 > bad.tar.zst",
            "it was compressed with a window of 256 MiB, and castoff takes 128",
        ),
    ] {
        let case = case_of("bad.tar.zst", "");
        case.write("a", "no archive");
        shell(&case, &format!("{make}; {script}"));
        refused(&case, &[says]);
    }
    let case = case_of("bad.tar", "");
    shell(&case, &format!("{make}; cp good.tar.zst bad.tar"));
    refused(&case, &["compressed by zstd: name it .tar.zst"]);
}

/// Whole archives of all kinds, with their names.
fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let mut made = Vec::new();
    for (archive, script) in [
        ("bad.tar", "tar --format=gnu --sparse -C seed -cf bad.tar ."),
        ("bad.tar", "tar --format=posix --sparse -C seed -cf bad.tar ."),
        ("bad.tar.zst", "tar --format=posix -C seed -c . | zstd -q > bad.tar.zst"),
        ("bad.tar.zst", "tar --format=gnu --sparse -C seed -c . | zstd -q -19 > bad.tar.zst"),
    ] {
        if archive.ends_with("tar") || has("zstd") {
            let case = case_of(archive, "");
            let tree = "mkdir -p seed/d; seq 1 500 > seed/d/a; ln seed/d/a seed/b; ln -s b seed/l; truncate -s 100K seed/h; echo >> seed/h";
            shell(&case, &format!("{tree}; {script}"));
            made.push((archive, fs::read(case.path(archive)).unwrap()));
        }
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// Any bytes changed anywhere: either it is noticed and nothing is done, or all is done.
    #[test]
    fn damage_never_leaves_half_a_volume(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::weighted(0.2, any::<prop::sample::Index>()),
        way in any::<prop::sample::Index>(),
    ) {
        static WHOLE: OnceLock<Vec<(&str, Vec<u8>)>> = OnceLock::new();
        let (archive, mut bytes) = way.get(WHOLE.get_or_init(whole)).clone();
        let case = case_of(archive, "");
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
            }
        }
        case.write(archive, bytes);
        let said = case.run(&["true"]);
        prop_assert!([0, 66, 73, 74, 77].contains(&said.code), "{said:?}");
        if said.code != 0 {
            prop_assert!(facts(&case.path("root/site")).is_empty());
        }
    }
}

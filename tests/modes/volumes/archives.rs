//! Archives that real programs write: the volume becomes what `tar -x` makes of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::site::start;
use crate::harness::skipped;
use crate::modes::case::{Case, is_root};

/// A case whose volume `/site` is filled from an archive of this name.
pub(super) fn case_of(archive: &str, lines: &str) -> Case {
    let case = Case::verbatim("");
    describe(&case, archive, "1.0", lines);
    case
}

/// Writes the spec anew.
pub(super) fn describe(case: &Case, archive: &str, version: &str, lines: &str) {
    let seed = case.path(archive);
    let spec = format!(
        "version = 1\n[image]\nversion = \"{version}\"\n[[volume]]\npath = \"/site\"\nseed = \"{}\"\n{lines}\n",
        seed.display()
    );
    case.write("castoff.toml", spec);
}

/// Runs a shell script in the case's directory.
pub(super) fn shell(case: &Case, script: &str) {
    let script = format!("set -e; {script}");
    let output = Command::new("bash").args(["-c", &script]).current_dir(case.path("")).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Whether a program is there; said if not.
pub(super) fn has(program: &str) -> bool {
    let found = Command::new("which").arg(program).stdout(Stdio::null()).status().unwrap().success();
    if !found {
        skipped(&format!("{program} is not installed"));
    }
    found
}

/// Every name below a directory with all that an archive keeps of it.
pub(super) fn facts(root: &Path) -> BTreeMap<PathBuf, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if name == Path::new(".castoff") {
                continue;
            }
            let status = fs::symlink_metadata(&path).unwrap();
            if status.is_dir() {
                open.push(path.clone());
            }
            found.insert(name, (path, status));
        }
    }
    let mut first: BTreeMap<u64, PathBuf> = BTreeMap::new();
    for (name, (_, status)) in &found {
        first.entry(status.ino()).or_insert_with(|| name.clone());
    }
    found.into_iter().map(|(name, (path, status))| (name, fact(&path, &status, &first))).collect()
}

fn fact(path: &Path, status: &fs::Metadata, first: &BTreeMap<u64, PathBuf>) -> String {
    let kind = status.file_type();
    let content = if kind.is_symlink() {
        format!("to {}", fs::read_link(path).unwrap().display())
    } else if kind.is_file() {
        let bytes = fs::read(path).unwrap();
        let sum = bytes.iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        format!("{} bytes {sum:x}", bytes.len())
    } else if kind.is_dir() {
        "directory".to_owned()
    } else if kind.is_fifo() {
        "fifo".to_owned()
    } else {
        format!("device {}", status.rdev())
    };
    format!(
        "{:o} {}:{} {}.{} {content} is {}",
        status.permissions().mode(),
        status.uid(),
        status.gid(),
        status.mtime(),
        status.mtime_nsec(),
        first[&status.ino()].display()
    )
}

/// What every format can carry.
fn simple(case: &Case, folder: &str) {
    for (name, size) in
        [("empty", 0), ("one", 1), ("sub/511", 511), ("sub/512", 512), ("sub/513", 513), ("large", 300_000)]
    {
        let content: Vec<u8> = (0..size).map(|at: usize| (at * at % 251) as u8).collect();
        case.write(&format!("{folder}/{name}"), content);
    }
    case.write(&format!("{folder}/sub/deep/er/file"), "deep");
    let folder = case.path(folder);
    symlink("../one", folder.join("sub/link")).unwrap();
    symlink("/nowhere/at/all", folder.join("dangling")).unwrap();
    fs::hard_link(folder.join("one"), folder.join("sub/same")).unwrap();
    fs::hard_link(folder.join("one"), folder.join("also")).unwrap();
    for (name, mode) in
        [("sub", 0o2750), ("sub/deep", 0o1777), ("empty", 0o600), ("large", 0o4755), ("sub/511", 0o444)]
    {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 0);
    for name in ["one", "sub/deep", "sub"] {
        fs::File::open(folder.join(name)).unwrap().set_modified(time).unwrap();
    }
}

/// And what only some can.
fn full(case: &Case, folder: &str) {
    simple(case, folder);
    let folder = case.path(folder);
    for length in [99, 100, 101, 155, 156, 255] {
        fs::write(folder.join("n".repeat(length)), length.to_string()).unwrap();
    }
    let deep: PathBuf = (0..9).map(|at| at.to_string().repeat(60)).collect();
    fs::create_dir_all(folder.join(&deep)).unwrap();
    fs::write(folder.join(deep.join("file")), "far away").unwrap();
    fs::hard_link(folder.join(deep.join("file")), folder.join("near")).unwrap();
    symlink("x".repeat(300), folder.join("long-link")).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"odd \xff\n\\ name=\t")), "odd").unwrap();
    fs::write(folder.join("äöü €"), "utf-8").unwrap();
    nix::unistd::mkfifo(&folder.join("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_100_000_000, 123_456_789);
    fs::File::open(folder.join("large")).unwrap().set_modified(time).unwrap();
    if is_root() {
        std::os::unix::fs::chown(folder.join("one"), Some(33), Some(34)).unwrap();
        std::os::unix::fs::chown(folder.join("sub"), Some(3_000_000), Some(4_000_000_000)).unwrap();
        std::os::unix::fs::lchown(folder.join("dangling"), Some(5), Some(6)).unwrap();
        fs::set_permissions(folder.join("sub"), fs::Permissions::from_mode(0o2750)).unwrap();
        let device = nix::sys::stat::makedev(1, 3);
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o620);
        let made = nix::sys::stat::mknod(&folder.join("null"), nix::sys::stat::SFlag::S_IFCHR, mode, device);
        if made.is_err() {
            skipped("no device can be made here");
        }
    }
}

/// Files with holes: at the start, in the middle, at the end, nothing but holes.
fn sparse(case: &Case, folder: &str) {
    for (name, script) in [
        ("start", "truncate -s 200000 F; echo end >> F"),
        ("end", "echo start > F; truncate -s 1M F"),
        ("all", "truncate -s 5G F"),
        (
            "many",
            "for i in $(seq 1 40); do echo $i | dd of=F bs=8192 seek=$((i*3)) conv=notrunc status=none; done",
        ),
        ("none", "seq 1 5000 > F"),
    ] {
        shell(case, &format!("mkdir -p {folder}; {}", script.replace('F', &format!("{folder}/{name}"))));
    }
}

/// Fills a volume from an archive that a script makes of `full`, `simple` or `sparse`, and
/// compares it with what tar unpacks.
fn as_tar_has_it(archive: &str, script: &str) {
    let case = case_of(archive, "");
    for (folder, make) in [("full", full as fn(&Case, &str)), ("simple", simple), ("holes", sparse)] {
        if script.contains(folder) {
            make(&case, folder);
        }
    }
    shell(&case, script);
    same_as_tar(&case, archive, script);
}

fn same_as_tar(case: &Case, archive: &str, what: &str) {
    // GNU tar spoils the times of directories whose members are not together, as bsdtar's
    let tar = if what.starts_with("bsdtar") { "bsdtar" } else { "tar" };
    shell(case, &format!("mkdir expected; {tar} --numeric-owner -p -C expected -xf {archive}"));
    start(case).says(&["filled /site/ from $DIR/seed"]);
    let (expected, found) = (facts(&case.path("expected")), facts(&case.path("root/site")));
    for (name, fact) in &expected {
        assert_eq!(found.get(name), Some(fact), "{what}: {}", name.display());
    }
    assert_eq!(found.len(), expected.len(), "{what}: {:?}", found.keys());
    assert_eq!(case.names("root/site/.castoff"), ["complete", "lock", "manifest", "started"], "{what}");
}

#[test]
fn formats_of_gnu_tar() {
    for script in [
        "tar --format=v7 -C simple -cf seed.tar .",
        "tar --format=ustar -C simple -cf seed.tar .",
        "tar --format=oldgnu -C full -cf seed.tar .",
        "tar --format=gnu -C full -cf seed.tar .",
        "tar --format=posix -C full -cf seed.tar .",
        "cd full; tar --format=posix -cf ../seed.tar *",
        "cd full; tar --format=gnu --label=label -cf ../seed.tar -- *",
        "tar --format=gnu --listed-incremental=list -C full -cf seed.tar .",
        "tar --format=posix --pax-option='globexthdr.name=g,comment=all' -C full -cf seed.tar .",
        // directories after what is in them, and twice
        "cd full; find . -depth -print0 | tar --no-recursion --null -T - -cf ../seed.tar",
        "tar --format=gnu -C full -cf seed.tar . && tar -C full -rf seed.tar .",
        "tar --format=posix --hard-dereference -C full -cf seed.tar .",
    ] {
        as_tar_has_it("seed.tar", script);
    }
}

#[test]
fn sparse_files() {
    for format in [
        "--format=oldgnu",
        "--format=gnu",
        "--format=posix --sparse-version=0.0",
        "--format=posix --sparse-version=0.1",
        "--format=posix --sparse-version=1.0",
    ] {
        let case = case_of("seed.tar", "");
        sparse(&case, "holes");
        shell(&case, &format!("tar {format} --sparse -C holes -cf seed.tar ."));
        start(&case);
        let blocks = |name: &str| fs::metadata(case.path(format!("root/site/{name}"))).unwrap().blocks();
        assert_eq!((blocks("all"), blocks("many") < 8192), (0, true), "{format}");
        fs::remove_file(case.path("holes/all")).unwrap();
        assert_eq!(fs::metadata(case.path("root/site/all")).unwrap().len(), 5 << 30);
        fs::remove_file(case.path("root/site/all")).unwrap();
        let of = |folder: &str| -> Vec<(PathBuf, String)> {
            let whole = |name: &PathBuf| fs::read(case.path(folder).join(name)).unwrap();
            let names = facts(&case.path(folder)).into_keys();
            names
                .map(|name| {
                    (
                        name.clone(),
                        format!(
                            "{:?}",
                            whole(&name).iter().fold(0_u64, |a, b| a * 3 % 1_000_003 + u64::from(*b))
                        ),
                    )
                })
                .collect()
        };
        assert_eq!(of("root/site"), of("holes"), "{format}");
    }
}

#[test]
fn archives_of_other_programs() {
    if has("bsdtar") {
        for format in ["pax", "gnutar", "rpax"] {
            as_tar_has_it("seed.tar", &format!("bsdtar --format={format} -C full -cf seed.tar ."));
        }
        as_tar_has_it("seed.tar", "bsdtar --format=ustar -C simple -cf seed.tar .");
        as_tar_has_it("seed.tar", "bsdtar --format=v7tar -C simple -cf seed.tar .");
    }
    if has("busybox") {
        as_tar_has_it("seed.tar", "busybox tar -C full -cf seed.tar .");
    }
    if has("python3") {
        for (format, folder) in [("PAX", "full"), ("GNU", "full"), ("USTAR", "simple")] {
            let python = format!(
                "import tarfile; t = tarfile.open('seed.tar', 'w', format=tarfile.{format}_FORMAT); t.add('{folder}', '.'); t.close()"
            );
            as_tar_has_it("seed.tar", &format!("python3 -c \"{python}\""));
        }
    }
}

#[test]
fn compressed_by_zstd() {
    if !has("zstd") {
        return;
    }
    // in octal, as `split` has it run by whatever shell $SHELL names, and dash knows no other
    let skippable = r"printf '\120\052\115\030\005\000\000\000hello'";
    for (archive, script) in [
        ("seed.tar.zst", "tar -C full -c . | zstd -1 > seed.tar.zst".to_owned()),
        ("seed.tzst", "tar -C full -c . | zstd -3 --no-check > seed.tzst".to_owned()),
        ("seed.tar.zst", "tar -C full -cf x . ; zstd -q -19 x -o seed.tar.zst".to_owned()),
        ("seed.tar.zst", "tar -C full -c . | zstd --ultra -22 --long=27 > seed.tar.zst".to_owned()),
        ("seed.tar.zst", "tar -C full -c . | split -b 70000 --filter='zstd -q' > seed.tar.zst".to_owned()),
        (
            "seed.tar.zst",
            format!(
                "({skippable}; tar -C full -c . | split -b 70000 --filter=\"zstd -q; {skippable}\") > seed.tar.zst"
            ),
        ),
    ] {
        as_tar_has_it(archive, &script);
    }
}

#[test]
fn extended_attributes() {
    if !is_root() || !has("setfattr") || !has("getfattr") {
        return;
    }
    for script in [
        "tar --format=posix --xattrs --xattrs-include='*' -C full -cf seed.tar .",
        "bsdtar --format=pax --xattrs -C full -cf seed.tar .",
    ] {
        let case = case_of("seed.tar", "");
        full(&case, "full");
        let set = "cd full; setfattr -n user.a -v one one && setfattr -n user.b=c% -v 0x0a00ff sub && setcap cap_net_bind_service+ep large";
        let status = Command::new("bash").args(["-c", set]).current_dir(case.path("")).status().unwrap();
        if !status.success() {
            return skipped("no extended attributes here");
        }
        if script.starts_with("bsdtar") && !has("bsdtar") {
            return;
        }
        shell(&case, script);
        start(&case);
        let of = |folder: &str| {
            let dump =
                "find . -not -path './.castoff*' -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex";
            let output =
                Command::new("bash").args(["-c", dump]).current_dir(case.path(folder)).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let expected = of("full");
        assert!(expected.contains("security.capability") && expected.contains("user.a"), "{expected}");
        assert_eq!(of("root/site"), expected, "{script}");
    }
}

/// A tree: names, and what each is.
fn trees() -> impl Strategy<Value = Vec<(Vec<Vec<u8>>, u8, usize, u32)>> {
    let byte = prop_oneof![Just(b'a'), Just(b'b'), Just(b' '), Just(0xfe), Just(b'\n'), Just(b'%')];
    let name = prop_oneof![
        4 => proptest::collection::vec(byte, 1..4),
        1 => (90_usize..256).prop_map(|length| vec![b'l'; length])
    ];
    let size = prop_oneof![0_usize..600, 100_000_usize..140_000];
    let entry = (proptest::collection::vec(name, 1..5), any::<u8>(), size, 0_u32..0o1000);
    proptest::collection::vec(entry, 1..12)
}

fn grow(root: &Path, tree: &[(Vec<Vec<u8>>, u8, usize, u32)]) {
    fs::create_dir_all(root).unwrap();
    let mut files: Vec<PathBuf> = Vec::new();
    for (names, kind, size, mode) in tree {
        let path = root.join(OsStr::from_bytes(&names.join(&b'/')));
        // what is in the way of another entry stays
        if fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match kind % 6 {
            0 => fs::create_dir(&path).unwrap(),
            1 => symlink(OsStr::from_bytes(&names[0]), &path).unwrap(),
            2 if !files.is_empty() => fs::hard_link(&files[size % files.len()], &path).unwrap(),
            3 => fs::File::create(&path).unwrap().set_len(*size as u64 * 50).unwrap(),
            _ => fs::write(&path, vec![*kind; *size]).unwrap(),
        }
        let status = path.symlink_metadata().unwrap();
        if status.is_file() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o400 | mode)).unwrap();
            files.push(path);
        } else if status.is_dir() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700 | mode)).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_tree_comes_through(tree in trees(), way in 0_usize..6) {
        let script = [
            "tar --format=gnu -C tree -cf seed.tar .",
            "tar --format=posix --sparse -C tree -cf seed.tar .",
            "tar --format=oldgnu --sparse -C tree -cf seed.tar .",
            "tar --format=posix -C tree -c . | zstd -q > seed.tar.zst",
            "tar --format=gnu --sparse -C tree -c . | zstd -q -9 > seed.tar.zst",
            "cd tree; find . -depth -print0 | tar --format=posix --no-recursion --null -T - -cf ../seed.tar",
        ][way];
        let archive = if script.contains("zst") { "seed.tar.zst" } else { "seed.tar" };
        let case = case_of(archive, "");
        grow(&case.path("tree"), &tree);
        shell(&case, script);
        start(&case);
        let whole = |facts: BTreeMap<PathBuf, String>| {
            let without_times = |fact: String| {
                let words: Vec<&str> = fact.split(' ').collect();
                [words[..2].join(" "), words[3..].join(" ")].join(" ")
            };
            facts.into_iter().map(|(name, fact)| (name, without_times(fact))).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(whole(facts(&case.path("root/site"))), whole(facts(&case.path("tree"))));
    }
}

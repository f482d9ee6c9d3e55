use std::path::PathBuf;

use proptest::prelude::*;

use super::{Hierarchy, Limits, Own, limits, parse_mounts, parse_own, unescape};
use crate::sys::fixture::Scratch;

const V2_MOUNT: &str = "31 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const NO_LIMIT: &str = "9223372036854771712\n";

/// A machine made of these files; mountinfo and cgroup with those lines.
fn limits_of(own: &[&str], mounts: &[&str], files: &[(&str, &str)]) -> Limits {
    let scratch = Scratch::new();
    scratch.file("proc/self/cgroup", &own.join("\n"));
    let other = "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw";
    scratch.file("proc/self/mountinfo", &format!("{other}\n{}\n", mounts.join("\n")));
    for (path, content) in files {
        scratch.file(path, content);
    }
    limits(&scratch.path(""))
}

fn expect(memory: impl Into<Option<u64>>, millicpus: impl Into<Option<u64>>) -> Limits {
    Limits { memory: memory.into(), millicpus: millicpus.into() }
}

#[test]
fn v2_with_a_cgroup_namespace() {
    let files = [("sys/fs/cgroup/memory.max", "536870912\n"), ("sys/fs/cgroup/cpu.max", "150000 100000\n")];
    assert_eq!(limits_of(&["0::/"], &[V2_MOUNT], &files), expect(536_870_912, 1500));
    let files = [("sys/fs/cgroup/memory.max", "max\n"), ("sys/fs/cgroup/cpu.max", "max 100000\n")];
    assert_eq!(limits_of(&["0::/"], &[V2_MOUNT], &files), expect(None, None));
}

#[test]
fn v2_with_the_hosts_namespace_the_lowest_on_the_way_holds() {
    let files = [
        ("sys/fs/cgroup/docker/abc/memory.max", "max\n"),
        ("sys/fs/cgroup/docker/abc/cpu.max", "50000 100000\n"),
        ("sys/fs/cgroup/docker/memory.max", "1000\n"),
        ("sys/fs/cgroup/docker/cpu.max", "200000 100000\n"),
        ("sys/fs/cgroup/other/memory.max", "1\n"),
    ];
    assert_eq!(limits_of(&["0::/docker/abc"], &[V2_MOUNT], &files), expect(1000, 500));
}

#[test]
fn v2_with_only_the_own_part_mounted() {
    let mount = "31 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw";
    let files = [("sys/fs/cgroup/memory.max", "2000\n"), ("sys/fs/cgroup/inner/memory.max", "1000\n")];
    assert_eq!(limits_of(&["0::/docker/abc"], &[mount], &files), expect(2000, None));
    assert_eq!(limits_of(&["0::/docker/abc/inner"], &[mount], &files), expect(1000, None));
    assert_eq!(limits_of(&["0::/docker/abcdef"], &[mount], &files), expect(2000, None));
}

#[test]
fn a_cgroup_outside_of_the_namespace_does_not_lead_out() {
    let files = [("sys/fs/cgroup/memory.max", "2000\n"), ("sys/fs/memory.max", "1\n")];
    assert_eq!(limits_of(&["0::/../other"], &[V2_MOUNT], &files), expect(2000, None));
    let mount = "31 24 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    assert_eq!(limits_of(&["0::/"], &[mount], &files), expect(2000, None));
}

#[test]
fn v1_with_namespace_with_own_part_and_with_the_hosts() {
    let own = ["5:cpu,cpuacct:/docker/abc", "4:memory:/docker/abc", "1:name=systemd:/docker/abc"];
    let mounts = |cgroup: &str| {
        [
            format!("32 31 0:27 {cgroup} /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory"),
            format!("33 31 0:28 {cgroup} /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct"),
        ]
    };
    let files = |below: &str| {
        [
            (format!("sys/fs/cgroup/memory{below}/memory.limit_in_bytes"), "1048576\n"),
            (format!("sys/fs/cgroup/cpu,cpuacct{below}/cpu.cfs_quota_us"), "250000\n"),
            (format!("sys/fs/cgroup/cpu,cpuacct{below}/cpu.cfs_period_us"), "100000\n"),
        ]
    };
    for (own, cgroup, below) in [
        (own.as_slice(), "/docker/abc", ""),
        (own.as_slice(), "/", "/docker/abc"),
        (["5:cpu,cpuacct:/", "4:memory:/"].as_slice(), "/", ""),
    ] {
        let (mounts, files) = (mounts(cgroup), files(below));
        let mounts: Vec<&str> = mounts.iter().map(String::as_str).collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, content)| (path.as_str(), *content)).collect();
        assert_eq!(limits_of(own, &mounts, &files), expect(1_048_576, 2500), "{cgroup}");
    }
}

#[test]
fn v1_without_a_limit_of_its_own() {
    let mount = "32 31 0:27 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory";
    let cpu = "33 31 0:28 / /cpu ro - cgroup cgroup rw,cpu";
    let files = [
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", NO_LIMIT),
        ("sys/fs/cgroup/memory/memory.stat", "cache 0\nhierarchical_memory_limit 4096\nrss 1\n"),
        ("cpu/cpu.cfs_quota_us", "-1\n"),
        ("cpu/cpu.cfs_period_us", "100000\n"),
    ];
    assert_eq!(limits_of(&["4:memory:/", "5:cpu:/"], &[mount, cpu], &files), expect(4096, None));
}

#[test]
fn both_at_once() {
    let own = ["4:memory:/docker/abc", "0::/docker/abc"];
    let mounts = [
        "32 31 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
        "34 31 0:29 /docker/abc /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw",
    ];
    let memory = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    // A v2 hierarchy without controllers beside v1 …
    let files = [memory, ("sys/fs/cgroup/unified/cgroup.procs", "1\n")];
    assert_eq!(limits_of(&own, &mounts, &files), expect(4096, None));
    // … and one that has the processors.
    let files = [memory, ("sys/fs/cgroup/unified/cpu.max", "300000 100000\n")];
    assert_eq!(limits_of(&own, &mounts, &files), expect(4096, 3000));
}

#[test]
fn garbled_and_missing_files_set_no_limit() {
    for (memory, cpu) in [
        ("", ""),
        ("0\n", "0 100000\n"),
        ("many\n", "100000\n"),
        ("-5\n", "100000 0\n"),
        ("99999999999999999999999\n", "100000 x\n"),
        ("\u{fffd}\0", "\0 \0"),
    ] {
        let files = [("sys/fs/cgroup/memory.max", memory), ("sys/fs/cgroup/cpu.max", cpu)];
        assert_eq!(limits_of(&["0::/"], &[V2_MOUNT], &files), expect(None, None), "{memory:?} {cpu:?}");
    }
    assert_eq!(limits_of(&["0::/"], &[V2_MOUNT], &[]), expect(None, None));
    let files = [("sys/fs/cgroup/memory.max", "7\n")];
    for own in ["", ":::", "0", "0::relative", "x:y"] {
        assert_eq!(limits_of(&[own], &[V2_MOUNT], &files), expect(7, None), "{own}");
    }
    for mount in ["", "31 24", "31 24 0:26 / /x rw -", "- cgroup2", "- cgroup", "a - cgroup2 b c"] {
        let _ = limits_of(&["0::/"], &[mount], &files);
    }
    let empty = Scratch::new();
    assert_eq!(limits(&empty.path("")), expect(None, None));
}

#[test]
fn without_mountinfo_the_usual_places_are_read() {
    let scratch = Scratch::new();
    scratch.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
    scratch.file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    scratch.file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_eq!(limits(&scratch.path("")), expect(4096, 1000));
    scratch.file("sys/fs/cgroup/cgroup.controllers", "memory\n");
    scratch.file("sys/fs/cgroup/memory.max", "8192\n");
    assert_eq!(limits(&scratch.path("")), expect(8192, None));
}

#[test]
fn parsing() {
    assert_eq!(
        parse_own(b"4:memory,x:/a:b c\n0::/\n"),
        [
            Own { hierarchy: Hierarchy::Legacy(vec!["memory".into(), "x".into()]), path: "/a:b c".into() },
            Own { hierarchy: Hierarchy::Unified, path: "/".into() },
        ]
    );
    for (escaped, path) in [
        (r"/a\040b\134\011", "/a b\\\t"),
        (r"/a\04", r"/a\04"),
        (r"/a\9zz\", r"/a\9zz\"),
        (r"/\777", r"/\777"),
    ] {
        assert_eq!(unescape(escaped.as_bytes()), PathBuf::from(path), "{escaped}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed(content in prop::collection::vec(prop_oneof![Just(b' '), Just(b':'), Just(b'-'), Just(b'\n'), any::<u8>()], 0..200)) {
        let _ = (parse_own(&content), parse_mounts(&content), unescape(&content));
    }
}

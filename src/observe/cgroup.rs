//! The limits that this process's own cgroup and those above it set, v1, v2 or both.
//!
//! Where the own cgroup is follows from /proc/self/cgroup (its path in each hierarchy) and
//! /proc/self/mountinfo (which part of the hierarchy is mounted where); see cgroups(7).
//! In a container with a cgroup namespace, or with only its own part mounted, the mount
//! point is the own cgroup; otherwise the path is appended. From there every directory up
//! to the mount point is read, and the lowest limit holds.
//!
//! Nothing here fails: what is missing or garbled sets no limit. It never writes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::sys::files::read_bounded;

/// Files of the kernel that are read whole are smaller than this, in bytes.
const LARGEST_FILE: u64 = 4 << 20;

/// What the cgroups allow; `None`: they set no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    /// Processor time in thousandths of one processor.
    pub millicpus: Option<u64>,
}

/// Reads them. `root` is put before every absolute path; `/` but in tests.
#[must_use]
pub fn limits(root: &Path) -> Limits {
    let own = parse_own(&read(&root.join("proc/self/cgroup")));
    let mut mounts = parse_mounts(&read(&root.join("proc/self/mountinfo")));
    if mounts.is_empty() {
        mounts = usual_mounts(root);
    }
    let mut limits = Limits::default();
    for mount in &mounts {
        for directory in directories(root, mount, &own) {
            let memory = lowest(limits.memory, memory_limit(&directory, mount));
            let millicpus = lowest(limits.millicpus, processor_limit(&directory, mount));
            limits = Limits { memory, millicpus };
        }
    }
    limits
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hierarchy {
    /// The one of v2.
    Unified,
    /// One of v1, with its controllers.
    Legacy(Vec<String>),
}

impl Hierarchy {
    fn has(&self, controller: &str) -> bool {
        match self {
            Self::Unified => true,
            Self::Legacy(controllers) => controllers.iter().any(|own| own == controller),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unified, Self::Unified) => true,
            (Self::Legacy(ours), Self::Legacy(theirs)) => ours.iter().any(|own| theirs.contains(own)),
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Own {
    hierarchy: Hierarchy,
    path: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    hierarchy: Hierarchy,
    /// Which cgroup is mounted.
    cgroup: PathBuf,
    /// Where.
    point: PathBuf,
}

fn read(path: &Path) -> Vec<u8> {
    read_bounded(path, LARGEST_FILE).unwrap_or_default()
}

fn lowest(one: Option<u64>, two: Option<u64>) -> Option<u64> {
    [one, two].into_iter().flatten().min()
}

/// `hierarchy-id:controller,controller:/path`; v2 has the id 0 and no controllers.
fn parse_own(content: &[u8]) -> Vec<Own> {
    let parse = |line: &[u8]| {
        let mut fields = line.splitn(3, |byte| *byte == b':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let hierarchy = match (id, controllers) {
            (b"0", b"") => Hierarchy::Unified,
            _ => Hierarchy::Legacy(parse_controllers(controllers)),
        };
        path.starts_with(b"/").then(|| Own { hierarchy, path: PathBuf::from(OsStr::from_bytes(path)) })
    };
    content.split(|byte| *byte == b'\n').filter_map(parse).collect()
}

fn parse_controllers(list: &[u8]) -> Vec<String> {
    let names = list.split(|byte| *byte == b',').filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// `36 35 98:0 /root /point options tag… - type source super-options`, see proc(5).
fn parse_mounts(content: &[u8]) -> Vec<Mount> {
    let parse = |line: &[u8]| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let dash = fields.iter().position(|field| *field == b"-")?;
        let hierarchy = match *fields.get(dash + 1)? {
            b"cgroup2" => Hierarchy::Unified,
            b"cgroup" => Hierarchy::Legacy(parse_controllers(fields.get(dash + 3)?)),
            _ => return None,
        };
        Some(Mount { hierarchy, cgroup: unescape(fields.get(3)?), point: unescape(fields.get(4)?) })
    };
    content.split(|byte| *byte == b'\n').filter_map(parse).collect()
}

/// A space, tab, newline or backslash is written as `\` and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        });
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// Where everybody mounts them, for a /proc that does not say.
fn usual_mounts(root: &Path) -> Vec<Mount> {
    let mount = |hierarchy, point: &str| Mount { hierarchy, cgroup: "/".into(), point: point.into() };
    if root.join("sys/fs/cgroup/cgroup.controllers").exists() {
        return vec![mount(Hierarchy::Unified, "/sys/fs/cgroup")];
    }
    vec![
        mount(Hierarchy::Legacy(vec!["memory".into()]), "/sys/fs/cgroup/memory"),
        mount(Hierarchy::Legacy(vec!["cpu".into()]), "/sys/fs/cgroup/cpu"),
    ]
}

/// The own cgroup's directory and those above it, as far as they are mounted.
fn directories(root: &Path, mount: &Mount, own: &[Own]) -> Vec<PathBuf> {
    let point = root.join(mount.point.strip_prefix("/").unwrap_or(&mount.point));
    let path = own.iter().find(|own| own.hierarchy.is_same(&mount.hierarchy)).map(|own| &own.path);
    // A path with `..` is one outside of the cgroup namespace; one that is not below what is
    // mounted is not to be seen either. The mount point is the nearest that there is.
    let below = path
        .and_then(|path| path.strip_prefix(&mount.cgroup).ok())
        .filter(|below| below.components().all(|part| matches!(part, Component::Normal(_))))
        .unwrap_or_else(|| Path::new(""));
    below.ancestors().map(|ancestor| point.join(ancestor)).collect()
}

fn memory_limit(directory: &Path, mount: &Mount) -> Option<u64> {
    if !mount.hierarchy.has("memory") {
        return None;
    }
    let number = |name: &str| parse_number(&read(&directory.join(name)));
    match mount.hierarchy {
        Hierarchy::Unified => number("memory.max"),
        // What the cgroups above the mounted one allow is in its own statistics. No limit is
        // a number near 2^63, above the memory of any machine.
        Hierarchy::Legacy(_) => {
            lowest(number("memory.limit_in_bytes"), parse_hierarchical(&read(&directory.join("memory.stat"))))
        }
    }
}

fn processor_limit(directory: &Path, mount: &Mount) -> Option<u64> {
    if !mount.hierarchy.has("cpu") {
        return None;
    }
    match mount.hierarchy {
        Hierarchy::Unified => {
            let content = read(&directory.join("cpu.max"));
            let mut words = content.split(u8::is_ascii_whitespace);
            millicpus(parse_number(words.next()?)?, parse_number(words.next()?)?)
        }
        Hierarchy::Legacy(_) => {
            let number = |name: &str| parse_number(&read(&directory.join(name)));
            millicpus(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
        }
    }
}

fn millicpus(quota: u64, period: u64) -> Option<u64> {
    quota.saturating_mul(1000).checked_div(period).map(|millicpus| millicpus.max(1))
}

/// `None` for what is no limit: `max`, `-1`, and a zero, under which nothing could run.
fn parse_number(content: &[u8]) -> Option<u64> {
    std::str::from_utf8(content).ok()?.trim().parse().ok().filter(|number| *number > 0)
}

fn parse_hierarchical(content: &[u8]) -> Option<u64> {
    let mut lines = content.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(b"hierarchical_memory_limit ")).and_then(parse_number)
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;

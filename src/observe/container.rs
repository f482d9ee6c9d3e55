//! What the container may use: `container.memory` and `container.cpus`.
//!
//! Always answers: what the container's limits leave open is the machine's own.

use std::path::Path;

use super::cgroup::{Limits, limits};
use crate::sys::files::read_bounded;
use crate::sys::machine;

/// Larger than any /proc/meminfo, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// What a container is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Bytes: the lowest cgroup limit, at most what the machine has.
    pub memory: u64,
    /// Processors: the cgroup's share, rounded up, at most those that the process may run
    /// on, at least 1.
    pub cpus: u32,
}

/// Observes them. `root` is put before /proc and /sys; `/` but in tests.
#[must_use]
pub fn observe(root: &Path) -> ContainerFacts {
    let meminfo = read_bounded(&root.join("proc/meminfo"), LARGEST_FILE).unwrap_or_default();
    let total = parse_total(&meminfo).or_else(machine::total_memory);
    facts(limits(root), total, machine::usable_cpus())
}

fn facts(limits: Limits, total_memory: Option<u64>, usable_cpus: Option<u32>) -> ContainerFacts {
    let memory = [limits.memory, total_memory].into_iter().flatten().min().unwrap_or(u64::MAX);
    let share = limits.millicpus.map(|millicpus| u32::try_from(millicpus.div_ceil(1000)).unwrap_or(u32::MAX));
    let cpus = [share, usable_cpus].into_iter().flatten().min().unwrap_or(1).max(1);
    ContainerFacts { memory, cpus }
}

/// `MemTotal:       16384 kB`, see proc(5).
fn parse_total(meminfo: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(meminfo);
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ContainerFacts, Limits, facts, observe, parse_total};
    use crate::sys::fixture::Scratch;
    use crate::sys::machine;

    #[test]
    fn what_holds() {
        let cases = [
            // memory limit, millicpus, total, usable, expected
            (None, None, Some(8000), Some(4), (8000, 4)),
            (Some(500), None, Some(8000), Some(4), (500, 4)),
            (Some(9_223_372_036_854_771_712), None, Some(8000), Some(4), (8000, 4)),
            (None, Some(1500), Some(8000), Some(4), (8000, 2)),
            (None, Some(2000), Some(8000), Some(4), (8000, 2)),
            (None, Some(1), Some(8000), Some(4), (8000, 1)),
            (None, Some(16_000), Some(8000), Some(4), (8000, 4)),
            (None, Some(u64::MAX), None, None, (u64::MAX, u32::MAX)),
            (None, None, None, None, (u64::MAX, 1)),
        ];
        for (memory, millicpus, total, usable, expected) in cases {
            let found = facts(Limits { memory, millicpus }, total, usable);
            assert_eq!((found.memory, found.cpus), expected);
        }
    }

    #[test]
    fn total_memory() {
        for (meminfo, expected) in [
            ("MemTotal:       16384 kB\nMemFree: 1 kB\n", Some(16384 * 1024)),
            ("MemFree: 1 kB\nMemTotal: 2 kB", Some(2048)),
            ("MemTotal: many kB", None),
            ("MemTotal: 0 kB", None),
            ("MemTotal: 99999999999999999999 kB", None),
            ("MemTotal: 18446744073709551615 kB", None),
            ("", None),
        ] {
            assert_eq!(parse_total(meminfo.as_bytes()), expected, "{meminfo}");
        }
    }

    #[test]
    fn an_empty_root_has_the_machines_facts() {
        let scratch = Scratch::new();
        let expected = ContainerFacts {
            memory: machine::total_memory().unwrap(),
            cpus: machine::usable_cpus().unwrap(),
        };
        assert_eq!(observe(&scratch.path("")), expected);
    }

    #[test]
    fn a_limit_of_the_fixture_and_one_of_this_machine() {
        let scratch = Scratch::new();
        scratch.file("proc/meminfo", "MemTotal: 1000 kB\n");
        scratch.file("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        assert_eq!(observe(&scratch.path("")).memory, 1_024_000);
        scratch.file("sys/fs/cgroup/memory.max", "4096\n");
        assert_eq!(observe(&scratch.path("")).memory, 4096);
        let here = observe(Path::new("/"));
        assert!(here.memory > 1 << 20 && here.cpus >= 1, "{here:?}");
    }
}

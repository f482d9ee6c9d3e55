//! What the kernel says about the machine: host name, processors that may be used, memory.
//! Numbers of the whole machine; a container's limits are `observe`'s to find.

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// The host name, as uname(2) has it; empty where it is not known.
#[must_use]
pub fn hostname() -> String {
    nix::sys::utsname::uname()
        .map(|names| names.nodename().to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// How many processors this process may run on. `None` where the kernel does not say, for
/// instance because there are more of them than fit (sched_getaffinity(2), EINVAL).
#[must_use]
pub fn usable_cpus() -> Option<u32> {
    let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
    let count = (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count();
    u32::try_from(count).ok().filter(|count| *count > 0)
}

/// The machine's memory in bytes, as sysinfo(2) has it.
#[must_use]
pub fn total_memory() -> Option<u64> {
    nix::sys::sysinfo::sysinfo().ok().map(|info| info.ram_total()).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_proc() {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(super::hostname(), name.trim_end());
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:")).unwrap();
        let cpus: u32 = mask.chars().filter_map(|c| c.to_digit(16)).map(u32::count_ones).sum();
        assert_eq!(super::usable_cpus(), Some(cpus));
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kilobytes: u64 = total.trim().trim_end_matches(" kB").parse().unwrap();
        assert_eq!(super::total_memory(), Some(kilobytes * 1024));
    }
}

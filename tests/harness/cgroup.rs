//! A cgroup with a small memory limit, in which the kernel's OOM killer can be met.

use std::fs;
use std::path::PathBuf;

use super::launch::{Launch, skipped};

/// Below the test's own, with a limit of 48 MiB; removed with its value.
pub(crate) struct Cgroup(PathBuf);

/// A command that uses more than that.
pub(crate) const HOG: &str = "python3 -c 'x = b\"x\" * (200 << 20)'";

impl Cgroup {
    /// `None`, said so, where none can be made.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let made = Self::make(name);
        if made.is_none() {
            skipped("no cgroup with a memory limit can be made here");
        }
        made
    }

    fn make(name: &str) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = |prefix: &str| {
            let mut lines = own.lines().filter_map(|line| line.split_once(':'));
            lines.find_map(|(_, rest)| rest.strip_prefix(prefix)).map(str::to_owned)
        };
        let (parent, limit) = match path("memory:") {
            Some(path) => (format!("/sys/fs/cgroup/memory{path}"), "memory.limit_in_bytes"),
            None => (format!("/sys/fs/cgroup{}", path(":")?), "memory.max"),
        };
        let directory = PathBuf::from(parent).join(format!("castoff-{}-{name}", std::process::id()));
        fs::create_dir(&directory).ok()?;
        let cgroup = Self(directory);
        fs::write(cgroup.0.join(limit), "50331648").ok()?;
        // what could be swapped out would not be killed
        let _ = fs::write(cgroup.0.join("memory.swappiness"), "0");
        let _ = fs::write(cgroup.0.join("memory.swap.max"), "0");
        Some(cgroup)
    }

    /// The program in it.
    pub(crate) fn holds(&self, launch: Launch) -> Launch {
        launch.behind(&format!("echo 0 >{}/cgroup.procs && exec \"$@\"", self.0.display()))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

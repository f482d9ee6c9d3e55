//! A service that the kernel killed for want of memory is said to be that.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Exit, Launch, Place, each_place, skipped};

/// A cgroup below the test's own with a limit of 48 MiB; removed with its value.
struct Cgroup(PathBuf);

impl Cgroup {
    /// `None`, said so, where none can be made.
    fn new(name: &str) -> Option<Self> {
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

    /// castoff in it, with this Python program as the service.
    fn castoff(&self, service: &str, place: Place) -> Launch {
        let script = format!(
            "echo 0 >{}/cgroup.procs && exec {} -- {service}",
            self.0.display(),
            env!("CARGO_BIN_EXE_castoff")
        );
        Launch::program(["/bin/sh", "-c", &script]).place(place)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

const HOG: &str = "python3 -c 'x = b\"x\" * (200 << 20)'";

#[test]
fn a_service_that_the_oom_killer_ended_is_reported_as_that() {
    let Some(cgroup) = Cgroup::new("oom") else { return };
    each_place(|place| {
        // Itself, and below a shell, which passes its command's status on.
        for service in [HOG.to_owned(), format!("sh -c {:?}", format!("{HOG} || exit 137"))] {
            let (exit, _, err) = cgroup.castoff(&service, place).start().end();
            assert_eq!(exit, Exit::Code(137), "{place:?} {service}: {err}");
            let said = "castoff: warning: the service was killed by the kernel's OOM killer: \
                        the memory limit is 48M; raise it, or let the service use less";
            assert!(err.contains(said), "{place:?} {service}: {err}");
        }
    });
}

#[test]
fn a_service_that_somebody_killed_is_not_said_to_have_used_too_much() {
    let Some(cgroup) = Cgroup::new("kill") else { return };
    each_place(|place| {
        // The counter has risen before, but not while this one ran.
        cgroup.castoff(HOG, place).start().wait();
        let (exit, _, err) = cgroup.castoff("sh -c 'kill -KILL $$'", place).start().end();
        assert_eq!((exit, err.as_str()), (Exit::Code(137), ""), "{place:?}");
    });
}

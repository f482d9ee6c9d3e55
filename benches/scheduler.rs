//! What of the scheduler's own choices a measurement goes without. Each ends when the value is
//! dropped.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

const ITSELF: Pid = Pid::from_raw(0);

/// This process, and what it starts, has the first of its processors only.
pub(crate) struct OneProcessor {
    before: CpuSet,
}

impl OneProcessor {
    pub(crate) fn new() -> Self {
        let before = sched_getaffinity(ITSELF).unwrap();
        let first = (0..CpuSet::count()).find(|number| before.is_set(*number).unwrap()).unwrap();
        let mut one = CpuSet::new();
        one.set(first).unwrap();
        sched_setaffinity(ITSELF, &one).unwrap();
        Self { before }
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        let _ = sched_setaffinity(ITSELF, &self.before);
    }
}

/// The scheduler takes no session for a group (sched(7)): a container's processes are one group,
/// whatever sessions an init makes.
pub(crate) struct OneGroup {
    before: Option<Vec<u8>>,
}

impl OneGroup {
    const SWITCH: &str = "/proc/sys/kernel/sched_autogroup_enabled";

    pub(crate) fn new() -> Self {
        let before = fs::read(Self::SWITCH).ok();
        if before.is_some() {
            fs::write(Self::SWITCH, "0").unwrap();
        }
        Self { before }
    }
}

impl Drop for OneGroup {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = fs::write(Self::SWITCH, before);
        }
    }
}

//! Whether all that a castoff started is gone.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::Running;

/// What all that castoff starts has in its environment.
pub(super) fn mark() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("TEST_MARK={}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a process with that mark lives.
fn anybody_with(mark: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    })
}

/// Nobody is left; the killed may take a moment to be gone.
pub(super) fn assert_nobody_is_left(running: &mut Running, mark: &str, what: &str) {
    running.until(&format!("nobody to be left: {what}"), |_| !anybody_with(mark));
}

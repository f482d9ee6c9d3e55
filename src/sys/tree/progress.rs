//! How far work on a tree is, and whether it shall stop. Plain counters: who tells people
//! reads them from elsewhere.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::TreeError;

/// Asked again and again, from several threads: whether castoff was asked to stop.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// What is done, and what there is to do where somebody knows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Names that are done: files, directories, links.
    pub files: AtomicU64,
    /// Bytes of content that are done; holes count.
    pub bytes: AtomicU64,
    /// All names; 0: not known. Set by who knows.
    pub files_total: AtomicU64,
    /// All bytes; 0: not known. Set by who knows.
    pub bytes_total: AtomicU64,
}

impl Progress {
    pub(super) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Asks less often than it is asked: the answer is a system call, and work on a name may be
/// no more than that. Every so many times, and whenever the last time was a while ago.
pub(super) struct Asking<'a> {
    stop: Stop<'a>,
    begun: Instant,
    times: AtomicU64,
    /// When it was asked last, in milliseconds since the beginning.
    last: AtomicU64,
    /// A yes stays a yes.
    stopped: AtomicBool,
}

impl<'a> Asking<'a> {
    const EVERY: u64 = 16;
    const A_WHILE: Duration = Duration::from_millis(5);

    pub(super) fn new(stop: Stop<'a>) -> Self {
        let (times, last, stopped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { stop, begun: Instant::now(), times, last, stopped }
    }

    pub(super) fn stops(&self) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let since = Duration::from_millis(now.saturating_sub(self.last.load(Ordering::Relaxed)));
        let turn = self.times.fetch_add(1, Ordering::Relaxed).is_multiple_of(Self::EVERY);
        if self.stopped.load(Ordering::Relaxed) {
            return true;
        }
        if !turn && since < Self::A_WHILE {
            return false;
        }
        self.last.store(now, Ordering::Relaxed);
        let stops = (self.stop)();
        if stops {
            self.stopped.store(true, Ordering::Relaxed);
        }
        stops
    }
}

/// Ends the work where castoff was asked to stop.
pub(super) fn go_on(stop: Stop<'_>) -> Result<(), TreeError> {
    if stop() { Err(TreeError::Stopped) } else { Ok(()) }
}

//! Tells how far the work on a volume is: a line every few seconds, or, on a terminal, one
//! line that is drawn anew. Asked by whoever works, from any thread; it never waits.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::sys::tree::Progress;

const LINE_EVERY: Duration = Duration::from_secs(5);
const DRAWN_EVERY: Duration = Duration::from_millis(200);
/// Characters of the bar.
const BAR: u64 = 30;

/// Tells of one piece of work.
pub(super) struct Teller {
    what: String,
    terminal: bool,
    told: Mutex<Instant>,
    drawn: Mutex<bool>,
}

impl Teller {
    /// For work that begins now.
    pub(super) fn new(what: String) -> Self {
        let terminal = std::io::stderr().is_terminal() && tracing::enabled!(tracing::Level::INFO);
        Self { what, terminal, told: Mutex::new(Instant::now()), drawn: Mutex::new(false) }
    }

    /// Whether the next telling is due; it counts as told then.
    fn is_due(&self) -> bool {
        let every = if self.terminal { DRAWN_EVERY } else { LINE_EVERY };
        // whoever holds the lock is about to tell
        let Ok(mut told) = self.told.try_lock() else { return false };
        let due = told.elapsed() >= every;
        if due {
            *told = Instant::now();
        }
        due
    }

    /// Tells, if it is time. `totals` is called before, as long as they are not known.
    pub(super) fn tell(&self, progress: &Progress, totals: impl FnOnce(&Progress)) {
        if !self.is_due() {
            return;
        }
        if progress.files_total.load(Ordering::Relaxed) == 0 {
            totals(progress);
        }
        let far = Far::of(progress);
        if !self.terminal {
            tracing::info!("{}: {}", self.what, far.words());
            return;
        }
        if let Ok(mut drawn) = self.drawn.lock() {
            *drawn = true;
            // a closed stderr is nobody's failure
            let _ = write!(std::io::stderr(), "\r\x1b[K{} {}{}", self.what, far.bar(), far.words());
        }
    }
}

/// Leaves the terminal's line empty for what comes next.
impl Drop for Teller {
    fn drop(&mut self) {
        if self.drawn.lock().is_ok_and(|drawn| *drawn) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// How far.
struct Far {
    files: u64,
    bytes: u64,
    files_total: u64,
    bytes_total: u64,
}

impl Far {
    fn of(progress: &Progress) -> Self {
        Self {
            files: progress.files.load(Ordering::Relaxed),
            bytes: progress.bytes.load(Ordering::Relaxed),
            files_total: progress.files_total.load(Ordering::Relaxed),
            bytes_total: progress.bytes_total.load(Ordering::Relaxed),
        }
    }

    fn words(&self) -> String {
        let mut text = format!("{} files, {}", self.files, amount(self.bytes));
        if self.files_total > 0 {
            let files = self.files_total.saturating_sub(self.files);
            let bytes = self.bytes_total.saturating_sub(self.bytes);
            // writing to a string can't fail
            let _ = write!(text, " done, {files} files, {} left", amount(bytes));
        }
        text
    }

    fn bar(&self) -> String {
        let (done, all) = match self.bytes_total {
            0 => (self.files, self.files_total),
            all => (self.bytes, all),
        };
        if all == 0 {
            return String::new();
        }
        let filled = (done.saturating_mul(BAR) / all).min(BAR);
        let part = |character: &str, times: u64| character.repeat(usize::try_from(times).unwrap_or(0));
        format!("[{}{}] ", part("=", filled), part(" ", BAR - filled))
    }
}

/// Bytes as people read them.
pub(super) fn amount(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut rest = bytes;
    let mut unit = "";
    let mut tenths = 0;
    for next in UNITS {
        if rest < 1000 {
            break;
        }
        tenths = rest % 1000 / 100;
        rest /= 1000;
        unit = next;
    }
    if rest < 10 { format!("{rest}.{tenths} {unit}") } else { format!("{rest} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::{Far, amount};

    #[test]
    fn amounts() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (9_990, "9.9 kB"),
            (10_000, "10 kB"),
            (123_456_789, "123 MB"),
            (4_300_000_000, "4.3 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(amount(bytes), text);
        }
    }

    #[test]
    fn how_far_and_what_is_left() {
        let far = Far { files: 10, bytes: 500_000, files_total: 40, bytes_total: 1_000_000 };
        assert_eq!(far.words(), "10 files, 500 kB done, 30 files, 500 kB left");
        assert_eq!(far.bar(), format!("[{}{}] ", "=".repeat(15), " ".repeat(15)));
        let unknown = Far { files_total: 0, bytes_total: 0, ..far };
        assert_eq!((unknown.words(), unknown.bar()), ("10 files, 500 kB".to_owned(), String::new()));
    }
}

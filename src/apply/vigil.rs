//! The patience with one wait: its deadline, requests to stop, and what is told meanwhile.
//! Nothing is tried here.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use crate::duration;
use crate::plan::Wait;
use crate::signal::Signal;
use crate::sys::{poll, signals};

/// Until something is told of a first attempt that has no answer yet.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// Between two lines.
const BETWEEN_WORDS: Duration = Duration::from_secs(5);
/// How often is looked where the kernel can't wake castoff (no signalfd).
const TICK: Duration = Duration::from_millis(20);

/// Why patience ends.
pub(super) enum End {
    /// The deadline has passed.
    Over,
    /// castoff was asked to stop.
    Interrupted(Signal),
}

/// What an attempt came to that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// What came back.
    pub(super) text: String,
    /// What to look at.
    pub(super) help: &'static str,
}

impl Answer {
    pub(super) fn new(text: impl Into<String>, help: &'static str) -> Self {
        Self { text: text.into(), help }
    }
}

pub(super) struct Vigil<'a> {
    wait: &'a Wait,
    began: Instant,
    next_word: Instant,
    has_spoken: bool,
    stop: Option<OwnedFd>,
    /// What the attempt does that is under way.
    pub(super) doing: &'static str,
    /// What came back last.
    pub(super) last: Option<Answer>,
    /// How many attempts have failed.
    pub(super) failed: u32,
}

impl<'a> Vigil<'a> {
    pub(super) fn new(wait: &'a Wait) -> Self {
        let began = Instant::now();
        Self {
            wait,
            began,
            next_word: began + FIRST_WORD,
            has_spoken: false,
            stop: signals::stop_descriptor().ok(),
            doing: "nothing was tried yet",
            last: None,
            failed: 0,
        }
    }

    /// Says what is to be said by now; for how long there is nothing to do here.
    pub(super) fn look(&mut self) -> Result<Duration, End> {
        if let Some(signal) = signals::stop_requested() {
            return Err(End::Interrupted(signal));
        }
        let left = self.wait.timeout.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return Err(End::Over);
        }
        if self.next_word <= Instant::now() {
            self.speak();
        }
        let quiet = left.min(self.next_word.saturating_duration_since(Instant::now()));
        Ok(if self.stop.is_some() { quiet } else { quiet.min(TICK) })
    }

    /// Waits until `descriptor` is readable. `false`: it wasn't until `limit`.
    pub(super) fn readable(&mut self, descriptor: RawFd, limit: Instant) -> Result<bool, End> {
        self.watch(limit, |stop, pause| poll::readable(&[descriptor, stop], Some(pause)))
    }

    /// Waits until `descriptor` is writable. `false`: it wasn't until `limit`.
    pub(super) fn writable(&mut self, descriptor: RawFd, limit: Instant) -> Result<bool, End> {
        self.watch(limit, |stop, pause| poll::writable(descriptor, stop, Some(pause)))
    }

    /// Waits for nothing but the time.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<(), End> {
        self.readable(-1, Instant::now() + pause).map(drop)
    }

    fn watch(&mut self, limit: Instant, poll: impl Fn(RawFd, Duration) -> u8) -> Result<bool, End> {
        loop {
            let quiet = self.look()?;
            let left = limit.saturating_duration_since(Instant::now());
            let stop = self.stop.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            if poll(stop, left.min(quiet)) & 1 != 0 {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    /// An attempt has failed; the first time this is said at once.
    pub(super) fn failed(&mut self, answer: Answer) {
        self.failed += 1;
        self.last = Some(answer);
        if !self.has_spoken {
            self.speak();
        }
    }

    /// What came back last, or what is being done.
    pub(super) fn state(&self) -> String {
        self.last.as_ref().map_or_else(|| self.doing.to_owned(), |answer| answer.text.clone())
    }

    /// It is ready.
    pub(super) fn ended(&self) {
        let after = shown(self.began.elapsed());
        if self.has_spoken {
            tracing::info!("{} is ready after {after}", self.wait.shown);
        } else {
            tracing::debug!("{} is ready after {after}", self.wait.shown);
        }
    }

    fn speak(&mut self) {
        let (what, most, state) = (&self.wait.shown, duration::format(self.wait.timeout), self.state());
        if self.has_spoken {
            let so_far = shown(self.began.elapsed());
            tracing::info!("still waiting for {what}, {so_far} of {most}: {state}");
        } else {
            tracing::info!("waiting for {what}, at most {most}: {state}");
        }
        self.has_spoken = true;
        self.next_word = Instant::now() + BETWEEN_WORDS;
    }
}

/// Whole seconds, where there are any.
fn shown(elapsed: Duration) -> String {
    let whole = Duration::from_secs(elapsed.as_secs());
    duration::format(if whole.is_zero() { elapsed } else { whole })
}

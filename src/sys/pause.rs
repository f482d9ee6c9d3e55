//! Waiting for a time, and no longer than until castoff is asked to stop.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::poll;
use super::signals::{stop_descriptor, stop_requested};
use crate::signal::Signal;

/// How often is looked where there is no descriptor to be woken by.
const TICK: Duration = Duration::from_millis(20);

/// Waits. A request to stop ends it at once and stays pending. All signals must be blocked.
pub fn pause(duration: Duration) -> Option<Signal> {
    let began = Instant::now();
    let stop = stop_descriptor().ok();
    loop {
        let left = duration.saturating_sub(began.elapsed());
        if let Some(signal) = stop_requested() {
            return Some(signal);
        }
        if left.is_zero() {
            return None;
        }
        match &stop {
            Some(stop) => poll::readable(&[stop.as_raw_fd()], Some(left)),
            None => poll::readable(&[], Some(left.min(TICK))),
        };
    }
}

//! What castoff answers about a cron entry, as plain data. It holds nothing of its environment
//! or command.

use serde::{Deserialize, Serialize};

use super::super::cron::{LastRun, Status};
use super::answer::seconds;
use crate::timestamp::rfc3339;

/// One cron entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CronEntry {
    /// Its name.
    pub name: String,
    /// When it is due, as the spec says it.
    pub schedule: String,
    /// When it is started next: RFC 3339, UTC.
    pub next: Option<String>,
    /// How many runs are under way.
    pub running: usize,
    /// The run that ended last.
    pub last: Option<CronRun>,
    /// Runs that were started, or could not be.
    pub runs: u64,
    /// Runs that did not succeed.
    pub failures: u64,
    /// Due times that were passed over because of a run under way.
    pub passed_over: u64,
    /// Due times that nobody was there for.
    pub missed: u64,
}

/// A run that has ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CronRun {
    /// Its number, counted from 1.
    pub run: u64,
    /// When it was started: RFC 3339, UTC.
    pub started: String,
    /// How many seconds it took.
    pub took: f64,
    /// What it ended with, or why it could not be started; 128 + n after signal n.
    pub exit: u8,
    /// Whether it was told to end because of its timeout.
    pub timed_out: bool,
}

impl CronEntry {
    /// An entry as it is.
    #[must_use]
    pub fn new(name: &str, schedule: &str, status: &Status) -> Self {
        Self {
            name: name.to_owned(),
            schedule: schedule.to_owned(),
            next: status.next.map(|next| rfc3339(next.as_secs())),
            running: status.running,
            last: status.last.as_ref().map(CronRun::new),
            runs: status.runs,
            failures: status.failures,
            passed_over: status.overlapped,
            missed: status.missed,
        }
    }
}

impl CronRun {
    fn new(last: &LastRun) -> Self {
        Self {
            run: last.run.0,
            started: rfc3339(last.started.as_secs()),
            took: seconds(last.report.took),
            exit: last.report.result.map_or_else(|code| code, |ending| ending.code()).0,
            timed_out: last.report.timed_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::cron::{LastRun, Report, RunId, Status};
    use super::CronEntry;
    use crate::exit::ExitCode;
    use crate::signal::Signal;
    use crate::sys::reap::Ending;

    #[test]
    fn what_is_told_of_an_entry() {
        let started = Duration::from_millis(1_795_273_445_500);
        for (result, exit) in [
            (Ok(Ending::Exited(3)), "3"),
            (Ok(Ending::Killed(Signal::TERM)), "143"),
            (Err(ExitCode::NOT_FOUND), "127"),
        ] {
            let report = Report { result, took: Duration::from_micros(1_250_400), timed_out: true };
            let status = Status {
                next: Some(started + Duration::from_secs(60)),
                last: Some(LastRun { run: RunId(7), started, report }),
                running: 1,
                runs: 8,
                failures: 2,
                overlapped: 3,
                missed: 4,
                ..Status::default()
            };
            let told = serde_json::to_value(CronEntry::new("a", "@daily", &status)).unwrap();
            for (pointer, expected) in [
                ("/name", "\"a\""),
                ("/schedule", "\"@daily\""),
                ("/next", "\"2026-11-21T15:05:05Z\""),
                ("/running", "1"),
                ("/runs", "8"),
                ("/failures", "2"),
                ("/passed-over", "3"),
                ("/missed", "4"),
                ("/last/run", "7"),
                ("/last/started", "\"2026-11-21T15:04:05Z\""),
                ("/last/took", "1.25"),
                ("/last/exit", exit),
                ("/last/timed-out", "true"),
            ] {
                assert_eq!(told.pointer(pointer).unwrap().to_string(), expected, "{pointer}");
            }
        }
    }

    #[test]
    fn what_has_not_run_yet() {
        let entry = CronEntry::new("a", "@daily", &Status::default());
        assert_eq!((entry.next, entry.last, entry.runs), (None, None, 0));
    }
}

//! How cron entries are: a table for people, and the text format of Prometheus.

use std::fmt::Write as _;

use super::status::{columns, escaped, plain, rounded};
use crate::service::control::CronEntry;

const TITLES: [&str; 9] =
    ["CRON", "SCHEDULE", "NEXT", "RUNNING", "LAST START", "LAST EXIT", "TOOK", "RUNS", "FAILED"];

/// All entries, a line each, in columns.
pub(super) fn cron_table(entries: &[CronEntry]) -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(entries.iter().map(row));
    columns(&rows)
}

fn row(entry: &CronEntry) -> [String; TITLES.len()] {
    let dash = || "-".to_owned();
    let last = entry.last.as_ref();
    [
        plain(&entry.name),
        plain(&entry.schedule),
        entry.next.as_deref().map_or_else(dash, plain),
        entry.running.to_string(),
        last.map_or_else(dash, |last| plain(&last.started)),
        last.map_or_else(dash, |last| last.exit.to_string()),
        last.map_or_else(dash, |last| rounded(last.took)),
        entry.runs.to_string(),
        entry.failures.to_string(),
    ]
}

/// A metric: its name, its type, what it is, and its value for an entry that has one.
struct Metric(&'static str, &'static str, &'static str, fn(&CronEntry) -> Option<f64>);

const METRICS: [Metric; 7] = [
    Metric("castoff_cron_running", "gauge", "How many runs of the entry are under way.", |entry| {
        u32::try_from(entry.running).ok().map(f64::from)
    }),
    Metric("castoff_cron_runs_total", "counter", "Runs that were started, or could not be.", |entry| {
        count(entry.runs)
    }),
    Metric("castoff_cron_failures_total", "counter", "Runs that did not succeed.", |entry| {
        count(entry.failures)
    }),
    Metric(
        "castoff_cron_passed_over_total",
        "counter",
        "Due times that were passed over because of a run under way.",
        |entry| count(entry.passed_over),
    ),
    Metric("castoff_cron_missed_total", "counter", "Due times that nobody was there for.", |entry| {
        count(entry.missed)
    }),
    Metric(
        "castoff_cron_last_exit_code",
        "gauge",
        "What the last run ended with; 128 + n after signal n.",
        |entry| entry.last.as_ref().map(|last| f64::from(last.exit)),
    ),
    Metric("castoff_cron_last_run_seconds", "gauge", "How long the last run took.", |entry| {
        entry.last.as_ref().map(|last| last.took)
    }),
];

fn count(number: u64) -> Option<f64> {
    u32::try_from(number).ok().map(f64::from)
}

/// In the text format 0.0.4 of Prometheus; nothing where there are no entries.
pub(super) fn cron_metrics(entries: &[CronEntry]) -> String {
    let mut text = String::new();
    for Metric(name, kind, help, value) in METRICS.iter().filter(|_| !entries.is_empty()) {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for entry in entries {
            if let Some(value) = value(entry) {
                let _ = writeln!(text, "{name}{{cron=\"{}\"}} {value}", escaped(&entry.name));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{cron_metrics, cron_table};
    use crate::service::control::{CronEntry, CronRun};

    fn entries() -> [CronEntry; 2] {
        let started = "2026-11-21T15:00:00Z".to_owned();
        let wp = CronEntry {
            name: "wp".to_owned(),
            schedule: "*/5 * * * *".to_owned(),
            next: Some("2026-11-21T15:05:00Z".to_owned()),
            running: 1,
            last: Some(CronRun { run: 2, started, took: 61.5, exit: 143, timed_out: true }),
            runs: 3,
            failures: 1,
            passed_over: 4,
            missed: 5,
        };
        let fresh = CronEntry {
            name: "a\"b".to_owned(),
            schedule: "@daily".to_owned(),
            next: None,
            running: 0,
            last: None,
            runs: 0,
            failures: 0,
            passed_over: 0,
            missed: 0,
        };
        [wp, fresh]
    }

    #[test]
    fn the_table() {
        assert_eq!(
            cron_table(&entries()),
            "CRON  SCHEDULE     NEXT                  RUNNING  LAST START            LAST EXIT  TOOK  RUNS  FAILED\n\
             wp    */5 * * * *  2026-11-21T15:05:00Z  1        2026-11-21T15:00:00Z  143        1m1s  3     1\n\
             a\"b   @daily       -                     0        -                     -          -     0     0\n"
        );
    }

    #[test]
    fn the_metrics() {
        let text = cron_metrics(&entries());
        for line in [
            "# TYPE castoff_cron_runs_total counter",
            "castoff_cron_running{cron=\"wp\"} 1",
            "castoff_cron_runs_total{cron=\"wp\"} 3",
            "castoff_cron_failures_total{cron=\"wp\"} 1",
            "castoff_cron_passed_over_total{cron=\"wp\"} 4",
            "castoff_cron_missed_total{cron=\"wp\"} 5",
            "castoff_cron_last_exit_code{cron=\"wp\"} 143",
            "castoff_cron_last_run_seconds{cron=\"wp\"} 61.5",
            "castoff_cron_runs_total{cron=\"a\\\"b\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("castoff_cron_last_exit_code{cron=\"a"), "{text}");
        assert_eq!(cron_metrics(&[]), "");
    }
}

//! How services are: a table for people, and the text format of Prometheus.

use std::fmt::Write as _;
use std::time::Duration;

use super::cron_status::{cron_metrics, cron_table};
use crate::duration;
use crate::service::control::{Answer, HealthWord, Phase, Service};
use crate::service::tree::Stage;

const TITLES: [&str; 8] = ["SERVICE", "STATE", "PID", "UPTIME", "RESTARTS", "LAST EXIT", "HEALTH", "STATUS"];

/// All services and then all cron entries, a line each, in columns.
#[must_use]
pub fn status_table(answer: &Answer) -> String {
    let mut text = String::new();
    if let Some(whole) = &answer.castoff {
        let phase = if whole.phase == Phase::Stopping { "stopping" } else { "running" };
        let _ = writeln!(
            text,
            "castoff {}, process {}, {phase} since {}",
            whole.version, whole.pid, whole.started
        );
    }
    if !answer.services.is_empty() || answer.crons.is_empty() {
        let mut rows = vec![TITLES.map(str::to_owned)];
        rows.extend(answer.services.iter().map(row));
        text.push_str(&columns(&rows));
    }
    if !answer.crons.is_empty() {
        text.push_str(&cron_table(&answer.crons));
    }
    text
}

/// Rows of cells as lines, each column as wide as its widest cell.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(service: &Service) -> [String; TITLES.len()] {
    let dash = || "-".to_owned();
    let state = match (service.waits, service.waits_for.as_slice()) {
        (Some(left), _) => format!("{} {}", service.state.word(), rounded(left)),
        (None, []) => service.state.word().to_owned(),
        (None, names) => format!("{}, after {}", service.state.word(), names.join(" ")),
    };
    [
        plain(&service.name),
        plain(&state),
        service.pid.map_or_else(dash, |pid| pid.to_string()),
        service.uptime.map_or_else(dash, rounded),
        service.restarts.to_string(),
        service.last_exit.map_or_else(dash, |code| code.to_string()),
        service.health.word().to_owned(),
        service.status.as_deref().map_or_else(String::new, plain),
    ]
}

/// Nothing of it moves the cursor of a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// In whole seconds.
pub(super) fn rounded(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    duration::format(Duration::from_secs(whole))
}

/// A metric: its name, its type, what it is, and its value for a service that has one.
struct Metric(&'static str, &'static str, &'static str, fn(&Service) -> Option<f64>);

const METRICS: [Metric; 6] = [
    Metric("castoff_service_up", "gauge", "Whether the service's main process runs.", |service| {
        Some(one_if(service.pid.is_some()))
    }),
    Metric("castoff_service_ready", "gauge", "Whether the service is ready.", |service| {
        Some(one_if(service.state == Stage::Ready))
    }),
    Metric("castoff_service_healthy", "gauge", "Whether the service's checks succeed.", |service| {
        (service.health != HealthWord::None).then(|| one_if(service.health == HealthWord::Healthy))
    }),
    Metric(
        "castoff_service_restarts_total",
        "counter",
        "How often the service was started again.",
        |service| u32::try_from(service.restarts).ok().map(f64::from),
    ),
    Metric(
        "castoff_service_last_exit_code",
        "gauge",
        "What the service ended with last; 128 + n after signal n.",
        |service| service.last_exit.map(f64::from),
    ),
    Metric(
        "castoff_service_uptime_seconds",
        "gauge",
        "How long the service's main process has run.",
        |service| Some(service.uptime.unwrap_or(0.0)),
    ),
];

fn one_if(it: bool) -> f64 {
    f64::from(u8::from(it))
}

/// In the text format 0.0.4 of Prometheus.
#[must_use]
pub fn metrics(answer: &Answer) -> String {
    let mut text = String::new();
    if let Some(whole) = &answer.castoff {
        text.push_str("# HELP castoff_uptime_seconds How long castoff has supervised its services.\n");
        text.push_str("# TYPE castoff_uptime_seconds gauge\n");
        let _ = writeln!(text, "castoff_uptime_seconds {}", whole.uptime);
    }
    for Metric(name, kind, help, value) in METRICS {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for service in &answer.services {
            if let Some(value) = value(service) {
                let _ = writeln!(text, "{name}{{service=\"{}\"}} {value}", escaped(&service.name));
            }
        }
    }
    text.push_str(&cron_metrics(&answer.crons));
    text
}

/// As the value of a label.
pub(super) fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{metrics, status_table};
    use crate::service::control::{Answer, HealthWord, Phase, Service, Whole};
    use crate::service::tree::Stage;

    fn answer() -> Answer {
        let web = Service {
            name: "web".to_owned(),
            state: Stage::Ready,
            pid: Some(12),
            started: None,
            uptime: Some(61.5),
            waits: None,
            waits_for: Vec::new(),
            starts: 3,
            restarts: 2,
            last_exit: Some(143),
            status: Some("busy\u{1b}[2J".to_owned()),
            health: HealthWord::Healthy,
            health_lasts: None,
            failed_checks: 0,
            essential: true,
            wanted: true,
        };
        let odd = Service {
            name: "a\"b\\c\nd".to_owned(),
            state: Stage::Waiting,
            pid: None,
            uptime: None,
            waits: Some(2.9),
            last_exit: None,
            status: None,
            health: HealthWord::None,
            ..web.clone()
        };
        let down = Service {
            name: "down".to_owned(),
            state: Stage::Down,
            waits: None,
            waits_for: vec!["web".to_owned()],
            restarts: 0,
            ..odd.clone()
        };
        let started = "2026-11-21T15:04:05Z".to_owned();
        let whole =
            Whole { pid: 1, version: "1.0".to_owned(), started, uptime: 70.25, phase: Phase::Running };
        Answer::status(whole, vec![web, odd, down], Vec::new())
    }

    #[test]
    fn the_table() {
        assert_eq!(
            status_table(&answer()),
            "castoff 1.0, process 1, running since 2026-11-21T15:04:05Z\n\
             SERVICE  STATE            PID  UPTIME  RESTARTS  LAST EXIT  HEALTH   STATUS\n\
             web      ready            12   1m1s    2         143        healthy  busy\u{fffd}[2J\n\
             a\"b\\c\u{fffd}d  waiting 2s       -    -       2         -          -\n\
             down     down, after web  -    -       0         -          -\n"
        );
    }

    #[test]
    fn the_metrics() {
        let text = metrics(&answer());
        for line in [
            "castoff_uptime_seconds 70.25",
            "# TYPE castoff_service_restarts_total counter",
            "castoff_service_up{service=\"web\"} 1",
            "castoff_service_up{service=\"a\\\"b\\\\c\\nd\"} 0",
            "castoff_service_ready{service=\"web\"} 1",
            "castoff_service_healthy{service=\"web\"} 1",
            "castoff_service_restarts_total{service=\"web\"} 2",
            "castoff_service_last_exit_code{service=\"web\"} 143",
            "castoff_service_uptime_seconds{service=\"web\"} 61.5",
            "castoff_service_uptime_seconds{service=\"down\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("castoff_service_healthy{service=\"down\"}"));
        assert!(!text.contains("castoff_service_last_exit_code{service=\"down\"}"));
    }
}

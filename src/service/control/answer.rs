//! What castoff answers, as plain data: one JSON object in one line. It holds nothing of a
//! service's environment or command.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::tree::{ServiceStatus, Stage, Verdict};
use super::VERSION;
use super::entry::CronEntry;
use crate::exit::ExitCode;
use crate::timestamp::rfc3339;

/// An answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// Of the protocol.
    pub version: u32,
    /// Why castoff doesn't do what it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
    /// castoff itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub castoff: Option<Whole>,
    /// The services that were asked about, in the order of the spec.
    #[serde(default)]
    pub services: Vec<Service>,
    /// All cron entries, in the order of the spec, where no single service was asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crons: Vec<CronEntry>,
}

/// Why castoff doesn't do what it was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// Which kind of reason.
    pub kind: RefusalKind,
    /// In a sentence.
    pub message: String,
    /// A service with a similar name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// A kind of reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// The line is no question, or of another version.
    Question,
    /// There is no such service.
    UnknownService,
    /// castoff is about to end.
    Stopping,
    /// Only root and castoff's own user are answered.
    Permission,
}

/// castoff as a whole.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Whole {
    /// Its process.
    pub pid: i32,
    /// Its version.
    pub version: String,
    /// Since when the services are supervised: RFC 3339, UTC.
    pub started: String,
    /// The same in seconds.
    pub uptime: f64,
    /// What it does.
    pub phase: Phase,
}

/// What castoff does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It keeps the services running.
    Running,
    /// It ends.
    Stopping,
}

/// One service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: Stage,
    /// Its main process.
    pub pid: Option<i32>,
    /// Since when that runs: RFC 3339, UTC.
    pub started: Option<String>,
    /// The same in seconds.
    pub uptime: Option<f64>,
    /// Seconds until it is started again.
    pub waits: Option<f64>,
    /// What it can't start without.
    pub waits_for: Vec<String>,
    /// How often it was started.
    pub starts: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// What it ended with last; 128 + n after signal n.
    pub last_exit: Option<u8>,
    /// What it says of itself (sd_notify(3)).
    pub status: Option<String>,
    /// What its checks say.
    pub health: HealthWord,
    /// For how many seconds they have said it.
    pub health_lasts: Option<f64>,
    /// How many checks have failed in a row.
    pub failed_checks: u32,
    /// Whether the container ends with it.
    pub essential: bool,
    /// Whether it is to run.
    pub wanted: bool,
}

/// What the checks of a service say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthWord {
    /// It has none.
    None,
    /// Nothing yet.
    Unknown,
    /// It does what it is for.
    Healthy,
    /// It doesn't.
    Unhealthy,
}

impl HealthWord {
    /// As it is written everywhere.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "-",
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Answer {
    /// That castoff does not do it.
    #[must_use]
    pub fn refusal(kind: RefusalKind, message: impl Into<String>, nearest: Option<String>) -> Self {
        let error = Some(Refusal { kind, message: message.into(), nearest });
        Self { version: VERSION, error, castoff: None, services: Vec::new(), crons: Vec::new() }
    }

    /// How all is.
    #[must_use]
    pub fn status(castoff: Whole, services: Vec<Service>, crons: Vec<CronEntry>) -> Self {
        Self { version: VERSION, error: None, castoff: Some(castoff), services, crons }
    }

    /// As the line that is sent.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Why the whole is not well: who of the essential services is not ready, or fails its
    /// checks. Empty: it is.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        if let Some(Whole { phase: Phase::Stopping, .. }) = self.castoff {
            return vec!["castoff is stopping".to_owned()];
        }
        self.services.iter().filter(|service| service.essential).filter_map(Service::trouble).collect()
    }
}

impl Service {
    /// A service as it is, `now` being the time since 1970. `name` says how services are called,
    /// `text` is what it says of itself.
    #[must_use]
    pub fn new(status: &ServiceStatus, now: Duration, name: impl Fn(usize) -> String, text: &str) -> Self {
        let started = status.uptime.map(|uptime| rfc3339(now.saturating_sub(uptime).as_secs()));
        let health = match status.health.map(|health| health.verdict) {
            None => HealthWord::None,
            Some(Verdict::Unknown) => HealthWord::Unknown,
            Some(Verdict::Healthy) => HealthWord::Healthy,
            Some(Verdict::Unhealthy) => HealthWord::Unhealthy,
        };
        Self {
            name: name(status.id.0),
            state: status.stage,
            pid: status.pid,
            started,
            uptime: status.uptime.map(seconds),
            waits: status.waits.map(seconds),
            waits_for: status.waits_for.iter().map(|id| name(id.0)).collect(),
            starts: status.starts,
            restarts: status.starts.saturating_sub(1),
            last_exit: status.last_exit.map(|ExitCode(code)| code),
            status: Some(text).filter(|text| !text.is_empty()).map(str::to_owned),
            health,
            health_lasts: status.health.and_then(|health| health.lasts).map(seconds),
            failed_checks: status.health.map_or(0, |health| health.failures),
            essential: status.essential,
            wanted: status.wanted,
        }
    }

    fn trouble(&self) -> Option<String> {
        match (self.state, self.health, self.last_exit) {
            (Stage::Done, _, Some(0)) | (Stage::Ready, HealthWord::None | HealthWord::Healthy, _) => None,
            (Stage::Ready, HealthWord::Unknown, _) => {
                Some(format!("{} has not passed a check yet", self.name))
            }
            (Stage::Ready, HealthWord::Unhealthy, _) => Some(format!(
                "{} is unhealthy: {} checks in a row have failed",
                self.name, self.failed_checks
            )),
            (state, ..) => Some(format!("{} is not ready but {}", self.name, state.word())),
        }
    }
}

/// To the millisecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::tree::{Health, Id, ServiceStatus, Stage, Verdict};
    use super::{Answer, Phase, RefusalKind, Service, Whole};
    use crate::exit::ExitCode;

    fn status(stage: Stage) -> ServiceStatus {
        ServiceStatus {
            id: Id(0),
            stage,
            pid: Some(12),
            uptime: Some(Duration::from_millis(61_500)),
            waits: None,
            waits_for: vec![Id(1)],
            starts: 3,
            last_exit: Some(ExitCode(143)),
            essential: true,
            wanted: true,
            health: None,
        }
    }

    fn service(status: &ServiceStatus) -> Service {
        Service::new(status, Duration::from_millis(100_500), |at| ["web", "db"][at].to_owned(), "")
    }

    fn answer(phase: Phase, services: Vec<Service>) -> Answer {
        let whole = Whole { pid: 1, version: "0".to_owned(), started: String::new(), uptime: 0.0, phase };
        Answer::status(whole, services, Vec::new())
    }

    #[test]
    fn what_is_told_of_a_service() {
        let told = serde_json::to_value(service(&status(Stage::GivenUp))).unwrap();
        for (key, expected) in [
            ("name", "\"web\""),
            ("state", "\"given-up\""),
            ("pid", "12"),
            ("started", "\"1970-01-01T00:00:39Z\""),
            ("uptime", "61.5"),
            ("waits", "null"),
            ("waits-for", "[\"db\"]"),
            ("restarts", "2"),
            ("last-exit", "143"),
            ("status", "null"),
            ("health", "\"none\""),
        ] {
            assert_eq!(told[key].to_string(), expected, "{key}");
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        for answer in [
            answer(Phase::Running, vec![service(&status(Stage::Ready))]),
            Answer::refusal(RefusalKind::UnknownService, "a \"b\"", Some("c".to_owned())),
        ] {
            let line = answer.line();
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
        }
    }

    #[test]
    fn who_is_not_well() {
        let health = |verdict| Some(Health { verdict, lasts: None, failures: 4 });
        for (status, trouble) in [
            (status(Stage::Ready), None),
            (ServiceStatus { last_exit: Some(ExitCode(0)), ..status(Stage::Done) }, None),
            (ServiceStatus { essential: false, ..status(Stage::Down) }, None),
            (ServiceStatus { health: health(Verdict::Healthy), ..status(Stage::Ready) }, None),
            (status(Stage::Done), Some("web is not ready but done")),
            (status(Stage::Waiting), Some("web is not ready but waiting")),
            (
                ServiceStatus { health: health(Verdict::Unknown), ..status(Stage::Ready) },
                Some("web has not passed a check yet"),
            ),
            (
                ServiceStatus { health: health(Verdict::Unhealthy), ..status(Stage::Ready) },
                Some("web is unhealthy: 4 checks in a row have failed"),
            ),
        ] {
            let troubles = answer(Phase::Running, vec![service(&status)]).troubles();
            assert_eq!(troubles.first().map(String::as_str), trouble, "{status:?}");
        }
        assert_eq!(answer(Phase::Stopping, Vec::new()).troubles(), ["castoff is stopping"]);
    }
}

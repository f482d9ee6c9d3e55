//! What a question over the control socket comes to: something that happens, and an answer.

use std::time::Duration;

use super::crons::Crons;
use crate::diagnostic::nearest;
use crate::plan::TreePlan;
use crate::service::control::{Answer, Phase, Question, RefusalKind, Service, Verb, Whole};
use crate::service::tree::{Event, Id, Request, Tree};
use crate::signal::Signal;
use crate::sys::clock::wall;
use crate::sys::itself::own_pid;
use crate::timestamp::rfc3339;

/// What is known of the services and cron entries.
pub(super) struct View<'a> {
    pub(super) tree: &'a Tree,
    pub(super) crons: &'a Crons,
    pub(super) plan: &'a TreePlan,
    /// What each says of itself.
    pub(super) statuses: &'a [String],
    /// When all began, and now.
    pub(super) begun: Duration,
    pub(super) now: Duration,
}

/// What a line asks for.
pub(super) struct Asked {
    /// What is to happen.
    pub(super) event: Option<Event>,
    /// The service that it is about.
    pub(super) about: Option<Id>,
}

impl View<'_> {
    /// Reads a line.
    ///
    /// # Errors
    /// The answer, where nothing can be done.
    pub(super) fn read(&self, line: &[u8]) -> Result<Asked, Answer> {
        let question = Question::read(line)
            .map_err(|mistake| Answer::refusal(RefusalKind::Question, mistake.text(), None))?;
        let about = question.name.as_deref().map(|name| self.find(name)).transpose()?;
        if question.verb != Verb::Status && self.tree.is_ending() {
            return Err(Answer::refusal(RefusalKind::Stopping, "castoff is stopping", None));
        }
        let event = match (question.verb, about) {
            (Verb::Status, _) => None,
            (Verb::Start, Some(id)) => Some(Event::Asked(Request::Start(id))),
            (Verb::Stop, Some(id)) => Some(Event::Asked(Request::Stop(id))),
            (Verb::Restart, Some(id)) => Some(Event::Asked(Request::Restart(id))),
            (Verb::Reload, Some(id)) => Some(Event::Asked(Request::Reload(id))),
            (Verb::Reload, None) => Some(Event::Signal(Signal::HUP)),
            (Verb::Start | Verb::Stop | Verb::Restart, None) => None,
        };
        Ok(Asked { event, about })
    }

    fn find(&self, name: &str) -> Result<Id, Answer> {
        let names = || self.plan.services.iter().map(|service| service.name.as_str());
        names().position(|known| known == name).map(Id).ok_or_else(|| {
            if self.crons.has(name) {
                let message =
                    format!("`{name}` is a cron entry: the status of all shows it, its schedule starts it");
                return Answer::refusal(RefusalKind::UnknownService, message, None);
            }
            let message = format!("there is no service `{name}`");
            let near = nearest(name, names()).map(str::to_owned);
            Answer::refusal(RefusalKind::UnknownService, message, near)
        })
    }

    /// How all services and cron entries are, or one service.
    pub(super) fn status(&self, about: Option<Id>) -> Answer {
        let (wall, uptime) = (wall(), self.now.saturating_sub(self.begun));
        let name = |at: usize| self.plan.services.get(at).map_or_else(String::new, |one| one.name.clone());
        let all = self.tree.status(self.now);
        let services = all.iter().filter(|status| about.is_none_or(|id| id == status.id));
        let services = services.map(|status| {
            let text = self.statuses.get(status.id.0).map_or("", String::as_str);
            Service::new(status, wall, name, text)
        });
        let whole = Whole {
            pid: own_pid(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: rfc3339(wall.saturating_sub(uptime).as_secs()),
            uptime: (uptime.as_secs_f64() * 1000.0).round() / 1000.0,
            phase: if self.tree.is_ending() { Phase::Stopping } else { Phase::Running },
        };
        let crons = if about.is_none() { self.crons.answers() } else { Vec::new() };
        Answer::status(whole, services.collect(), crons)
    }
}

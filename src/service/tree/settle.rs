//! Brings all services in line after each event: who has to go, who may stop, who can start,
//! and whether it is the end. What it does follows from the state alone.

use std::time::Duration;

use super::super::rest::Rest;
use super::machine::Tree;
use super::rules::Id;
use super::state::{Phase, Service, State, Why};
use super::words::{Action, Line};
use crate::exit::ExitCode;

impl Tree {
    pub(super) fn settle(&mut self, now: Duration, out: &mut Vec<Action>) {
        match self.phase {
            Phase::New | Phase::Over | Phase::Rest(..) => return,
            Phase::Running => {
                self.drop_the_lost(out);
                self.start_what_can(out);
                self.end_where_nothing_is_left();
            }
            Phase::Stopping { .. } => {}
        }
        if let Phase::Stopping { code, .. } = self.phase {
            self.dismiss();
            if !self.services.iter().any(Service::runs) {
                let code = code.unwrap_or_else(|| self.verdict());
                self.phase = Phase::Rest(code, Rest::new(self.grace), None);
            }
        }
        self.stop_what_may(now, out);
    }

    /// Who runs and requires somebody who is not there has to go, and so has who requires
    /// that one.
    fn drop_the_lost(&mut self, out: &mut Vec<Action>) {
        while let Some((id, lost)) = self.ids().find_map(|id| Some((id, self.lost(id)?))) {
            let Some(service) = self.service_mut(id) else { return };
            service.leaving = true;
            out.push(Action::Log(Line::Lost(id, lost)));
        }
    }

    /// What a service that runs, and is to go on, requires and does not have.
    fn lost(&self, id: Id) -> Option<Id> {
        let service = self.service(id).filter(|service| !service.leaving)?;
        let State::Up { .. } = service.state else { return None };
        let serves = |id: &Id| self.service(*id).is_some_and(Service::serves);
        service.rules.requires.iter().find(|other| !serves(other)).copied()
    }

    /// All have to go; those that don't run need not be waited for.
    fn dismiss(&mut self) {
        for service in &mut self.services {
            match service.state {
                State::Up { .. } => service.leaving = true,
                State::Waiting(_) | State::Clearing { .. } => service.state = State::Down,
                _ => {}
            }
        }
    }

    fn stop_what_may(&mut self, now: Duration, out: &mut Vec<Action>) {
        for id in self.ids() {
            let Some(service) = self.service(id) else { return };
            if service.leaving && matches!(service.state, State::Up { .. }) && !self.is_needed(id) {
                let signal = service.rules.stop.signal;
                self.stop(id, Why::Asked, signal, now, out);
            }
        }
    }

    /// Whether one that still runs is to stop before it.
    fn is_needed(&self, id: Id) -> bool {
        let all = match self.phase {
            Phase::Stopping { hurried: true, .. } => return false,
            Phase::Stopping { .. } => true,
            _ => false,
        };
        self.services
            .iter()
            .filter(|other| other.runs())
            .any(|other| other.rules.requires.contains(&id) || all && other.rules.after.contains(&id))
    }

    fn start_what_can(&mut self, out: &mut Vec<Action>) {
        for id in self.ids() {
            if self.can_start(id)
                && let Some(service) = self.service_mut(id)
            {
                service.state = State::Spawning;
                service.starts = service.starts.saturating_add(1);
                service.gave_up = false;
                out.push(Action::Spawn(id));
            }
        }
    }

    fn can_start(&self, id: Id) -> bool {
        let Some(service) = self.service(id) else { return false };
        let serves = |other: &Id| self.service(*other).is_some_and(Service::serves);
        // who is not to come is not waited for, unless it is required
        let is_out = |other: &Id| {
            self.service(*other).is_some_and(|other| match other.state {
                State::Done(_) => true,
                State::Down => !other.wanted,
                _ => false,
            })
        };
        service.state == State::Down
            && service.wanted
            && service.rules.after.iter().all(|other| serves(other) || is_out(other))
            && service.rules.requires.iter().all(serves)
    }

    /// The end where every service has ended for good, or waits for one that has.
    fn end_where_nothing_is_left(&mut self) {
        if self.stays || self.phase != Phase::Running {
            return;
        }
        let over = |service: &Service| match service.state {
            State::Done(_) => true,
            State::Down => service.wanted,
            _ => false,
        };
        if self.services.iter().all(over) {
            let codes = self.services.iter().filter_map(|service| match service.state {
                State::Done(code) => Some(code),
                _ => None,
            });
            let code = codes.into_iter().find(|code| *code != ExitCode::OK);
            self.end(Some(code.unwrap_or(ExitCode::OK)));
        }
    }

    /// What castoff ends with when it was asked to stop.
    fn verdict(&self) -> ExitCode {
        let essential = self.services.iter().filter(|service| service.rules.essential);
        essential.filter_map(|service| service.ended_badly).next().unwrap_or(ExitCode::OK)
    }
}

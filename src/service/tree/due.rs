//! What time brings to services: those that are ready by now or have failed by now, those that
//! did not end, those that are to be started again.

use std::time::Duration;

use super::super::rest::{KILL_AGAIN, KILLS, Rest};
use super::machine::Tree;
use super::rules::{Id, Readiness};
use super::state::{Phase, Service, State, Why};
use super::words::{Action, Line};
use crate::exit::ExitCode;
use crate::signal::Signal;

/// How long what a service left in its process group may take to end after KILL, before
/// castoff goes on without it.
const KILL_WAIT: Duration = Duration::from_secs(5);

impl Tree {
    pub(super) fn timers(&mut self, now: Duration, out: &mut Vec<Action>) {
        if let Phase::Rest(.., due) = self.phase {
            if due.is_some_and(|due| due <= now) {
                self.rest(Rest::timer, now, out);
            }
            return;
        }
        for id in self.ids() {
            if self.service(id).and_then(Service::due).is_some_and(|due| due <= now) {
                self.timer(id, now, out);
            }
            self.check(id, now, out);
        }
    }

    /// What was due with a service.
    fn timer(&mut self, id: Id, now: Duration, out: &mut Vec<Action>) {
        let grace = self.grace;
        let Some(service) = self.service_mut(id) else { return };
        match service.state {
            State::Up { ready: false, .. } => match service.rules.readiness {
                Readiness::Told(limit) => {
                    out.push(Action::Log(Line::NotReady(id, limit.unwrap_or_default())));
                    let signal = service.rules.stop.signal;
                    self.stop(id, Why::Failed, signal, now, out);
                }
                Readiness::AtOnce | Readiness::After(_) => self.ready(id, now, out),
            },
            State::Up { ready: true, .. } => {
                let limit = service.rules.watchdog.unwrap_or_default();
                out.push(Action::Log(Line::Silent(id, limit)));
                self.stop(id, Why::Failed, Signal::ABRT, now, out);
            }
            State::Stopping { kills: KILLS, .. } => self.give_up(id, out),
            State::Stopping { pid, since, why, kills, .. } => {
                let kill = Some(now.saturating_add(KILL_AGAIN));
                service.state = State::Stopping { pid, since, why, kill, kills: kills + 1 };
                service.told = service.told.with(Signal::KILL);
                let limit = service.rules.stop.timeout.unwrap_or(grace);
                if kills == 0 {
                    out.push(Action::Log(Line::StopTimeout(id, limit)));
                }
                out.push(Action::Send(id, pid, service.rules.stop.scope, Signal::KILL));
            }
            State::Clearing { group, killed: false, next, .. } => {
                let due = now.saturating_add(KILL_WAIT);
                service.state = State::Clearing { group, due, killed: true, next };
                out.push(Action::Log(Line::KillingLeft(id)));
                out.push(Action::SendGroup(group, Signal::KILL));
            }
            State::Clearing { killed: true, next, .. } => {
                out.push(Action::Log(Line::Unkillable));
                service.state = next.into();
            }
            State::Waiting(_) => service.state = State::Down,
            State::Down | State::Spawning | State::Done(_) => {}
        }
    }

    /// A service that KILL does not end, because castoff may not send it or it hangs in the
    /// kernel, is not waited for; nor is it started beside itself, unless somebody asks.
    fn give_up(&mut self, id: Id, out: &mut Vec<Action>) {
        let code = ExitCode::from_signal(Signal::KILL);
        let running = self.phase == Phase::Running;
        let Some(service) = self.service_mut(id) else { return };
        out.push(Action::Log(Line::Unkillable));
        service.state = State::Done(code);
        service.last_exit = Some(code);
        if !running {
            service.ended_badly = Some(code);
        } else if service.rules.essential {
            self.end(Some(code));
        }
    }
}

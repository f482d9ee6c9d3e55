//! Several services, as a pure machine: an event and the time in, actions out.
//!
//! It makes no system call and knows no clock. What happens changes the state of one service;
//! then [`settle`](super::settle) brings all of them in line: who must stop, who can start,
//! whether it is the end. Its invariants, whatever the order of events:
//! - never two live instances of a service, what is left of its process group included;
//! - those that are after another, or require it, stop before it;
//! - one `Exit`, and nothing after it, and no time is due then;
//! - once asked to stop it ends, when the services end or their times are over.
//!
//! The policy:
//! - TERM, INT and QUIT stop all, in the reverse of the order they started in; asked once
//!   more, those that are left are stopped at once, and the grace is cut short. What is under
//!   way because a service ended by itself goes on as it is when it is asked for first. HUP reloads. Other signals go to the
//!   services that take them.
//! - The end of a service that is not started again ends the container if it is essential,
//!   with its code. So does a service that has been started too often, never with 0.
//! - A service that failed to become ready, or gave no sign of life, has failed whatever
//!   its code is.
//! - After a stop that was asked for, the code is that of the first essential service, in
//!   the spec's order, that has not ended well.

use std::time::Duration;

use libc::pid_t;

use super::super::backoff::Retry;
use super::super::rest::{Measure, Rest};
use super::check::Checks;
use super::rules::{GiveUp, Id, Readiness, Restart, Rules};
use super::state::{Next, Phase, Service, State, Why};
use super::words::{Action, Event, Line, Request};
use crate::exit::ExitCode;
use crate::signal::Signal;
use crate::sys::reap::Ending;
use crate::sys::signals::SignalSet;

/// The machine.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) services: Vec<Service>,
    pub(super) phase: Phase,
    pub(super) grace: Duration,
    /// Whether castoff was asked to stop.
    stop_asked: bool,
    /// Whether there is something to do although no service is left to run.
    pub(super) stays: bool,
}

impl Tree {
    /// Services that have not started. `grace`: how long the rest may take to end when they
    /// have. `stays`: there are cron entries, so that the container goes on without services.
    /// `seed` decides the jitter of restarts.
    #[must_use]
    pub fn new(rules: Vec<Rules>, grace: Duration, stays: bool, seed: u64) -> Self {
        let seeded = rules.into_iter().zip(seed..);
        let services = seeded.map(|(rules, seed)| Service::new(rules, seed)).collect();
        Self { services, phase: Phase::New, grace, stop_asked: false, stays }
    }

    /// When `Timer` is to come. `None`: nothing is waited for.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Over => None,
            Phase::Rest(.., due) => due,
            _ => self.services.iter().filter_map(Service::next_due).min(),
        }
    }

    /// Takes in what happened at `now` (time since any fixed moment) and says what to do, in
    /// this order.
    #[must_use]
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut out = Vec::new();
        if self.phase == Phase::Over {
            return out;
        }
        self.take_in(event, now, &mut out);
        self.settle(now, &mut out);
        out
    }

    /// Whether castoff is to end, or has no service any more.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        !matches!(self.phase, Phase::New | Phase::Running)
    }

    /// The main process of a service that runs.
    #[must_use]
    pub fn main_process(&self, id: Id) -> Option<pid_t> {
        self.service(id)?.main_process()
    }

    /// The service whose main process that is.
    #[must_use]
    pub fn led_by(&self, pid: pid_t) -> Option<Id> {
        self.services.iter().position(|service| service.main_process() == Some(pid)).map(Id)
    }

    /// Services whose process groups are waited for, with those.
    #[must_use]
    pub fn clearing(&self) -> Vec<(Id, pid_t)> {
        let group = |service: &Service| match service.state {
            State::Clearing { group, .. } => Some(group),
            _ => None,
        };
        self.services.iter().zip(0..).filter_map(|(service, at)| Some((Id(at), group(service)?))).collect()
    }

    fn take_in(&mut self, event: Event, now: Duration, out: &mut Vec<Action>) {
        match event {
            Event::Begin if self.phase == Phase::New => self.phase = Phase::Running,
            Event::Started(id, pid) => self.started(id, pid, now, out),
            Event::SpawnFailed(id, code) => {
                if self.service(id).is_some_and(|service| service.state == State::Spawning) {
                    self.ended(id, code, code, None, now, out);
                }
            }
            Event::Ended { pid, ending, group_left } => self.reaped(pid, ending, group_left, now, out),
            Event::GroupGone(id) => self.cleared(id),
            Event::Ready(id) => self.ready(id, now, out),
            Event::Alive(id) => self.alive(id, now),
            Event::Checked(id, well) => self.checked(id, well, now, out),
            Event::MainProcess(id, new) => {
                if let Some(Service { state: State::Up { pid, .. }, .. }) = self.service_mut(id) {
                    *pid = new;
                }
            }
            Event::Signal(signal) => self.receive(signal, now, out),
            Event::Asked(request) => self.asked(request, out),
            Event::Timer => self.timers(now, out),
            Event::Drained { children_left } => self.rest(|rest| rest.drained(children_left), now, out),
            Event::WaitRefused => self.end_unseen(now, out),
            Event::Begin => {}
        }
    }

    /// The services are given up: nobody will say when they end, so there may always be one.
    fn end_unseen(&mut self, now: Duration, out: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Rest(..)) {
            out.push(Action::Log(Line::WaitRefused));
            out.extend(self.ids().map(Action::Forget));
            self.phase = Phase::Rest(ExitCode::REFUSED, Rest::new(self.grace), None);
        }
        self.rest(|rest| rest.drained(true), now, out);
    }

    pub(super) fn service(&self, id: Id) -> Option<&Service> {
        self.services.get(id.0)
    }

    pub(super) fn service_mut(&mut self, id: Id) -> Option<&mut Service> {
        self.services.get_mut(id.0)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..self.services.len()).map(Id)
    }

    fn started(&mut self, id: Id, pid: pid_t, now: Duration, out: &mut Vec<Action>) {
        let Some(service) = self.service_mut(id).filter(|service| service.state == State::Spawning) else {
            return;
        };
        service.told = SignalSet::EMPTY;
        service.leaving = !service.wanted;
        let (ready, due) = match service.rules.readiness {
            Readiness::AtOnce => (true, service.rules.watchdog),
            Readiness::After(delay) => (false, Some(delay)),
            Readiness::Told(limit) => (false, limit),
        };
        let due = due.map(|due| now.saturating_add(due));
        service.state = State::Up { pid, since: now, ready, due };
        if ready {
            service.begin_checks(now);
        }
        if matches!(service.rules.readiness, Readiness::Told(_)) {
            out.push(Action::AwaitReady(id));
        }
    }

    pub(super) fn ready(&mut self, id: Id, now: Duration, out: &mut Vec<Action>) {
        let Some(service) = self.service_mut(id) else { return };
        if let State::Up { ready: ready @ false, due, .. } = &mut service.state {
            *ready = true;
            *due = service.rules.watchdog.map(|limit| now.saturating_add(limit));
            service.begin_checks(now);
            out.push(Action::Log(Line::Ready(id)));
        }
    }

    fn alive(&mut self, id: Id, now: Duration) {
        let Some(service) = self.service_mut(id) else { return };
        if let State::Up { ready: true, due, .. } = &mut service.state {
            *due = service.rules.watchdog.map(|limit| now.saturating_add(limit));
        }
    }

    fn reaped(&mut self, pid: pid_t, ending: Ending, group_left: bool, now: Duration, out: &mut Vec<Action>) {
        let Some(id) = self.led_by(pid) else { return };
        let Some(service) = self.service(id) else { return };
        let (code, judged) = (ending.code(), service.judged(ending));
        if ending == Ending::Killed(Signal::KILL) && !service.told.contains(Signal::KILL) {
            out.push(Action::NameOom(id));
        }
        self.ended(id, code, judged, group_left.then_some(pid), now, out);
    }

    /// The main process of a service has ended, or could not be made. `group`: the process
    /// group that it led, where others of it are left.
    fn ended(
        &mut self,
        id: Id,
        code: ExitCode,
        judged: ExitCode,
        group: Option<pid_t>,
        now: Duration,
        out: &mut Vec<Action>,
    ) {
        let (running, grace) = (self.phase == Phase::Running, self.grace);
        let Some(service) = self.service_mut(id) else { return };
        out.push(Action::Forget(id));
        let (since, failed, asked) = match service.state {
            State::Up { since, .. } => (since, false, service.leaving),
            State::Stopping { since, why, .. } => (since, why == Why::Failed, why == Why::Asked),
            _ => (now, false, false),
        };
        service.leaving = false;
        service.checks = Checks::default();
        service.last_exit = Some(code);
        let wanted = service.wanted;
        if !running && judged != ExitCode::OK {
            service.ended_badly = Some(judged);
        }
        let next = if !running || asked || !wanted {
            Next::Down
        } else {
            self.policy(id, (code, judged, failed), (now, now.saturating_sub(since)), out)
        };
        let Some(service) = self.service_mut(id) else { return };
        service.state = match group.filter(|_| running) {
            Some(group) => {
                out.extend([Signal::TERM, Signal::CONT].map(|signal| Action::SendGroup(group, signal)));
                State::Clearing { group, due: now.saturating_add(grace), killed: false, next }
            }
            None => next.into(),
        };
    }

    /// What becomes of a service that has ended without having been asked to.
    fn policy(
        &mut self,
        id: Id,
        (code, judged, failed): (ExitCode, ExitCode, bool),
        (now, ran): (Duration, Duration),
        out: &mut Vec<Action>,
    ) -> Next {
        let Some(service) = self.service_mut(id) else { return Next::Down };
        let well = judged == ExitCode::OK && !failed;
        let again = match service.rules.restart {
            Restart::No => false,
            Restart::OnFailure => !well,
            Restart::Always => true,
        };
        let essential = service.rules.essential;
        // a failure is never told as success
        let told = if well || judged != ExitCode::OK { judged } else { ExitCode::STEP };
        if !again {
            out.push(Action::Log(Line::Ended(id, code)));
            if essential {
                self.end(Some(told));
            }
            return Next::Done(told);
        }
        match service.backoff.ended(now, ran) {
            Retry::After(wait) => {
                out.push(Action::Log(Line::Restarting(id, code, wait)));
                Next::Wait(now.saturating_add(wait))
            }
            Retry::GiveUp => {
                let gives_up = service.rules.gives_up;
                service.gave_up = true;
                let told = if told == ExitCode::OK { ExitCode::STEP } else { told };
                out.push(Action::Log(Line::GaveUp(id, code)));
                if gives_up == GiveUp::End {
                    self.end(Some(told));
                }
                Next::Done(told)
            }
        }
    }

    /// Nobody is left of its process group.
    fn cleared(&mut self, id: Id) {
        if let Some(service) = self.service_mut(id)
            && let State::Clearing { next, .. } = service.state
        {
            service.state = next.into();
        }
    }

    fn receive(&mut self, signal: Signal, now: Duration, out: &mut Vec<Action>) {
        match signal {
            Signal::TERM | Signal::INT | Signal::QUIT => {
                let again = std::mem::replace(&mut self.stop_asked, true);
                match &mut self.phase {
                    Phase::New | Phase::Running => {
                        out.push(Action::Log(Line::Stopping(signal)));
                        self.end(None);
                    }
                    Phase::Stopping { hurried: hurried @ false, .. } if again => {
                        *hurried = true;
                        out.push(Action::Log(Line::Hurried(signal)));
                    }
                    Phase::Rest(..) if again => self.rest(Rest::hurry, now, out),
                    Phase::Stopping { .. } | Phase::Rest(..) | Phase::Over => {}
                }
            }
            _ if self.is_ending() => {}
            _ => {
                let takes = |service: &Service| service.rules.forwards.contains(&signal);
                let takers = self.services.iter().zip(0..).filter(|(service, _)| takes(service));
                let sent = takers.filter_map(|(service, at)| {
                    let scope = service.rules.stop.scope;
                    Some(Action::Send(Id(at), service.main_process()?, scope, signal))
                });
                out.extend(sent);
                if signal == Signal::HUP {
                    out.push(Action::Reload);
                } else if !self.services.iter().any(takes) {
                    out.push(Action::Log(Line::NotForwarded(signal)));
                }
            }
        }
    }

    fn asked(&mut self, request: Request, out: &mut Vec<Action>) {
        let (Request::Start(id) | Request::Stop(id) | Request::Restart(id) | Request::Reload(id)) = request;
        if self.is_ending() {
            return;
        }
        let Some(service) = self.service_mut(id) else { return };
        let is_up = matches!(service.state, State::Up { .. });
        match request {
            Request::Reload(_) => match (service.state, service.rules.reload) {
                (State::Up { pid, .. }, Some(signal)) => {
                    out.push(Action::Send(id, pid, service.rules.stop.scope, signal));
                }
                (State::Up { .. }, None) => service.leaving = true,
                _ => {}
            },
            Request::Stop(_) => {
                service.wanted = false;
                service.leaving = is_up;
            }
            Request::Start(_) | Request::Restart(_) => {
                service.wanted = true;
                service.leaving = is_up && (service.leaving || matches!(request, Request::Restart(_)));
                service.backoff.forget();
            }
        }
        if matches!(request, Request::Reload(_)) {
            return;
        }
        match &mut service.state {
            state @ (State::Waiting(_) | State::Done(_)) => *state = State::Down,
            State::Clearing { next, .. } => *next = Next::Down,
            _ => {}
        }
    }

    /// Tells a service that runs to end. One that gives no sign of life is not waited for for
    /// ever, though it has no stop timeout.
    pub(super) fn stop(&mut self, id: Id, why: Why, signal: Signal, now: Duration, out: &mut Vec<Action>) {
        let grace = self.grace;
        let Some(service) = self.service_mut(id) else { return };
        let State::Up { pid, since, .. } = service.state else { return };
        let limit = service.rules.stop.timeout.or((why == Why::Failed).then_some(grace));
        service.leaving = false;
        service.checks = Checks::default();
        service.told = service.told.with(signal);
        let kill = limit.map(|limit| now.saturating_add(limit));
        service.state = State::Stopping { pid, since, why, kill, kills: 0 };
        let scope = service.rules.stop.scope;
        out.push(Action::Forget(id));
        // a stopped service takes no other signal in
        out.extend([signal, Signal::CONT].map(|signal| Action::Send(id, pid, scope, signal)));
    }

    /// The end of all has come.
    pub(super) fn end(&mut self, code: Option<ExitCode>) {
        if !self.is_ending() {
            self.phase = Phase::Stopping { code, hurried: false };
        }
    }

    /// Something happened while only the rest is left.
    pub(super) fn rest(
        &mut self,
        happened: impl FnOnce(&mut Rest) -> Option<Measure>,
        now: Duration,
        out: &mut Vec<Action>,
    ) {
        let Phase::Rest(code, rest, due) = &mut self.phase else { return };
        let code = *code;
        match happened(rest) {
            None => {}
            Some(Measure::Term(wait)) => {
                *due = Some(now.saturating_add(wait));
                out.push(Action::TermRest);
            }
            Some(Measure::Kill(wait)) => {
                *due = Some(now.saturating_add(wait));
                out.push(Action::KillRest);
            }
            Some(Measure::Over) => {
                self.phase = Phase::Over;
                out.push(Action::Exit(code));
            }
            Some(Measure::Unkillable) => {
                self.phase = Phase::Over;
                out.extend([Action::Log(Line::Unkillable), Action::Exit(code)]);
            }
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
pub(super) mod tests;

#[cfg(test)]
#[path = "walk_tests.rs"]
mod walk;

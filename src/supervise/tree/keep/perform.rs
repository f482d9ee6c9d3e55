//! What the machine says is done: services started, told and killed, lines said. Nothing is decided
//! here, and what fails is told to the machine or said.

use std::collections::VecDeque;
use std::os::fd::AsRawFd;

use libc::pid_t;

use super::super::start::start;
use super::super::stream::Speaker;
use super::Keeper;
use crate::exit::ExitCode;
use crate::observe::oom;
use crate::service::Scope;
use crate::service::tree::{Action, Event, Id};
use crate::signal::Signal;
use crate::supervise::end::{self, Rest};
use crate::supervise::voice::Level;
use crate::sys::clock::monotonic;
use crate::sys::send::{Target, send};
use crate::sys::spawn::Setting;
use crate::sys::stdio::empty_input;

impl Keeper {
    /// Tells the machine and performs what it answers, until nothing more comes of it.
    pub(super) fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.tree.step(event, monotonic()) {
                events.extend(self.perform(action));
                self.logs.pass_on();
            }
        }
        if self.tree.is_ending() {
            self.crons.stop(&mut self.logs);
        }
    }

    fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn(id) => return Some(self.spawn(id)),
            Action::AwaitReady(id) => {
                if let (Some(watch), Some(service)) =
                    (self.watches.get_mut(id.0), self.plan.services.get(id.0))
                {
                    watch.begin(service, self.voice);
                }
            }
            Action::Check(id, tells) => {
                let service = self.plan.services.get(id.0);
                let begun = service.is_some_and(|service| self.checks.begin(id, service, tells, self.voice));
                return (!begun).then_some(Event::Checked(id, false));
            }
            Action::Forget(id) => {
                if let Some(watch) = self.watches.get_mut(id.0) {
                    watch.forget();
                }
                self.checks.forget(id);
                self.set_status(id, String::new());
            }
            Action::Send(id, pid, scope, signal) => self.send(id, pid, scope, signal),
            Action::SendGroup(group, signal) => end::report(Target::Group(group), signal, self.voice),
            Action::TermRest => {
                self.rest_since.get_or_insert_with(monotonic);
                Rest::term(self.voice);
            }
            Action::KillRest => self.rest.kill(self.voice),
            Action::Reload => self.render(),
            Action::NameOom(id) => {
                if self.kills.explain(id, oom::kills()) {
                    end::name_oom(&self.name(id), self.voice);
                }
            }
            Action::Log(line) => {
                let level = if line.is_warning() { Level::Warn } else { Level::Info };
                self.voice.say(level, &line.text(|id| self.name(id)));
            }
            Action::Exit(code) => self.exit = Some(code),
        }
        None
    }

    pub(super) fn name(&self, id: Id) -> String {
        self.plan.services.get(id.0).map(|service| service.name.clone()).unwrap_or_default()
    }

    fn send(&self, id: Id, pid: pid_t, scope: Scope, signal: Signal) {
        self.voice.detail(|| format!("sending {signal} to {}", self.name(id)));
        let to_group = scope != Scope::Main && send(Target::Group(pid), signal).is_ok();
        // A service that left its own group again is still reached itself.
        if !to_group {
            end::report(Target::Process(pid), signal, self.voice);
        }
    }

    fn spawn(&mut self, id: Id) -> Event {
        self.spawned = true;
        let (Some(service), Some(watch)) = (self.plan.services.get(id.0), self.watches.get_mut(id.0)) else {
            return Event::SpawnFailed(id, ExitCode::BUG);
        };
        // what an earlier instance has said is not this one's
        let _ = watch.hear(None, 0);
        let mut plan = service.program.clone();
        plan.environment.change(|listed| listed.extend(watch.variables(service.rules.watchdog)));
        let input = empty_input().ok();
        let handed = watch.handed();
        let outputs = self.logs.pipes(Speaker::Service(id));
        let output = |at: usize| outputs.as_ref().and_then(|files| Some(files.get(at)?.as_raw_fd()));
        let setting = Setting {
            own_group: true,
            stdio: [input.as_ref().map(AsRawFd::as_raw_fd), output(0), output(1)],
            handed: handed.as_ref().map(|(file, number)| (AsRawFd::as_raw_fd(file), *number)),
            mask: self.inherited.mask,
            ignores_children: self.inherited.ignores_children,
            ..Setting::default()
        };
        self.kills.starts(id, oom::kills());
        match start(&plan, &service.name, &setting, self.voice) {
            Ok(pid) => Event::Started(id, pid),
            Err(code) => Event::SpawnFailed(id, code),
        }
    }
}

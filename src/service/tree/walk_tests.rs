//! Every sequence of events up to a length, and long random ones, against a small world of
//! processes that keeps what was promised.

use std::time::Duration;

use libc::pid_t;
use proptest::prelude::*;

use super::super::check::CheckRule;
use super::super::rules::{GiveUp, Id, Readiness, Restart, Rules};
use super::super::words::{Action, Event, Request};
use super::tests::{GRACE, rules};
use super::{Phase, State, Tree};
use crate::exit::ExitCode;
use crate::signal::Signal;
use crate::sys::reap::Ending;

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    /// The main process of a service ends, and leaves others of its group behind or not.
    End(Id, Ending, bool),
    /// Those go.
    GroupEnds(Id),
    Ready(Id),
    /// A check that is under way ends.
    Checked(Id, bool),
    /// The time that is due comes.
    Timer,
    Signal(Signal),
    Asked(Request),
    /// From here on nothing can be started.
    SpawnsFail,
}

/// The processes.
#[derive(Clone, Debug)]
struct World {
    tree: Tree,
    now: Duration,
    next_pid: pid_t,
    mains: Vec<Option<pid_t>>,
    groups: Vec<Option<pid_t>>,
    told: Vec<bool>,
    looking: Vec<bool>,
    spawns_fail: bool,
    exit: Option<ExitCode>,
}

impl World {
    fn new(rules: Vec<Rules>) -> Self {
        let count = rules.len();
        let mut world = Self {
            tree: Tree::new(rules, GRACE, false, 7),
            now: Duration::from_secs(1000),
            next_pid: 100,
            mains: vec![None; count],
            groups: vec![None; count],
            told: vec![false; count],
            looking: vec![false; count],
            spawns_fail: false,
            exit: None,
        };
        world.feed(Event::Begin);
        world
    }

    fn happenings(&self) -> Vec<Happening> {
        let mut all = vec![Happening::Signal(Signal::TERM), Happening::Signal(Signal::HUP)];
        if self.tree.due().is_some() {
            all.push(Happening::Timer);
        }
        if !self.spawns_fail {
            all.push(Happening::SpawnsFail);
        }
        for id in self.tree.ids() {
            if self.mains[id.0].is_some() {
                all.push(Happening::End(id, Ending::Exited(0), false));
                all.push(Happening::End(id, Ending::Exited(3), true));
                all.push(Happening::Ready(id));
                all.push(Happening::Asked(Request::Stop(id)));
                all.push(Happening::Asked(Request::Restart(id)));
            } else {
                all.push(Happening::Asked(Request::Start(id)));
            }
            if self.looking[id.0] {
                all.extend([true, false].map(|well| Happening::Checked(id, well)));
            }
            if self.groups[id.0].is_some() {
                all.push(Happening::GroupEnds(id));
            }
        }
        all
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::End(id, ending, group_left) => {
                let Some(pid) = self.mains[id.0].take() else { return };
                if group_left {
                    self.groups[id.0] = Some(pid);
                }
                self.feed(Event::Ended { pid, ending, group_left });
            }
            Happening::GroupEnds(id) => {
                if self.groups[id.0].take().is_some() {
                    self.feed(Event::GroupGone(id));
                }
            }
            Happening::Ready(id) => self.feed(Event::Ready(id)),
            Happening::Checked(id, well) => {
                if std::mem::take(&mut self.looking[id.0]) {
                    self.feed(Event::Checked(id, well));
                }
            }
            Happening::Timer => {
                if let Some(due) = self.tree.due() {
                    self.now = self.now.max(due);
                    self.feed(Event::Timer);
                }
            }
            Happening::Signal(signal) => self.feed(Event::Signal(signal)),
            Happening::Asked(request) => self.feed(Event::Asked(request)),
            Happening::SpawnsFail => self.spawns_fail = true,
        }
        let children_left = self.mains.iter().chain(&self.groups).any(Option::is_some);
        self.feed(Event::Drained { children_left });
    }

    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.tree.step(event, self.now) {
                assert!(self.exit.is_none(), "{action:?} after the exit");
                self.perform(action, &mut events);
            }
            if self.exit.is_some() {
                assert_eq!(self.tree.due(), None, "something is due after the exit");
            }
        }
    }

    fn perform(&mut self, action: Action, answers: &mut Vec<Event>) {
        match action {
            Action::Spawn(id) => {
                assert_eq!(self.mains[id.0], None, "two live instances of {id:?}");
                assert_eq!(self.groups[id.0], None, "{id:?} starts beside what it left");
                let rules = &self.tree.services[id.0].rules;
                for required in &rules.requires {
                    assert!(self.tree.services[required.0].serves(), "{id:?} starts without {required:?}");
                }
                if self.spawns_fail {
                    answers.push(Event::SpawnFailed(id, ExitCode::NOT_FOUND));
                } else {
                    self.next_pid += 1;
                    (self.mains[id.0], self.told[id.0]) = (Some(self.next_pid), false);
                    answers.push(Event::Started(id, self.next_pid));
                }
            }
            Action::Send(id, pid, _, signal) => {
                assert_eq!(self.mains[id.0], Some(pid), "{signal} to a process that is gone");
                if signal == Signal::TERM {
                    self.check_order(id);
                }
                if signal == Signal::KILL {
                    self.mains[id.0] = None;
                    let ending = Ending::Killed(Signal::KILL);
                    answers.push(Event::Ended { pid, ending, group_left: false });
                }
                self.told[id.0] |= matches!(signal, Signal::TERM | Signal::ABRT | Signal::KILL);
            }
            Action::SendGroup(group, signal) => {
                let led = self.groups.iter().position(|left| *left == Some(group));
                let led = led.expect("a signal to a group that is gone");
                if signal == Signal::KILL {
                    self.groups[led] = None;
                    answers.push(Event::GroupGone(Id(led)));
                }
            }
            Action::Check(id, _) => {
                assert!(!self.looking[id.0], "two looks at {id:?} at once");
                assert!(
                    self.mains[id.0].is_some() && !self.told[id.0],
                    "a look at {id:?}, which does not run"
                );
                self.looking[id.0] = true;
            }
            Action::Forget(id) => self.looking[id.0] = false,
            Action::Exit(code) => self.exit = Some(code),
            _ => {}
        }
    }

    /// Those that need it stop before it.
    fn check_order(&self, id: Id) {
        let State::Stopping { why: super::Why::Asked, .. } = self.tree.services[id.0].state else { return };
        let ordered = matches!(self.tree.phase, Phase::Stopping { hurried: false, .. });
        if matches!(self.tree.phase, Phase::Stopping { hurried: true, .. }) {
            return;
        }
        for (other, service) in self.tree.services.iter().enumerate() {
            let needs = service.rules.requires.contains(&id) || ordered && service.rules.after.contains(&id);
            assert!(!(needs && self.mains[other].is_some()), "{id:?} is stopped before {other}");
        }
    }

    /// Asked to stop, with services that obey, it ends.
    fn ends(mut self) {
        for _ in 0..60 {
            if self.exit.is_some() {
                return;
            }
            match (0..self.mains.len()).find(|at| self.mains[*at].is_some() && self.told[*at]) {
                Some(at) => self.happen(Happening::End(Id(at), Ending::Killed(Signal::TERM), false)),
                None if !self.tree.is_ending() => self.happen(Happening::Signal(Signal::TERM)),
                None => {
                    for id in self.tree.ids() {
                        self.happen(Happening::GroupEnds(id));
                    }
                    self.happen(Happening::Timer);
                }
            }
        }
        panic!("it does not end: {:?}", self.tree);
    }
}

fn walk(world: &World, depth: usize, path: &mut Vec<Happening>, count: &mut usize) {
    *count += 1;
    if depth == 0 || world.exit.is_some() {
        world.clone().ends();
        return;
    }
    for happening in world.happenings() {
        let mut next = world.clone();
        path.push(happening);
        next.happen(happening);
        walk(&next, depth - 1, path, count);
        path.pop();
    }
}

/// Pairs of services that differ in what matters.
fn pairs() -> Vec<Vec<Rules>> {
    let first = rules();
    let restarting = Rules { restart: Restart::Always, ..rules() };
    let told = Rules { readiness: Readiness::Told(Some(Duration::from_secs(3))), ..restarting.clone() };
    let timed = |mut rules: Rules| {
        rules.stop.timeout = Some(Duration::from_secs(2));
        rules
    };
    let after = |rules: Rules| Rules { after: vec![Id(0)], ..rules };
    let requires = |rules: Rules| Rules { requires: vec![Id(0)], after: vec![Id(0)], ..rules };
    let check = Some(CheckRule { interval: Duration::from_secs(1), retries: 2 });
    vec![
        vec![Rules { check, ..restarting.clone() }],
        vec![first.clone(), first.clone()],
        vec![timed(told.clone()), after(timed(restarting.clone()))],
        vec![told.clone(), requires(told)],
        vec![
            Rules {
                essential: false,
                restart: Restart::OnFailure,
                gives_up: GiveUp::Ignore,
                ..first.clone()
            },
            requires(Rules { essential: false, watchdog: Some(Duration::from_secs(9)), ..first }),
        ],
    ]
}

#[test]
fn every_sequence_of_events_keeps_the_promises() {
    for pair in pairs() {
        let mut count = 0;
        walk(&World::new(pair), 5, &mut Vec::new(), &mut count);
        assert!(count > 5_000, "only {count} states");
    }
}

proptest! {
    #[test]
    fn long_sequences_keep_them_too(pair in 0_usize..5, choices in prop::collection::vec(any::<u16>(), 0..80)) {
        let mut world = World::new(pairs().swap_remove(pair));
        for choice in choices {
            let happenings = world.happenings();
            if world.exit.is_some() {
                break;
            }
            world.happen(happenings[usize::from(choice) % happenings.len()]);
        }
        world.ends();
    }
}

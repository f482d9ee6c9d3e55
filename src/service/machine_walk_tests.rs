//! Every sequence of events up to a length, and random longer ones: what the machine never does.

use std::time::Duration;

use proptest::prelude::*;

use super::tests::{DELAY, GRACE, LEFT, MAIN, NONE_LEFT, OTHER, STOP, ended, policy, running};
use super::{Action, Event, KILLS, Machine};
use crate::exit::ExitCode;
use crate::service::SignalPolicy;
use crate::signal::Signal;
use crate::sys::reap::Ending;

/// Every kind of event that makes a difference.
fn alphabet() -> Vec<Event> {
    vec![
        Event::Begin,
        Event::Started(MAIN),
        Event::SpawnFailed(ExitCode::NOT_FOUND),
        Event::Signal(Signal::TERM),
        Event::Signal(Signal::HUP),
        Event::Signal(Signal::CONT),
        Event::Signal(Signal::TSTP),
        Event::Signal(Signal::USR1),
        ended(7),
        Event::Ended(OTHER, Ending::Killed(Signal::KILL)),
        Event::Stopped(MAIN, Signal::TSTP),
        Event::Stopped(MAIN, Signal::STOP),
        Event::Stopped(OTHER, Signal::STOP),
        Event::Continued(MAIN),
        LEFT,
        NONE_LEFT,
        Event::StopRefused(Signal::TSTP),
        Event::WaitRefused,
        Event::Timer,
    ]
}

/// A machine together with what it has done, held against the invariants at each step.
#[derive(Clone)]
struct Watched {
    machine: Machine,
    timed: bool,
    reaped: bool,
    exits: usize,
}

impl Watched {
    fn new(stop_timeout: Option<Duration>, stop_delay: Option<Duration>, grace: Duration) -> Self {
        let machine = running(SignalPolicy { stop_timeout, stop_delay, ..policy() }, grace);
        Self { machine, timed: false, reaped: false, exits: 0 }
    }

    /// One event. A timer's event comes when a timer is set, as the loop does it.
    fn feed(&mut self, event: Event) {
        if event == Event::Timer && !std::mem::take(&mut self.timed) {
            return;
        }
        self.reaped |= matches!(event, Event::Ended(MAIN, _));
        for action in self.machine.step(event).iter() {
            assert_eq!(self.exits, 0, "{action:?} after the exit");
            match action {
                Action::Spawn => panic!("a second start"),
                Action::Forward(pid, ..) | Action::GiveTerminal(pid) => {
                    assert!(pid == MAIN && !self.reaped, "{action:?} to a reaped process");
                }
                Action::SetTimer(after) => {
                    assert!(!after.is_zero(), "a timer for now");
                    self.timed = true;
                }
                Action::ClearTimer => self.timed = false,
                Action::Exit(code) => {
                    assert!([7, 71, 137].contains(&code.0), "{code:?}");
                    assert!(!self.timed, "a timer left behind");
                    self.exits += 1;
                }
                _ => {}
            }
        }
    }

    /// Whatever was before: once the main process is gone and no child is left, it ends; and
    /// if children stay for ever, the timers alone bring it to its end.
    fn close(mut self) {
        let (mut stuck, mut blind) = (self.clone(), self.clone());
        self.feed(ended(7));
        self.feed(NONE_LEFT);
        assert_eq!(self.exits, 1, "no exit when all are gone");
        stuck.feed(ended(7));
        stuck.feed(LEFT);
        for _ in 0..=KILLS {
            stuck.feed(Event::Timer);
        }
        assert_eq!(stuck.exits, 1, "no exit when the rest can't be killed");
        blind.feed(Event::WaitRefused);
        for _ in 0..=KILLS {
            blind.feed(Event::Timer);
        }
        assert_eq!(blind.exits, 1, "no exit when nobody tells of the rest");
    }
}

#[test]
fn all_sequences_of_five_events_keep_the_invariants() {
    let events = alphabet();
    // The settings that take branches away are walked one event less far.
    for (stop_timeout, stop_delay, grace, most) in [
        (Some(STOP), Some(DELAY), GRACE, 5),
        (Some(STOP), None, GRACE, 4),
        (None, Some(DELAY), GRACE, 4),
        (None, None, GRACE, 4),
        (Some(STOP), None, Duration::ZERO, 4),
    ] {
        let mut open = vec![(Watched::new(stop_timeout, stop_delay, grace), 0)];
        while let Some((state, length)) = open.pop() {
            state.clone().close();
            for event in events.iter().filter(|_| length < most) {
                let mut next = state.clone();
                next.feed(*event);
                // A machine that is over stays so, as each further event has just shown.
                if state.exits == 0 {
                    open.push((next, length + 1));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn longer_sequences_keep_the_invariants(
        picks in proptest::collection::vec(0..alphabet().len(), 0..60),
        timed: bool,
        delayed: bool,
    ) {
        let mut watched = Watched::new(timed.then_some(STOP), delayed.then_some(DELAY), GRACE);
        for pick in picks {
            watched.feed(alphabet()[pick]);
        }
        watched.close();
    }
}

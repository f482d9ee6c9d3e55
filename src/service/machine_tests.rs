//! The machine's promises: a table of scenarios.

use std::time::Duration;

use super::{Action, Event, KILL_AGAIN, KILLS, Line, Machine};
use crate::exit::ExitCode;
use crate::service::{Scope, SignalPolicy};
use crate::signal::Signal;
use crate::sys::reap::Ending;

pub(super) const MAIN: i32 = 10;
pub(super) const OTHER: i32 = 11;
pub(super) const GRACE: Duration = Duration::from_secs(5);
pub(super) const STOP: Duration = Duration::from_secs(8);
pub(super) const DELAY: Duration = Duration::from_secs(10);
pub(super) const LEFT: Event = Event::Drained { children_left: true };
pub(super) const NONE_LEFT: Event = Event::Drained { children_left: false };

pub(super) fn ended(status: u8) -> Event {
    Event::Ended(MAIN, Ending::Exited(status))
}

pub(super) fn policy() -> SignalPolicy {
    let rewrite = vec![(Signal::USR1, Some(Signal::QUIT)), (Signal::PIPE, None)];
    SignalPolicy { rewrite, ..SignalPolicy::default() }
}

fn steps(machine: &mut Machine, event: Event) -> Vec<Action> {
    machine.step(event).iter().collect()
}

pub(super) fn running(policy: SignalPolicy, grace: Duration) -> Machine {
    let mut machine = Machine::new(policy, grace);
    let begun = [Event::Begin, Event::Started(MAIN)];
    let actions = begun.into_iter().flat_map(|event| steps(&mut machine, event));
    assert_eq!(actions.collect::<Vec<_>>(), [Action::Spawn]);
    machine
}

/// Feeds events to a running machine; all that it did.
fn told(policy: SignalPolicy, grace: Duration, events: &[Event]) -> Vec<Action> {
    let mut machine = running(policy, grace);
    events.iter().flat_map(|event| steps(&mut machine, *event)).collect()
}

fn forward(signal: Signal) -> Action {
    Action::Forward(MAIN, Scope::Main, signal)
}

#[test]
fn every_signal_is_forwarded_once_as_it_came() {
    let plain = SignalPolicy { rewrite: Vec::new(), ..policy() };
    for signal in Signal::all().filter(|signal| signal.is_catchable() && *signal != Signal::CONT) {
        assert_eq!(told(plain.clone(), GRACE, &[Event::Signal(signal)]), [forward(signal)], "{signal}");
    }
    assert_eq!(
        told(plain, GRACE, &[Event::Signal(Signal::CONT)]),
        [Action::GiveTerminal(MAIN), forward(Signal::CONT)]
    );
}

#[test]
fn signals_are_rewritten_and_dropped() {
    assert_eq!(told(policy(), GRACE, &[Event::Signal(Signal::USR1)]), [forward(Signal::QUIT)]);
    assert_eq!(told(policy(), GRACE, &[Event::Signal(Signal::PIPE)]), []);
}

#[test]
fn the_exit_code_is_the_service_s_own() {
    for status in 0..=255 {
        let actions = told(policy(), GRACE, &[ended(status), NONE_LEFT]);
        assert_eq!(actions.first(), Some(&Action::TakeTerminal(MAIN)));
        assert_eq!(actions.last(), Some(&Action::Exit(ExitCode(status))));
    }
    for signal in Signal::all() {
        let actions = told(policy(), GRACE, &[Event::Ended(MAIN, Ending::Killed(signal)), NONE_LEFT]);
        assert_eq!(actions.last(), Some(&Action::Exit(ExitCode::from_signal(signal))));
    }
}

#[test]
fn an_orphan_s_end_is_nobody_s_business() {
    let orphan = Event::Ended(OTHER, Ending::Exited(3));
    assert_eq!(told(policy(), GRACE, &[orphan, LEFT, orphan, LEFT]), []);
}

#[test]
fn the_rest_gets_term_then_the_grace_then_kill() {
    assert_eq!(
        told(policy(), GRACE, &[ended(7), LEFT, Event::Timer, LEFT, NONE_LEFT]),
        [
            Action::TakeTerminal(MAIN),
            Action::TermRest,
            Action::SetTimer(GRACE),
            Action::KillRest,
            Action::SetTimer(KILL_AGAIN),
            Action::ClearTimer,
            Action::Exit(ExitCode(7)),
        ]
    );
}

#[test]
fn no_grace_kills_at_once() {
    let actions = told(policy(), Duration::ZERO, &[ended(0), LEFT]);
    assert_eq!(actions.get(1), Some(&Action::KillRest));
}

#[test]
fn the_second_request_to_stop_cuts_the_grace() {
    let term = Event::Signal(Signal::TERM);
    let kills = |events: &[Event]| {
        told(policy(), GRACE, events).iter().filter(|action| **action == Action::KillRest).count()
    };
    assert_eq!(kills(&[ended(0), LEFT, term]), 0, "the first one during the grace");
    assert_eq!(kills(&[ended(0), LEFT, term, term]), 1, "the second one");
    assert_eq!(kills(&[term, ended(0), LEFT, term]), 1, "the second one, the first before the grace");
    assert_eq!(kills(&[ended(0), LEFT, term, term, term]), 1, "and no third");
}

#[test]
fn what_can_t_be_killed_does_not_hold_castoff() {
    let mut events = vec![ended(3), LEFT];
    events.extend([Event::Timer; 1 + KILLS as usize]);
    let actions = told(policy(), GRACE, &events);
    let kills = actions.iter().filter(|action| **action == Action::KillRest).count();
    assert_eq!(kills, usize::from(KILLS));
    assert_eq!(actions[actions.len() - 2..], [Action::Log(Line::Unkillable), Action::Exit(ExitCode(3))]);
}

#[test]
fn a_service_that_can_t_be_killed_does_not_hold_castoff() {
    let timed = SignalPolicy { stop_timeout: Some(STOP), ..policy() };
    let mut events = vec![Event::Signal(Signal::TERM)];
    events.extend([Event::Timer; 1 + KILLS as usize]);
    events.push(LEFT);
    events.extend([Event::Timer; 1 + KILLS as usize]);
    let actions = told(timed, GRACE, &events);
    let kills = actions.iter().filter(|action| **action == forward(Signal::KILL)).count();
    assert_eq!(kills, usize::from(KILLS));
    assert_eq!(actions[actions.len() - 2..], [Action::Log(Line::Unkillable), Action::Exit(ExitCode(137))]);
}

#[test]
fn who_is_told_nothing_of_its_children_ends_them_and_itself() {
    let refused = Event::WaitRefused;
    let mut events = vec![refused];
    events.extend([Event::Timer; 1 + KILLS as usize]);
    let actions = told(policy(), GRACE, &events);
    assert_eq!(
        actions[..4],
        [
            Action::TakeTerminal(MAIN),
            Action::Log(Line::WaitRefused),
            Action::TermRest,
            Action::SetTimer(GRACE)
        ]
    );
    let killed = actions.iter().filter(|action| **action == Action::KillRest).count();
    assert_eq!(killed, usize::from(KILLS));
    assert_eq!(actions.last(), Some(&Action::Exit(ExitCode::REFUSED)));
    let later = told(policy(), GRACE, &[ended(3), refused, refused, NONE_LEFT]);
    assert_eq!(later.last(), Some(&Action::Exit(ExitCode(3))), "the service's code is known");
    let mut paused = Machine::new(policy(), Duration::ZERO);
    let events = [Event::Begin, Event::Paused, refused, NONE_LEFT];
    let last = events.into_iter().flat_map(|event| steps(&mut paused, event)).last();
    assert_eq!(last, Some(Action::Exit(ExitCode::REFUSED)));
}

#[test]
fn the_stop_timeout_counts_from_the_first_request() {
    let timed = SignalPolicy { stop_timeout: Some(STOP), ..policy() };
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        assert_eq!(
            told(timed.clone(), GRACE, &[Event::Signal(signal), Event::Signal(signal), Event::Timer]),
            [
                forward(signal),
                Action::SetTimer(STOP),
                forward(signal),
                Action::Log(Line::StopTimeout(STOP)),
                forward(Signal::KILL),
                Action::SetTimer(KILL_AGAIN),
            ]
        );
    }
    assert_eq!(told(timed.clone(), GRACE, &[Event::Signal(Signal::HUP)]), [forward(Signal::HUP)]);
    assert!(told(timed, GRACE, &[Event::Signal(Signal::TERM), ended(0)]).contains(&Action::ClearTimer));
}

#[test]
fn a_stop_is_forwarded_after_its_delay_and_its_timeout_counts_from_there() {
    let delayed = SignalPolicy { stop_delay: Some(DELAY), stop_timeout: Some(STOP), ..policy() };
    let term = Event::Signal(Signal::TERM);
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        assert_eq!(
            told(delayed.clone(), GRACE, &[Event::Signal(signal), Event::Timer, Event::Timer]),
            [
                Action::SetTimer(DELAY),
                forward(signal),
                Action::SetTimer(STOP),
                Action::Log(Line::StopTimeout(STOP)),
                forward(Signal::KILL),
                Action::SetTimer(KILL_AGAIN),
            ]
        );
    }
    let untimed = SignalPolicy { stop_timeout: None, ..delayed };
    assert_eq!(
        told(untimed, GRACE, &[term, Event::Timer, term]),
        [Action::SetTimer(DELAY), forward(Signal::TERM), forward(Signal::TERM)],
        "the delay is over for good"
    );
}

#[test]
fn a_second_stop_during_the_delay_forwards_at_once() {
    let delayed = SignalPolicy { stop_delay: Some(DELAY), stop_timeout: Some(STOP), ..policy() };
    let second = |signal| told(delayed.clone(), GRACE, &[Event::Signal(Signal::TERM), Event::Signal(signal)]);
    assert_eq!(
        second(Signal::TERM),
        [Action::SetTimer(DELAY), forward(Signal::TERM), Action::SetTimer(STOP)],
        "once, as the kernel merges"
    );
    assert_eq!(
        second(Signal::QUIT),
        [Action::SetTimer(DELAY), forward(Signal::TERM), forward(Signal::QUIT), Action::SetTimer(STOP)]
    );
    assert_eq!(
        told(
            SignalPolicy { stop_timeout: None, ..delayed.clone() },
            GRACE,
            &[Event::Signal(Signal::TERM), Event::Signal(Signal::TERM)]
        ),
        [Action::SetTimer(DELAY), forward(Signal::TERM), Action::ClearTimer],
        "the timer of the delay is not left behind"
    );
}

#[test]
fn other_signals_and_the_end_pass_by_the_delay() {
    let delayed = SignalPolicy { stop_delay: Some(DELAY), ..policy() };
    let term = Event::Signal(Signal::TERM);
    let set = Action::SetTimer(DELAY);
    for signal in [Signal::HUP, Signal::WINCH] {
        let actions = told(delayed.clone(), GRACE, &[term, Event::Signal(signal)]);
        assert_eq!(actions, [set, forward(signal)], "{signal}");
        assert_eq!(told(delayed.clone(), GRACE, &[Event::Signal(signal)]), [forward(signal)]);
    }
    let (gone, exit) = (Action::TakeTerminal(MAIN), Action::Exit(ExitCode(3)));
    assert_eq!(told(delayed, GRACE, &[term, ended(3), NONE_LEFT]), [set, gone, Action::ClearTimer, exit]);
}

#[test]
fn an_obeyed_stop_is_success_where_that_was_asked_for() {
    let killed = |signal| Event::Ended(MAIN, Ending::Killed(signal));
    let (term, int) = (Event::Signal(Signal::TERM), Event::Signal(Signal::INT));
    let usr1 = Event::Signal(Signal::USR1);
    let as_quit = vec![(Signal::TERM, Some(Signal::QUIT))];
    let as_kill = vec![(Signal::TERM, Some(Signal::KILL))];
    for (rewrite, events, code) in [
        (vec![], vec![term, killed(Signal::TERM)], 0),
        (vec![], vec![term, ended(143)], 0),
        (vec![], vec![term, int, killed(Signal::TERM)], 0),
        (vec![], vec![term, int, killed(Signal::INT)], 0),
        (as_quit.clone(), vec![term, killed(Signal::QUIT)], 0),
        (as_quit.clone(), vec![term, ended(131)], 0),
        (as_quit, vec![term, killed(Signal::TERM)], 143),
        (vec![], vec![killed(Signal::TERM)], 143),
        (vec![], vec![ended(143)], 143),
        (vec![], vec![term, ended(0)], 0),
        (vec![], vec![term, ended(3)], 3),
        (vec![], vec![term, killed(Signal::INT)], 130),
        (vec![], vec![int, ended(143)], 143),
        (vec![(Signal::USR1, Some(Signal::TERM))], vec![usr1, killed(Signal::TERM)], 143),
        (vec![], vec![term, Event::Timer, killed(Signal::KILL)], 137),
        (vec![], vec![term, Event::Timer, ended(143)], 0),
        (as_kill, vec![term, killed(Signal::KILL)], 137),
    ] {
        let stop_timeout = Some(STOP);
        let policy = SignalPolicy { rewrite, stop_timeout, stop_is_success: true, ..policy() };
        let all: Vec<_> = events.iter().copied().chain([NONE_LEFT]).collect();
        let plain = SignalPolicy { stop_is_success: false, ..policy.clone() };
        assert_eq!(told(policy, GRACE, &all).last(), Some(&Action::Exit(ExitCode(code))), "{events:?}");
        let own = told(plain, GRACE, &all).last().copied();
        let Some(Event::Ended(_, ending)) = events.last() else { panic!("no end in {events:?}") };
        assert_eq!(own, Some(Action::Exit(ending.code())), "it is an option: {events:?}");
    }
}

#[test]
fn a_stop_that_came_before_the_delay_was_over_is_not_the_reason_of_the_end() {
    let policy = SignalPolicy { stop_delay: Some(DELAY), stop_is_success: true, ..policy() };
    let term = Event::Signal(Signal::TERM);
    let killed = Event::Ended(MAIN, Ending::Killed(Signal::TERM));
    let last = |events: &[Event]| told(policy.clone(), GRACE, events).last().copied();
    assert_eq!(last(&[term, killed, NONE_LEFT]), Some(Action::Exit(ExitCode(143))), "it was not forwarded");
    assert_eq!(last(&[term, Event::Timer, killed, NONE_LEFT]), Some(Action::Exit(ExitCode::OK)));
}

#[test]
fn a_kill_that_castoff_did_not_send_may_be_the_kernel_s() {
    let term = Event::Signal(Signal::TERM);
    let killed = Event::Ended(MAIN, Ending::Killed(Signal::KILL));
    for (events, named) in [
        (vec![killed], true),
        // a shell says so of its command
        (vec![ended(137)], true),
        (vec![term, killed], true),
        (vec![term, Event::Timer, killed], false),
        (vec![Event::Ended(OTHER, Ending::Killed(Signal::KILL))], false),
        (vec![ended(9)], false),
        (vec![Event::Ended(MAIN, Ending::Killed(Signal::TERM))], false),
    ] {
        let timed = SignalPolicy { stop_timeout: Some(STOP), ..policy() };
        assert_eq!(told(timed, GRACE, &events).contains(&Action::NameOom), named, "{events:?}");
    }
    let as_kill = SignalPolicy { rewrite: vec![(Signal::TERM, Some(Signal::KILL))], ..policy() };
    assert!(!told(as_kill, GRACE, &[term, killed]).contains(&Action::NameOom));
}

#[test]
fn a_stopped_service_can_be_told_to_end() {
    let stopped = Event::Stopped(MAIN, Signal::STOP);
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP] {
        assert_eq!(
            told(policy(), GRACE, &[stopped, Event::Signal(signal)]),
            [forward(signal), forward(Signal::CONT)]
        );
    }
    let woken = [stopped, Event::Continued(MAIN), Event::Signal(Signal::TERM)];
    assert_eq!(told(policy(), GRACE, &woken), [forward(Signal::TERM)]);
}

#[test]
fn a_service_that_stops_itself_just_as_it_is_told_to_end_is_woken_once() {
    let (term, stopped) = (Event::Signal(Signal::TERM), Event::Stopped(MAIN, Signal::TSTP));
    let woken = [forward(Signal::TERM), forward(Signal::CONT)];
    assert_eq!(told(policy(), GRACE, &[term, stopped]), woken);
    let again = told(policy(), GRACE, &[term, stopped, Event::Continued(MAIN), stopped]);
    assert_eq!(again[..2], woken);
    assert_eq!(again[2..], [Action::TakeTerminal(MAIN), Action::StopSelf(Signal::TSTP)]);
}

#[test]
fn ctrl_z_stops_castoff_too_and_wakes_the_service_where_nobody_could() {
    let stopped = Event::Stopped(MAIN, Signal::TSTP);
    let both = [Action::TakeTerminal(MAIN), Action::StopSelf(Signal::TSTP)];
    assert_eq!(told(policy(), GRACE, &[stopped]), both);
    let refused = told(policy(), GRACE, &[stopped, Event::StopRefused(Signal::TSTP)]);
    assert_eq!(refused[2..], [Action::GiveTerminal(MAIN), Action::Forward(MAIN, Scope::Group, Signal::CONT)]);
}

#[test]
fn a_pause_that_was_asked_for_lasts() {
    let events =
        [Event::Signal(Signal::TSTP), Event::Stopped(MAIN, Signal::TSTP), Event::StopRefused(Signal::TSTP)];
    let actions = told(policy(), GRACE, &events);
    assert_eq!(actions, [forward(Signal::TSTP), Action::TakeTerminal(MAIN), Action::StopSelf(Signal::TSTP)]);
}

#[test]
fn a_terminal_s_stop_that_was_sent_as_stop_stops_castoff_too() {
    let mut rewriting = SignalPolicy { rewrite: vec![(Signal::TTIN, None)], ..policy() };
    rewriting.stop_for_certain();
    let stopped = Event::Stopped(MAIN, Signal::STOP);
    for signal in [Signal::TSTP, Signal::TTOU] {
        let events = [Event::Signal(signal), stopped, Event::StopRefused(signal)];
        assert_eq!(
            told(rewriting.clone(), GRACE, &events),
            [forward(Signal::STOP), Action::TakeTerminal(MAIN), Action::StopSelf(signal)]
        );
    }
    assert_eq!(told(rewriting.clone(), GRACE, &[Event::Signal(Signal::TTIN)]), [], "what was said stays");
    assert_eq!(told(rewriting, GRACE, &[stopped]), [], "somebody else's");
}

#[test]
fn codes_are_remapped_once_and_the_first_that_fits_decides() {
    let pairs = [(7, 8), (8, 9), (7, 10), (143, 0)].map(|(from, to)| (ExitCode(from), ExitCode(to)));
    let remapping = || Machine::new(policy(), GRACE).remapping(pairs.to_vec());
    for (ending, code) in [
        (Ending::Exited(7), 8),
        (Ending::Exited(8), 9),
        (Ending::Exited(9), 9),
        (Ending::Killed(Signal::TERM), 0),
    ] {
        let mut machine = remapping();
        let events = [Event::Begin, Event::Started(MAIN), Event::Ended(MAIN, ending), NONE_LEFT];
        let last = events.into_iter().flat_map(|event| steps(&mut machine, event)).last();
        assert_eq!(last, Some(Action::Exit(ExitCode(code))));
    }
    let mut machine = remapping();
    let events = [Event::Begin, Event::SpawnFailed(ExitCode(7)), NONE_LEFT];
    let last = events.into_iter().flat_map(|event| steps(&mut machine, event)).last();
    assert_eq!(last, Some(Action::Exit(ExitCode(7))), "it never ran");
}

#[test]
fn a_pause_without_a_service_ends_by_term_and_int_only() {
    for signal in Signal::all() {
        let mut machine = Machine::new(policy(), GRACE);
        let events = [Event::Begin, Event::Paused, NONE_LEFT, LEFT, Event::Signal(signal), NONE_LEFT];
        let actions: Vec<_> = events.into_iter().flat_map(|event| steps(&mut machine, event)).collect();
        let ends = [Signal::TERM, Signal::INT].contains(&signal);
        assert_eq!(actions.contains(&Action::Exit(ExitCode::OK)), ends, "{signal}");
    }
}

#[test]
fn a_reader_in_the_background_is_not_woken_in_a_circle() {
    let events = [Event::Stopped(MAIN, Signal::TTIN), Event::StopRefused(Signal::TTIN)];
    let actions = told(policy(), GRACE, &events);
    assert!(!actions.iter().any(|action| matches!(action, Action::Forward(..))), "{actions:?}");
}

#[test]
fn a_failed_start_ends_with_its_code() {
    let mut machine = Machine::new(policy(), GRACE);
    let events = [Event::Begin, Event::SpawnFailed(ExitCode::NOT_FOUND), NONE_LEFT];
    let actions = events.into_iter().flat_map(|event| steps(&mut machine, event));
    assert_eq!(actions.collect::<Vec<_>>(), [Action::Spawn, Action::Exit(ExitCode::NOT_FOUND)]);
}

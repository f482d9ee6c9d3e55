//! What is promised of several services, line by line.

use std::time::Duration;

use super::super::rules::{GiveUp, Id, Readiness, Restart, Rules, StopRule};
use super::super::words::{Action, Event, Line, Request};
use super::Tree;
use crate::exit::ExitCode;
use crate::restart_limit::RestartLimit;
use crate::service::backoff::BackoffPolicy;
use crate::service::run_plan::Scope;
use crate::signal::Signal;
use crate::sys::reap::Ending;

pub(in super::super) const GRACE: Duration = Duration::from_secs(5);

const A: Id = Id(0);
const B: Id = Id(1);
const C: Id = Id(2);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A service that nothing is said of.
pub(in super::super) fn rules() -> Rules {
    Rules {
        after: Vec::new(),
        requires: Vec::new(),
        essential: true,
        restart: Restart::No,
        backoff: BackoffPolicy {
            first: seconds(1),
            max: seconds(8),
            stable_after: seconds(60),
            limit: RestartLimit::parse("3 per 1m").ok(),
        },
        gives_up: GiveUp::End,
        readiness: Readiness::AtOnce,
        watchdog: None,
        check: None,
        stop: StopRule { signal: Signal::TERM, scope: Scope::Main, timeout: None, is_success: false },
        reload: None,
        forwards: Vec::new(),
        success: Vec::new(),
    }
}

/// A tree, told events one by one; what it logs is left out.
struct Told {
    tree: Tree,
    now: Duration,
}

fn tree(rules: impl IntoIterator<Item = Rules>) -> Told {
    Told { tree: Tree::new(rules.into_iter().collect(), GRACE, false, 7), now: Duration::ZERO }
}

impl Told {
    fn all(&mut self, event: Event) -> Vec<Action> {
        self.tree.step(event, self.now)
    }

    fn does(&mut self, event: Event) -> Vec<Action> {
        let actions = self.all(event).into_iter();
        actions.filter(|action| !matches!(action, Action::Log(_) | Action::Forget(_))).collect()
    }

    fn lines(&mut self, event: Event) -> Vec<Line> {
        let line = |action| if let Action::Log(line) = action { Some(line) } else { None };
        self.all(event).into_iter().filter_map(line).collect()
    }

    fn ends(&mut self, pid: i32, code: u8) -> Vec<Action> {
        self.does(Event::Ended { pid, ending: Ending::Exited(code), group_left: false })
    }

    /// Waits for what is due.
    fn waits(&mut self) -> Vec<Action> {
        self.now = self.tree.due().expect("nothing is due");
        self.does(Event::Timer)
    }

    fn drained(&mut self) -> Vec<Action> {
        self.does(Event::Drained { children_left: false })
    }

    /// Begun, each that starts with 10 + its place as its process.
    fn running(mut self) -> Self {
        let mut actions = self.does(Event::Begin);
        while let Some(Action::Spawn(id)) = actions.pop() {
            actions.extend(self.does(Event::Started(id, 10 + id.0 as i32)));
        }
        self
    }
}

fn stop(id: Id) -> [Action; 2] {
    [Signal::TERM, Signal::CONT].map(|signal| Action::Send(id, 10 + id.0 as i32, Scope::Main, signal))
}

fn exit(code: u8) -> Vec<Action> {
    vec![Action::Exit(ExitCode(code))]
}

#[test]
fn who_is_after_another_waits_until_that_is_ready() {
    let told = Rules { readiness: Readiness::Told(None), ..rules() };
    let after = Rules { after: vec![A], ..rules() };
    let mut tree = tree([told, after]);
    assert_eq!(tree.does(Event::Begin), [Action::Spawn(A)]);
    assert_eq!(tree.does(Event::Started(A, 10)), [Action::AwaitReady(A)]);
    assert_eq!(tree.does(Event::Ready(A)), [Action::Spawn(B)]);
    assert_eq!(tree.does(Event::Ready(A)), []);
}

#[test]
fn a_delay_is_readiness_too() {
    let delayed = Rules { readiness: Readiness::After(seconds(2)), ..rules() };
    let mut tree = tree([delayed, Rules { after: vec![A], ..rules() }]).running();
    assert_eq!(tree.tree.due(), Some(seconds(2)));
    assert_eq!(tree.waits(), [Action::Spawn(B)]);
}

#[test]
fn stops_in_reverse_order_and_in_parallel_where_none_is_given() {
    let mut tree =
        tree([rules(), Rules { after: vec![A], ..rules() }, Rules { after: vec![A], ..rules() }]).running();
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), [stop(B), stop(C)].concat());
    assert_eq!(tree.ends(11, 0), []);
    assert_eq!(tree.ends(12, 0), stop(A));
    assert_eq!(tree.ends(10, 0), []);
    assert_eq!(tree.drained(), exit(0));
}

#[test]
fn asked_twice_it_keeps_no_order() {
    let mut tree = tree([rules(), Rules { after: vec![A], ..rules() }]).running();
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), stop(B));
    assert_eq!(tree.does(Event::Signal(Signal::INT)), stop(A));
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), []);
}

#[test]
fn the_code_after_a_stop_is_the_first_essential_one_that_is_not_0() {
    for (codes, essential, expected) in
        [([0, 0], true, 0), ([0, 7], true, 7), ([3, 7], true, 3), ([0, 7], false, 0)]
    {
        let mut tree = tree([rules(), Rules { essential, ..rules() }]).running();
        let _ = tree.does(Event::Signal(Signal::TERM));
        let _ = tree.ends(11, codes[1]);
        let _ = tree.ends(10, codes[0]);
        assert_eq!(tree.drained(), exit(expected), "{codes:?}");
    }
}

#[test]
fn an_obeyed_stop_is_success_only_where_that_is_said() {
    for (is_success, signal, expected) in [
        (false, Signal::TERM, 143),
        (true, Signal::TERM, 0),
        (true, Signal::KILL, 137),
        (true, Signal::INT, 130),
    ] {
        let mut one = rules();
        one.stop.is_success = is_success;
        let mut tree = tree([one]).running();
        let _ = tree.does(Event::Signal(Signal::TERM));
        let _ = tree.does(Event::Ended { pid: 10, ending: Ending::Killed(signal), group_left: false });
        assert_eq!(tree.drained(), exit(expected), "{signal}");
    }
}

#[test]
fn the_end_of_an_essential_service_ends_the_container_with_its_code() {
    for code in [0, 1, 9, 255] {
        let mut tree = tree([rules(), rules()]).running();
        assert_eq!(tree.ends(10, code), stop(B));
        assert_eq!(tree.ends(11, 77), []);
        assert_eq!(tree.drained(), exit(code));
    }
}

#[test]
fn the_end_of_another_does_not() {
    let mut tree = tree([rules(), Rules { essential: false, ..rules() }]).running();
    assert_eq!(tree.ends(11, 1), []);
    assert_eq!(tree.drained(), []);
    assert_eq!(tree.ends(10, 0), []);
    assert_eq!(tree.drained(), exit(0));
}

#[test]
fn where_none_is_left_it_ends_with_the_first_failure() {
    let minor = Rules { essential: false, ..rules() };
    let mut tree = tree([minor.clone(), minor]).running();
    assert_eq!(tree.ends(10, 0), []);
    assert_eq!(tree.ends(11, 4), []);
    assert_eq!(tree.drained(), exit(4));
}

#[test]
fn the_first_quick_end_is_retried_like_any_other_and_giving_up_is_never_success() {
    for (code, expected) in [(1, 1), (0, ExitCode::STEP.0), (127, 127)] {
        let mut tree = tree([Rules { restart: Restart::Always, ..rules() }]).running();
        for _ in 0..3 {
            assert_eq!(tree.ends(10, code), []);
            assert_eq!(tree.waits(), [Action::Spawn(A)]);
            assert_eq!(tree.does(Event::Started(A, 10)), []);
        }
        assert_eq!(tree.ends(10, code), []);
        assert_eq!(tree.drained(), exit(expected), "{code}");
    }
}

#[test]
fn giving_up_can_be_ignored() {
    let flaky = Rules { restart: Restart::OnFailure, gives_up: GiveUp::Ignore, ..rules() };
    let mut tree = tree([flaky, rules()]).running();
    for _ in 0..3 {
        assert_eq!(tree.ends(10, 1), []);
        let _ = tree.waits();
        let _ = tree.does(Event::Started(A, 10));
    }
    assert_eq!(tree.ends(10, 1), []);
    assert!(!tree.tree.is_ending());
}

#[test]
fn on_failure_is_not_on_success() {
    for (success, code, ends) in [(vec![], 0, true), (vec![ExitCode(3)], 3, true), (vec![], 3, false)] {
        let mut tree = tree([Rules { restart: Restart::OnFailure, success, ..rules() }]).running();
        let _ = tree.ends(10, code);
        assert_eq!(tree.tree.is_ending(), ends, "{code}");
        assert_eq!(tree.drained(), if ends { exit(0) } else { vec![] });
    }
}

#[test]
fn what_cannot_be_started_counts_as_ended() {
    let mut tree = tree([rules()]);
    assert_eq!(tree.does(Event::Begin), [Action::Spawn(A)]);
    assert_eq!(tree.does(Event::SpawnFailed(A, ExitCode::NOT_FOUND)), []);
    assert_eq!(tree.drained(), exit(127));
}

#[test]
fn what_is_left_of_a_service_goes_before_it_comes_again() {
    let mut tree = tree([Rules { restart: Restart::Always, ..rules() }]).running();
    let told = [Signal::TERM, Signal::CONT].map(|signal| Action::SendGroup(10, signal));
    assert_eq!(tree.does(Event::Ended { pid: 10, ending: Ending::Exited(1), group_left: true }), told);
    assert_eq!(tree.waits(), [Action::SendGroup(10, Signal::KILL)]);
    assert_eq!(tree.does(Event::GroupGone(A)), []);
    assert_eq!(tree.waits(), [Action::Spawn(A)]);
}

#[test]
fn what_can_t_be_killed_is_not_waited_for_for_ever() {
    let mut tree = tree([Rules { restart: Restart::Always, ..rules() }]).running();
    let _ = tree.does(Event::Ended { pid: 10, ending: Ending::Exited(1), group_left: true });
    assert_eq!(tree.waits(), [Action::SendGroup(10, Signal::KILL)]);
    assert_eq!(tree.waits(), []);
    assert_eq!(tree.waits(), [Action::Spawn(A)]);
}

#[test]
fn who_is_not_ready_in_time_has_failed() {
    let told = Readiness::Told(Some(seconds(3)));
    let mut tree = tree([Rules { readiness: told, restart: Restart::OnFailure, ..rules() }]).running();
    assert_eq!(tree.tree.due(), Some(seconds(3)));
    assert_eq!(tree.waits(), stop(A));
    assert_eq!(tree.ends(10, 0), []);
    assert_eq!(tree.waits(), [Action::Spawn(A)]);
}

#[test]
fn who_gives_no_sign_of_life_is_aborted() {
    let mut tree = tree([Rules { watchdog: Some(seconds(30)), ..rules() }]).running();
    tree.now = seconds(20);
    assert_eq!(tree.does(Event::Alive(A)), []);
    assert_eq!(tree.tree.due(), Some(seconds(50)));
    let abort = [Signal::ABRT, Signal::CONT].map(|signal| Action::Send(A, 10, Scope::Main, signal));
    assert_eq!(tree.waits(), abort);
    assert_eq!(tree.waits(), [Action::Send(A, 10, Scope::Main, Signal::KILL)]);
    assert_eq!(
        tree.does(Event::Ended { pid: 10, ending: Ending::Killed(Signal::KILL), group_left: false }),
        []
    );
    assert_eq!(tree.drained(), exit(137));
}

#[test]
fn who_does_not_end_in_time_is_killed() {
    let mut one = rules();
    one.stop.timeout = Some(seconds(2));
    let mut tree = tree([one]).running();
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), stop(A));
    assert_eq!(tree.waits(), [Action::Send(A, 10, Scope::Main, Signal::KILL)]);
    let killed = Event::Ended { pid: 10, ending: Ending::Killed(Signal::KILL), group_left: false };
    assert_eq!(tree.does(killed), []);
    assert_eq!(tree.tree.due(), None);
}

#[test]
fn who_requires_another_goes_before_it_and_comes_back_with_it() {
    let mut tree = tree([rules(), Rules { requires: vec![A], ..rules() }]).running();
    assert_eq!(tree.does(Event::Asked(Request::Restart(A))), stop(B));
    assert_eq!(tree.ends(11, 0), stop(A));
    assert_eq!(tree.ends(10, 0), [Action::Spawn(A)]);
    assert_eq!(tree.does(Event::Started(A, 10)), [Action::Spawn(B)]);
}

#[test]
fn who_loses_what_it_requires_is_stopped_and_waits() {
    let always = Rules { restart: Restart::Always, ..rules() };
    let mut tree = tree([always, Rules { requires: vec![A], ..rules() }]).running();
    let lines = tree.lines(Event::Ended { pid: 10, ending: Ending::Exited(1), group_left: false });
    assert!(lines.contains(&Line::Lost(B, A)), "{lines:?}");
    assert_eq!(tree.ends(11, 0), []);
    assert_eq!(tree.waits(), [Action::Spawn(A)]);
    assert_eq!(tree.does(Event::Started(A, 10)), [Action::Spawn(B)]);
}

#[test]
fn stopped_by_hand_it_stays_down_until_it_is_started() {
    let always = Rules { restart: Restart::Always, ..rules() };
    let mut tree = tree([always, rules()]).running();
    assert_eq!(tree.does(Event::Asked(Request::Stop(A))), stop(A));
    assert_eq!(tree.ends(10, 0), []);
    assert_eq!(tree.tree.due(), None);
    assert_eq!(tree.does(Event::Asked(Request::Start(A))), [Action::Spawn(A)]);
}

#[test]
fn a_reload_is_a_signal_or_a_restart() {
    let mut tree = tree([Rules { reload: Some(Signal::WINCH), ..rules() }, rules()]).running();
    let asked = tree.does(Event::Asked(Request::Reload(A)));
    assert_eq!(asked, [Action::Send(A, 10, Scope::Main, Signal::WINCH)]);
    assert_eq!(tree.does(Event::Asked(Request::Reload(B))), stop(B));
    assert_eq!(tree.ends(11, 0), [Action::Spawn(B)]);
}

#[test]
fn other_signals_go_to_those_that_take_them() {
    let mut tree = tree([Rules { forwards: vec![Signal::USR1], ..rules() }, rules()]).running();
    assert_eq!(tree.does(Event::Signal(Signal::USR1)), [Action::Send(A, 10, Scope::Main, Signal::USR1)]);
    assert_eq!(tree.lines(Event::Signal(Signal::WINCH)), [Line::NotForwarded(Signal::WINCH)]);
    assert_eq!(tree.does(Event::Signal(Signal::HUP)), [Action::Reload]);
}

#[test]
fn only_the_kernel_s_kill_may_be_for_want_of_memory() {
    let killed = |pid| Event::Ended { pid, ending: Ending::Killed(Signal::KILL), group_left: false };
    let mut tree = tree([rules()]).running();
    assert_eq!(tree.does(killed(10)), [Action::NameOom(A)]);
    assert_eq!(tree.drained(), exit(137));
}

#[test]
fn the_rest_is_told_then_killed() {
    let mut tree = tree([rules()]).running();
    assert_eq!(tree.ends(10, 0), []);
    assert_eq!(tree.does(Event::Drained { children_left: true }), [Action::TermRest]);
    assert_eq!(tree.tree.due(), Some(GRACE));
    assert_eq!(tree.waits(), [Action::KillRest]);
    assert_eq!(tree.drained(), exit(0));
    assert_eq!(tree.tree.due(), None);
}

#[test]
fn the_first_request_cuts_nothing_short_that_is_under_way() {
    let mut tree = tree([rules(), rules(), Rules { after: vec![A], ..rules() }]).running();
    // the end of an essential service stops the others, in their order
    let _ = tree.ends(11, 4);
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), []);
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), stop(A));
    let _ = (tree.ends(12, 0), tree.ends(10, 0));
    assert_eq!(tree.does(Event::Drained { children_left: true }), [Action::TermRest]);
    assert_eq!(tree.does(Event::Signal(Signal::INT)), [Action::KillRest]);
    assert_eq!(tree.drained(), exit(4));

    let mut tree = self::tree([rules()]).running();
    let _ = tree.ends(10, 0);
    assert_eq!(tree.does(Event::Drained { children_left: true }), [Action::TermRest]);
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), [], "the first one");
    assert_eq!(tree.does(Event::Signal(Signal::TERM)), [Action::KillRest]);
}

#[test]
fn a_service_that_kill_does_not_end_is_given_up() {
    let mut stuck = rules();
    stuck.stop.timeout = Some(seconds(2));
    let mut tree = tree([stuck]).running();
    let _ = tree.does(Event::Signal(Signal::TERM));
    for _ in 0..5 {
        assert_eq!(tree.waits(), [Action::Send(A, 10, Scope::Main, Signal::KILL)]);
    }
    assert_eq!(tree.waits(), []);
    assert_eq!(tree.does(Event::Drained { children_left: true }), [Action::TermRest]);
    for _ in 0..5 {
        assert_eq!(tree.waits(), [Action::KillRest]);
    }
    assert_eq!(tree.waits(), exit(137));
}

#[test]
fn where_nobody_says_who_has_ended_all_are_ended_in_bounded_time() {
    let mut tree = tree([rules(), rules()]).running();
    assert_eq!(tree.does(Event::WaitRefused), [Action::TermRest]);
    assert_eq!(tree.does(Event::WaitRefused), []);
    for _ in 0..5 {
        assert_eq!(tree.waits(), [Action::KillRest]);
    }
    assert_eq!(tree.waits(), exit(ExitCode::REFUSED.0));
    assert_eq!(tree.tree.due(), None);
}

#[test]
fn a_day_of_a_service_that_dies_at_random_comes_to_nothing_more() {
    let mut flaky = Rules { restart: Restart::Always, ..rules() };
    flaky.backoff.limit = None;
    let mut tree = tree([flaky, Rules { after: vec![A], ..rules() }]).running();
    let (mut starts, mut random) = (0_u32, 1_u64);
    let day = seconds(24 * 3600);
    while tree.now < day {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tree.now += Duration::from_millis(random >> 33 & 0x1_ffff);
        assert_eq!(tree.ends(10, (random >> 60) as u8), []);
        assert_eq!(tree.waits(), [Action::Spawn(A)]);
        assert_eq!(tree.does(Event::Started(A, 10)), []);
        assert_eq!(tree.tree.due(), None);
        starts += 1;
    }
    assert!(starts > 500, "{starts}");
}

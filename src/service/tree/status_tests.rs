//! What is told of services while they run, and what checks come to.

use std::time::Duration;

use super::super::check::{CheckRule, Verdict};
use super::super::machine::tests::{GRACE, rules};
use super::super::rules::{GiveUp, Id, Readiness, Restart, Rules};
use super::super::words::{Action, Event, Line, Request};
use super::super::{ServiceStatus, Stage, Tree};
use crate::exit::ExitCode;
use crate::sys::reap::Ending;

const A: Id = Id(0);
const B: Id = Id(1);

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

fn tree(rules: impl IntoIterator<Item = Rules>) -> Tree {
    let mut tree = Tree::new(rules.into_iter().collect(), GRACE, false, 7);
    let _ = tree.step(Event::Begin, at(100));
    tree
}

fn first(tree: &Tree, second: u64) -> ServiceStatus {
    tree.status(at(second)).swap_remove(0)
}

fn ended(code: u8) -> Event {
    Event::Ended { pid: 10, ending: Ending::Exited(code), group_left: false }
}

#[test]
fn a_life_in_words() {
    let told = Rules {
        readiness: Readiness::Told(None),
        restart: Restart::OnFailure,
        gives_up: GiveUp::Ignore,
        ..rules()
    };
    let mut tree = tree([told, Rules { after: vec![A], ..rules() }]);
    let mut stages = vec![first(&tree, 100).stage];
    for event in [
        Event::Started(A, 10),
        Event::Ready(A),
        Event::Asked(Request::Stop(A)),
        ended(0),
        Event::Asked(Request::Start(A)),
        Event::Started(A, 10),
        ended(3),
    ] {
        let _ = tree.step(event, at(101));
        stages.push(first(&tree, 101).stage);
    }
    use Stage::{Down, Ready, Starting, Stopping, Waiting};
    assert_eq!(stages, [Starting, Starting, Ready, Stopping, Down, Starting, Starting, Waiting]);
}

#[test]
fn counts_and_times() {
    let mut tree = tree([Rules { restart: Restart::Always, ..rules() }]);
    let _ = tree.step(Event::Started(A, 10), at(100));
    let status = first(&tree, 160);
    assert_eq!(
        (status.pid, status.uptime, status.starts, status.last_exit),
        (Some(10), Some(at(60)), 1, None)
    );
    let _ = tree.step(ended(3), at(160));
    let status = first(&tree, 160);
    assert_eq!((status.pid, status.uptime, status.last_exit), (None, None, Some(ExitCode(3))));
    let due = tree.due().unwrap();
    assert_eq!(status.waits, Some(due - at(160)));
    let _ = tree.step(Event::Timer, due);
    assert_eq!(first(&tree, 170).starts, 2);
    assert_eq!(first(&tree, 170).waits, None);
}

#[test]
fn one_that_has_ended_too_often_is_told_from_one_that_is_done() {
    for (restart, stage) in [(Restart::Always, Stage::GivenUp), (Restart::No, Stage::Done)] {
        let mut policy = rules().backoff;
        policy.limit = crate::restart_limit::RestartLimit::parse("1 per 1m").ok();
        let service =
            Rules { restart, gives_up: GiveUp::Ignore, essential: false, backoff: policy, ..rules() };
        let mut tree = tree([service, rules()]);
        let _ = tree.step(Event::Started(B, 11), at(100));
        for _ in 0..2 {
            let _ = tree.step(Event::Started(A, 10), at(100));
            let _ = tree.step(ended(3), at(100));
            if let Some(due) = tree.due() {
                let _ = tree.step(Event::Timer, due);
            }
        }
        assert_eq!(first(&tree, 110).stage, stage);
    }
}

#[test]
fn what_a_service_can_not_start_without() {
    let mut tree =
        tree([Rules { readiness: Readiness::Told(None), ..rules() }, Rules { after: vec![A], ..rules() }]);
    let waits_for = |tree: &Tree| tree.status(at(100)).swap_remove(1).waits_for;
    assert_eq!(waits_for(&tree), [A]);
    let _ = tree.step(Event::Started(A, 10), at(100));
    let _ = tree.step(Event::Ready(A), at(100));
    assert_eq!(waits_for(&tree), []);
}

fn checked() -> Tree {
    let check = Some(CheckRule { interval: at(30), retries: 2 });
    let mut tree = tree([Rules { check, restart: Restart::Always, ..rules() }]);
    let _ = tree.step(Event::Started(A, 10), at(100));
    tree
}

#[test]
fn checks_begin_when_it_is_ready_and_follow_each_other_at_intervals() {
    let mut tree = checked();
    for begins in [100, 131, 162] {
        assert_eq!(tree.due(), Some(at(begins)));
        assert_eq!(tree.step(Event::Timer, at(begins)), [Action::Check(A, true)]);
        assert_eq!(tree.due(), None, "two looks at once");
        assert_eq!(tree.step(Event::Checked(A, true), at(begins + 1)), []);
    }
    let _ = tree.step(Event::Asked(Request::Stop(A)), at(170));
    assert_eq!(tree.due(), None);
    assert_eq!(tree.step(Event::Checked(A, false), at(171)), []);
}

#[test]
fn a_service_is_unhealthy_after_so_many_failures_in_a_row_and_is_not_stopped() {
    let mut tree = checked();
    let unhealthy = vec![Action::Log(Line::Unhealthy(A, 2))];
    let healthy = vec![Action::Log(Line::Healthy(A))];
    for (well, said, verdict, failures) in [
        (false, vec![], Verdict::Unknown, 1),
        (false, unhealthy.clone(), Verdict::Unhealthy, 2),
        (false, vec![], Verdict::Unhealthy, 3),
        (true, healthy, Verdict::Healthy, 0),
        (false, vec![], Verdict::Healthy, 1),
        (true, vec![], Verdict::Healthy, 0),
        (false, vec![], Verdict::Healthy, 1),
        (false, unhealthy, Verdict::Unhealthy, 2),
    ] {
        let due = tree.due().unwrap();
        let before = tree.status(due).swap_remove(0).health.unwrap().failures;
        assert_eq!(tree.step(Event::Timer, due), [Action::Check(A, before == 0)]);
        assert_eq!(tree.step(Event::Checked(A, well), due), said);
        let health = tree.status(due).swap_remove(0).health.unwrap();
        assert_eq!((health.verdict, health.failures), (verdict, failures));
    }
    let _ = tree.step(ended(1), at(900));
    let health = first(&tree, 900).health.unwrap();
    assert_eq!((health.verdict, health.lasts), (Verdict::Unknown, None));
}

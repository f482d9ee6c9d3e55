//! The runs of one cron entry, as a pure machine: an event and the time in, actions out.
//!
//! There are two clocks. Schedules follow the one that people set (`wall`); how long a run
//! may take is measured by the one that only goes on (`steady`). Invariants, whatever the
//! order of events:
//! - never more runs at a time than the overlap allows, which is one or [`MOST_RUNS`];
//! - no start, no signal and no timer after the stop;
//! - a signal only to a run that has not ended, KILL only after TERM;
//! - each due time is started once at most, unless the clock was set back;
//! - what is remembered has a fixed size.
//!
//! The policy:
//! - A due time is taken up to [`ON_TIME`] late. What came while nobody could look (castoff
//!   was frozen, the clock was set forward, the container was away) is missed: it is counted
//!   and said, and by `missed` made up for by one run or not.
//! - A clock that is set back changes nothing for a schedule of chosen hours: what has been
//!   run is not run again. One that follows the time that passes goes on by the new time, and
//!   so does everything from [`CORRECTION`] on, which is a correction and no daylight saving:
//!   cron(8) does the same.
//! - Jitter delays a run, and never to the next due time.
//! - A run that takes too long gets TERM, and KILL after the grace.

use std::time::Duration;

use super::words::{Action, CronPolicy, Event, LastRun, Line, MOST_MISSED, Now, Report, RunId, Status};
use crate::exit::ExitCode;
use crate::schedule::{Missed, Overlap, Schedule};
use crate::service::random::Random;
use crate::signal::Signal;
use crate::sys::reap::Ending;

/// So late a run may be and still be on time.
pub const ON_TIME: Duration = Duration::from_secs(60);
/// A clock that is set back by so much was wrong, and its times before mean nothing.
pub const CORRECTION: Duration = Duration::from_secs(3 * 3600);
/// More runs of one entry at a time there are not: something is wrong then.
pub const MOST_RUNS: usize = 32;

/// A run under way.
#[derive(Clone, Copy, Debug)]
struct Run {
    id: RunId,
    started: Now,
    /// When its patience ends, by the steady clock.
    deadline: Option<Duration>,
    timed_out: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
struct Planned {
    /// When it is due, in seconds since 1970.
    due: i64,
    /// When it is started: that and jitter.
    at: Duration,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Cron {
    policy: CronPolicy,
    random: Random,
    planned: Option<Planned>,
    runs: Vec<Run>,
    /// The clocks when they were last compared.
    seen: Option<Now>,
    stopped: bool,
    /// Due times that were passed over since the last run ended.
    passed_over: u32,
    alarm: Option<Duration>,
    timer: Option<Duration>,
    status: Status,
}

impl Cron {
    /// An entry that has not begun. The seed decides the jitter.
    #[must_use]
    pub fn new(policy: CronPolicy, seed: u64) -> Self {
        Self {
            policy,
            random: Random::new(seed),
            planned: None,
            runs: Vec::new(),
            seen: None,
            stopped: false,
            passed_over: 0,
            alarm: None,
            timer: None,
            status: Status::default(),
        }
    }

    /// What is known of it.
    #[must_use]
    pub fn status(&self) -> Status {
        let next = self.planned.map(|planned| planned.at);
        Status { next, running: self.runs.len(), ..self.status }
    }

    /// Takes in what happened at `now` and says what to do, in this order.
    #[must_use]
    pub fn step(&mut self, event: Event, now: Now) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Begin { last } if self.seen.is_none() && !self.stopped => {
                self.begin(last, now, &mut actions);
            }
            Event::Wake if self.seen.is_some() && !self.stopped => self.wake(now, &mut actions),
            Event::SpawnFailed(run, code) => self.end(run, Err(code), now, &mut actions),
            Event::Ended(run, ending) => self.end(run, Ok(ending), now, &mut actions),
            Event::Stop => {
                self.stopped = true;
                self.planned = None;
            }
            Event::Begin { .. } | Event::Wake => {}
        }
        self.set_clocks(&mut actions);
        actions
    }

    fn begin(&mut self, last: Option<Duration>, now: Now, actions: &mut Vec<Action>) {
        self.seen = Some(now);
        self.status.last_due = last;
        let missed = last.and_then(|last| self.next(seconds(last)));
        match missed.filter(|due| *due <= seconds(now.wall)) {
            Some(due) => self.take_up(Planned { due, at: span(due) }, now, actions),
            None => self.plan(self.next(seconds(now.wall))),
        }
    }

    fn wake(&mut self, now: Now, actions: &mut Vec<Action>) {
        (self.alarm, self.timer) = (None, None);
        self.hurry(now, actions);
        self.compare_clocks(now, actions);
        if let Some(planned) = self.planned.filter(|planned| planned.at <= now.wall) {
            self.take_up(planned, now, actions);
        }
    }

    /// Ends the runs whose time is over.
    fn hurry(&mut self, now: Now, actions: &mut Vec<Action>) {
        let (limit, grace) = (self.policy.timeout.unwrap_or_default(), self.policy.grace);
        for run in self.runs.iter_mut().filter(|run| run.deadline.is_some_and(|due| due <= now.steady)) {
            if run.timed_out {
                run.deadline = None;
                actions.extend([Action::Log(Line::Killed(run.id)), Action::Signal(run.id, Signal::KILL)]);
            } else {
                run.timed_out = true;
                run.deadline = Some(now.steady.saturating_add(grace));
                // a stopped process takes no TERM in
                let signals = [Signal::TERM, Signal::CONT].map(|signal| Action::Signal(run.id, signal));
                actions.push(Action::Log(Line::TimedOut(run.id, limit)));
                actions.extend(signals);
            }
        }
    }

    /// Finds out whether the wall clock was set back, and plans anew where that matters.
    fn compare_clocks(&mut self, now: Now, actions: &mut Vec<Action>) {
        let Some(seen) = self.seen.replace(now) else { return };
        let expected = seen.wall.saturating_add(now.steady.saturating_sub(seen.steady));
        let back = expected.saturating_sub(now.wall);
        let least = if self.policy.schedule.follows_time() { ON_TIME } else { CORRECTION };
        let waits = self.planned.is_none_or(|planned| planned.at > now.wall);
        if back >= least && waits {
            actions.push(Action::Log(Line::SetBack(back)));
            self.plan(self.next(seconds(now.wall)));
        }
    }

    /// It was due at `planned.due`, and perhaps more often since.
    fn take_up(&mut self, planned: Planned, now: Now, actions: &mut Vec<Action>) {
        let passed = self.passed(planned.due, seconds(now.wall));
        let late = |at: Duration| now.wall.saturating_sub(at) > ON_TIME;
        let on_time = if passed.count == 1 { !late(planned.at) } else { !late(span(passed.last)) };
        let capped = passed.count == MOST_MISSED;
        let missed = if capped { MOST_MISSED } else { passed.count - u32::from(on_time) };
        if missed > 0 {
            self.status.missed += u64::from(missed);
            let made_up = if on_time { Missed::Skip } else { self.policy.missed };
            actions.push(Action::Log(Line::Missed(missed, made_up)));
        }
        self.status.last_due = Some(span(passed.last));
        if on_time || self.policy.missed == Missed::RunOnce {
            self.start(now, actions);
        }
        self.plan(passed.next);
    }

    /// The due times from `due` on up to `now`.
    fn passed(&self, due: i64, now: i64) -> Passed {
        if let Schedule::Every(seconds) = self.policy.schedule {
            let more = now.saturating_sub(due).max(0) / i64::from(seconds);
            let last = due + more * i64::from(seconds);
            let count = u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1).min(MOST_MISSED);
            return Passed { count, last, next: self.next(last) };
        }
        let mut passed = Passed { count: 1, last: due, next: self.next(due) };
        while let Some(next) = passed.next.filter(|next| *next <= now) {
            if passed.count == MOST_MISSED {
                let recent = self.next(now.saturating_sub(seconds(ON_TIME))).filter(|due| *due <= now);
                return Passed { last: recent.unwrap_or(next), next: self.next(now), ..passed };
            }
            passed = Passed { count: passed.count + 1, last: next, next: self.next(next) };
        }
        passed
    }

    fn start(&mut self, now: Now, actions: &mut Vec<Action>) {
        let most = if self.policy.overlap == Overlap::Allow { MOST_RUNS } else { 1 };
        if self.runs.len() >= most {
            self.status.overlapped += 1;
            if self.passed_over == 0 {
                actions.push(Action::Log(Line::Overlapping(self.runs.len())));
            }
            self.passed_over = self.passed_over.saturating_add(1);
            return;
        }
        self.status.runs += 1;
        let id = RunId(self.status.runs);
        let deadline = self.policy.timeout.map(|limit| now.steady.saturating_add(limit));
        self.runs.push(Run { id, started: now, deadline, timed_out: false });
        actions.push(Action::Start(id));
    }

    fn end(&mut self, id: RunId, result: Result<Ending, ExitCode>, now: Now, actions: &mut Vec<Action>) {
        let Some(index) = self.runs.iter().position(|run| run.id == id) else { return };
        let run = self.runs.swap_remove(index);
        let took = now.steady.saturating_sub(run.started.steady);
        let report = Report { result, took, timed_out: run.timed_out };
        self.status.failures += u64::from(result != Ok(Ending::Exited(0)));
        self.status.last = Some(LastRun { run: id, started: run.started.wall, report });
        actions.push(Action::Log(Line::Ended(id, report)));
        let passed_over = std::mem::take(&mut self.passed_over);
        if passed_over > 1 {
            actions.push(Action::Log(Line::Overlapped(passed_over)));
        }
    }

    fn next(&self, after: i64) -> Option<i64> {
        self.policy.schedule.next(after, &self.policy.zone)
    }

    /// The next start is for `due`, with jitter that ends before the due time after it.
    fn plan(&mut self, due: Option<i64>) {
        self.planned = due.map(|due| {
            let room = self.next(due).map_or(Duration::ZERO, |after| span(after - due - 1));
            let delay = self.random.up_to(self.policy.jitter.min(room));
            Planned { due, at: span(due).saturating_add(delay) }
        });
    }

    /// Sets what is to wake it, where that differs from what is set.
    fn set_clocks(&mut self, actions: &mut Vec<Action>) {
        let alarm = self.planned.map(|planned| planned.at);
        if alarm != self.alarm {
            actions.push(alarm.map_or(Action::ClearAlarm, Action::SetAlarm));
            self.alarm = alarm;
        }
        let deadlines = self.runs.iter().filter_map(|run| run.deadline).filter(|_| !self.stopped);
        let timer = deadlines.min();
        if timer != self.timer {
            actions.push(timer.map_or(Action::ClearTimer, Action::SetTimer));
            self.timer = timer;
        }
    }
}

/// Due times that have come.
struct Passed {
    /// How many, at least 1, at most [`MOST_MISSED`].
    count: u32,
    /// The last of them.
    last: i64,
    /// The one after them.
    next: Option<i64>,
}

/// Whole seconds.
fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// The reverse; nothing for what was before 1970.
fn span(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

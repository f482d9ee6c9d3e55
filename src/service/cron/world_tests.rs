//! The world around the machine of a cron entry: two clocks, an alarm, a timer and runs, held
//! against the invariants at each step.

use std::collections::BTreeMap;

use super::super::*;
use super::OK;

/// What a person would do to the machine, or time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deed {
    /// Wait for the alarm; nothing where none is set.
    Alarm,
    /// Wait for the timer, the same.
    Timer,
    /// Be woken so much later, for no reason or because castoff was frozen.
    Later(Duration),
    /// Set the clock forward.
    Forward(Duration),
    /// Set it back.
    Back(Duration),
    /// The run that was started first ends so.
    First(Ending),
    /// The run that was started last does.
    Last(Ending),
    /// The last start fails.
    Fails,
    /// A run that nobody knows ends.
    Unknown,
    /// The container stops.
    Stop,
    /// It begins once more.
    Begin,
}

/// A machine with its world, held against the invariants at each step.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) cron: Cron,
    pub(super) now: Now,
    pub(super) alarm: Option<Duration>,
    pub(super) timer: Option<Duration>,
    /// Runs under way, and the signals they got.
    pub(super) live: BTreeMap<RunId, Vec<Signal>>,
    pub(super) last: u64,
    stopped: bool,
    /// The due time of the last start, unless the clock was set back since.
    taken_up: Option<Duration>,
    pub(super) log: Vec<Line>,
}

/// 2026-11-21 15:04:00.5 UTC.
pub(super) const BEGIN: Now =
    Now { steady: Duration::from_secs(1000), wall: Duration::from_millis(1_795_273_440_500) };

impl Watched {
    pub(super) fn new(policy: CronPolicy) -> Self {
        Self::since(policy, None)
    }

    pub(super) fn since(policy: CronPolicy, last: Option<Duration>) -> Self {
        let mut watched = Self {
            cron: Cron::new(policy, 42),
            now: BEGIN,
            alarm: None,
            timer: None,
            live: BTreeMap::new(),
            last: 0,
            stopped: false,
            taken_up: None,
            log: Vec::new(),
        };
        watched.step(Event::Begin { last });
        watched
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.wall += time;
    }

    fn wake(&mut self) {
        (self.alarm, self.timer) = (None, None);
        self.step(Event::Wake);
    }

    pub(super) fn feed(&mut self, deed: Deed) {
        match deed {
            Deed::Alarm => {
                let Some(alarm) = self.alarm else { return };
                self.pass(alarm.saturating_sub(self.now.wall));
                self.wake();
            }
            Deed::Timer => {
                let Some(timer) = self.timer else { return };
                self.pass(timer.saturating_sub(self.now.steady));
                self.wake();
            }
            Deed::Later(time) => {
                self.pass(time);
                self.wake();
            }
            Deed::Forward(time) => {
                self.now.wall += time;
                self.wake();
            }
            Deed::Back(time) => {
                self.now.wall -= time;
                self.taken_up = None;
                self.wake();
            }
            Deed::First(ending) => {
                let Some(run) = self.live.keys().next().copied() else { return };
                self.live.remove(&run);
                self.step(Event::Ended(run, ending));
            }
            Deed::Last(ending) => {
                let Some((run, _)) = self.live.pop_last() else { return };
                self.step(Event::Ended(run, ending));
            }
            Deed::Fails => {
                let Some((run, _)) = self.live.pop_last() else { return };
                self.step(Event::SpawnFailed(run, ExitCode::NOT_FOUND));
            }
            Deed::Unknown => self.step(Event::Ended(RunId(1 << 40), OK)),
            Deed::Stop => {
                self.stopped = true;
                self.step(Event::Stop);
            }
            Deed::Begin => self.step(Event::Begin { last: None }),
        }
    }

    fn step(&mut self, event: Event) {
        for action in self.cron.step(event, self.now) {
            self.perform(action);
        }
        let status = self.cron.status();
        assert_eq!((status.running, status.runs), (self.live.len(), self.last));
        assert_eq!(status.next, self.alarm);
        assert_eq!(self.alarm.is_none(), self.stopped, "an alarm is set until the stop");
        assert!(!self.stopped || self.timer.is_none(), "a timer left behind");
        let most = if self.cron.policy.overlap == Overlap::Allow { MOST_RUNS } else { 1 };
        assert!(self.live.len() <= most, "{} runs at a time", self.live.len());
    }

    fn perform(&mut self, action: Action) {
        let quiet = matches!(action, Action::ClearAlarm | Action::ClearTimer | Action::Log(_));
        assert!(quiet || !self.stopped, "{action:?} after the stop");
        match action {
            Action::Start(run) => {
                assert_eq!(run.0, self.last + 1);
                self.last = run.0;
                self.live.insert(run, Vec::new());
                let due = self.cron.status().last_due;
                assert!(due <= Some(self.now.wall) && due > self.taken_up, "started twice for {due:?}");
                self.taken_up = due;
            }
            Action::Signal(run, signal) => {
                let got = self.live.get_mut(&run).expect("a run under way");
                let expected = [Signal::TERM, Signal::CONT, Signal::KILL];
                assert_eq!(Some(&signal), expected.get(got.len()));
                got.push(signal);
            }
            Action::SetAlarm(at) => {
                assert!(at > self.now.wall, "an alarm in the past");
                self.alarm = Some(at);
            }
            Action::ClearAlarm => self.alarm = None,
            Action::SetTimer(at) => {
                assert!(at > self.now.steady, "a timer in the past");
                self.timer = Some(at);
            }
            Action::ClearTimer => self.timer = None,
            Action::Log(line) => self.log.push(line),
        }
    }

    pub(super) fn all(mut self, deeds: &[Deed]) -> Self {
        for deed in deeds {
            self.feed(*deed);
        }
        self
    }

    /// `15:05:00`, of the wall.
    fn clock(time: Duration) -> String {
        let of_day = time.as_secs() % 86_400;
        format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
    }

    pub(super) fn next(&self) -> String {
        self.alarm.map_or_else(|| "none".to_owned(), Self::clock)
    }
}

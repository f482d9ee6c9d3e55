//! What goes into the machine of a cron entry and what comes out: plain data, and the words in
//! which it is told. Nothing is decided here.

use std::time::Duration;

use crate::duration;
use crate::exit::ExitCode;
use crate::schedule::{Missed, Overlap, Schedule, Zone};
use crate::signal::Signal;
use crate::sys::reap::Ending;

/// Missed due times are counted up to here: a clock can be set forward by decades.
pub(super) const MOST_MISSED: u32 = 1000;

/// How an entry is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronPolicy {
    /// When it is due.
    pub schedule: Schedule,
    /// By whose clock.
    pub zone: Zone,
    /// What becomes of a due time while a run is under way.
    pub overlap: Overlap,
    /// What becomes of due times that nobody was there for.
    pub missed: Missed,
    /// How long a run may take. `None`: as long as it needs.
    pub timeout: Option<Duration>,
    /// How long a run may take to end after TERM.
    pub grace: Duration,
    /// By how much each run is delayed at most, by chance.
    pub jitter: Duration,
}

/// The time, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since any fixed moment.
    pub steady: Duration,
    /// Since 1970-01-01 00:00 UTC.
    pub wall: Duration,
}

/// A run of an entry, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub u64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The container is ready.
    Begin {
        /// The last due time that a container before this one took up, if that is known.
        last: Option<Duration>,
    },
    /// The alarm or the timer went off, or the clock was set. Neither of both is set any more.
    Wake,
    /// A run could not be started, and this says why as a code.
    SpawnFailed(RunId, ExitCode),
    /// The main process of a run has ended.
    Ended(RunId, Ending),
    /// The container stops. What runs is ended with everything else.
    Stop,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a run; answered by `Ended` one day, or by `SpawnFailed`.
    Start(RunId),
    /// Send a signal to the processes of a run.
    Signal(RunId, Signal),
    /// Wake up when the wall clock is here, in place of any alarm that was set.
    SetAlarm(Duration),
    /// No longer.
    ClearAlarm,
    /// Wake up when the steady clock is here, in place of any timer that was set.
    SetTimer(Duration),
    /// No longer.
    ClearTimer,
    /// Say it.
    Log(Line),
}

/// What an entry has to say. The name of the entry is added by who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A run has ended.
    Ended(RunId, Report),
    /// A run is told to end.
    TimedOut(RunId, Duration),
    /// A run that was told to end did not, and is killed.
    Killed(RunId),
    /// It is due, and so many runs are under way already.
    Overlapping(usize),
    /// So many times it was due while runs were under way, now that one has ended.
    Overlapped(u32),
    /// It was due so often (at least) while nobody was there, and is run now or not.
    Missed(u32, Missed),
    /// The clock was set back by so much, and this goes on by the new time.
    SetBack(Duration),
}

impl Line {
    /// Whether somebody should look.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !matches!(self, Self::Ended(_, Report { result: Ok(Ending::Exited(0)), .. }))
    }

    /// As a sentence about the entry of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        match self.run() {
            Some(run) => format!("cron {name} run {run}: {self}"),
            None => format!("cron {name}: {self}"),
        }
    }

    /// The run that it is about, if it is about one.
    fn run(&self) -> Option<RunId> {
        match self {
            Self::Ended(run, _) | Self::TimedOut(run, _) | Self::Killed(run) => Some(*run),
            Self::Overlapping(_) | Self::Overlapped(_) | Self::Missed(..) | Self::SetBack(_) => None,
        }
    }
}

/// Without the entry and the run.
impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let times = |count: &u32| if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        match self {
            Self::Ended(_, report) => write!(f, "{report}"),
            Self::TimedOut(_, limit) => {
                write!(f, "takes longer than {} and is told to end", duration::format(*limit))
            }
            Self::Killed(_) => f.write_str("did not end when it was told to and is killed"),
            Self::Overlapping(1) => f.write_str("due, and not started: the run before it is still under way"),
            Self::Overlapping(count) => write!(f, "due, and not started: {count} runs are still under way"),
            Self::Overlapped(count) => write!(f, "not started {} because of a run under way", times(count)),
            Self::Missed(count, missed) => {
                let least = if *count >= MOST_MISSED { "at least " } else { "" };
                let then = if *missed == Missed::RunOnce { "run once now" } else { "not made up for" };
                write!(f, "missed {least}{}: {then}", times(count))
            }
            Self::SetBack(span) => {
                let span = duration::format(Duration::from_secs(span.as_secs()));
                write!(f, "the clock was set back by {span}: going on by the new time")
            }
        }
    }
}

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it ended with, or why it could not be started.
    pub result: Result<Ending, ExitCode>,
    /// How long it took.
    pub took: Duration,
    /// Whether it was told to end because of its timeout.
    pub timed_out: bool,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let took = self.took.as_secs_f64();
        match self.result {
            Err(code) => write!(f, "could not be started (code {})", code.0),
            Ok(Ending::Exited(status)) => write!(f, "ended with code {status} after {took:.1}s"),
            Ok(Ending::Killed(signal)) => write!(f, "ended by {signal} after {took:.1}s"),
        }
    }
}

/// The last run that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// Which.
    pub run: RunId,
    /// When it was started, since 1970.
    pub started: Duration,
    /// How it went.
    pub report: Report,
}

/// What is known of an entry, for `--status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Status {
    /// When it is started next, since 1970, jitter included.
    pub next: Option<Duration>,
    /// The last due time that was taken up, since 1970: what `Begin` is told the next time.
    pub last_due: Option<Duration>,
    /// The last run that has ended.
    pub last: Option<LastRun>,
    /// Runs under way.
    pub running: usize,
    /// Runs that were started, or could not be.
    pub runs: u64,
    /// Runs that did not succeed.
    pub failures: u64,
    /// Due times that were passed over because of a run under way.
    pub overlapped: u64,
    /// Due times that nobody was there for.
    pub missed: u64,
}

//! The cron entries of a container: starts their runs, tells those whose time is over to end,
//! takes in what they ended with.
//!
//! When an entry is due, and what becomes of a run, is decided by its machine ([`Cron`]); here
//! it is only performed. Entries wake castoff when one is due, when the patience with a run is
//! over, and when somebody sets the clock on the wall; never else. A run that was told to end is
//! over when nobody of its process group is left, any other with its main process.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use libc::pid_t;
use nix::errno::Errno;

use super::super::end;
use super::super::voice::{Level, Voice};
use super::logs::Logs;
use super::start::start;
use super::stream::Speaker;
use crate::exit::ExitCode;
use crate::plan::CronPlan;
use crate::schedule::{Schedule, Zone};
use crate::service::ProgramPlan;
use crate::service::control::CronEntry;
use crate::service::cron::{Action, Cron, CronPolicy, Event, Now, RunId};
use crate::signal::Signal;
use crate::sys::clock::{monotonic, wall};
use crate::sys::processes::group_exists;
use crate::sys::randomness::random_number;
use crate::sys::reap::Ending;
use crate::sys::send::{Target, send};
use crate::sys::spawn::Setting;
use crate::sys::start::Inherited;
use crate::sys::stdio::empty_input;
use crate::sys::wall_alarm::{Rang, WallAlarm};

/// Where the kernel has no alarm by the clock on the wall, that clock is looked at so often.
const LOOK: Duration = Duration::from_secs(60);

/// All entries.
pub(super) struct Crons {
    entries: Vec<Entry>,
    /// `None`: there are no entries, or the kernel has no such alarm.
    alarm: Option<WallAlarm>,
    /// What it is set to, or would be.
    rings_at: Option<Duration>,
    /// Whether the clock was set, and nobody was told yet.
    clock_set: bool,
    stopped: bool,
    inherited: Inherited,
    voice: Voice,
}

/// What all entries have in common.
struct World<'w> {
    inherited: Inherited,
    voice: Voice,
    logs: &'w mut Logs,
}

struct Entry {
    /// Its place among them.
    at: usize,
    name: String,
    /// As written.
    schedule: String,
    program: ProgramPlan,
    machine: Cron,
    runs: Vec<Run>,
    /// When the machine is to be woken, by the clock on the wall.
    alarm: Option<Duration>,
    /// The same by the steady clock.
    timer: Option<Duration>,
    /// Whether it has started a run since it was asked.
    started: bool,
}

/// A run under way.
struct Run {
    id: RunId,
    /// Its main process, and the process group that this leads.
    pid: pid_t,
    told_to_end: bool,
    /// How the main process ended, where others of the group are waited for.
    ended: Option<Ending>,
}

impl Crons {
    /// Entries that have not begun. `grace`: how long a run may take to end when it is told to.
    pub(super) fn new(plans: Vec<CronPlan>, grace: Duration, inherited: Inherited, voice: Voice) -> Self {
        let places = plans.into_iter().zip(0..);
        let entries: Vec<Entry> =
            places.filter_map(|(plan, at)| Entry::new(plan, at, grace, voice)).collect();
        let alarm = if entries.is_empty() { None } else { WallAlarm::new().ok() };
        Self { entries, alarm, rings_at: None, clock_set: false, stopped: false, inherited, voice }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The container runs: from now on what is due is started.
    pub(super) fn begin(&mut self, logs: &mut Logs) {
        let mut world = World { inherited: self.inherited, voice: self.voice, logs };
        for entry in &mut self.entries {
            entry.feed(Event::Begin { last: None }, &mut world);
        }
        self.set_alarm();
    }

    /// What is to be polled.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.alarm.as_ref().map(WallAlarm::descriptor)
    }

    /// When [`Crons::turn`] is to be called though nothing was polled, by the steady clock.
    pub(super) fn due(&self) -> Option<Duration> {
        if self.clock_set {
            return Some(Duration::ZERO);
        }
        let timers = self.entries.iter().filter_map(|entry| entry.timer);
        let rings_at = self.rings_at.filter(|_| self.alarm.is_none());
        let look = rings_at.map(|at| monotonic().saturating_add(at.saturating_sub(wall()).min(LOOK)));
        timers.chain(look).min()
    }

    /// Does what is due. Whether anything was started.
    pub(super) fn turn(&mut self, logs: &mut Logs) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let rang = self.alarm.as_mut().map_or(Rang::NotYet, WallAlarm::take);
        if rang != Rang::NotYet {
            self.rings_at = None;
        }
        let was_set = std::mem::take(&mut self.clock_set) || rang == Rang::ClockSet;
        let mut world = World { inherited: self.inherited, voice: self.voice, logs };
        for entry in &mut self.entries {
            if was_set || entry.is_due(now()) {
                (entry.alarm, entry.timer) = (None, None);
                entry.feed(Event::Wake, &mut world);
            }
        }
        self.set_alarm();
        self.entries.iter_mut().fold(false, |any, entry| any | std::mem::take(&mut entry.started))
    }

    /// A child has ended. `false`: it is none of these.
    pub(super) fn ended(&mut self, pid: pid_t, ending: Ending, logs: &mut Logs) -> bool {
        let mut is_known = false;
        let mut world = World { inherited: self.inherited, voice: self.voice, logs };
        for entry in &mut self.entries {
            let mut runs = entry.runs.iter_mut();
            if let Some(run) = runs.find(|run| run.pid == pid && run.ended.is_none()) {
                run.ended = Some(ending);
                world.logs.catch_up();
                entry.see_who_is_gone(&mut world);
                is_known = true;
            }
        }
        if is_known {
            self.set_alarm();
        }
        is_known
    }

    /// Whether runs are over of which only the main process had ended.
    pub(super) fn see_who_is_gone(&mut self, logs: &mut Logs) {
        let mut world = World { inherited: self.inherited, voice: self.voice, logs };
        for entry in &mut self.entries {
            entry.see_who_is_gone(&mut world);
        }
        self.set_alarm();
    }

    /// The container stops. What runs is told at once, and is ended with all that is left when
    /// the services have ended.
    pub(super) fn stop(&mut self, logs: &mut Logs) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        let mut world = World { inherited: self.inherited, voice: self.voice, logs };
        for entry in &mut self.entries {
            entry.feed(Event::Stop, &mut world);
            entry.tell_all(world.voice);
        }
        self.set_alarm();
    }

    /// What is known of each entry, in the order of the spec.
    pub(super) fn answers(&self) -> Vec<CronEntry> {
        let answer = |entry: &Entry| CronEntry::new(&entry.name, &entry.schedule, &entry.machine.status());
        self.entries.iter().map(answer).collect()
    }

    /// Sets the alarm to what is due first.
    fn set_alarm(&mut self) {
        let first = self.entries.iter().filter_map(|entry| entry.alarm).min();
        if first == self.rings_at {
            return;
        }
        self.rings_at = first;
        match self.alarm.as_ref().map(|alarm| alarm.set(first)) {
            None | Some(Ok(())) => {}
            Some(Err(Errno::ECANCELED)) => self.clock_set = true,
            Some(Err(_)) => self.alarm = None,
        }
    }
}

impl Entry {
    /// `None`, which is said: what the plan says is no schedule or no zone.
    fn new(plan: CronPlan, at: usize, grace: Duration, voice: Voice) -> Option<Self> {
        let (Ok(schedule), Ok(zone)) = (Schedule::parse(&plan.expression), Zone::of(&plan.zone)) else {
            voice.say(Level::Error, &format!("cron {}: not run, its schedule can't be read", plan.name));
            return None;
        };
        let today = i64::try_from(wall().as_secs()).unwrap_or(i64::MAX);
        let policy = CronPolicy {
            schedule,
            zone: zone.forgetting_before(today),
            overlap: plan.overlap,
            missed: plan.missed,
            timeout: plan.timeout,
            grace,
            jitter: plan.jitter,
        };
        Some(Self {
            at,
            name: plan.name,
            schedule: plan.expression,
            program: plan.program,
            machine: Cron::new(policy, random_number()),
            runs: Vec::new(),
            alarm: None,
            timer: None,
            started: false,
        })
    }

    fn is_due(&self, now: Now) -> bool {
        self.alarm.is_some_and(|alarm| alarm <= now.wall)
            || self.timer.is_some_and(|timer| timer <= now.steady)
    }

    /// Tells the machine and performs what it answers, until nothing more comes of it.
    fn feed(&mut self, event: Event, world: &mut World<'_>) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.machine.step(event, now()) {
                events.extend(self.perform(action, world));
            }
        }
    }

    fn perform(&mut self, action: Action, world: &mut World<'_>) -> Option<Event> {
        match action {
            Action::Start(id) => return self.start(id, world).err().map(|code| Event::SpawnFailed(id, code)),
            Action::Signal(id, signal) => self.signal(id, signal, world.voice),
            Action::SetAlarm(at) => self.alarm = Some(at),
            Action::ClearAlarm => self.alarm = None,
            Action::SetTimer(at) => self.timer = Some(at),
            Action::ClearTimer => self.timer = None,
            Action::Log(line) => {
                let level = if line.is_warning() { Level::Warn } else { Level::Info };
                world.voice.say(level, &line.text(&self.name));
            }
        }
        None
    }

    fn start(&mut self, id: RunId, world: &mut World<'_>) -> Result<(), ExitCode> {
        self.started = true;
        let input = empty_input().ok();
        let outputs = world.logs.pipes(Speaker::Run(self.at, id));
        let who = format!("cron {} run {id}", self.name);
        let setting = setting(input.as_ref(), outputs.as_ref(), world.inherited);
        let pid = start(&self.program, &who, &setting, world.voice)?;
        self.runs.push(Run { id, pid, told_to_end: false, ended: None });
        Ok(())
    }

    fn signal(&mut self, id: RunId, signal: Signal, voice: Voice) {
        if let Some(run) = self.runs.iter_mut().find(|run| run.id == id) {
            run.signal(signal, voice);
        }
    }

    /// Tells each run to end.
    fn tell_all(&mut self, voice: Voice) {
        for run in &mut self.runs {
            voice.say(Level::Info, &format!("cron {} run {}: told to end", self.name, run.id));
            // a stopped process takes no TERM in
            run.signal(Signal::TERM, voice);
            run.signal(Signal::CONT, voice);
        }
    }

    fn see_who_is_gone(&mut self, world: &mut World<'_>) {
        while let Some(at) = self.runs.iter().position(Run::is_over) {
            let run = self.runs.swap_remove(at);
            world.logs.retire(Speaker::Run(self.at, run.id));
            if let Some(ending) = run.ended {
                self.feed(Event::Ended(run.id, ending), world);
            }
        }
    }
}

impl Run {
    fn is_over(&self) -> bool {
        self.ended.is_some() && !(self.told_to_end && group_exists(self.pid))
    }

    fn signal(&mut self, signal: Signal, voice: Voice) {
        self.told_to_end = true;
        // one that left its own group is still reached itself
        if send(Target::Group(self.pid), signal).is_err() && self.ended.is_none() {
            end::report(Target::Process(self.pid), signal, voice);
        }
    }
}

/// How a run stands among the processes. `None`: what it prints goes where castoff's own does.
fn setting(input: Option<&File>, outputs: Option<&[File; 2]>, inherited: Inherited) -> Setting {
    let output = |at: usize| outputs.and_then(|files| Some(files.get(at)?.as_raw_fd()));
    Setting {
        own_group: true,
        stdio: [input.map(AsRawFd::as_raw_fd), output(0), output(1)],
        mask: inherited.mask,
        ignores_children: inherited.ignores_children,
        ..Setting::default()
    }
}

fn now() -> Now {
    Now { steady: monotonic(), wall: wall() }
}

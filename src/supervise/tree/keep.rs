//! The loop of PID 1 for several services: waits for what happens, tells the machine, and has
//! done (`perform`) what it says.
//!
//! From its start on nothing here can panic or leave it but by the machine's `Exit`; an
//! error is said, where it matters, and never fatal. It is woken by signals, by what services
//! say, by the one time that the machine has due, and by what cron entries wait for.

mod perform;

use std::ffi::OsString;
use std::time::Duration;

use libc::pid_t;
use nix::errno::Errno;

use super::super::end::Rest;
use super::super::pace::{self, Look, Pace};
use super::super::voice::{Level, Voice};
use super::super::wait::adopt_orphans;
use super::again::{Rendered, Rendering};
use super::answer::View;
use super::check::Checks;
use super::control::Control;
use super::crons::Crons;
use super::kills::Kills;
use super::logs::Logs;
use super::ready::Watch;
use super::sources::Sources;
use crate::exit::ExitCode;
use crate::plan::{ServicePlan, TreePlan};
use crate::service::Notice;
use crate::service::tree::{Event, Id, Request, Tree};
use crate::signal::Signal;
use crate::sys::clock::monotonic;
use crate::sys::poll::{Polled, wait_for_any};
use crate::sys::processes::{descendants, group_exists};
use crate::sys::reap::{Change, Ending, Reaped, next_change};
use crate::sys::signal_source::{Origin, Received, SignalSource};
use crate::sys::start::Inherited;
use crate::sys::stdio;
use crate::sys::{environment, memory, randomness};

/// What a service must not believe to be its own.
const NOT_HANDED_ON: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
];

/// The status of a service that says so, until it says that it is ready again.
const RELOADING: &str = "reloading";

/// Runs the services of `plan` and stays with them until the end.
#[inline(never)]
pub(in super::super) fn supervise(mut plan: TreePlan, inherited: &Inherited, voice: Voice) -> ExitCode {
    // The plan has what the services get of it; nobody else is shown it.
    environment::wipe();
    let rendering = plan.start.and_then(Rendering::adopt);
    // None of the services is meant more than the others.
    stdio::close_inherited(u32::from(rendering.is_some()));
    adopt_orphans(plan.subreaper, voice);
    // A mount that castoff stood in can be unmounted then.
    let _ = std::env::set_current_dir("/");
    let programs = plan.services.iter_mut().map(|service| &mut service.program);
    for program in programs.chain(plan.crons.iter_mut().map(|cron| &mut cron.program)) {
        let is_own = |name: &OsString| NOT_HANDED_ON.iter().any(|other| name == other);
        program.environment.change(|listed| listed.retain(|(name, _)| !is_own(name)));
    }
    let logs = Logs::new(&plan, voice);
    let crons = Crons::new(std::mem::take(&mut plan.crons), plan.grace, *inherited, voice);
    let rules = plan.services.iter().map(|service| service.rules.clone()).collect();
    let seed = randomness::random_number();
    let watch = |service: &ServicePlan| {
        let name = format!("castoff-{:016x}/{}", randomness::random_number(), service.name);
        Watch::new(service, &name, voice)
    };
    let sources = Sources::new(std::mem::take(&mut plan.watch), monotonic(), voice);
    let mut keeper = Keeper {
        tree: Tree::new(rules, plan.grace, !crons.is_empty(), seed),
        crons,
        watches: plan.services.iter().map(watch).collect(),
        statuses: vec![String::new(); plan.services.len()],
        kills: Kills::new(plan.services.len()),
        checks: Checks::new(&plan.services),
        control: Control::open(&plan.control, voice),
        begun: monotonic(),
        exit: None,
        logs,
        rest_since: None,
        rest: Rest::default(),
        pace: Pace::default(),
        spawned: false,
        rendering,
        sources,
        inherited: *inherited,
        voice,
        plan,
    };
    keeper.feed(Event::Begin);
    keeper.crons.begin(&mut keeper.logs);
    keeper.stay()
}

struct Keeper {
    tree: Tree,
    crons: Crons,
    plan: TreePlan,
    /// By the place of the service.
    watches: Vec<Watch>,
    /// What each says of itself.
    statuses: Vec<String>,
    checks: Checks,
    control: Control,
    /// When all began.
    begun: Duration,
    kills: Kills,
    exit: Option<ExitCode>,
    logs: Logs,
    /// Since when what is left is told to end.
    rest_since: Option<Duration>,
    rest: Rest,
    pace: Pace,
    /// Whether something was started, or answered, since memory was given back.
    spawned: bool,
    /// What is needed to render again; `None`: it can't be.
    rendering: Option<Rendering>,
    /// What it is rendered from.
    sources: Sources,
    inherited: Inherited,
    voice: Voice,
}

impl Keeper {
    fn stay(&mut self) -> ExitCode {
        let mut signals = SignalSource::descriptor();
        let mut all_reaped = false;
        loop {
            if self.pace.is_open() {
                all_reaped = self.drain();
            }
            if let Some(code) = self.exit {
                // what nobody reads takes no more time than the rest may
                self.logs.end(self.rest_since.unwrap_or_else(monotonic).saturating_add(self.plan.grace));
                let found = self.plan.remap_exit.iter().find(|(from, _)| *from == code);
                return found.map_or(code, |(_, to)| *to);
            }
            if std::mem::take(&mut self.spawned) | self.logs.has_shrunk() {
                memory::give_back();
            }
            self.logs.pass_on();
            let due = [
                self.tree.due(),
                self.control.due(),
                self.crons.due(),
                self.logs.due(),
                self.sources.due(),
                self.pace.due(),
            ];
            let due = due.into_iter().flatten().min();
            let due = due.map(|due| due.saturating_sub(monotonic()));
            let is_paused = self.pace.due().is_some();
            signals.hear_of_children(!is_paused);
            let timeout = if all_reaped || is_paused { due } else { Some(Duration::ZERO) };
            if self.wait(&mut signals, timeout).is_err() {
                self.feed(Event::WaitRefused);
            }
            let now = monotonic();
            if self.tree.due().is_some_and(|due| due <= now) {
                self.feed(Event::Timer);
            }
            if self.sources.have_changed(now) && !self.tree.is_ending() {
                self.render();
            }
            self.spawned |= self.crons.turn(&mut self.logs);
        }
    }

    /// Waits until something happens, and takes in what did, signals first.
    fn wait(&mut self, signals: &mut SignalSource, timeout: Option<Duration>) -> Result<(), Errno> {
        let services: Vec<(Id, _)> = self
            .watches
            .iter()
            .zip(0..)
            .filter_map(|(watch, at)| Some((Id(at), watch.descriptor()?)))
            .collect();
        let mut polled: Vec<Polled> = services.iter().map(|(_, fd)| Polled::readable(*fd)).collect();
        polled.extend(self.control.polled());
        let asking = services.len()..polled.len();
        polled.extend(self.crons.descriptor().map(Polled::readable));
        let sources = polled.len();
        polled.extend(self.sources.descriptor().map(Polled::readable));
        let sources = sources..polled.len();
        polled.extend(signals.polled());
        let others = polled.len();
        polled.extend(self.logs.polled());
        wait_for_any(&mut polled, signals.limited(timeout))?;
        self.logs.mark(polled.get(others..).unwrap_or_default());
        while let Some(received) = signals.receive(Some(Duration::ZERO))? {
            self.hear(received);
        }
        for ((id, _), _) in services.iter().zip(&polled).filter(|(_, polled)| polled.came()) {
            self.hear_service(*id);
        }
        let is_asked = polled.get(asking).is_some_and(|clients| clients.iter().any(Polled::came));
        if is_asked || self.control.due().is_some_and(|due| due <= monotonic()) {
            self.serve();
        }
        if polled.get(sources).is_some_and(|sources| sources.iter().any(Polled::came)) {
            self.sources.hear(monotonic());
        }
        self.logs.turn(self.tree.is_ending());
        Ok(())
    }

    /// Goes on with those who ask.
    fn serve(&mut self) {
        let mut control = std::mem::take(&mut self.control);
        control.serve(monotonic(), |line| self.answer(line));
        self.control = control;
        self.spawned = true;
    }

    fn answer(&mut self, line: &[u8]) -> String {
        let asked = match self.view().read(line) {
            Ok(asked) => asked,
            Err(refusal) => return refusal.line(),
        };
        if let Some(event) = asked.event {
            self.feed(event);
        }
        self.view().status(asked.about).line()
    }

    fn view(&self) -> View<'_> {
        let Self { tree, crons, plan, statuses, begun, .. } = self;
        View { tree, crons, plan, statuses, begun: *begun, now: monotonic() }
    }

    /// Reaps what has ended. `false` if there may be more.
    fn drain(&mut self) -> bool {
        let mut look = Look::default();
        for _ in 0..pace::AT_ONCE {
            match next_change() {
                Reaped::Child(pid, Change::Ended(ending)) => {
                    if self.ended(pid, ending) {
                        // what is done about it is no looking
                        look = Look::default();
                    } else {
                        look.found();
                    }
                }
                // who stops or continues a service knows why
                Reaped::Child(..) => {}
                Reaped::Refused => {
                    self.pace.follow(&look);
                    self.feed(Event::WaitRefused);
                    return true;
                }
                none @ (Reaped::NothingNew | Reaped::NoChildren) => {
                    self.pace.follow(&look);
                    self.see_who_is_gone();
                    self.feed(Event::Drained { children_left: none == Reaped::NothingNew });
                    return true;
                }
            }
        }
        self.pace.follow(&look);
        false
    }

    /// `false`: an orphan, whom nobody waits for.
    fn ended(&mut self, pid: pid_t, ending: Ending) -> bool {
        let well = ending == Ending::Exited(0);
        if let Some(id) = self.checks.was(pid) {
            self.feed(Event::Checked(id, well));
        } else if let Some(rendered) =
            self.rendering.as_mut().and_then(|rendering| rendering.ended(pid, well))
        {
            self.rendered(rendered);
        } else if let Some(at) = self.watches.iter_mut().position(|watch| watch.was(pid)) {
            if well {
                self.feed(Event::Ready(Id(at)));
            }
        } else if let Some(id) = self.tree.led_by(pid) {
            self.logs.catch_up();
            // its last words may be that it goes on as another process
            self.hear_service(id);
            let group_left = group_exists(pid);
            self.feed(Event::Ended { pid, ending, group_left });
        } else {
            return self.crons.ended(pid, ending, &mut self.logs);
        }
        true
    }

    /// castoff is to render again.
    fn render(&mut self) {
        self.spawned = true;
        self.sources.are_rendered();
        let begun = self.rendering.as_mut().ok_or(Errno::ENOENT).and_then(Rendering::begin);
        if let Err(errno) = begun {
            let line = format!("can't render again: {}", errno.desc());
            self.voice.say(Level::Warn, &line);
        }
    }

    /// It has: the services whose files changed are told.
    fn rendered(&mut self, rendered: Rendered) {
        match rendered {
            Rendered::Failed => {
                self.voice.say(Level::Warn, "rendering again has failed: everything stays as it was");
            }
            Rendered::Tell(names) => {
                let line = match names.as_slice() {
                    [] => "rendered again: no service has anything to read".to_owned(),
                    names => format!("rendered again, for {}", names.join(", ")),
                };
                self.voice.say(Level::Info, &line);
                for name in names {
                    let at = self.plan.services.iter().position(|service| service.name == name);
                    if let Some(at) = at {
                        self.feed(Event::Asked(Request::Reload(Id(at))));
                    }
                }
            }
        }
        if self.rendering.as_mut().is_some_and(Rendering::is_due) {
            self.render();
        }
    }

    /// Whether process groups are empty that are waited for.
    fn see_who_is_gone(&mut self) {
        for (id, group) in self.tree.clearing() {
            if !group_exists(group) {
                self.feed(Event::GroupGone(id));
            }
        }
        self.crons.see_who_is_gone(&mut self.logs);
    }

    /// A signal that castoff read. The kernel's SIGCHLD speaks of children, who are reaped
    /// at every wake-up; one that a process sent is passed on as any other.
    fn hear(&mut self, received: Received) {
        match received {
            Received { origin: Origin::Own, .. }
            | Received { origin: Origin::Kernel, signal: Signal::CHLD } => {}
            Received { signal, .. } => self.feed(Event::Signal(signal)),
        }
    }

    fn hear_service(&mut self, id: Id) {
        let uid = self.plan.services.get(id.0).and_then(|service| service.program.credentials.as_ref());
        let uid = uid.map_or_else(|| nix::unistd::geteuid().as_raw(), |credentials| credentials.uid);
        let main = self.tree.main_process(id);
        let Some(watch) = self.watches.get_mut(id.0) else { return };
        for notice in watch.hear(main, uid) {
            match notice {
                Notice::Ready => {
                    if self.statuses.get(id.0).is_some_and(|text| text == RELOADING) {
                        self.set_status(id, String::new());
                    }
                    self.feed(Event::Ready(id));
                }
                Notice::Alive => self.feed(Event::Alive(id)),
                Notice::MainProcess(pid) => self.follow(id, pid),
                Notice::Status(text) => self.set_status(id, text),
                Notice::Reloading => self.set_status(id, RELOADING.to_owned()),
                Notice::Stopping => self.set_status(id, "stopping".to_owned()),
            }
        }
    }

    fn set_status(&mut self, id: Id, text: String) {
        if let Some(slot) = self.statuses.get_mut(id.0) {
            *slot = text;
        }
    }

    /// A service goes on as another process; one that is not castoff's is not believed.
    fn follow(&mut self, id: Id, pid: pid_t) {
        if descendants().is_some_and(|all| all.iter().any(|process| process.pid == pid)) {
            self.feed(Event::MainProcess(id, pid));
        } else {
            let line = format!("{} names {pid} as its main process, which is none of its own", self.name(id));
            self.voice.say(Level::Warn, &line);
        }
    }
}

//! The loop of PID 1: waits for what happens, tells the machine, performs what it says.
//!
//! From its start on nothing here can panic or leave it but by the machine's `Exit`; an
//! error is said, where it matters, and never fatal. It is woken by signals and by the one
//! timer that the machine may set, and by nothing else.

use std::time::Duration;

use libc::pid_t;

use super::end::{self, Rest};
use super::handed::{self, LISTEN_PID};
use super::pace::{self, Look, Pace};
use super::voice::{Level, Voice};
use crate::exit::ExitCode;
use crate::observe::oom;
use crate::service::{Action, Environment, Event, Line, Machine, RunPlan, Scope, Subreaper};
use crate::signal::Signal;
use crate::sys::clock::monotonic;
use crate::sys::environment;
use crate::sys::exec_failure::explain;
use crate::sys::itself::{become_subreaper, own_pid};
use crate::sys::landlock::Shortcoming;
use crate::sys::lookup::Candidates;
use crate::sys::memory;
use crate::sys::reap::{Change, Reaped, next_change};
use crate::sys::send::{StopOutcome, Target, send, stop_self};
use crate::sys::signal_source::{Origin, Received, SignalSource};
use crate::sys::spawn::{Failure, Prepared, Program, Setting};
use crate::sys::start::Inherited;
use crate::sys::stdio;
use crate::sys::terminal::Terminal;

/// Runs the service of `plan` and stays with it until the end.
pub(super) fn supervise(mut plan: Box<RunPlan>, inherited: &Inherited, voice: Voice) -> ExitCode {
    // What is the service's own as it is has to be there until it starts.
    let is_untouched = plan.program.environment == Environment::Own;
    if !is_untouched {
        environment::wipe();
    }
    adopt_orphans(plan.init.subreaper, voice);
    let mut supervisor = Supervisor {
        machine: Machine::new(plan.signals.clone(), plan.grace).remapping(plan.init.remap_exit.clone()),
        timer: None,
        exit: None,
        terminal_given: false,
        rest: Rest::default(),
        pace: Pace::default(),
        oom_kills: None,
        sockets: handed::sockets(&mut plan.program.environment, own_pid),
        main: None,
        tell_reaped: plan.init.tell_reaped,
        inherited: *inherited,
        voice,
        plan: Some(plan),
    };
    supervisor.feed(Event::Begin);
    // Where both have one processor, the service's own start goes first.
    std::thread::yield_now();
    // A service that is over already, as one may be where there is a single processor, leaves
    // nothing to be made ready for.
    supervisor.drain();
    if let Some(code) = supervisor.exit {
        return code;
    }
    // The service has what it gets of it; nobody else is shown it.
    if is_untouched {
        environment::wipe();
    }
    // The first moment at which no descriptor above 2 is castoff's own.
    stdio::close_inherited(supervisor.sockets.unwrap_or(0));
    // A mount that castoff stood in can be unmounted then.
    let _ = std::env::set_current_dir("/");
    supervisor.plan = None;
    // Beside the service's own start, which it does not delay.
    supervisor.oom_kills = oom::kills();
    // Nothing of what came before is needed while it waits.
    memory::give_back();
    supervisor.stay(SignalSource::FIRST)
}

/// Where it can't be, orphans go to somebody else, and castoff works without.
pub(super) fn adopt_orphans(subreaper: Subreaper, voice: Voice) {
    let (wanted, level) = match subreaper {
        Subreaper::Auto => (own_pid() != 1, Level::Debug),
        Subreaper::Always => (true, Level::Warn),
        Subreaper::Never => (false, Level::Debug),
    };
    if wanted && let Err(errno) = become_subreaper() {
        voice.say(level, &format!("not a subreaper, orphans go elsewhere: {}", errno.desc()));
    }
}

struct Supervisor {
    machine: Machine,
    /// When to wake up, by `monotonic`.
    timer: Option<Duration>,
    exit: Option<ExitCode>,
    /// Whether the service has castoff's terminal.
    terminal_given: bool,
    rest: Rest,
    pace: Pace,
    /// How many processes the kernel had killed for want of memory when the service began.
    oom_kills: Option<u64>,
    /// How many sockets the service was handed from above.
    sockets: Option<u32>,
    main: Option<pid_t>,
    tell_reaped: bool,
    inherited: Inherited,
    voice: Voice,
    /// Until the service runs.
    plan: Option<Box<RunPlan>>,
}

impl Supervisor {
    fn stay(&mut self, mut signals: SignalSource) -> ExitCode {
        // what has ended so far may have told so already
        let mut reap = true;
        loop {
            let is_paused = self.pace.due().is_some();
            let due = [self.timer, self.pace.due()].into_iter().flatten().min();
            let due = due.map(|due| due.saturating_sub(monotonic()));
            signals.hear_of_children(!is_paused);
            // Signals go first, and each goes at once: all that are there are passed on before
            // a child is looked for.
            match signals.receive(if reap && !is_paused { Some(Duration::ZERO) } else { due }) {
                Ok(Some(received)) => {
                    self.hear(received);
                    // whatever it was: where signals can't be blocked, SIGCHLD may be lost
                    reap = true;
                    continue;
                }
                Ok(None) => {}
                Err(_) => self.feed(Event::WaitRefused),
            }
            if self.timer.is_some_and(|due| due <= monotonic()) {
                self.timer = None;
                self.feed(Event::Timer);
            }
            if self.pace.is_open() {
                reap = !self.drain();
            }
            if let Some(code) = self.exit {
                return code;
            }
        }
    }

    /// Reaps what has ended. `false` if there may be more.
    fn drain(&mut self) -> bool {
        let mut look = Look::default();
        for _ in 0..pace::AT_ONCE {
            let event = match next_change() {
                Reaped::Child(pid, Change::Ended(ending)) => Event::Ended(pid, ending),
                Reaped::Child(pid, Change::Stopped(signal)) => Event::Stopped(pid, signal),
                Reaped::Child(pid, Change::Continued) => Event::Continued(pid),
                Reaped::NothingNew => Event::Drained { children_left: true },
                Reaped::NoChildren => Event::Drained { children_left: false },
                Reaped::Refused => Event::WaitRefused,
            };
            match event {
                Event::Drained { .. } | Event::WaitRefused => {
                    self.pace.follow(&look);
                    self.feed(event);
                    return true;
                }
                Event::Ended(pid, _) if self.main != Some(pid) => look.found(),
                // what is done about the service is no looking
                _ => look = Look::default(),
            }
            self.mention(event);
            self.feed(event);
        }
        self.pace.follow(&look);
        false
    }

    /// Says which process was reaped, if that was asked for.
    fn mention(&self, event: Event) {
        let Event::Ended(pid, _) = event else { return };
        if self.main == Some(pid) {
            self.voice.detail(|| "the service has ended".to_owned());
        } else if self.tell_reaped {
            self.voice.say(Level::Warn, &format!("reaped process {pid}, an orphan"));
        }
    }

    /// A signal that castoff read. The kernel's SIGCHLD speaks of children, who are reaped
    /// at every wake-up; one that a process sent is forwarded as any other.
    fn hear(&mut self, received: Received) {
        match received {
            Received { origin: Origin::Own, .. }
            | Received { origin: Origin::Kernel, signal: Signal::CHLD } => {}
            Received { signal, .. } => self.feed(Event::Signal(signal)),
        }
    }

    /// Tells the machine and performs what it answers. Of the actions of one step at most
    /// one has an answer of its own.
    fn feed(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            for action in self.machine.step(event).iter() {
                next = self.perform(action).or(next);
            }
        }
    }

    fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn => return Some(self.spawn()),
            Action::Forward(pid, scope, signal) => self.forward(pid, scope, signal),
            Action::GiveTerminal(group) => self.with_terminal(|terminal| terminal.give(group)),
            Action::TakeTerminal(group) => self.with_terminal(|terminal| terminal.take_back(group)),
            Action::StopSelf(signal) => {
                let outcome = stop_self(signal, self.terminal_given);
                return (outcome == StopOutcome::Refused).then_some(Event::StopRefused(signal));
            }
            Action::TermRest => Rest::term(self.voice),
            Action::KillRest => self.rest.kill(self.voice),
            Action::SetTimer(after) => self.timer = Some(monotonic().saturating_add(after)),
            Action::ClearTimer => self.timer = None,
            Action::NameOom => self.name_oom(),
            Action::Log(Line::WaitRefused) => self.voice.say(Level::Error, &Line::WaitRefused.to_string()),
            Action::Log(line) => self.voice.say(Level::Warn, &line.to_string()),
            Action::Exit(code) => self.exit = Some(code),
        }
        None
    }

    fn spawn(&mut self) -> Event {
        let Some(plan) = &self.plan else {
            return Event::SpawnFailed(ExitCode::BUG);
        };
        if plan.program.argv.is_empty() {
            return Event::Paused;
        }
        let own_session = plan.init.own_session;
        let program = plan.program.program();
        let terminal = Terminal::controlling();
        // a session of its own does without castoff's terminal, or has it for good
        self.terminal_given = terminal.is_some() && !own_session;
        let ours = terminal.as_ref().filter(|terminal| match own_session {
            true => terminal.release(),
            false => terminal.is_ours(),
        });
        let setting = Setting {
            own_group: true,
            own_session,
            terminal: ours.map(Terminal::descriptor),
            mask: self.inherited.mask,
            ignores_children: self.inherited.ignores_children,
            ..Setting::default()
        };
        let prepared = Prepared::new(&program).map(|prepared| match self.sockets {
            Some(_) => prepared.with_pid_in(LISTEN_PID),
            None => prepared,
        });
        if let Some(shortcoming) = prepared.as_ref().ok().and_then(Prepared::shortcoming) {
            self.warn_of(shortcoming);
        }
        let found = prepared.as_ref().ok().map(Prepared::candidates);
        match prepared.as_ref().map_err(|failure| *failure).and_then(|prepared| prepared.spawn(&setting)) {
            Ok(pid) => {
                self.main = Some(pid);
                self.voice.detail(|| format!("the service is process {pid}"));
                Event::Started(pid)
            }
            Err(failure) => {
                let code = self.tell_why(&program, found, failure);
                Event::SpawnFailed(plan.init.failure_code.unwrap_or(code))
            }
        }
    }

    #[cold]
    fn warn_of(&self, shortcoming: Shortcoming) {
        self.voice.say(Level::Warn, &shortcoming.to_string());
    }

    /// Why the program could not be made a process, and the code for that.
    #[cold]
    fn tell_why(&self, program: &Program<'_>, found: Option<&Candidates>, failure: Failure) -> ExitCode {
        let diagnostic = explain(program, found, failure);
        self.voice.tell(&diagnostic);
        diagnostic.exit
    }

    /// Says so where the kernel has killed more for want of memory than when the service began.
    #[cold]
    fn name_oom(&self) {
        let risen = |now| self.oom_kills.is_some_and(|before| before < now);
        if oom::kills().is_some_and(risen) {
            end::name_oom("the service", self.voice);
        }
    }

    /// Apart, because no start needs it.
    #[inline(never)]
    fn forward(&self, main: pid_t, scope: Scope, signal: Signal) {
        self.voice.detail(|| format!("forwarding {signal} to the service"));
        match scope {
            Scope::Main => end::report(Target::Process(main), signal, self.voice),
            Scope::All => end::signal_all(signal, self.voice),
            // A service that left its own group again is still reached itself.
            Scope::Group => {
                if send(Target::Group(main), signal).is_err() {
                    end::report(Target::Process(main), signal, self.voice);
                }
            }
        }
    }

    /// Opened for each use: it is seldom needed, and a descriptor less is kept.
    fn with_terminal(&self, act: impl FnOnce(&Terminal)) {
        if self.terminal_given
            && let Some(terminal) = Terminal::controlling()
        {
            act(&terminal);
        }
    }
}

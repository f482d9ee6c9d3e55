//! The life of one main process, as a pure machine: an event in, actions out.
//!
//! It makes no system call and knows no clock, so that every sequence of events can be
//! walked in a test. Its invariants, whatever the order of events:
//! - one `Exit`, and nothing after it;
//! - no timer is left set at the exit;
//! - nothing is forwarded to a main process that has been reaped;
//! - once no child is left, it ends.
//!
//! The policy:
//! - A signal is forwarded as it came, or rewritten, or dropped; a signal that asks to stop
//!   (TERM, INT, QUIT) sets the stop timeout, if there is one, and HUP and these also wake
//!   a stopped service, or it could never act on them.
//! - With a stop delay the first such signal is kept back for so long. The second one says
//!   that there is no time: both are forwarded then. Other signals pass by the delay.
//! - Where the stop counts as success, a service that ended by the very signal that castoff
//!   forwarded as a stop gives 0. SIGKILL never counts: it is also how others end it.
//! - A SIGKILL that castoff did not send may be the kernel's, for want of memory.
//! - A service that KILL does not end after its stop timeout, because castoff may not send
//!   it or it hangs in the kernel, is given up like the rest that can't be killed.
//! - When the main process has ended, what is left gets TERM, the grace, and KILL. The
//!   second request to stop cuts the grace short: it is counted from the first one on,
//!   whether that came before or during the grace. Other signals have no addressee then.
//! - A service that its terminal stopped (Ctrl-Z) stops castoff too, so that the shell
//!   takes over. Where nobody could wake castoff, the service is woken at once instead.

use std::time::Duration;

use libc::pid_t;

use super::actions::{Action, Actions, Line};
use super::rest::{KILL_AGAIN, KILLS, Measure, Rest};
use super::run_plan::{Scope, SignalPolicy};
use crate::exit::ExitCode;
use crate::signal::Signal;
use crate::sys::reap::Ending;
use crate::sys::signals::SignalSet;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// castoff is ready to run the service.
    Begin,
    /// There is no main process to run: the time until castoff is told to stop is a pause.
    Paused,
    /// The main process runs.
    Started(pid_t),
    /// It could not be started, and this says why as a code.
    SpawnFailed(ExitCode),
    /// castoff got a signal, other than the kernel's own SIGCHLD.
    Signal(Signal),
    /// A child has ended and was reaped.
    Ended(pid_t, Ending),
    /// A child was stopped by a signal.
    Stopped(pid_t, Signal),
    /// A stopped child runs again.
    Continued(pid_t),
    /// All children that ended are reaped; whether any child is left.
    Drained {
        /// Whether castoff still has a child.
        children_left: bool,
    },
    /// The kernel tells castoff nothing of its children, or lets no time pass.
    WaitRefused,
    /// castoff could not be stopped: nobody would wake it.
    StopRefused(Signal),
    /// The time that was set has come.
    Timer,
}

/// Where the main process is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Not started.
    New,
    /// There is none; TERM and INT end castoff.
    Paused,
    /// Running, or stopped.
    Running { pid: pid_t, stop: Option<Stop>, due: Option<Due> },
    /// Ended with this code, and what becomes of the rest.
    Ended(ExitCode, Rest),
    /// castoff's end is ordered.
    Over,
}

/// Why the main process is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stop {
    /// By a stop signal that castoff has forwarded: it is to stay so.
    Expected,
    /// By its terminal, or by somebody else.
    Other,
}

/// What the timer of a running service is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// The stop delay is over: this is to be forwarded.
    Stop(Signal),
    /// The service is to be killed; so often it was already.
    Kill(u8),
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Machine {
    policy: SignalPolicy,
    grace: Duration,
    remap_exit: Vec<(ExitCode, ExitCode)>,
    phase: Phase,
    /// Whether castoff was asked to stop.
    stop_asked: bool,
    /// What asked for the stop signal (TSTP, TTIN, TTOU or STOP) that was forwarded and not
    /// undone yet.
    pause_asked: Option<Signal>,
    /// Whether the service was told to end, and has not been woken for that: it may be about
    /// to stop itself, and a stopped process takes no signal in.
    wake_owed: bool,
    /// What the service was told to stop by, and SIGKILL if that came from here.
    told: SignalSet,
}

impl Machine {
    /// A service that has not started.
    #[must_use]
    pub fn new(policy: SignalPolicy, grace: Duration) -> Self {
        Self {
            policy,
            grace,
            remap_exit: Vec::new(),
            phase: Phase::New,
            stop_asked: false,
            pause_asked: None,
            wake_owed: false,
            told: SignalSet::EMPTY,
        }
    }

    /// With codes of the service that castoff ends with others for. The code of a service that
    /// could not be started stays what it is.
    #[must_use]
    pub fn remapping(self, remap_exit: Vec<(ExitCode, ExitCode)>) -> Self {
        Self { remap_exit, ..self }
    }

    /// Takes in what happened and says what to do, in this order.
    #[must_use]
    pub fn step(&mut self, event: Event) -> Actions {
        match (self.phase, event) {
            (Phase::New, Event::Begin) => Actions::from([Action::Spawn]),
            (Phase::New, Event::Started(pid)) => {
                self.phase = Phase::Running { pid, stop: None, due: None };
                Actions::default()
            }
            (Phase::New, Event::Paused) => {
                self.phase = Phase::Paused;
                Actions::default()
            }
            (Phase::Paused, Event::Signal(Signal::TERM | Signal::INT)) => {
                self.stop_asked = true;
                self.phase = self.ended(ExitCode::OK);
                Actions::default()
            }
            (Phase::Paused, Event::WaitRefused) => self.end_unseen(),
            (Phase::New, Event::SpawnFailed(code)) => {
                self.phase = self.ended(code);
                Actions::default()
            }
            (Phase::Running { pid, stop, due }, event) => self.run(pid, stop, due, event),
            (Phase::Ended(code, rest), event) => self.end(code, rest, event),
            (Phase::New | Phase::Paused | Phase::Over, _) => Actions::default(),
        }
    }

    fn run(&mut self, main: pid_t, stop: Option<Stop>, due: Option<Due>, event: Event) -> Actions {
        match event {
            Event::Signal(signal) => self.receive(main, stop, due, signal),
            Event::Ended(pid, ending) if pid == main => {
                self.phase = self.ended(self.code(ending));
                let cleared = due.map(|_| Action::ClearTimer);
                let killed = ending.code() == ExitCode::from_signal(Signal::KILL);
                let oom = (killed && !self.told.contains(Signal::KILL)).then_some(Action::NameOom);
                [Some(Action::TakeTerminal(main)), cleared, oom].into_iter().flatten().collect()
            }
            Event::Stopped(pid, signal) if pid == main => {
                let asked = self.pause_asked;
                let why = if asked.is_some() { Stop::Expected } else { Stop::Other };
                self.phase = Phase::Running { pid, stop: Some(why), due };
                if std::mem::take(&mut self.wake_owed) {
                    Actions::from([Action::Forward(main, self.policy.scope, Signal::CONT)])
                } else {
                    // STOP may have gone in the place of what the terminal sent to castoff
                    let cause = if signal == Signal::STOP { asked.unwrap_or(signal) } else { signal };
                    let stop = is_terminal_stop(cause).then_some(Action::StopSelf(cause));
                    stop.map_or_else(Actions::default, |stop| {
                        Actions::from([Action::TakeTerminal(main), stop])
                    })
                }
            }
            Event::Continued(pid) if pid == main => {
                self.phase = Phase::Running { pid, stop: None, due };
                self.pause_asked = None;
                Actions::default()
            }
            // TTIN and TTOU would come back at once, were it woken: it stays stopped until
            // castoff is given the foreground, or the service is told to end.
            Event::StopRefused(signal) if stop == Some(Stop::Other) => {
                let woken =
                    (signal == Signal::TSTP).then_some(Action::Forward(main, Scope::Group, Signal::CONT));
                [Some(Action::GiveTerminal(main)), woken].into_iter().flatten().collect()
            }
            Event::Timer => match due {
                Some(Due::Stop(sent)) => self.tell_to_stop(main, stop, None, &[sent]),
                Some(Due::Kill(KILLS)) => {
                    self.phase = self.ended(ExitCode::from_signal(Signal::KILL));
                    Actions::from([Action::TakeTerminal(main)])
                }
                Some(Due::Kill(times)) => {
                    self.phase = Phase::Running { pid: main, stop, due: Some(Due::Kill(times + 1)) };
                    self.told = self.told.with(Signal::KILL);
                    let line = Line::StopTimeout(self.policy.stop_timeout.unwrap_or_default());
                    let said = (times == 0).then_some(Action::Log(line));
                    let kill = Action::Forward(main, self.policy.scope, Signal::KILL);
                    [said, Some(kill), Some(Action::SetTimer(KILL_AGAIN))].into_iter().flatten().collect()
                }
                None => Actions::default(),
            },
            Event::WaitRefused => {
                let cleared = due.map(|_| Action::ClearTimer);
                let before = [Some(Action::TakeTerminal(main)), cleared].into_iter().flatten();
                before.chain(self.end_unseen().iter()).collect()
            }
            _ => Actions::default(),
        }
    }

    /// castoff got a signal.
    fn receive(&mut self, main: pid_t, stop: Option<Stop>, due: Option<Due>, signal: Signal) -> Actions {
        let rewritten = self.policy.rewrite.iter().find(|(from, _)| *from == signal);
        let Some(sent) = rewritten.map_or(Some(signal), |(_, to)| *to) else {
            return Actions::default();
        };
        if !asks_to_stop(signal) {
            let mut actions = Actions::default();
            self.forward(main, stop, signal, sent, &mut actions);
            return actions;
        }
        let first = !std::mem::replace(&mut self.stop_asked, true);
        match (due, self.policy.stop_delay) {
            (Some(Due::Stop(kept)), _) => {
                let both = [kept, sent];
                let signals = both.get(usize::from(kept == sent)..).unwrap_or_default();
                let mut actions = self.tell_to_stop(main, stop, None, signals);
                if self.policy.stop_timeout.is_none() {
                    actions.push(Action::ClearTimer);
                }
                actions
            }
            (None, Some(delay)) if first => {
                self.phase = Phase::Running { pid: main, stop, due: Some(Due::Stop(sent)) };
                Actions::from([Action::SetTimer(delay)])
            }
            (due, _) => self.tell_to_stop(main, stop, due, &[sent]),
        }
    }

    /// Forwards what asks the service to stop; the first time its timeout begins.
    fn tell_to_stop(
        &mut self,
        main: pid_t,
        stop: Option<Stop>,
        due: Option<Due>,
        signals: &[Signal],
    ) -> Actions {
        let begins = self.policy.stop_timeout.filter(|_| due.is_none());
        self.phase = Phase::Running { pid: main, stop, due: due.or(begins.map(|_| Due::Kill(0))) };
        let mut actions = Actions::default();
        for sent in signals {
            self.told = self.told.with(*sent);
            self.forward(main, stop, Signal::TERM, *sent, &mut actions);
        }
        if let Some(limit) = begins {
            actions.push(Action::SetTimer(limit));
        }
        actions
    }

    /// Sends `sent` for the `signal` that came.
    fn forward(
        &mut self,
        main: pid_t,
        stop: Option<Stop>,
        signal: Signal,
        sent: Signal,
        actions: &mut Actions,
    ) {
        let scope = self.policy.scope;
        if sent == Signal::CONT {
            actions.push(Action::GiveTerminal(main));
        }
        actions.push(Action::Forward(main, scope, sent));
        if is_terminal_stop(sent) || sent == Signal::STOP {
            self.pause_asked = Some(signal);
        } else if sent == Signal::CONT {
            self.pause_asked = None;
        }
        if asks_to_stop(signal) || signal == Signal::HUP {
            match stop {
                Some(_) => actions.push(Action::Forward(main, scope, Signal::CONT)),
                None => self.wake_owed = true,
            }
        }
    }

    /// What the service's end comes to: an obeyed stop before a code that is remapped.
    fn code(&self, ending: Ending) -> ExitCode {
        let code = ending.code();
        let signal = Signal::new(i32::from(code.0) - 128).filter(|signal| *signal != Signal::KILL);
        if self.policy.stop_is_success && signal.is_some_and(|signal| self.told.contains(signal)) {
            return ExitCode::OK;
        }
        let found = self.remap_exit.iter().find(|(from, _)| *from == code);
        found.map_or(code, |(_, to)| *to)
    }

    /// The main process has ended, or never was.
    fn ended(&self, code: ExitCode) -> Phase {
        Phase::Ended(code, Rest::new(self.grace))
    }

    /// The main process is given up: nobody will say when it ends, so there may always be one.
    fn end_unseen(&mut self) -> Actions {
        let mut rest = Rest::new(self.grace);
        let measure = rest.drained(true);
        let told = self.measure(ExitCode::REFUSED, rest, measure);
        [Action::Log(Line::WaitRefused)].into_iter().chain(told.iter()).collect()
    }

    /// The main process has ended.
    fn end(&mut self, code: ExitCode, mut rest: Rest, event: Event) -> Actions {
        let measure = match event {
            Event::Drained { children_left } => rest.drained(children_left),
            Event::WaitRefused => rest.drained(true),
            Event::Timer => rest.timer(),
            Event::Signal(signal) if asks_to_stop(signal) => {
                let again = std::mem::replace(&mut self.stop_asked, true);
                if again { rest.hurry() } else { None }
            }
            _ => None,
        };
        self.measure(code, rest, measure)
    }

    fn measure(&mut self, code: ExitCode, rest: Rest, measure: Option<Measure>) -> Actions {
        self.phase = Phase::Ended(code, rest);
        match measure {
            None => Actions::default(),
            Some(Measure::Term(wait)) => Actions::from([Action::TermRest, Action::SetTimer(wait)]),
            Some(Measure::Kill(wait)) => Actions::from([Action::KillRest, Action::SetTimer(wait)]),
            Some(Measure::Over) => {
                self.phase = Phase::Over;
                let cleared = rest.is_timed().then_some(Action::ClearTimer);
                [cleared, Some(Action::Exit(code))].into_iter().flatten().collect()
            }
            Some(Measure::Unkillable) => {
                self.phase = Phase::Over;
                Actions::from([Action::Log(Line::Unkillable), Action::Exit(code)])
            }
        }
    }
}

/// Whether who sends it wants the container to end.
fn asks_to_stop(signal: Signal) -> bool {
    matches!(signal, Signal::TERM | Signal::INT | Signal::QUIT)
}

/// Whether it is one of those by which a terminal stops a job.
fn is_terminal_stop(signal: Signal) -> bool {
    matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "machine_walk_tests.rs"]
mod walk;

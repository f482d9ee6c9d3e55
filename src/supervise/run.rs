//! From a run plan to a running service: exec, or seal and supervise.

use nix::errno::Errno;

use super::voice::{Level, Voice};
use super::{seal, tree, wait};
use crate::exit::ExitCode;
use crate::plan::Running;
use crate::service::log::Form;
use crate::service::{Manner, RunPlan};
use crate::sys::exec_failure::explain;
use crate::sys::log_pipe::let_others_open;
use crate::sys::memory;
use crate::sys::spawn::{Prepared, Setting};
use crate::sys::start::Inherited;

/// Whether castoff starts afresh before it supervises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    /// It has prepared something: memory, and the environment that /proc shows, may hold
    /// secrets.
    Fresh,
    /// It has done nothing yet: plain init.
    AsIs,
}

/// Runs the service to its end and says what castoff ends with. All signals are blocked;
/// those that are pending reach the service. With `Manner::Exec`, and with
/// `Sealing::Fresh`, this returns only if something failed or could not be had.
#[must_use]
pub fn run(plan: Running, inherited: &Inherited, voice: Voice, sealing: Sealing) -> ExitCode {
    if prints_as_another(&plan) {
        let_others_open(1);
        let_others_open(2);
    }
    match (&plan, sealing) {
        (Running::One(plan), _) if plan.manner == Manner::Exec => exec(plan, inherited, voice),
        (_, Sealing::AsIs) => supervise(plan, inherited, voice),
        (_, Sealing::Fresh) => {
            let errno = seal::start_afresh(&plan, inherited, voice);
            voice.say(Level::Debug, &format!("not sealed, supervising as I am: {}", errno.desc()));
            supervise(plan, inherited, voice)
        }
    }
}

/// What castoff ends with where it can't even block signals, and says so: as PID 1 it would
/// get none then, and never learn of a child's end.
#[must_use]
pub fn no_signals(errno: Errno) -> ExitCode {
    let reason = errno.desc();
    let line = format!("a sandbox refuses rt_sigprocmask(2), without which nothing can be run: {reason}");
    Voice::default().say(Level::Error, &line);
    ExitCode::REFUSED
}

/// Whether another user than castoff's prints to castoff's own stdout and stderr.
fn prints_as_another(plan: &Running) -> bool {
    match plan {
        Running::One(plan) => plan.program.credentials.is_some(),
        Running::Tree(plan) => {
            let passing = plan.services.iter().filter(|service| service.log == Form::Pass);
            let services = passing.map(|service| &service.program);
            let mut programs = services.chain(plan.crons.iter().map(|cron| &cron.program));
            programs.any(|program| program.credentials.is_some())
        }
    }
}

/// Stays with what is run, to the end.
pub(super) fn supervise(plan: Running, inherited: &Inherited, voice: Voice) -> ExitCode {
    memory::reserve();
    match plan {
        Running::One(plan) => wait::supervise(plan, inherited, voice),
        Running::Tree(plan) => tree::supervise(plan, inherited, voice),
    }
}

#[inline(never)]
fn exec(plan: &RunPlan, inherited: &Inherited, voice: Voice) -> ExitCode {
    let program = plan.program.program();
    let setting =
        Setting { mask: inherited.mask, ignores_children: inherited.ignores_children, ..Setting::default() };
    let diagnostic = match Prepared::new(&program) {
        Ok(prepared) => {
            if let Some(shortcoming) = prepared.shortcoming() {
                voice.say(Level::Warn, &shortcoming.to_string());
            }
            let failure = prepared.exec(&setting);
            explain(&program, Some(prepared.candidates()), failure)
        }
        Err(failure) => explain(&program, None, failure),
    };
    voice.tell(&diagnostic);
    diagnostic.exit
}

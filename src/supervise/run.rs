//! From a run plan to a running service: exec, or seal and supervise.

use super::voice::{Level, Voice};
use super::{seal, wait};
use crate::exit::ExitCode;
use crate::service::{Manner, RunPlan};
use crate::sys::exec_failure::explain;
use crate::sys::spawn::{Prepared, Program, Setting};
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
pub fn run(plan: Box<RunPlan>, inherited: &Inherited, voice: Voice, sealing: Sealing) -> ExitCode {
    match (plan.manner, sealing) {
        (Manner::Exec, _) => exec(&plan, inherited, voice),
        (Manner::Supervise, Sealing::AsIs) => wait::supervise(plan, inherited, voice),
        (Manner::Supervise, Sealing::Fresh) => {
            let errno = seal::start_afresh(&plan, inherited, voice);
            voice.say(Level::Debug, &format!("not sealed, supervising as I am: {}", errno.desc()));
            wait::supervise(plan, inherited, voice)
        }
    }
}

/// What the plan executes.
pub(super) fn program(plan: &RunPlan) -> Program<'_> {
    Program {
        argv: &plan.argv,
        environment: &plan.environment,
        credentials: plan.credentials.as_ref(),
        working_directory: plan.working_directory.as_deref(),
    }
}

fn exec(plan: &RunPlan, inherited: &Inherited, voice: Voice) -> ExitCode {
    let program = program(plan);
    let setting =
        Setting { mask: inherited.mask, ignores_children: inherited.ignores_children, ..Setting::default() };
    let diagnostic = match Prepared::new(&program) {
        Ok(prepared) => {
            let failure = prepared.exec(&setting);
            explain(&program, Some(prepared.candidates()), failure)
        }
        Err(failure) => explain(&program, None, failure),
    };
    voice.tell(&diagnostic);
    diagnostic.exit
}

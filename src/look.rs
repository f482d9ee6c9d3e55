//! castoff as the process that looks whether a service is there, for the castoff that keeps it.
//! It ends with 0 when it has seen that, and with its keeper.

use libc::pid_t;

use crate::apply::{Commands, Stopped, see};
use crate::console::fail_quietly;
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::log;
use crate::signal::Signal;
use crate::supervise::{self, Looking};
use crate::sys::itself::{follow_parent, name_process};
use crate::sys::start::Inherited;

/// Looks until it has seen, or for as long as it may. `parent` is castoff's parent as its
/// start found it.
#[cold]
#[inline(never)]
pub(crate) fn run(looking: &Looking, inherited: &Inherited, parent: pid_t) -> ExitCode {
    name_process();
    let environment: Vec<_> = std::env::vars_os().collect();
    let level = match looking.voice.level {
        supervise::Level::Error => log::Level::Error,
        supervise::Level::Warn => log::Level::Warn,
        supervise::Level::Info => log::Level::Info,
        supervise::Level::Debug => log::Level::Debug,
        supervise::Level::Trace => log::Level::Trace,
    };
    let format = match looking.voice.format {
        supervise::LineFormat::Text => log::Format::Text,
        supervise::LineFormat::Json => log::Format::Json,
    };
    log::start(level, format);
    // without it the look ends by itself all the same
    let _ = follow_parent(Signal::KILL, parent);
    let commands = Commands { environment: &environment, inherited, secrets: &[] };
    match see(&looking.look, looking.timeout, &commands) {
        Ok(()) => ExitCode::OK,
        Err(Stopped::Failed(problem)) if !looking.tells => problem.exit,
        Err(Stopped::Failed(problem)) => {
            // no spec is there any more whose lines could be shown, and no container ends by it
            fail_quietly(&[Diagnostic { place: None, related: Vec::new(), ..*problem }], format)
        }
        Err(Stopped::Interrupted(signal)) => ExitCode::from_signal(signal),
        Err(Stopped::Raced) => ExitCode::BUG,
    }
}

//! Starts a process that castoff stays with, and explains where it can't be started. What
//! becomes of it is its caller's business.

use std::sync::atomic::{AtomicBool, Ordering};

use libc::pid_t;

use super::super::voice::{Level, Voice};
use crate::exit::ExitCode;
use crate::service::ProgramPlan;
use crate::sys::exec_failure::explain;
use crate::sys::spawn::{Prepared, Setting};

/// Whether it was said what the kernel can't do for a process; once is enough.
static SHORTCOMING_TOLD: AtomicBool = AtomicBool::new(false);

/// Starts `plan` for `who`, which is what people call it.
///
/// # Errors
/// It could not be started; that is said, and the code says why.
pub(super) fn start(
    plan: &ProgramPlan,
    who: &str,
    setting: &Setting,
    voice: Voice,
) -> Result<pid_t, ExitCode> {
    let program = plan.program();
    let prepared = Prepared::new(&program);
    if let Some(shortcoming) = prepared.as_ref().ok().and_then(Prepared::shortcoming)
        && !SHORTCOMING_TOLD.swap(true, Ordering::Relaxed)
    {
        voice.say(Level::Warn, &shortcoming.to_string());
    }
    let found = prepared.as_ref().ok().map(Prepared::candidates);
    match prepared.as_ref().map_err(|failure| *failure).and_then(|prepared| prepared.spawn(setting)) {
        Ok(pid) => {
            voice.say(Level::Debug, &format!("{who} is process {pid}"));
            Ok(pid)
        }
        Err(failure) => {
            let mut diagnostic = explain(&program, found, failure);
            diagnostic.title = format!("{who}: {}", diagnostic.title);
            voice.tell(&diagnostic);
            Err(diagnostic.exit)
        }
    }
}

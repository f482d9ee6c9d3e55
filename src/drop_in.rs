//! castoff under the name of another init: performs what `personality` makes of it. No spec
//! is looked for, and no setting of castoff's own is read.

use std::ffi::OsString;

use crate::console::{print, tell};
use crate::exit::ExitCode;
use crate::personality::{Answer, Asked, Personality, Run};
use crate::supervise::{self, Sealing};
use crate::sys::itself::follow_parent;
use crate::sys::start::Inherited;

/// Runs as `personality`. `parent` is castoff's parent as its start found it.
pub(crate) fn run(
    personality: Personality,
    arguments: Vec<OsString>,
    inherited: &Inherited,
    parent: libc::pid_t,
) -> ExitCode {
    match personality.read(arguments, std::env::vars_os().collect()) {
        Asked::Answer(Answer { text, on_stderr: true, code }) => {
            tell(&text);
            code
        }
        Asked::Answer(Answer { text, code, .. }) => match print(&text) {
            ExitCode::OK => code,
            failed => failed,
        },
        Asked::Run(run) => {
            let Run { plan, voice, parent_death_signal } = *run;
            if let Some(signal) = parent_death_signal
                && let Err(errno) = follow_parent(signal, parent)
            {
                let reason = errno.desc();
                tell(&format!("castoff: warning: {signal} won't come when the parent ends: {reason}"));
            }
            supervise::run(plan, inherited, voice, Sealing::AsIs)
        }
    }
}

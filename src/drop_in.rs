//! castoff under the name of another init: performs what `personality` makes of it. No spec
//! is looked for, and no setting of castoff's own is read.

use std::ffi::OsString;

use crate::console::{print, tell};
use crate::exit::ExitCode;
use crate::personality::{Answer, Asked, PREFIXES, Personality, Run};
use crate::plan::Running;
use crate::run::Outcome;
use crate::supervise::Sealing;
use crate::sys::environment;
use crate::sys::itself::follow_parent;

/// Runs as `personality`. `parent` is castoff's parent as its start found it.
#[inline(never)]
pub(crate) fn run(personality: Personality, arguments: Vec<OsString>, parent: libc::pid_t) -> Outcome {
    let mut settings = Vec::new();
    for prefix in PREFIXES {
        environment::each(prefix, |name, value| settings.push((name.to_owned(), value.to_owned())));
    }
    match personality.read(arguments, &settings) {
        Asked::Answer(Answer { text, on_stderr: true, code }) => {
            tell(&text);
            Outcome::End(code)
        }
        Asked::Answer(Answer { text, code, .. }) => match print(&text) {
            ExitCode::OK => Outcome::End(code),
            failed => Outcome::End(failed),
        },
        Asked::Run(run) => {
            let Run { plan, voice, parent_death_signal } = *run;
            if let Some(signal) = parent_death_signal
                && let Err(errno) = follow_parent(signal, parent)
            {
                let reason = errno.desc();
                tell(&format!("castoff: warning: {signal} won't come when the parent ends: {reason}"));
            }
            Outcome::Run(Running::One(Box::new(plan)), voice, Sealing::AsIs)
        }
    }
}

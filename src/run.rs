//! From the command line to the running service: for now the plain init only.

use std::ffi::OsString;
use std::time::Duration;

use crate::exit::ExitCode;
use crate::service::{Manner, RunPlan, Scope, SignalPolicy};
use crate::supervise::{self, Sealing, Voice};
use crate::sys::start::Inherited;

/// How long what the service left may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the command that follows the program's name, and an optional `--`.
#[must_use]
pub fn main(arguments: Vec<OsString>, inherited: &Inherited) -> ExitCode {
    let mut argv = arguments;
    argv.drain(..argv.len().min(1));
    if argv.first().is_some_and(|first| first == "--") {
        argv.remove(0);
    }
    let plan = RunPlan {
        argv,
        environment: std::env::vars_os().collect(),
        credentials: None,
        working_directory: None,
        manner: Manner::Supervise,
        signals: SignalPolicy { scope: Scope::Main, rewrite: Vec::new(), stop_timeout: None },
        grace: GRACE,
    };
    supervise::run(plan, inherited, Voice::default(), Sealing::AsIs)
}

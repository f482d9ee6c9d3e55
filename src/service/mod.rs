//! Services as plain data and pure machines.

mod machine;
mod run_plan;

pub use machine::{Action, Event, Line, Machine};
pub use run_plan::{Credentials, InitOptions, Manner, RunPlan, Scope, SignalPolicy, Subreaper};

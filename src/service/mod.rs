//! Services as plain data and pure machines.

mod run_plan;

pub use run_plan::{Credentials, Manner, RunPlan, Scope, SignalPolicy};

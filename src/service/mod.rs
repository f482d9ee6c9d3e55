//! Services as plain data and pure machines.

mod actions;
mod backoff;
pub mod changes;
pub mod control;
pub mod cron;
pub mod log;
mod machine;
mod notice;
mod random;
mod rest;
mod run_plan;
pub mod tree;

pub use actions::{Action, Actions, Line};
pub use backoff::{Backoff, BackoffPolicy, Retry};
pub use machine::{Event, Machine};
pub use notice::{Notice, notices};
pub use random::Random;
pub use run_plan::{
    Credentials, DEFAULT_GRACE, Environment, InitOptions, Manner, ProcessAttributes, ProgramPlan, RunPlan,
    Scope, SignalPolicy, Subreaper,
};

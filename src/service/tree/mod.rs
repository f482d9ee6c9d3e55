//! Several services as plain data and one pure machine.

mod check;
mod due;
mod machine;
mod rules;
mod settle;
mod state;
mod status;
mod words;

pub use check::{CheckRule, Verdict};
pub use machine::Tree;
pub use rules::{GiveUp, Id, Readiness, Restart, Rules, StopRule};
pub use status::{Health, ServiceStatus, Stage};
pub use words::{Action, Event, Line, Request};

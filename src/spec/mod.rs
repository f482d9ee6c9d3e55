//! The spec: the file as written. Model, parser, includes; syntax only.

mod cron;
mod document;
mod fields;
mod load;
mod model;
mod outputs;
mod process;
mod service;
mod service_environment;
mod service_log;
mod step;
mod step_model;
mod supervision;
mod variable;
mod volume;
mod volume_model;
mod wait;

pub use cron::{Cron, When};
pub use document::parse;
pub use load::load;
pub use model::{
    Access, Alphabet, Default, Directory, EnvironmentChange, Generate, Image, Kind, Overwrite, Rule, Service,
    Spec, StopScope, Template, Undeclared, UndeclaredAction, Variable, Version,
};
pub use service_log::Log;
pub use step::asks_which_start;
pub use step_model::{Hooks, Occasion, Step, Terms, Watched};
pub use supervision::{Check, GiveUp, Ready, Restart, Sign, Supervision};
pub use volume_model::{Conflicts, Existing, ModeRule, Policy, Volume, WithoutLocks};
pub use wait::{Ask, Awaited, Wait};

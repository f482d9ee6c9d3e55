//! The spec: the file as written. Model, parser, includes; syntax only.

mod document;
mod fields;
mod load;
mod model;
mod outputs;
mod service;
mod step;
mod step_model;
mod variable;
mod volume;
mod volume_model;
mod wait;

pub use document::parse;
pub use load::load;
pub use model::{
    Access, Alphabet, Default, Directory, Generate, Image, Kind, Overwrite, Rule, Service, Spec, StopScope,
    Template, Undeclared, UndeclaredAction, Variable, Version,
};
pub use step::asks_which_start;
pub use step_model::{Hooks, Occasion, Step, Terms, Watched};
pub use volume_model::{Conflicts, Existing, ModeRule, Policy, Volume, WithoutLocks};
pub use wait::{Ask, Awaited, Wait};

//! What a start will do: steps, each with its reason, and what will be run.

mod build;
mod diff;
mod run;
mod show;
mod step;

pub use build::{NewSecrets, Wishes, build, check_owners};
pub use run::{RunWish, check_service, run_plan};
pub use show::show;
pub use step::{Hidden, Kept, KeptReason, Plan, Planned, Secrets, Step, Validation, Why};

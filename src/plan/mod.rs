//! What a start will do: steps, each with its reason, and what will be run.

mod build;
mod diff;
mod run;
mod show;
mod show_tasks;
mod step;
mod task;
mod tasks;
mod turn;
mod volume;
mod wait;

pub use build::{NewSecrets, Wishes, build, check_owners};
pub use run::{DEFAULT_GRACE, RunWish, check_service, run_plan};
pub use show::{show, shown_owner};
pub use step::{Hidden, Kept, KeptReason, Plan, Planned, Secrets, Spared, Step, Validation, Why};
pub use task::{News, Runner, Task, Tasks, What, Work};
pub use tasks::{TaskWishes, check_tasks, plan_tasks};
pub use turn::{Decision, Turn, TurnOf};
pub use volume::{Filling, VolumeLock, VolumeWish};
pub use wait::{Endpoint, Target, Wait, check_waits, waits};

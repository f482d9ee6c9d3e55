//! What a start will do: steps, each with its reason, and what will be run.

mod build;
mod cron;
mod diff;
mod program;
mod run;
mod show;
mod show_attributes;
mod show_tasks;
mod show_tree;
mod step;
mod task;
mod tasks;
mod tree;
mod turn;
mod volume;
mod wait;

pub use build::{NewSecrets, Wishes, build, check_owners};
pub use cron::{CronPlan, FindZone, check_cron};
pub use program::check_service;
pub use run::{RunWish, Running, run_plan};
pub use show::{show, shown_owner};
pub use step::{Hidden, Kept, KeptReason, Plan, Planned, Secrets, Spared, Step, Validation, Why};
pub use task::{News, Runner, Task, Tasks, What, Work};
pub use tasks::{TaskWishes, check_tasks, plan_tasks};
pub use tree::{CheckPlan, ControlWish, Look, ServicePlan, Sign, TreePlan, TreeWish, is_tree, tree_plan};
pub use turn::{Decision, Turn, TurnOf};
pub use volume::{Filling, VolumeLock, VolumeWish};
pub use wait::{Endpoint, Target, Wait, check_waits, waits};

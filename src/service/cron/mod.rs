//! The runs of a cron entry.

mod machine;
mod words;

pub use machine::{CORRECTION, Cron, MOST_RUNS, ON_TIME};
pub use words::{Action, CronPolicy, Event, LastRun, Line, Now, Report, RunId, Status};

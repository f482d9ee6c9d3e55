//! Several services and cron entries: the loop that keeps them, and what it keeps them by.

mod again;
mod answer;
mod check;
mod control;
mod crons;
mod follow;
mod keep;
mod kills;
mod logs;
mod look;
mod output;
mod ready;
mod sources;
mod start;
mod stream;

pub use again::{Again, again_entry};
pub(super) use keep::supervise;
pub use look::{Looking, looking_entry};

//! What castoff tells when a mode ends: diagnostics as text or JSON, and a mode's answer.

mod cron_status;
mod diagnostics;
mod notices;
mod rendering;
mod status;

pub use diagnostics::{as_json, as_text};
pub use notices::{as_errors, notices};
pub use rendering::shown_files;
pub use status::{metrics, status_table};

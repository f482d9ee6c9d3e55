//! Asks the castoff that runs: `--status`, `--start`, `--stop`, `--restart`, `--reload`,
//! `--healthcheck`.

mod exchange;
mod verbs;
mod wish;

pub(crate) use verbs::{Manner, run};
pub(crate) use wish::USUAL_TIMEOUT;
pub use wish::{StatusFormat, Wish};

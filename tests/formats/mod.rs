//! Each format is read back by the program that reads it in real life.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first thing that is not as it must be, and says why it was skipped"
)]

mod dotenv;
mod json;
mod msmtp;
mod nginx;
mod php;
mod php_fpm;
mod php_ini;
pub(crate) mod program;
pub(crate) mod readback;
mod shell;
mod smtp_server;
mod ssmtp;
mod templates;
pub(crate) mod values;

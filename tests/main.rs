//! All tests that go through the binary, in one program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first thing that is not as it must be, and says why it was skipped"
)]

mod formats;
mod harness;
mod house;
mod modes;
mod mutations;
mod process;
mod services;
mod structure;

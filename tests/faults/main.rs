//! What castoff does when it is killed, refused or told to stop, at every place where that
//! can happen while it fills a volume.
//!
//! `cargo test` runs a short version of it. `make faults` (`--full`) leaves nothing out and
//! writes its counts to docs/faults.md; each row is counted by a process of its own, several
//! at once. CASTOFF_BINARY names another binary to be tested, CASTOFF_FAULTS_JOBS how many
//! rows are counted at once.

#![allow(unsafe_code, reason = "ptrace(2)")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at what it didn't expect, and prints its counts"
)]

#[cfg(target_arch = "x86_64")]
mod sweeps;

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    sweeps::main()
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("skipped: what a call returns is changed in the registers of x86-64");
}

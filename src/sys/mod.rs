//! The only home of `unsafe`, libc and raw descriptors.

mod child;
pub mod environment;
pub mod exec_failure;
pub mod itself;
pub mod lookup;
pub mod memfd;
pub mod poll;
pub mod processes;
pub mod program_file;
pub mod reap;
pub mod send;
pub mod signals;
pub mod spawn;
pub mod start;
pub mod stdio;
pub mod terminal;

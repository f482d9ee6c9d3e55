//! The only home of `unsafe`, libc and raw descriptors: thin rooms around system calls.

pub mod accounts;
pub mod atomic_write;
pub mod attributes;
pub mod clock;
pub mod command;
pub mod connection;
pub mod directory;
pub mod environment;
pub mod exec_failure;
pub mod file_error;
pub mod files;
pub mod itself;
pub mod lock;
pub mod lookup;
pub mod machine;
pub mod memfd;
pub mod memory;
pub mod path_walk;
pub mod pause;
pub mod place;
pub mod poll;
pub mod private_directory;
pub mod processes;
pub mod program_file;
pub mod randomness;
pub mod reap;
pub mod resolver;
pub mod retry;
pub mod send;
pub mod signals;
pub mod spawn;
pub mod start;
pub mod status;
pub mod stdio;
pub mod terminal;
pub mod tree;
pub mod visible_command;

mod c_strings;
mod child;
mod ofd_lock;
mod pid_entry;
mod statx;

#[cfg(test)]
pub(crate) mod fixture;

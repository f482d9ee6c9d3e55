//! The only home of `unsafe`, libc and raw descriptors: thin rooms around system calls.

pub mod accounts;
pub mod atomic_write;
pub mod attributes;
pub mod clock;
pub mod command;
pub mod connection;
pub mod control_socket;
pub mod directory;
pub mod environment;
pub mod exec_failure;
pub mod file_error;
pub mod file_version;
pub mod files;
pub mod inotify;
pub mod itself;
pub mod landlock;
pub mod lock;
pub mod log_file;
pub mod log_pipe;
pub mod lookup;
pub mod machine;
pub mod memfd;
pub mod memory;
pub mod notify_socket;
pub mod outlet;
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
pub mod signal_source;
pub mod signals;
pub mod spawn;
pub mod start;
pub mod start_failure;
pub mod status;
pub mod stdio;
pub mod terminal;
pub mod tree;
pub mod visible_command;
pub mod wall_alarm;

mod attribute_failure;
mod c_strings;
mod changes;
mod child;
mod child_attributes;
mod free_lists;
#[cfg(any(test, all(target_env = "musl", not(debug_assertions))))]
mod memory_functions;
mod ofd_lock;
mod pid_entry;
mod privileges;
mod statx;
mod threads;

#[cfg(test)]
pub(crate) mod fixture;

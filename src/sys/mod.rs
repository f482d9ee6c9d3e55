//! The only home of `unsafe`, libc and raw descriptors: thin rooms around system calls.

pub mod accounts;
pub mod atomic_write;
pub mod attributes;
pub mod directory;
pub mod file_error;
pub mod files;
pub mod lock;
pub mod machine;
pub mod path_walk;
pub mod private_directory;
pub mod randomness;
pub mod status;

mod ofd_lock;
mod retry;

#[cfg(test)]
pub(crate) mod fixture;

//! The only home of `unsafe`, libc and raw descriptors: thin rooms around system calls.

pub mod file_error;
pub mod path_walk;
pub mod status;

mod retry;

#[cfg(test)]
pub(crate) mod fixture;

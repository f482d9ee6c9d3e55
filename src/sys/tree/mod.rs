//! File trees: found, copied, compared, given away, removed – over held descriptors, below
//! a root that nothing leads out of, and without entering what is mounted inside.

mod build;
mod content;
mod copy;
mod copy_one;
mod crew;
mod entry;
mod error;
mod finish;
mod links;
pub(super) mod listing;
mod own;
mod progress;
mod remove;
mod root;
mod stat;
mod survey;
mod xattrs;

pub use build::{Building, Incoming};
pub use content::{Hash, hash_file, read_file, same_bytes};
pub use copy::{Copied, copy_tree};
pub use entry::{Content, Entry, Want};
pub use error::TreeError;
pub use own::{Left, Owned, Spare, own_tree};
pub use progress::{Progress, Stop};
pub use remove::remove_tree;
pub use root::Tree;
pub use survey::survey;

#[cfg(test)]
mod fixture;

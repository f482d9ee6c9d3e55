//! How the process tests start castoff, watch it and clean up after it.

mod directory;
mod launch;
mod probe;
mod pty;
mod running;

pub(crate) use directory::Directory;
pub(crate) use launch::{Launch, Place, each_place, namespaces_work, refusing, skipped, tampered};
pub(crate) use pty::Pty;
pub(crate) use running::{Exit, Running, send};

//! How the process tests start castoff, watch it and clean up after it.

mod cgroup;
mod directory;
mod docker;
mod entrance;
mod launch;
mod probe;
mod pty;
mod running;
mod setting;
mod traced;

pub(crate) use cgroup::{Cgroup, HOG};
pub(crate) use directory::Directory;
pub(crate) use docker::interactive;
pub(crate) use launch::{
    Launch, Place, each_place, each_place_to_mount_in, landlock_works, namespaces_work, refusing, skipped,
};
pub(crate) use pty::Pty;
pub(crate) use running::{Exit, Running, send};
pub(crate) use setting::{Setting, each_setting};
pub(crate) use traced::{calls, traced};

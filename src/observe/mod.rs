//! Read-only facts: what the container is and what stands where files will go.

pub mod cgroup;
pub mod container;
pub mod state;
pub mod target;

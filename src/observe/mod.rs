//! Read-only facts: what the container is and what stands where files will go.

pub mod cgroup;
pub mod container;
pub mod hooks;
pub mod oom;
pub mod scopes;
pub mod seed;
pub mod state;
pub mod target;
pub mod volume;
pub mod zone;

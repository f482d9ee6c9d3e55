//! What expressions may know besides variables: `container.*` and `image.*`, as plain data.

/// Facts that observing gathers before variables are resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `container.memory`: bytes that the container may use: its cgroup's limit, or the
    /// machine's memory where there is none.
    pub memory: u64,
    /// `container.cpus`: processors that it may use, rounded up, at least 1.
    pub cpus: u32,
    /// `container.hostname`.
    pub hostname: String,
    /// `image.name`.
    pub image_name: Option<String>,
    /// `image.version`.
    pub image_version: Option<String>,
}

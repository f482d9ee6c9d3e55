//! What expressions may know besides variables: `container.*`, `image.*`, `volume.*` and
//! `volumes`, as plain data.

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
    /// `container.first_start`, `container.upgraded_from`.
    pub container: StartFacts,
    /// `volumes`: path and facts of each, in the order of the spec; the first is `volume`.
    pub volumes: Vec<(String, StartFacts)>,
}

/// Which start this is for the container, or for a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartFacts {
    /// No preparation was ever completed.
    pub first_start: bool,
    /// The version of the image for which one was completed last, where it is another one than
    /// now; empty if that image had no version.
    pub upgraded_from: Option<String>,
}

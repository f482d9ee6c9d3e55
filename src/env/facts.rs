//! What expressions may know besides variables: `container.*`, `image.*`, `volume.*` and
//! `volumes`, as plain data. What takes long to find out is found out when it is asked for.

use std::sync::{Arc, LazyLock};

/// Facts that observing gathers before variables are resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `container.memory` and `container.cpus`.
    pub limits: Limits,
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

/// How much the container may use. Found out once, by who asks first: it takes the reading of
/// many of the kernel's files, and most specs don't ask.
#[derive(Clone)]
pub struct Limits(Arc<LazyLock<Found, Find>>);

type Find = Box<dyn FnOnce() -> Found + Send>;

#[derive(Clone, Copy)]
struct Found {
    memory: u64,
    cpus: u32,
}

impl Limits {
    /// What `find` says: memory in bytes, and processors.
    #[must_use]
    pub fn found_by(find: impl FnOnce() -> (u64, u32) + Send + 'static) -> Self {
        let find = move || {
            let (memory, cpus) = find();
            Found { memory, cpus }
        };
        Self(Arc::new(LazyLock::new(Box::new(find))))
    }

    /// Bytes that the container may use: its cgroup's limit, or the machine's memory where
    /// there is none.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.0.memory
    }

    /// Processors that it may use, rounded up, at least 1.
    #[must_use]
    pub fn cpus(&self) -> u32 {
        self.0.cpus
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::found_by(|| (0, 0))
    }
}

impl PartialEq for Limits {
    fn eq(&self, other: &Self) -> bool {
        (self.memory(), self.cpus()) == (other.memory(), other.cpus())
    }
}

impl Eq for Limits {}

/// Asks for nothing.
impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limits")
    }
}

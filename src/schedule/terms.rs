//! What becomes of a due time that can't be taken up as it comes.

/// `overlap = "..."`: it is due while a run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It is passed over.
    Skip,
    /// Another run is started.
    Allow,
}

/// `missed = "..."`: it was due while nobody could look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It is passed over.
    Skip,
    /// However often, there is one run as soon as possible.
    RunOnce,
}

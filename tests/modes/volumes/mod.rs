//! `[[volume]]` through the binary: first starts, restarts, upgrades, and what others do to
//! a volume meanwhile.

mod archive_policies;
mod archives;
mod bad_archives;
mod concurrency;
mod cut_short;
mod filling;
mod planted;
mod policies;
mod site;
mod space;
mod upgrades;

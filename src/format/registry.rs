//! The list of formats: a format is one file and one line here.

use super::literal::Literal;
use super::skeleton::{Filling, Skeleton};

/// A config format: how it is named, recognised, and filled.
#[derive(Debug)]
pub struct Format {
    /// What a spec calls it.
    pub name: &'static str,
    /// Destinations that are surely of this format: a file name, `*.ext`, or the end of
    /// a path (`php/*/fpm/pool.d/*.conf`). `*` matches within one component. The entry
    /// with the most literal characters wins over all formats.
    pub destinations: &'static [&'static str],
    /// Fills the holes of a skeleton with the values, in order: one answer each.
    pub fill: fn(&Skeleton, &[Literal]) -> Vec<Filling>,
}

/// All formats, by name.
pub static FORMATS: &[&Format] = &[
    &super::dotenv::DOTENV,
    &super::json::JSON,
    &super::msmtp::MSMTP,
    &super::plain::PLAIN,
    &super::shell::SHELL,
    &super::ssmtp::SSMTP,
];

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
pub static FORMATS: &[&Format] = &[];

/// The format that a spec calls `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

/// The format that a destination surely has; `None` where only a person can say
/// (`site.conf` may be of nginx, php-fpm, or anything).
#[must_use]
pub fn infer(dest: &str) -> Option<&'static Format> {
    let mut best: Option<(usize, &'static Format)> = None;
    for &format in FORMATS {
        for pattern in format.destinations.iter().filter(|pattern| ends_with(dest, pattern)) {
            let literal = pattern.chars().filter(|&c| c != '*').count();
            if best.is_none_or(|(most, _)| literal > most) {
                best = Some((literal, format));
            }
        }
    }
    best.map(|(_, format)| format)
}

/// Whether the last components of `path` match those of `pattern`.
fn ends_with(path: &str, pattern: &str) -> bool {
    let mut components = path.rsplit('/');
    pattern.rsplit('/').all(|part| components.next().is_some_and(|component| glob(part, component)))
}

/// `*` stands for any characters of one component.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            starts.any(|at| rest.get(at..).is_some_and(|rest| glob(tail, rest)))
        }),
    }
}

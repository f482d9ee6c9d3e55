//! The resources that a process may have only so much of, by the names that setrlimit(2)
//! has for them, and a limit of one.

use std::fmt;

use crate::size;

/// No limit (`RLIM_INFINITY`).
pub const UNLIMITED: u64 = u64::MAX;

/// What a resource is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds, microseconds, or pieces: a plain number.
    Count,
}

/// By number, as x86, Arm and RISC-V count them (asm-generic/resource.h).
const RESOURCES: [(&str, Unit); 16] = [
    ("cpu", Unit::Count),
    ("fsize", Unit::Bytes),
    ("data", Unit::Bytes),
    ("stack", Unit::Bytes),
    ("core", Unit::Bytes),
    ("rss", Unit::Bytes),
    ("nproc", Unit::Count),
    ("nofile", Unit::Count),
    ("memlock", Unit::Bytes),
    ("as", Unit::Bytes),
    ("locks", Unit::Count),
    ("sigpending", Unit::Count),
    ("msgqueue", Unit::Bytes),
    ("nice", Unit::Count),
    ("rtprio", Unit::Count),
    ("rttime", Unit::Count),
];

/// The names, in small letters and without `RLIMIT_`.
pub fn names() -> impl Iterator<Item = &'static str> {
    RESOURCES.into_iter().map(|(name, _)| name)
}

/// One resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resource(u8);

impl Resource {
    /// By its number; `None` for one that there is not.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        RESOURCES.get(usize::from(number)).map(|_| Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// By its name: `nofile`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        names().zip(0..).find(|(known, _)| *known == name).map(|(_, number)| Self(number))
    }

    /// What it is counted in.
    #[must_use]
    pub fn unit(self) -> Unit {
        RESOURCES.get(usize::from(self.0)).map_or(Unit::Count, |(_, unit)| *unit)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(RESOURCES.get(usize::from(self.0)).map_or("?", |(name, _)| name))
    }
}

/// How much a process may have of a resource, in its unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// What holds for it; it may raise this itself up to the hard limit.
    pub soft: u64,
    /// What it can't go beyond.
    pub hard: u64,
}

impl Limit {
    fn amount(self, amount: u64) -> String {
        match (amount, i64::try_from(amount)) {
            (UNLIMITED, _) => "unlimited".to_owned(),
            (_, Ok(bytes)) if self.resource.unit() == Unit::Bytes => size::format(bytes),
            _ => amount.to_string(),
        }
    }
}

/// `nofile 1024:4096`, `as 512M`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.resource, self.amount(self.soft))?;
        if self.hard == self.soft { Ok(()) } else { write!(f, ":{}", self.amount(self.hard)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Resource, UNLIMITED, names};

    #[test]
    fn names_and_numbers() {
        for (number, name) in (0_u8..).zip(names()) {
            let resource = Resource::named(name).unwrap();
            assert_eq!((resource.number(), resource.to_string().as_str()), (number, name));
            assert_eq!(Resource::new(number), Some(resource));
        }
        let numbers = [
            ("cpu", libc::RLIMIT_CPU),
            ("nproc", libc::RLIMIT_NPROC),
            ("as", libc::RLIMIT_AS),
            ("rttime", libc::RLIMIT_RTTIME),
        ];
        for (name, number) in numbers {
            assert_eq!(i64::from(Resource::named(name).unwrap().number()), i64::from(number), "{name}");
        }
        assert_eq!((Resource::new(16), Resource::named("NOFILE")), (None, None));
    }

    #[test]
    fn shown() {
        for (name, soft, hard, text) in [
            ("nofile", 1024, 4096, "nofile 1024:4096"),
            ("as", 512 << 20, 512 << 20, "as 512M"),
            ("core", 0, UNLIMITED, "core 0:unlimited"),
            ("nproc", UNLIMITED, UNLIMITED, "nproc unlimited"),
        ] {
            let resource = Resource::named(name).unwrap();
            assert_eq!(Limit { resource, soft, hard }.to_string(), text);
        }
    }
}

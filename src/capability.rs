//! The kernel's capabilities: the parts that root's power has been cut into, by number and
//! name (capabilities(7)).

use std::fmt;

/// All that Linux knew in version 6.18, by number.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The names, without `CAP_`.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// One capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability(u8);

impl Capability {
    /// By its number; `None` from 64 on, where no set of the kernel has room.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 64 { Some(Self(number)) } else { None }
    }

    /// The number, 0 to 63.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Reads `NET_BIND_SERVICE`, `CAP_NET_BIND_SERVICE`, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        NAMES.iter().zip(0..).find(|(known, _)| **known == name).map(|(_, number)| Self(number))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "capability {}", self.0),
        }
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// By its bits: bit n is capability n.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Bit n is capability n.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set and one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability.0)
    }

    /// Whether it holds one.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 >> capability.0 & 1 == 1
    }

    /// What both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What it has and the other has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, by number.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        (0..64).map(Capability).filter(move |capability| self.contains(*capability))
    }
}

/// `CHOWN, KILL`, or `none`.
impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (capability, position) in self.iter().zip(0..) {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{capability}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Capability, CapabilitySet, names};

    #[test]
    fn names_and_numbers() {
        // linux/capability.h
        for (text, number) in [
            ("CHOWN", Some(0)),
            ("CAP_NET_BIND_SERVICE", Some(10)),
            ("cap_sys_admin", Some(21)),
            ("Setfcap", Some(31)),
            ("CHECKPOINT_RESTORE", Some(40)),
            ("", None),
            ("CAP_", None),
            ("CAP_CAP_CHOWN", None),
            ("10", None),
            ("NET_BIND", None),
        ] {
            assert_eq!(Capability::parse(text).map(Capability::number), number, "{text}");
        }
        for name in names() {
            assert_eq!(Capability::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn sets() {
        let [chown, kill, last] = [0, 5, 63].map(|number| Capability::new(number).unwrap());
        let set = CapabilitySet::EMPTY.with(kill).with(chown).with(last);
        assert_eq!(set.to_string(), "CHOWN, KILL, capability 63");
        assert_eq!(CapabilitySet::EMPTY.to_string(), "none");
        assert_eq!(set.without(CapabilitySet::EMPTY.with(kill)).iter().collect::<Vec<_>>(), [chown, last]);
        assert_eq!(set.and(CapabilitySet::EMPTY.with(kill)).bits(), 1 << 5);
        assert_eq!(Capability::new(64), None);
    }
}

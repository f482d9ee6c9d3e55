//! A signal as a plain number with a name. Real-time signals included, which is why
//! nix's enum is not used: it has no value for them (signal(7)).

use std::fmt;

/// A signal number, 1 to 64 on Linux.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Signal(i32);

/// The highest signal number of the kernel (`_NSIG`, signal(7)).
pub const HIGHEST: i32 = 64;

/// The kernel's first and last real-time signals that programs may use; libc keeps 32
/// and 33 (and musl 34) for threads, so names count from 34 as `kill -l` does.
const FIRST_REAL_TIME: i32 = 34;

const NAMES: [(&str, i32); 36] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("IOT", 6),
    ("CLD", 17),
    ("POLL", 29),
    ("RTMIN", FIRST_REAL_TIME),
    ("RTMAX", HIGHEST),
];

impl Signal {
    /// SIGHUP.
    pub const HUP: Self = Self(1);
    /// SIGINT.
    pub const INT: Self = Self(2);
    /// SIGQUIT.
    pub const QUIT: Self = Self(3);
    /// SIGKILL, which nobody can catch.
    pub const KILL: Self = Self(9);
    /// SIGABRT.
    pub const ABRT: Self = Self(6);
    /// SIGUSR1.
    pub const USR1: Self = Self(10);
    /// SIGPIPE.
    pub const PIPE: Self = Self(13);
    /// SIGTERM, what `docker stop` sends.
    pub const TERM: Self = Self(15);
    /// SIGCHLD.
    pub const CHLD: Self = Self(17);
    /// SIGCONT.
    pub const CONT: Self = Self(18);
    /// SIGSTOP, which nobody can catch.
    pub const STOP: Self = Self(19);
    /// SIGTSTP, Ctrl-Z.
    pub const TSTP: Self = Self(20);
    /// SIGTTIN: read from a terminal in the background.
    pub const TTIN: Self = Self(21);
    /// SIGTTOU: write to a terminal in the background.
    pub const TTOU: Self = Self(22);
    /// SIGWINCH.
    pub const WINCH: Self = Self(28);

    /// A signal by its number; `None` outside 1 to 64.
    #[must_use]
    pub const fn new(number: i32) -> Option<Self> {
        if number >= 1 && number <= HIGHEST { Some(Self(number)) } else { None }
    }

    /// The number, 1 to 64.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// All signals of the kernel, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=HIGHEST).map(Self)
    }

    /// Whether a process can catch, block or ignore it (signal(7)).
    #[must_use]
    pub fn is_catchable(self) -> bool {
        self != Self::KILL && self != Self::STOP
    }

    /// Reads `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3` or `RTMAX-2`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Self::new(number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some(Self(*number));
        }
        let offset = |digits: &str| digits.parse::<u8>().ok().map(i32::from);
        let number = if let Some(digits) = name.strip_prefix("RTMIN+") {
            FIRST_REAL_TIME + offset(digits)?
        } else {
            HIGHEST - offset(name.strip_prefix("RTMAX-")?)?
        };
        (FIRST_REAL_TIME..=HIGHEST).contains(&number).then_some(Self(number))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None if self.0 > FIRST_REAL_TIME => write!(f, "SIGRTMIN+{}", self.0 - FIRST_REAL_TIME),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn every_name_reads_back() {
        for signal in Signal::all().filter(|signal| !matches!(signal.number(), 32 | 33)) {
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal), "{signal}");
        }
    }

    #[test]
    fn accepted_spellings() {
        for (text, number) in [
            ("TERM", 15),
            ("SIGTERM", 15),
            ("sigterm", 15),
            ("15", 15),
            ("RTMIN+3", 37),
            ("RTMAX-2", 62),
            ("SIGRTMIN", 34),
        ] {
            assert_eq!(Signal::parse(text).map(Signal::number), Some(number), "{text}");
        }
    }

    #[test]
    fn refused_spellings() {
        for text in ["", "0", "65", "-1", "TERMS", "RTMIN+31", "RTMAX-31", "SIG", "SIGSIGTERM", "RTMIN+"] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }
}

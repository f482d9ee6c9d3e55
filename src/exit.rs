//! Exit codes: the one place where a number of castoff's own is given a meaning.
//!
//! Numbers 64 to 78 are those of sysexits.h; 126, 127 and 128+n are the shell's.
//! A service's own status passes through unchanged and needs no name here.

use crate::signal::Signal;

/// What castoff ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct ExitCode(pub u8);

impl ExitCode {
    /// All went well.
    pub const OK: Self = Self(0);
    /// A service that is essential is not ready, or fails its checks: what Docker's HEALTHCHECK
    /// takes for unhealthy.
    pub const UNHEALTHY: Self = Self(1);
    /// The command line is wrong (EX_USAGE).
    pub const USAGE: Self = Self(64);
    /// The spec or a template of it is wrong: the image's author has to act (EX_DATAERR).
    pub const SPEC: Self = Self(65);
    /// A file that was named does not exist or can't be read (EX_NOINPUT).
    pub const INPUT: Self = Self(66);
    /// A step or a hook of the preparation failed, or castoff can't be asked or can't do what
    /// it was asked for (EX_UNAVAILABLE).
    pub const STEP: Self = Self(69);
    /// A bug of castoff's own (EX_SOFTWARE).
    pub const BUG: Self = Self(70);
    /// The system refuses what castoff can't work without (EX_OSERR).
    pub const REFUSED: Self = Self(71);
    /// A destination can't be written (EX_CANTCREAT).
    pub const CANT_CREATE: Self = Self(73);
    /// The system failed while reading or writing (EX_IOERR).
    pub const IO: Self = Self(74);
    /// Something waited for did not come in time (EX_TEMPFAIL).
    pub const TIMEOUT: Self = Self(75);
    /// castoff lacks a right that the spec needs (EX_NOPERM).
    pub const PERMISSION: Self = Self(77);
    /// The environment given to the container is wrong: who runs the image has to act (EX_CONFIG).
    pub const ENVIRONMENT: Self = Self(78);
    /// The command was found and can't be executed, as POSIX shells say it.
    pub const NOT_EXECUTABLE: Self = Self(126);
    /// The command was not found, as POSIX shells say it.
    pub const NOT_FOUND: Self = Self(127);

    /// 128 + n, as a shell reports a process that signal n ended.
    #[must_use]
    pub fn from_signal(signal: Signal) -> Self {
        Self(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX))
    }
}

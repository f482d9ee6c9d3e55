//! At which step a process failed to become a program, and how that travels to its parent.

use std::mem::size_of;

use nix::errno::Errno;

/// At which step a process failed to become the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Stage {
    /// An argument or a variable has a NUL byte in it, which execve(2) can't carry.
    Arguments,
    /// The PATH lookup: there is no candidate.
    Lookup,
    /// The paths that it shall not write beneath; the item is one of them.
    ReadOnlyPaths,
    /// What protects them (landlock(7)).
    Landlock,
    /// No process could be made.
    Clone,
    /// The standard descriptors.
    Stdio,
    /// setpriority(2).
    Nice,
    /// Its `oom_score_adj`.
    OomScore,
    /// prlimit(2); the item is one of its limits.
    Limit,
    /// The bounding set of capabilities; the item is the number of the one that stays.
    Bounding,
    /// setgroups(2).
    Groups,
    /// setresgid(2).
    Gid,
    /// setresuid(2).
    Uid,
    /// The ambient set of capabilities; the item is the number of the first that can't be had.
    Ambient,
    /// chdir(2).
    WorkingDirectory,
    /// `no_new_privs`.
    NoNewPrivs,
    /// rt_sigprocmask(2).
    Mask,
    /// execve(2); the item is one of the candidates.
    Exec,
}

const STAGES: [Stage; 18] = [
    Stage::Arguments,
    Stage::Lookup,
    Stage::ReadOnlyPaths,
    Stage::Landlock,
    Stage::Clone,
    Stage::Stdio,
    Stage::Nice,
    Stage::OomScore,
    Stage::Limit,
    Stage::Bounding,
    Stage::Groups,
    Stage::Gid,
    Stage::Uid,
    Stage::Ambient,
    Stage::WorkingDirectory,
    Stage::NoNewPrivs,
    Stage::Mask,
    Stage::Exec,
];

/// Why a process did not become the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// At which step.
    pub stage: Stage,
    /// The kernel's reason.
    pub errno: Errno,
    /// What of the stage's several the reason is about, from 0; 0 where it has one only.
    pub item: usize,
}

impl Failure {
    pub(super) fn new(stage: Stage, errno: Errno) -> Self {
        Self { stage, errno, item: 0 }
    }

    /// As a child without shared memory writes it.
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let numbers = [self.stage as i32, self.errno as i32, i32::try_from(self.item).unwrap_or(0)];
        for (slot, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            slot.copy_from_slice(&number.to_ne_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; 12]) -> Self {
        let mut numbers = bytes.chunks_exact(4).map(|four| four.try_into().map_or(0, i32::from_ne_bytes));
        let mut number = || numbers.next().unwrap_or(0);
        let stage = number();
        Self {
            stage: STAGES.into_iter().find(|known| *known as i32 == stage).unwrap_or(Stage::Clone),
            errno: Errno::from_raw(number()),
            item: usize::try_from(number()).unwrap_or(0),
        }
    }
}

const _: () = assert!(size_of::<Errno>() == 4, "an errno travels as 4 bytes");

#[cfg(test)]
mod tests {
    use super::{Failure, STAGES};
    use nix::errno::Errno;

    #[test]
    fn a_failure_survives_the_pipe() {
        for stage in STAGES {
            for (errno, item) in [(Errno::ENOENT, 0), (Errno::EACCES, 7)] {
                let failure = Failure { stage, errno, item };
                assert_eq!(Failure::from_bytes(failure.to_bytes()), failure);
            }
        }
    }
}

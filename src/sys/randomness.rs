//! Random bytes and text from the kernel. No generator of its own, no seed, no state.
#![allow(unsafe_code, reason = "getrandom(2) has no safe wrapper in nix")]

use std::fmt;

use nix::errno::Errno;

use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;

/// Why there is no random text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomnessError {
    /// getrandom(2) failed.
    System(Errno),
    /// The alphabet has fewer than 2 or more than 256 characters.
    Alphabet,
}

impl fmt::Display for RandomnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(errno) => write!(f, "no random bytes from the kernel: {}", errno.desc()),
            Self::Alphabet => f.write_str("an alphabet has 2 to 256 characters"),
        }
    }
}

impl std::error::Error for RandomnessError {}

impl From<&RandomnessError> for Diagnostic {
    fn from(error: &RandomnessError) -> Self {
        let exit = match error {
            RandomnessError::System(_) => ExitCode::IO,
            RandomnessError::Alphabet => ExitCode::SPEC,
        };
        Self::error(exit, error.to_string())
    }
}

/// Fills `buffer` with bytes fit for keys. Waits while the kernel's generator is not ready
/// yet, which is over long before a container starts.
///
/// # Errors
/// What getrandom(2) fails with.
pub fn fill(buffer: &mut [u8]) -> Result<(), RandomnessError> {
    let mut rest = buffer;
    while !rest.is_empty() {
        // SAFETY: the pointer and the length are those of one slice that we may write.
        let count = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        let filled = match Errno::result(count) {
            Ok(count) => usize::try_from(count).unwrap_or(0),
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(RandomnessError::System(errno)),
        };
        rest = rest.get_mut(filled..).unwrap_or_default();
    }
    Ok(())
}

/// A number that nobody can guess; where there is no randomness, the clock's.
#[must_use]
pub fn random_number() -> u64 {
    let mut bytes = [0; 8];
    match fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => u64::try_from(super::clock::monotonic().as_nanos()).unwrap_or(0),
    }
}

/// `length` characters, each of `alphabet` with the same chance.
///
/// # Errors
/// See [`RandomnessError`].
pub fn random_text(length: usize, alphabet: &str) -> Result<String, RandomnessError> {
    let characters: Vec<char> = alphabet.chars().collect();
    if !(2..=256).contains(&characters.len()) {
        return Err(RandomnessError::Alphabet);
    }
    let mut text = String::with_capacity(length);
    let mut missing = length;
    let mut buffer = [0; 256];
    while missing > 0 {
        fill(&mut buffer)?;
        for character in buffer.iter().filter_map(|byte| pick(*byte, &characters)).take(missing) {
            text.push(character);
            missing -= 1;
        }
    }
    Ok(text)
}

/// The character that a random byte stands for. `None` for the bytes above the largest
/// multiple of the alphabet's size: they would make its first characters likelier.
fn pick(byte: u8, characters: &[char]) -> Option<char> {
    let size = characters.len();
    let fair = 256_usize.checked_div(size)? * size;
    let index = usize::from(byte);
    (index < fair).then(|| index % size).and_then(|index| characters.get(index).copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Diagnostic, ExitCode, RandomnessError, fill, pick, random_text};

    #[test]
    fn fills_all_of_it_and_differs() {
        let (mut one, mut two) = ([0; 4096], [0; 4096]);
        fill(&mut one).unwrap();
        fill(&mut two).unwrap();
        assert_ne!(one, two);
        assert!(one.chunks(64).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
        fill(&mut []).unwrap();
    }

    #[test]
    fn refused_alphabets() {
        let long: String = (0..257).filter_map(|n| char::from_u32(0x100 + n)).collect();
        for alphabet in ["", "a", &long] {
            let error = random_text(8, alphabet).unwrap_err();
            assert_eq!(error, RandomnessError::Alphabet);
            assert_eq!(Diagnostic::from(&error).exit, ExitCode::SPEC);
        }
    }

    proptest! {
        #[test]
        fn every_character_stands_for_equally_many_bytes(size in 2_usize..=256) {
            let characters: Vec<char> = (0_u32..).filter_map(|n| char::from_u32(0x4e00 + n)).take(size).collect();
            let mut counts = BTreeMap::new();
            for character in (0..=255).filter_map(|byte| pick(byte, &characters)) {
                *counts.entry(character).or_insert(0) += 1;
            }
            prop_assert_eq!(counts.len(), size);
            prop_assert!(counts.values().all(|count| *count == 256 / size));
        }

        #[test]
        fn as_long_as_asked_for_and_of_the_alphabet(length in 0_usize..700) {
            let text = random_text(length, "aä$\\").unwrap();
            prop_assert_eq!(text.chars().count(), length);
            prop_assert!(text.chars().all(|c| "aä$\\".contains(c)));
        }
    }
}

//! A size in bytes as php and nginx write it: `128M`.
//!
//! Only the spellings that php reads as they look are taken: php takes `128MB` for 128
//! bytes and `128X` for 128, without a word (measured with php 8.2).

/// Why a text is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// `128MB`, `128MiB`: the unit is one letter.
    LongUnit,
    /// Not digits followed by at most one of K, M and G.
    Malformed,
    /// More bytes than 2^63 - 1.
    TooLarge,
}

const UNITS: [(char, i64); 3] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];

/// Bytes of `128M`, `64k`, `1G`, `4096`; `-1`, which php takes as "no limit", is -1.
pub fn parse(text: &str) -> Result<i64, SizeError> {
    if text == "-1" {
        return Ok(-1);
    }
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let factor = match unit {
        "" => 1,
        _ => unit_factor(unit)?,
    };
    if digits.is_empty() {
        return Err(SizeError::Malformed);
    }
    let count: i64 = digits.parse().map_err(|_| SizeError::TooLarge)?;
    count.checked_mul(factor).ok_or(SizeError::TooLarge)
}

fn unit_factor(unit: &str) -> Result<i64, SizeError> {
    let mut letters = unit.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let factor = UNITS.iter().find(|(letter, _)| Some(*letter) == first).map(|(_, factor)| *factor);
    match (factor, letters.as_str().to_ascii_lowercase().as_str()) {
        (Some(factor), "") => Ok(factor),
        (Some(_), "b" | "ib") => Err(SizeError::LongUnit),
        _ => Err(SizeError::Malformed),
    }
}

/// The shortest exact spelling: 134217728 is `128M`.
#[must_use]
pub fn format(bytes: i64) -> String {
    for (letter, factor) in UNITS.iter().rev() {
        if bytes > 0 && bytes % factor == 0 {
            return format!("{}{letter}", bytes / factor);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::{SizeError, format, parse};

    #[test]
    fn accepted() {
        for (text, bytes, short) in [
            ("128M", 134_217_728, "128M"),
            ("128m", 134_217_728, "128M"),
            ("64k", 65_536, "64K"),
            ("1G", 1_073_741_824, "1G"),
            ("1024M", 1_073_741_824, "1G"),
            ("4097", 4097, "4097"),
            ("0", 0, "0"),
            ("-1", -1, "-1"),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
            assert_eq!(format(bytes), short);
            assert_eq!(parse(short), Ok(bytes), "{short}");
        }
    }

    #[test]
    fn refused() {
        for (text, error) in [
            ("128MB", SizeError::LongUnit),
            ("128MiB", SizeError::LongUnit),
            ("128X", SizeError::Malformed),
            ("128 M", SizeError::Malformed),
            ("", SizeError::Malformed),
            ("M", SizeError::Malformed),
            ("-2", SizeError::Malformed),
            ("1.5G", SizeError::Malformed),
            ("9223372036854775808", SizeError::TooLarge),
            ("9999999999G", SizeError::TooLarge),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}

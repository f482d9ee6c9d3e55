//! Reading options as getopt_long(3) does, up to the first word that is none.

use std::ffi::OsString;

use lexopt::{Arg, Parser};

use super::Answer;

/// An option: its letter, and its long name where it has one.
pub(super) struct Known(pub(super) char, pub(super) &'static str);

/// Why the reading ends before the command.
pub(super) enum Stop {
    /// What is wrong.
    Mistake(String),
    /// A question was asked.
    Answer(Answer),
}

impl From<Answer> for Stop {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl Stop {
    pub(super) fn mistake(what: impl Into<String>) -> Self {
        Self::Mistake(what.into())
    }

    /// What is said in the end.
    pub(super) fn answer(self, program: &str, usage: &str) -> Answer {
        match self {
            Self::Answer(answer) => answer,
            Self::Mistake(what) => Answer::mistake(program, &what, usage),
        }
    }
}

/// Reads options and hands the letter of each to `take`, of long ones as well. What is left
/// is the command, which must be there.
///
/// # Errors
/// What is wrong, or what `take` says.
pub(super) fn read(
    arguments: Vec<OsString>,
    known: &[Known],
    mut take: impl FnMut(char, &mut Parser) -> Result<(), Stop>,
) -> Result<Vec<OsString>, Stop> {
    let wrong = |error: lexopt::Error| Stop::Mistake(error.to_string());
    let mut parser = Parser::from_iter(arguments);
    while let Some(argument) = parser.next().map_err(wrong)? {
        let long = matches!(argument, Arg::Long(_));
        let letter = match argument {
            Arg::Short(letter) if known.iter().any(|Known(known, _)| *known == letter) => letter,
            Arg::Short(letter) => return Err(Stop::Mistake(format!("there is no option -{letter}"))),
            Arg::Long(name) => by_name(name, known).map_err(Stop::Mistake)?,
            Arg::Value(word) => {
                let rest = parser.raw_args().map_err(wrong)?;
                return Ok(std::iter::once(word).chain(rest).collect());
            }
        };
        match take(letter, &mut parser) {
            // `--help=x` is no question either
            Err(Stop::Answer(_)) if long && parser.optional_value().is_some() => {
                return Err(Stop::Mistake("an option has a value that takes none".to_owned()));
            }
            taken => taken?,
        }
    }
    Ok(Vec::new())
}

/// A long name may be cut where it stays clear which is meant.
fn by_name(name: &str, known: &[Known]) -> Result<char, String> {
    let fits = |known: &&Known| !known.1.is_empty() && known.1.starts_with(name);
    let found: Vec<&Known> = known.iter().filter(fits).collect();
    match (found.as_slice(), found.iter().find(|known| known.1 == name)) {
        ([only], _) => Ok(only.0),
        (_, Some(exact)) => Ok(exact.0),
        ([], _) => Err(format!("there is no option --{name}")),
        _ => Err(format!("--{name} could be several options")),
    }
}

/// The value of an option.
///
/// # Errors
/// There is none.
pub(super) fn value(letter: char, parser: &mut Parser) -> Result<String, Stop> {
    let value = parser.value().map_err(|_| Stop::Mistake(format!("-{letter} needs a value")))?;
    Ok(value.to_string_lossy().into_owned())
}

/// A whole number at the start of a text and what comes after it, as strtol(3) and scanf(3)
/// see it.
pub(super) fn leading_number(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.get(..text.len() - rest.len())?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::leading_number;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("15:3", Some((15, ":3"))),
            (" +3x", Some((3, "x"))),
            ("-1", Some((-1, ""))),
            ("", None),
            ("x", None),
            ("-", None),
            ("99999999999999999999", None),
            ("é1", None),
        ] {
            assert_eq!(leading_number(text), expected, "{text}");
        }
    }
}

//! The line in which castoff is asked something: `castoff/1 VERB [NAME]`, then a newline.

use super::VERSION;

/// The longest line, in bytes, its newline included.
pub const LONGEST: usize = 4096;

/// What every line begins with, before the version.
const PROTOCOL: &str = "castoff/";

/// What can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// How the services are, or one of them.
    Status,
    /// That a service run.
    Start,
    /// That it not run.
    Stop,
    /// That it end and run again.
    Restart,
    /// That it read its files again; without a name, what SIGHUP asks for.
    Reload,
}

const VERBS: [(&str, Verb); 5] = [
    ("status", Verb::Status),
    ("start", Verb::Start),
    ("stop", Verb::Stop),
    ("restart", Verb::Restart),
    ("reload", Verb::Reload),
];

/// A question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// What.
    pub verb: Verb,
    /// About which service.
    pub name: Option<String>,
}

/// Why a line is no question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misread {
    /// It does not begin as one.
    Protocol,
    /// It is of another version.
    Version,
    /// There is no such verb.
    Verb,
    /// There is no name where one is needed, or it is none.
    Name,
}

impl Misread {
    /// As a sentence.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Protocol => format!("a question is a line such as `{PROTOCOL}{VERSION} status`"),
            Self::Version => format!("this castoff speaks version {VERSION} of the protocol"),
            Self::Verb => {
                let verbs: Vec<&str> = VERBS.iter().map(|(word, _)| *word).collect();
                format!("castoff can be asked for {}", verbs.join(", "))
            }
            Self::Name => "the name of a service is needed".to_owned(),
        }
    }
}

impl Question {
    /// As a line, with its newline. What can't stand in one line becomes U+FFFD, which is in
    /// no service's name.
    #[must_use]
    pub fn line(&self) -> String {
        let word = VERBS.iter().find(|(_, verb)| *verb == self.verb).map_or("", |(word, _)| *word);
        let mut line = format!("{PROTOCOL}{VERSION} {word}");
        if let Some(name) = &self.name {
            line.push(' ');
            line.extend(name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        }
        line.push('\n');
        line
    }

    /// Reads a line, which is without its newline.
    ///
    /// # Errors
    /// It is none.
    pub fn read(line: &[u8]) -> Result<Self, Misread> {
        let text = std::str::from_utf8(line).map_err(|_| Misread::Protocol)?;
        let rest = text.strip_prefix(PROTOCOL).ok_or(Misread::Protocol)?;
        let (version, rest) = rest.split_once(' ').ok_or(Misread::Protocol)?;
        if version != VERSION.to_string() {
            return Err(Misread::Version);
        }
        let (word, name) = match rest.split_once(' ') {
            Some((word, name)) => (word, Some(name)),
            None => (rest, None),
        };
        let (_, verb) = VERBS.iter().find(|(known, _)| *known == word).ok_or(Misread::Verb)?;
        let is_name = |name: &str| !name.is_empty() && !name.chars().any(char::is_control);
        match (verb, name) {
            (Verb::Start | Verb::Stop | Verb::Restart, None) => Err(Misread::Name),
            (_, Some(name)) if !is_name(name) => Err(Misread::Name),
            (verb, name) => Ok(Self { verb: *verb, name: name.map(str::to_owned) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Misread, Question, VERBS, Verb};

    #[test]
    fn lines() {
        let question = |verb, name: Option<&str>| Ok(Question { verb, name: name.map(str::to_owned) });
        for (line, expected) in [
            ("castoff/1 status", question(Verb::Status, None)),
            ("castoff/1 status web", question(Verb::Status, Some("web"))),
            ("castoff/1 stop a b", question(Verb::Stop, Some("a b"))),
            ("castoff/1 reload", question(Verb::Reload, None)),
            ("castoff/1 start", Err(Misread::Name)),
            ("castoff/1 start ", Err(Misread::Name)),
            ("castoff/1 status a\u{7}", Err(Misread::Name)),
            ("castoff/1 kill web", Err(Misread::Verb)),
            ("castoff/1 ", Err(Misread::Verb)),
            ("castoff/2 status", Err(Misread::Version)),
            ("castoff/1", Err(Misread::Protocol)),
            ("GET / HTTP/1.1", Err(Misread::Protocol)),
            ("", Err(Misread::Protocol)),
        ] {
            assert_eq!(Question::read(line.as_bytes()), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Question::read(&bytes);
            let _ = Question::read(&[b"castoff/1 ".as_slice(), &bytes].concat());
        }

        #[test]
        fn what_is_asked_is_what_is_read(verb in 0..VERBS.len(), name in "[^\\p{Cc}]{1,30}") {
            let question = Question { verb: VERBS[verb].1, name: Some(name) };
            let line = question.line();
            prop_assert_eq!(Question::read(line.trim_end_matches('\n').as_bytes()), Ok(question));
        }

        #[test]
        fn a_question_is_one_line(name in ".{0,30}") {
            let line = Question { verb: Verb::Start, name: Some(name) }.line();
            prop_assert_eq!(line.matches('\n').count(), 1);
        }
    }
}

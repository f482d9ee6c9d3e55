//! The form in which the lines of services and of cron entries' runs go to castoff's own output.

use std::io::Write as _;
use std::path::Path;

use super::json::{write_message, write_text};
use super::lines::{Part, Piece};
use crate::timestamp::rfc3339_millis;

/// What is made of lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Form {
    /// Nothing.
    #[default]
    Pass,
    /// Each begins with the name.
    Prefix,
    /// Each is an object.
    Json,
}

/// Where a line comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin<'p> {
    /// Its stdout.
    Stdout,
    /// Its stderr.
    Stderr,
    /// A file that it writes to.
    File(&'p Path),
}

/// Whose lines they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A service's.
    Service,
    /// A cron entry's; each of its runs has a number.
    Cron,
}

impl Kind {
    /// The key of the name in an object.
    fn key(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Cron => "cron",
        }
    }

    /// By how much more than its name the prefix is wide, for the first nine runs.
    fn more(self) -> usize {
        match self {
            Self::Service => 0,
            Self::Cron => 2,
        }
    }
}

/// Where a line comes from, and when it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct From<'p> {
    /// By what.
    pub origin: Origin<'p>,
    /// The number of a cron entry's run.
    pub run: Option<u64>,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// What the lines of one service or one entry have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    kind: Kind,
    form: Form,
    name: String,
    /// How wide the longest prefix is, in characters.
    width: usize,
    /// The name as JSON.
    quoted: Vec<u8>,
    /// As SGR has it (`console_codes(4)`).
    colour: u8,
}

/// What can be told apart, dark and bright backgrounds alike.
const COLOURS: [u8; 6] = [36, 33, 32, 35, 34, 31];

impl Label {
    /// Of all, in their order, by kind, name and form.
    #[must_use]
    pub fn of_all(all: &[(Kind, &str, Form)]) -> Vec<Self> {
        let prefixed = all.iter().filter(|(_, _, form)| *form == Form::Prefix);
        let width = prefixed.map(|(kind, name, _)| name.chars().count() + kind.more()).max().unwrap_or(0);
        let label = |((kind, name, form), colour): (&(Kind, &str, Form), &u8)| {
            let mut quoted = Vec::new();
            write_text(&mut quoted, name);
            Self { kind: *kind, form: *form, name: (*name).to_owned(), width, quoted, colour: *colour }
        };
        all.iter().zip(COLOURS.iter().cycle()).map(label).collect()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is made of the lines.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Writes a line with its newline. `coloured`: for a terminal.
    pub fn write(&self, out: &mut Vec<u8>, piece: Piece<'_>, from: From<'_>, coloured: bool) {
        match self.form {
            Form::Pass => out.extend_from_slice(piece.text),
            Form::Prefix => self.write_prefixed(out, piece, from.run, coloured),
            Form::Json => self.write_object(out, piece, from),
        }
        out.push(b'\n');
    }

    fn write_prefixed(&self, out: &mut Vec<u8>, piece: Piece<'_>, run: Option<u64>, coloured: bool) {
        let (name, width) = (&self.name, self.width);
        let name = match run {
            Some(run) => format!("{:width$}", format!("{name}/{run}")),
            None => format!("{name:width$}"),
        };
        let mark = match piece.part {
            Part::Whole | Part::Piece { number: 1, .. } => ' ',
            Part::Piece { .. } => '+',
        };
        // A Vec takes everything that is written to it.
        let _ = if coloured {
            write!(out, "\x1b[{}m{name} |\x1b[0m{mark}", self.colour)
        } else {
            write!(out, "{name} |{mark}")
        };
        out.extend_from_slice(piece.text);
    }

    fn write_object(&self, out: &mut Vec<u8>, piece: Piece<'_>, from: From<'_>) {
        let From { origin, run, now } = from;
        let stream = if origin == Origin::Stdout { "stdout" } else { "stderr" };
        // As above.
        let _ = write!(out, "{{\"time\":\"{}\",\"{}\":", rfc3339_millis(now), self.kind.key());
        out.extend_from_slice(&self.quoted);
        if let Some(run) = run {
            let _ = write!(out, ",\"run\":{run}");
        }
        let _ = write!(out, ",\"stream\":\"{stream}\"");
        if let Origin::File(path) = origin {
            out.extend_from_slice(b",\"file\":");
            write_text(out, &path.to_string_lossy());
        }
        if let Part::Piece { number, last } = piece.part {
            let _ = write!(out, ",\"piece\":{number},\"last\":{last}");
        }
        out.extend_from_slice(b",\"message\":");
        match piece.part {
            Part::Whole => write_message(out, piece.text),
            Part::Piece { .. } => write_text(out, &String::from_utf8_lossy(piece.text)),
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::lines::{Part, Piece};
    use super::{Form, From, Kind, Label, Origin};

    fn line(
        label: &Label,
        text: &str,
        part: Part,
        (origin, run): (Origin<'_>, Option<u64>),
        coloured: bool,
    ) -> String {
        let mut out = Vec::new();
        let piece = Piece { text: text.as_bytes(), part };
        label.write(&mut out, piece, From { origin, run, now: 1_795_273_445_678 }, coloured);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn prefixes() {
        let labels = Label::of_all(&[
            (Kind::Service, "web", Form::Prefix),
            (Kind::Service, "worker", Form::Prefix),
            (Kind::Service, "é", Form::Prefix),
            (Kind::Service, "a-long-name", Form::Pass),
        ]);
        let written =
            |at: usize, part, coloured| line(&labels[at], "x", part, (Origin::Stderr, None), coloured);
        let second = Part::Piece { number: 2, last: true };
        assert_eq!(written(0, Part::Whole, false), "web    | x\n");
        assert_eq!(written(1, Part::Piece { number: 1, last: false }, false), "worker | x\n");
        assert_eq!(written(1, second, false), "worker |+x\n");
        assert_eq!(written(2, Part::Whole, false), "é      | x\n");
        assert_eq!(written(3, Part::Whole, true), "x\n");
        assert_eq!(written(0, Part::Whole, true), "\x1b[36mweb    |\x1b[0m x\n");
        assert_eq!(written(1, second, true), "\x1b[33mworker |\x1b[0m+x\n");
    }

    #[test]
    fn objects() {
        let labels = Label::of_all(&[(Kind::Service, "w\"b", Form::Json)]);
        let begin = "{\"time\":\"2026-11-21T15:04:05.678Z\",\"service\":\"w\\\"b\",\"stream\":";
        let file = Path::new("/var/log/a");
        for (text, part, origin, rest) in [
            ("a", Part::Whole, Origin::Stdout, "\"stdout\",\"message\":\"a\"}\n"),
            ("{\"a\":1}", Part::Whole, Origin::Stderr, "\"stderr\",\"message\":{\"a\":1}}\n"),
            ("", Part::Whole, Origin::File(file), "\"stderr\",\"file\":\"/var/log/a\",\"message\":\"\"}\n"),
            (
                "{}",
                Part::Piece { number: 3, last: true },
                Origin::Stdout,
                "\"stdout\",\"piece\":3,\"last\":true,\"message\":\"{}\"}\n",
            ),
        ] {
            assert_eq!(line(&labels[0], text, part, (origin, None), true), format!("{begin}{rest}"));
        }
    }

    #[test]
    fn runs_of_cron_entries() {
        let labels = Label::of_all(&[
            (Kind::Service, "app", Form::Prefix),
            (Kind::Cron, "mail", Form::Prefix),
            (Kind::Cron, "mail", Form::Json),
        ]);
        let written = |at: usize, run| line(&labels[at], "x", Part::Whole, (Origin::Stderr, run), false);
        assert_eq!(written(0, None), "app    | x\n");
        assert_eq!(written(1, Some(3)), "mail/3 | x\n");
        assert_eq!(written(1, Some(1234)), "mail/1234 | x\n");
        assert_eq!(
            written(2, Some(12)),
            "{\"time\":\"2026-11-21T15:04:05.678Z\",\"cron\":\"mail\",\"run\":12,\"stream\":\"stderr\",\
             \"message\":\"x\"}\n"
        );
    }
}

//! One pipe that a service or a run prints to, read a part at a time, and how its lines are written.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::time::SystemTime;

use super::output::{Output, Side};
use crate::service::cron::RunId;
use crate::service::log::{From, Label, Lines, Origin, Part, Piece};
use crate::service::tree::Id;

/// So much of one stream is read before anything else gets a turn.
const TURN: usize = 64 << 10;
/// What its form adds to a line, about.
const AROUND: usize = 128;
/// Read at once; it is on the stack.
const BUFFER: usize = 4096;

/// Whose a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Speaker {
    /// A service.
    Service(Id),
    /// A run of the cron entry with this place.
    Run(usize, RunId),
}

impl Speaker {
    /// Whether the other one has the same name.
    pub(super) fn is_called_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Run(entry, _), Self::Run(of, _)) => entry == of,
            _ => self == other,
        }
    }
}

/// One pipe.
pub(super) struct Stream {
    pub(super) speaker: Speaker,
    pub(super) side: Side,
    pub(super) end: File,
    lines: Lines,
    /// Of an instance or a run that has ended.
    pub(super) old: bool,
    /// Something may be in it.
    pub(super) ready: bool,
}

/// What came of reading a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is nothing more for now.
    Nothing,
    /// There may be more.
    More,
    /// Nobody has the other end.
    Ended,
}

impl Stream {
    /// Of a new instance.
    pub(super) fn new(speaker: Speaker, side: Side, end: File) -> Self {
        Self { speaker, side, end, lines: Lines::default(), old: false, ready: false }
    }

    /// Bytes that are held back until their line ends.
    pub(super) fn held(&self) -> usize {
        self.lines.held()
    }

    /// Gives out the line that was not ended.
    pub(super) fn finish(mut self, pen: &mut Pen<'_>) {
        let (speaker, side) = (self.speaker, self.side);
        self.lines.finish(|piece| pen.write(speaker, side, origin(side), piece));
    }

    /// Reads a part of what is there, while there is room for it.
    pub(super) fn read(&mut self, pen: &mut Pen<'_>) -> Outcome {
        let mut buffer = [0; BUFFER];
        let (speaker, side) = (self.speaker, self.side);
        for _ in 0..TURN / BUFFER {
            if !pen.has_room(side) {
                return Outcome::More;
            }
            match self.end.read(&mut buffer) {
                Ok(0) => return Outcome::Ended,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.lines.take(bytes, |piece| pen.write(speaker, side, origin(side), piece));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Outcome::Nothing,
                Err(_) => return Outcome::Ended,
            }
        }
        Outcome::More
    }
}

/// The names that lines are written with.
pub(super) struct Names {
    services: Vec<Name>,
    crons: Vec<Name>,
}

/// One of them.
pub(super) struct Name {
    pub(super) label: Label,
    /// Lines that were too long.
    pub(super) cut: u64,
}

impl Names {
    /// Of labels, those of services first.
    pub(super) fn new(labels: Vec<Label>, services: usize) -> Self {
        let mut labels = labels.into_iter().map(|label| Name { label, cut: 0 });
        Self { services: labels.by_ref().take(services).collect(), crons: labels.collect() }
    }

    pub(super) fn get(&self, speaker: Speaker) -> Option<&Name> {
        match speaker {
            Speaker::Service(id) => self.services.get(id.0),
            Speaker::Run(entry, _) => self.crons.get(entry),
        }
    }

    fn get_mut(&mut self, speaker: Speaker) -> Option<&mut Name> {
        match speaker {
            Speaker::Service(id) => self.services.get_mut(id.0),
            Speaker::Run(entry, _) => self.crons.get_mut(entry),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Name> {
        self.services.iter().chain(&self.crons)
    }
}

/// What lines are written with.
pub(super) struct Pen<'l> {
    pub(super) output: &'l mut Output,
    pub(super) names: &'l mut Names,
    /// Lines are dropped where there is no room.
    pub(super) hurried: bool,
    /// Milliseconds since 1970.
    pub(super) now: u64,
}

impl Pen<'_> {
    fn has_room(&self, side: Side) -> bool {
        self.hurried || !self.output.is_full(side)
    }

    pub(super) fn write(&mut self, speaker: Speaker, side: Side, origin: Origin<'_>, piece: Piece<'_>) {
        let Some(name) = self.names.get_mut(speaker) else { return };
        if matches!(piece.part, Part::Piece { number: 1, .. }) {
            name.cut += 1;
        }
        if self.hurried && self.output.is_full(side) {
            return self.output.drop_line(side);
        }
        let run = match speaker {
            Speaker::Service(_) => None,
            Speaker::Run(_, run) => Some(run.0),
        };
        let from = From { origin, run, now: self.now };
        let length = piece.text.len() + AROUND;
        self.output.push(side, length, |out, coloured| name.label.write(out, piece, from, coloured));
    }
}

fn origin(side: Side) -> Origin<'static> {
    match side {
        Side::Stdout => Origin::Stdout,
        Side::Stderr => Origin::Stderr,
    }
}

/// Now, in milliseconds since 1970.
pub(super) fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

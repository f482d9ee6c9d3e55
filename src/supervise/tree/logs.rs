//! What services and cron runs print, on its way through castoff: read from their pipes and files,
//! put into their form, and written as far as there is room.
//!
//! Of each stream a bounded part is read at a time, and nothing while castoff's own output is
//! full: a service waits then, as it would without castoff, and nothing is lost. Only when
//! everything is to end and nobody reads, lines are dropped, so that a service that waits can
//! end. What castoff itself says while services live goes the same way.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use super::super::voice::{self, Level, Voice};
use super::follow::Follow;
use super::output::{Output, Side};
use super::stream::{Names, Outcome, Pen, Speaker, Stream, milliseconds};
use crate::plan::TreePlan;
use crate::service::log::{Form, Kind, LONGEST, Label, Origin};
use crate::service::tree::Id;
use crate::size;
use crate::sys::clock::monotonic;
use crate::sys::log_pipe::log_pipe;
use crate::sys::poll::Polled;

/// So many pipes of earlier instances of one service, or of runs of one entry that have ended, are
/// read while somebody holds them open.
const OLD: usize = 8;
/// How long everything has to stand still during the end before lines are dropped.
const PATIENCE: Duration = Duration::from_secs(1);
/// What is held may grow to this before memory is given back.
const LITTLE: usize = 16 << 10;

/// All of it.
pub(super) struct Logs {
    names: Names,
    streams: Vec<Stream>,
    follow: Follow,
    output: Output,
    /// castoff's own lines that had no room.
    own_lost: u64,
    /// Whether it was said that nobody reads: stdout, stderr.
    gone_said: [bool; 2],
    /// Since when nothing has moved, while everything is to end.
    stuck: Option<Duration>,
    /// Lines are dropped where there is no room.
    hurried: bool,
    /// The most that was held since memory was given back.
    peak: usize,
    voice: Voice,
}

impl Logs {
    /// For the services and entries of a plan. From here on castoff's own lines are written by
    /// [`Logs::pass_on`].
    pub(super) fn new(plan: &TreePlan, voice: Voice) -> Self {
        let services = plan.services.iter().map(|service| (Kind::Service, &*service.name, service.log));
        let crons = plan.crons.iter().map(|cron| (Kind::Cron, &*cron.name, cron.log));
        let labels = Label::of_all(&services.chain(crons).collect::<Vec<_>>());
        let followed: Vec<(Id, PathBuf)> = plan
            .services
            .iter()
            .zip(0..)
            .flat_map(|(service, at)| service.follow.iter().map(move |path| (Id(at), path.clone())))
            .collect();
        voice::hold();
        Self {
            names: Names::new(labels, plan.services.len()),
            streams: Vec::new(),
            follow: Follow::new(followed, voice),
            output: Output::new(plan.coloured),
            own_lost: 0,
            gone_said: [false; 2],
            stuck: None,
            hurried: false,
            peak: 0,
            voice,
        }
    }

    /// What a new instance of a service, or a new run, prints to: stdout and stderr. `None`:
    /// castoff's own.
    pub(super) fn pipes(&mut self, speaker: Speaker) -> Option<[File; 2]> {
        if self.names.get(speaker).is_none_or(|name| name.label.form() == Form::Pass) {
            return None;
        }
        // what has its place now has ended
        self.retire(speaker);
        let made = log_pipe().and_then(|stdout| Ok([stdout, log_pipe()?]));
        let [stdout, stderr] = match made {
            Ok(made) => made,
            Err(errno) => {
                let name = self.names.get(speaker).map(|name| name.label.name()).unwrap_or_default();
                let line = format!("{name} prints to castoff's own output: no pipe: {}", errno.desc());
                self.voice.say(Level::Warn, &line);
                return None;
            }
        };
        for (side, end) in Side::ALL.into_iter().zip([stdout.0, stderr.0]) {
            self.streams.push(Stream::new(speaker, side, end));
        }
        Some([stdout.1, stderr.1])
    }

    /// Pipes that are there are those of a run that has ended, or of an earlier instance. Of many
    /// the first are closed.
    pub(super) fn retire(&mut self, speaker: Speaker) {
        for stream in self.streams.iter_mut().filter(|stream| stream.speaker == speaker) {
            stream.old = true;
            stream.ready = true;
        }
        let is_old = |stream: &Stream| stream.old && stream.speaker.is_called_as(speaker);
        while self.streams.iter().filter(|stream| is_old(stream)).count() > OLD {
            let Some(at) = self.streams.iter().position(is_old) else { return };
            self.read(at);
            self.close(at);
            let name = self.names.get(speaker).map(|name| name.label.name()).unwrap_or_default();
            let line = format!("what an earlier {name} left running prints to a pipe that is read no more");
            self.voice.say(Level::Warn, &line);
        }
    }

    /// What is to be polled; [`Logs::mark`] takes the answers in this order.
    pub(super) fn polled(&self) -> Vec<Polled> {
        let mut polled: Vec<Polled> = self.output.polled().collect();
        if !self.output.is_full(Side::Stderr) {
            polled.extend(self.follow.descriptor().map(Polled::readable));
        }
        let wanted = self.streams.iter().filter(|stream| self.has_room(stream.side));
        polled.extend(wanted.map(|stream| Polled::readable(stream.end.as_raw_fd())));
        polled
    }

    /// What has come of it.
    pub(super) fn mark(&mut self, polled: &[Polled]) {
        let mut answers = polled.iter().skip(self.output.polled().count());
        if !self.output.is_full(Side::Stderr)
            && self.follow.descriptor().is_some()
            && answers.next().is_some_and(Polled::came)
        {
            self.follow.hear();
        }
        let (output, hurried) = (&self.output, self.hurried);
        let wanted = self.streams.iter_mut().filter(|stream| hurried || !output.is_full(stream.side));
        for (stream, answer) in wanted.zip(answers) {
            stream.ready = answer.came();
        }
    }

    fn has_room(&self, side: Side) -> bool {
        self.hurried || !self.output.is_full(side)
    }

    /// When it wants a turn although nothing has come: at once, if there is more than a turn
    /// could take.
    pub(super) fn due(&self) -> Option<Duration> {
        if self.follow.has_news() && self.has_room(Side::Stderr) {
            return Some(Duration::ZERO);
        }
        self.stuck.filter(|_| !self.hurried).map(|since| since.saturating_add(PATIENCE))
    }

    /// Reads a part of what is there, and writes what has room. `ending`: the services are to
    /// end.
    pub(super) fn turn(&mut self, ending: bool) {
        let mut moved = self.output.write();
        self.read_all();
        moved |= self.pass_on();
        let full = Side::ALL.into_iter().any(|side| self.output.is_full(side));
        if !ending || !full || moved {
            self.stuck = None;
        } else {
            let since = *self.stuck.get_or_insert_with(monotonic);
            self.hurried |= monotonic() >= since.saturating_add(PATIENCE);
        }
    }

    /// A service has ended: its last words come before what is said about it.
    pub(super) fn catch_up(&mut self) {
        for stream in &mut self.streams {
            stream.ready = true;
        }
        self.read_all();
        self.pass_on();
    }

    /// Takes what castoff has said, and writes what has room. `true`: something went out.
    pub(super) fn pass_on(&mut self) -> bool {
        self.say_who_is_gone();
        let held = voice::take_held();
        self.own_lost += held.lost;
        if !self.output.push_own(&held.text) {
            self.own_lost += lines_in(&held.text);
        }
        let moved = self.output.write();
        if self.own_lost > 0 && self.output.is_empty() {
            let lost = std::mem::take(&mut self.own_lost);
            let line = format!("{lost} lines of castoff's own were dropped: nobody had read");
            self.voice.say(Level::Warn, &line);
        }
        moved
    }

    /// Whether there was much more in memory than now.
    pub(super) fn has_shrunk(&mut self) -> bool {
        let shrunk = self.peak > LITTLE && self.held() < LITTLE;
        if shrunk {
            self.peak = 0;
        }
        shrunk
    }

    fn held(&self) -> usize {
        let streams: usize = self.streams.iter().map(|stream| stream.held()).sum();
        streams + self.follow.held() + self.output.held()
    }

    /// Everything has ended: writes what is there, as long as it is not `until`.
    pub(super) fn end(&mut self, until: Duration) {
        self.follow.look_at_all();
        for stream in &mut self.streams {
            stream.ready = true;
        }
        loop {
            self.read_all();
            self.pass_on();
            let more = self.streams.iter().any(|stream| stream.ready) || self.follow.has_news();
            if !more || !self.wait_for_room(until) {
                break;
            }
        }
        while !self.streams.is_empty() {
            self.close(0);
        }
        self.finish_followed();
        self.say_totals();
        self.pass_on();
        while !self.output.is_empty() && self.wait_for_room(until) {
            self.pass_on();
        }
        voice::hold_no_more();
    }

    /// `false`: it is too late.
    fn wait_for_room(&self, until: Duration) -> bool {
        let left = until.saturating_sub(monotonic());
        if !left.is_zero() && !self.output.is_empty() {
            self.output.wait(left);
        }
        !left.is_zero()
    }

    fn read_all(&mut self) {
        // from the end, as those that have ended go
        for at in (0..self.streams.len()).rev() {
            let wanted =
                self.streams.get(at).is_some_and(|stream| stream.ready && self.has_room(stream.side));
            if wanted && self.read(at) == Outcome::Ended {
                self.close(at);
            }
        }
        if self.follow.has_news() && self.has_room(Side::Stderr) {
            let (output, names, hurried, now) =
                (&mut self.output, &mut self.names, self.hurried, milliseconds());
            self.follow.turn(self.voice, |id, path, piece| {
                let mut pen = Pen { output, names, hurried, now };
                pen.write(Speaker::Service(id), Side::Stderr, Origin::File(path), piece);
            });
        }
        self.peak = self.peak.max(self.held());
    }

    fn finish_followed(&mut self) {
        let (output, names, hurried, now) = (&mut self.output, &mut self.names, self.hurried, milliseconds());
        self.follow.finish(|id, path, piece| {
            let mut pen = Pen { output, names, hurried, now };
            pen.write(Speaker::Service(id), Side::Stderr, Origin::File(path), piece);
        });
    }

    fn read(&mut self, at: usize) -> Outcome {
        let (output, names) = (&mut self.output, &mut self.names);
        let Some(stream) = self.streams.get_mut(at) else { return Outcome::Nothing };
        let mut pen = Pen { output, names, hurried: self.hurried, now: milliseconds() };
        let outcome = stream.read(&mut pen);
        stream.ready = outcome == Outcome::More;
        outcome
    }

    fn close(&mut self, at: usize) {
        let stream = self.streams.remove(at);
        let (output, names) = (&mut self.output, &mut self.names);
        let mut pen = Pen { output, names, hurried: self.hurried, now: milliseconds() };
        stream.finish(&mut pen);
    }

    /// Once for each side; of stderr there is nobody to tell.
    fn say_who_is_gone(&mut self) {
        for (side, said) in Side::ALL.into_iter().zip(&mut self.gone_said) {
            if self.output.is_gone(side) && !std::mem::replace(said, true) {
                let name = side.name();
                let line = format!("nobody reads castoff's {name} any more: lines for it are dropped");
                self.voice.say(Level::Warn, &line);
            }
        }
    }

    fn say_totals(&mut self) {
        for side in Side::ALL {
            let lost = self.output.lost(side);
            if lost > 0 {
                let line = format!("{lost} lines for {} were dropped: nobody read them", side.name());
                self.voice.say(Level::Warn, &line);
            }
        }
        for name in self.names.all().filter(|name| name.cut > 0) {
            let longest = size::format(i64::try_from(LONGEST).unwrap_or(i64::MAX));
            let (name, cut) = (name.label.name(), name.cut);
            let line =
                format!("{name} printed {cut} lines longer than {longest}, which were cut into pieces");
            self.voice.say(Level::Warn, &line);
        }
    }
}

fn lines_in(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

//! What goes to castoff's own stdout and stderr while services live: whole lines, queued, and
//! written as far as there is room. It never waits.
//!
//! A queue takes the line that fills it, and no more until it was written: who has lines asks
//! [`Output::is_full`] before it makes them. Where nobody reads any more lines are counted and
//! dropped.

use std::time::Duration;

use crate::service::log::make_room;
use crate::sys::outlet::{Outlet, WHOLE, Written};
use crate::sys::poll::{Polled, wait_for_any};

/// Bytes from which on a queue is full.
const FULL: usize = 256 << 10;
/// Bytes beyond that, for castoff's own lines.
const OWN: usize = 64 << 10;
/// Of a line that is longer than what goes out together so much is tried at once.
const LONG: usize = 64 << 10;

/// Which of castoff's descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// 1.
    Stdout,
    /// 2.
    Stderr,
}

impl Side {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// As messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Both sides.
#[derive(Debug)]
pub(super) struct Output {
    stdout: Queue,
    /// `None`: it leads where stdout leads, so that there is one queue.
    stderr: Option<Queue>,
}

#[derive(Debug)]
struct Queue {
    outlet: Outlet,
    coloured: bool,
    bytes: Vec<u8>,
    /// So many of them are written.
    written: usize,
    /// Nobody reads.
    gone: bool,
    /// Lines that were dropped.
    lost: u64,
}

impl Output {
    /// `coloured`: terminals may be shown colours.
    pub(super) fn new(coloured: bool) -> Self {
        let (stdout, stderr) = (Outlet::new(1), Outlet::new(2));
        let stderr = (!stdout.is_same(&stderr)).then(|| Queue::new(stderr, coloured));
        Self { stdout: Queue::new(stdout, coloured), stderr }
    }

    fn queue(&self, side: Side) -> &Queue {
        match (side, &self.stderr) {
            (Side::Stderr, Some(queue)) => queue,
            _ => &self.stdout,
        }
    }

    fn queue_mut(&mut self, side: Side) -> &mut Queue {
        match (side, &mut self.stderr) {
            (Side::Stderr, Some(queue)) => queue,
            _ => &mut self.stdout,
        }
    }

    fn queues(&self) -> impl Iterator<Item = &Queue> {
        [Some(&self.stdout), self.stderr.as_ref()].into_iter().flatten()
    }

    /// Whether no line should be made for it now.
    pub(super) fn is_full(&self, side: Side) -> bool {
        self.queue(side).left() >= FULL
    }

    /// Whether all of it is written.
    pub(super) fn is_empty(&self) -> bool {
        self.queues().all(|queue| queue.left() == 0)
    }

    /// Bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.queues().map(|queue| queue.bytes.len()).sum()
    }

    /// Whether nobody reads there any more.
    pub(super) fn is_gone(&self, side: Side) -> bool {
        self.queue(side).gone
    }

    /// How many lines were dropped. Where both sides are one they are stdout's.
    pub(super) fn lost(&self, side: Side) -> u64 {
        match side {
            Side::Stdout => self.stdout.lost,
            Side::Stderr => self.stderr.as_ref().map_or(0, |queue| queue.lost),
        }
    }

    /// Takes one line of about so many bytes, which `write` makes; it is told whether it may be
    /// coloured.
    pub(super) fn push(&mut self, side: Side, length: usize, write: impl FnOnce(&mut Vec<u8>, bool)) {
        let queue = self.queue_mut(side);
        if queue.gone {
            queue.lost += 1;
        } else {
            let coloured = queue.coloured;
            make_room(&mut queue.bytes, length);
            write(&mut queue.bytes, coloured);
        }
    }

    /// A line is dropped, as there is no room and no time.
    pub(super) fn drop_line(&mut self, side: Side) {
        self.queue_mut(side).lost += 1;
    }

    /// Takes castoff's own lines. `false`: there is no room.
    pub(super) fn push_own(&mut self, text: &[u8]) -> bool {
        let queue = self.queue_mut(Side::Stderr);
        let fits = queue.left() + text.len() <= FULL + OWN;
        if fits && !queue.gone {
            queue.bytes.extend_from_slice(text);
        }
        fits
    }

    /// What is to be polled: where something is to be written.
    pub(super) fn polled(&self) -> impl Iterator<Item = Polled> {
        self.queues().filter(|queue| queue.left() > 0).map(|queue| queue.outlet.polled())
    }

    /// Writes as much as there is room for. `true`: something was written, or dropped.
    pub(super) fn write(&mut self) -> bool {
        let stdout = self.stdout.write();
        self.stderr.as_mut().is_some_and(Queue::write) || stdout
    }

    /// Waits until there is room.
    pub(super) fn wait(&self, limit: Duration) {
        let mut polled: Vec<Polled> = self.polled().collect();
        let _ = wait_for_any(&mut polled, Some(limit));
    }
}

impl Queue {
    fn new(outlet: Outlet, coloured: bool) -> Self {
        let coloured = coloured && outlet.is_terminal();
        Self { outlet, coloured, bytes: Vec::new(), written: 0, gone: false, lost: 0 }
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// What is written next: whole lines that go out together; or one line that is too long
    /// for that, or the rest of one.
    fn next(&self) -> &[u8] {
        let left = self.bytes.get(self.written..).unwrap_or_default();
        let together = left.get(..WHOLE).unwrap_or(left);
        if left.len() <= WHOLE {
            return left;
        }
        if let Some(end) = together.iter().rposition(|byte| *byte == b'\n') {
            return together.get(..=end).unwrap_or_default();
        }
        let long = left.get(..LONG).unwrap_or(left);
        let end = long.iter().position(|byte| *byte == b'\n').map_or(long.len(), |end| end + 1);
        long.get(..end).unwrap_or_default()
    }

    fn write(&mut self) -> bool {
        let before = self.left();
        while self.left() > 0 {
            let next = self.next();
            let length = next.len();
            match self.outlet.write(next) {
                Written::Some(count) => self.written += count,
                Written::Full => break,
                Written::Gone => {
                    self.gone = true;
                    self.drop_next(self.left());
                }
                Written::Refused => self.drop_next(length),
            }
        }
        self.tidy();
        self.left() < before
    }

    fn drop_next(&mut self, length: usize) {
        let dropped = self.bytes.iter().skip(self.written).take(length);
        self.lost += dropped.map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.written += length;
    }

    /// What was written needs no memory.
    fn tidy(&mut self) {
        if self.left() == 0 {
            self.bytes = Vec::new();
        } else if self.written >= self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
        } else {
            return;
        }
        self.written = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use super::{FULL, OWN, Output, Queue, Side};
    use crate::sys::outlet::{Outlet, WHOLE};
    use crate::sys::spawn::pipe;

    fn output(stdout: &impl AsRawFd, stderr: &impl AsRawFd) -> Output {
        let queue = |fd: i32| Queue::new(Outlet::new(fd), true);
        Output { stdout: queue(stdout.as_raw_fd()), stderr: Some(queue(stderr.as_raw_fd())) }
    }

    #[test]
    fn what_has_no_room_stays_and_goes_out_later_in_order() {
        let ((mut reader, writer), (_other, other_writer)) = (pipe().unwrap(), pipe().unwrap());
        let mut output = output(&writer, &other_writer);
        let mut expected = Vec::new();
        for number in 0.. {
            if output.is_full(Side::Stdout) {
                break;
            }
            let line = format!("{number} {}\n", "x".repeat(number % 9000));
            output.push(Side::Stdout, line.len(), |out, coloured| {
                assert!(!coloured);
                out.extend_from_slice(line.as_bytes());
            });
            expected.extend_from_slice(line.as_bytes());
        }
        assert!(!output.is_full(Side::Stderr));
        let mut read = vec![0; expected.len()];
        let mut count = 0;
        while !output.is_empty() {
            output.write();
            count += reader.read(&mut read[count..]).unwrap();
        }
        drop((output, writer));
        reader.read_exact(&mut read[count..]).unwrap();
        assert_eq!(read, expected);
    }

    #[test]
    fn lines_without_a_reader_are_counted_and_take_no_room() {
        let ((reader, writer), (_other, other_writer)) = (pipe().unwrap(), pipe().unwrap());
        drop(reader);
        let mut output = output(&writer, &other_writer);
        for _ in 0..3 {
            output.push(Side::Stdout, 2, |out, _| out.extend_from_slice(b"a\n"));
        }
        assert!(output.write() && output.is_gone(Side::Stdout));
        output.push(Side::Stdout, 2, |_, _| panic!("it is not even made"));
        assert_eq!((output.lost(Side::Stdout), output.lost(Side::Stderr), output.held()), (4, 0, 0));
        assert!(output.is_empty() && output.polled().count() == 0);
    }

    #[test]
    fn castoff_s_own_lines_have_room_of_their_own_and_no_more() {
        let ((_reader, writer), (_other, other_writer)) = (pipe().unwrap(), pipe().unwrap());
        let mut output = output(&writer, &other_writer);
        output.push(Side::Stderr, FULL, |out, _| out.extend(vec![b'x'; FULL]));
        let line = vec![b'y'; 1000];
        let taken = (0..1000).take_while(|_| output.push_own(&line)).count();
        assert_eq!(taken, OWN / 1000);
    }

    #[test]
    fn lines_go_out_whole() {
        let (_reader, writer) = pipe().unwrap();
        let mut queue = Queue::new(Outlet::new(writer.as_raw_fd()), false);
        for (lines, expected) in [
            (vec![10, 20], 30),
            (vec![WHOLE - 10, 20], WHOLE - 10),
            (vec![WHOLE], WHOLE),
            (vec![WHOLE + 1, 5], WHOLE + 1),
            (vec![1 << 20], 64 << 10),
        ] {
            let line = |length: &usize| [vec![b'x'; length - 1], vec![b'\n']].concat();
            queue.bytes = lines.iter().flat_map(line).collect();
            assert_eq!(queue.next().len(), expected, "{lines:?}");
        }
    }
}

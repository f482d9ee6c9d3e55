//! Cuts a stream of bytes into lines, however it comes in chunks.
//!
//! It holds the beginning of one line and nothing else, and never more than [`LONGEST`]; where
//! it holds nothing it has no memory. A longer line comes in pieces that know that they are.

use crate::sys::memory::LARGE;

/// Bytes of the longest line that stays whole, without the newline at its end.
pub const LONGEST: usize = 1 << 20;

/// A buffer of more than that becomes a large one.
const SMALL: usize = 4096;

/// Where a piece stands in its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// It is the line.
    Whole,
    /// The line was longer than [`LONGEST`]: this is its piece of that number, from 1 on.
    Piece {
        /// Which.
        number: u64,
        /// Whether no other follows.
        last: bool,
    },
}

/// A line, or a piece of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'b> {
    /// Without the newline.
    pub text: &'b [u8],
    /// Whether that is all.
    pub part: Part,
}

/// One stream.
#[derive(Debug)]
pub struct Lines {
    longest: usize,
    /// The beginning of a line, or of its next piece.
    begun: Vec<u8>,
    /// How many pieces of it were given out.
    pieces: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self { longest: LONGEST, begun: Vec::new(), pieces: 0 }
    }
}

impl Lines {
    /// Takes the next bytes in, and gives out each line that they end.
    pub fn take(&mut self, bytes: &[u8], mut each: impl FnMut(Piece<'_>)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            if self.held() == 0 && self.pieces == 0 && line.len() <= self.longest {
                each(Piece { text: line, part: Part::Whole });
            } else {
                self.add(line, &mut each);
                self.end_line(&mut each);
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.add(rest, &mut each);
    }

    /// The stream has ended: gives out the line that it did not end.
    pub fn finish(&mut self, mut each: impl FnMut(Piece<'_>)) {
        if self.held() > 0 {
            self.end_line(&mut each);
        }
    }

    /// Bytes that are held back until their line ends.
    #[must_use]
    pub fn held(&self) -> usize {
        self.begun.len()
    }

    /// Adds bytes without a newline. Only where one more comes than a line can have, the line
    /// is cut.
    fn add(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Piece<'_>)) {
        while !bytes.is_empty() {
            if self.held() >= self.longest {
                self.cut(each);
            }
            let room = self.longest.saturating_sub(self.held());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            make_room(&mut self.begun, now.len());
            self.begun.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Gives out what was begun as a piece, but for the bytes of a character that is not
    /// complete.
    fn cut(&mut self, each: &mut impl FnMut(Piece<'_>)) {
        let begun = std::mem::take(&mut self.begun);
        let (text, rest) = begun.split_at(character_end(&begun));
        self.pieces += 1;
        each(Piece { text, part: Part::Piece { number: self.pieces, last: false } });
        self.begun = rest.to_vec();
    }

    fn end_line(&mut self, each: &mut impl FnMut(Piece<'_>)) {
        let text = std::mem::take(&mut self.begun);
        let part = match std::mem::take(&mut self.pieces) {
            0 => Part::Whole,
            before => Part::Piece { number: before + 1, last: true },
        };
        each(Piece { text: &text, part });
    }
}

/// Lets a buffer that gets large get pages of its own at once, which are given back when it is
/// empty.
pub fn make_room(buffer: &mut Vec<u8>, more: usize) {
    let wanted = buffer.len().saturating_add(more);
    if wanted > SMALL && buffer.capacity() < LARGE {
        buffer.reserve_exact(wanted.max(LARGE) - buffer.len());
    }
}

/// Where the last character that is there whole ends (utf-8(7)). Bytes that begin no character
/// count as whole.
fn character_end(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(3).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(behind) = tail else { return bytes.len() };
    let first = bytes.len() - 1 - behind;
    let wanted = match bytes.get(first) {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => 1,
    };
    if behind + 1 < wanted && first > 0 { first } else { bytes.len() }
}

#[cfg(test)]
mod tests {
    use super::{LARGE, LONGEST, Lines, Part, Piece, character_end};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    type Given = Vec<(Vec<u8>, Part)>;

    fn keep(given: &mut Given) -> impl FnMut(Piece<'_>) {
        |piece| given.push((piece.text.to_vec(), piece.part))
    }

    fn all_of(longest: usize, chunks: &[&[u8]]) -> Given {
        let (mut lines, mut given) = (Lines { longest, ..Lines::default() }, Given::new());
        for chunk in chunks {
            lines.take(chunk, keep(&mut given));
            assert!(lines.held() <= longest && lines.begun.capacity() <= 2 * longest.max(LARGE));
        }
        lines.finish(keep(&mut given));
        assert_eq!((lines.held(), lines.begun.capacity()), (0, 0), "it has no memory left");
        given
    }

    fn piece(text: &str, number: u64, last: bool) -> (Vec<u8>, Part) {
        (text.as_bytes().to_vec(), Part::Piece { number, last })
    }

    fn whole(text: &str) -> (Vec<u8>, Part) {
        (text.as_bytes().to_vec(), Part::Whole)
    }

    #[test]
    fn lines_and_pieces() {
        for (chunks, expected) in [
            (vec![""], vec![]),
            (vec!["a\nb\n"], vec![whole("a"), whole("b")]),
            (vec!["a", "b\n", "\n"], vec![whole("ab"), whole("")]),
            (vec!["a\nb"], vec![whole("a"), whole("b")]),
            (vec!["12345678\n"], vec![whole("12345678")]),
            (vec!["12345678", "\n"], vec![whole("12345678")]),
            (vec!["123456789\nx\n"], vec![piece("12345678", 1, false), piece("9", 2, true), whole("x")]),
            (
                vec!["1234567812345678", "9"],
                vec![piece("12345678", 1, false), piece("12345678", 2, false), piece("9", 3, true)],
            ),
            (vec!["1234567é9\n"], vec![piece("1234567", 1, false), piece("é9", 2, true)]),
        ] {
            let chunks: Vec<&[u8]> = chunks.into_iter().map(str::as_bytes).collect();
            assert_eq!(all_of(8, &chunks), expected, "{chunks:?}");
        }
    }

    #[test]
    fn a_line_of_a_mebibyte_is_whole() {
        let line = [vec![b'x'; LONGEST], b"\n".to_vec()].concat();
        let given = all_of(LONGEST, &line.chunks(4096).collect::<Vec<_>>());
        assert_eq!(given, [(vec![b'x'; LONGEST], Part::Whole)]);
    }

    #[test]
    fn characters_stay_whole() {
        for (bytes, end) in [
            (&b"ab"[..], 2),
            ("aé".as_bytes(), 3),
            (b"a\xc3", 1),
            (b"a\xf0\x9f\x98", 1),
            (b"a\xf0\x9f\x98\x80", 5),
            (b"a\xff", 2),
            (b"a\x80\x80\x80", 4),
            (b"\xc3", 1),
            (b"", 0),
        ] {
            assert_eq!(character_end(bytes), end, "{bytes:?}");
        }
    }

    proptest! {
        /// However the bytes are cut into chunks, the same lines come out, and nothing is lost.
        #[test]
        fn chunks_do_not_matter(
            bytes in vec(select(b"ab\n\n\xc3\xa9\xf0".to_vec()), 0..200),
            cuts in vec(any::<usize>(), 0..20),
            longest in 4..20_usize,
        ) {
            let at_once = all_of(longest, &[&bytes]);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&all_of(longest, &chunks), &at_once);
            let mut again = Vec::new();
            for (text, part) in &at_once {
                prop_assert!(text.len() <= longest);
                again.extend(text);
                if !matches!(part, Part::Piece { last: false, .. }) {
                    again.push(b'\n');
                }
            }
            let mut given = bytes;
            if given.last().is_some_and(|byte| *byte != b'\n') {
                given.push(b'\n');
            }
            prop_assert_eq!(again, given);
        }
    }
}

//! Where a file has data and where holes, checked: who reads by it stays within the file
//! and within what is stored of it.

use super::fault::Fault;
use super::number;

/// Pieces of data of one file; a map of more is refused.
pub(super) const MOST_PIECES: usize = 1 << 20;

/// Where there is data: from, and how much.
pub(super) type Pieces = Vec<(u64, u64)>;

/// The content of a member: pieces of data in their order, with holes between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) pieces: Pieces,
    /// The size with the holes.
    pub(super) size: u64,
}

impl Map {
    /// Without holes.
    pub(super) fn whole(size: u64) -> Self {
        Self { pieces: vec![(0, size)], size }
    }

    /// With holes; `stored` bytes of data are in the archive.
    pub(super) fn new(pieces: Pieces, size: u64, stored: u64) -> Result<Self, Fault> {
        if pieces.len() > MOST_PIECES {
            return Err(Fault::Sparse("it has too many pieces"));
        }
        let (mut end, mut data) = (0_u64, 0_u64);
        for (from, length) in &pieces {
            let to = from.checked_add(*length).filter(|to| *from >= end && *to <= size);
            end = to.ok_or(Fault::Sparse("its pieces overlap or lie outside"))?;
            data += length;
        }
        if data != stored || i64::try_from(size).is_err() {
            return Err(Fault::Sparse("its pieces are not what is stored"));
        }
        Ok(Self { pieces, size })
    }
}

/// Reads the map that stands before the data: decimal numbers, each on a line, the first is
/// that of the pieces. Fed with blocks until it says that it has all.
#[derive(Debug, Default)]
pub(super) struct Reading {
    numbers: Vec<u64>,
    digits: Vec<u8>,
}

impl Reading {
    /// Takes a block. Returns whether the map is complete; the rest of the block is padding.
    pub(super) fn take(&mut self, block: &[u8]) -> Result<bool, Fault> {
        for byte in block {
            match byte {
                b'0'..=b'9' if self.digits.len() < 20 => self.digits.push(*byte),
                b'\n' => {
                    let number = number::decimal(&self.digits).ok_or(Fault::Sparse("its map is garbled"))?;
                    self.digits.clear();
                    self.numbers.push(number);
                    if self.is_complete()? {
                        return Ok(true);
                    }
                }
                _ => return Err(Fault::Sparse("its map is garbled")),
            }
        }
        Ok(false)
    }

    fn is_complete(&self) -> Result<bool, Fault> {
        let count = self.numbers.first().copied().unwrap_or(0);
        let count = usize::try_from(count).ok().filter(|count| *count <= MOST_PIECES);
        let count = count.ok_or(Fault::Sparse("it has too many pieces"))?;
        Ok(self.numbers.len() == 1 + 2 * count)
    }

    /// The pieces.
    pub(super) fn pieces(self) -> Pieces {
        let numbers = self.numbers.get(1..).unwrap_or_default();
        numbers.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Map, Reading};

    #[test]
    fn maps_that_lie() {
        for (pieces, size, stored, right) in [
            (vec![], 10, 0, true),
            (vec![(0, 3), (5, 5)], 10, 8, true),
            (vec![(0, 3), (3, 0), (10, 0)], 10, 3, true),
            (vec![(0, 3), (2, 1)], 10, 4, false),
            (vec![(5, 1), (0, 1)], 10, 2, false),
            (vec![(8, 3)], 10, 3, false),
            (vec![(0, 3)], 10, 4, false),
            (vec![(u64::MAX, 1)], u64::MAX, 1, false),
            (vec![], u64::MAX, 0, false),
        ] {
            assert_eq!(Map::new(pieces.clone(), size, stored).is_ok(), right, "{pieces:?} {size} {stored}");
        }
    }

    #[test]
    fn a_map_before_the_data() {
        let mut reading = Reading::default();
        assert_eq!(reading.take(b"2\n0\n51"), Ok(false));
        assert_eq!(reading.take(b"2\n1024\n8\n\0\0\0"), Ok(true));
        assert_eq!(reading.pieces(), [(0, 512), (1024, 8)]);
        assert_eq!(Reading::default().take(b"0\n\0"), Ok(true));
        for garbled in [&b"x\n"[..], b"\n", b"1\n\0", b"999999999999999999999\n", b"9999999\n"] {
            assert!(Reading::default().take(garbled).is_err(), "{}", garbled.escape_ascii());
        }
    }
}

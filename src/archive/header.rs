//! One block of 512 bytes that describes a member: v7, ustar and GNU's form of it.
//!
//! The fields are where tar(5) of libarchive and tar's own manual ("Basic Tar Format") have
//! them.

use super::fault::Fault;
use super::number;
use super::sparse::Pieces;

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// The block of a header.
pub(super) struct Header<'a>(pub(super) &'a [u8; BLOCK]);

/// Who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Without a mark: names of up to 100 bytes.
    V7,
    /// POSIX: a prefix for longer names.
    Ustar,
    /// GNU: where ustar has its prefix are maps of sparse files.
    Gnu,
}

impl Header<'_> {
    fn bytes(&self, from: usize, length: usize) -> &[u8] {
        self.0.get(from..from + length).unwrap_or_default()
    }

    /// Up to the first NUL.
    fn text(&self, from: usize, length: usize) -> &[u8] {
        until_nul(self.bytes(from, length))
    }

    fn form(&self) -> Form {
        match self.bytes(257, 8) {
            [b'u', b's', b't', b'a', b'r', 0, ..] => Form::Ustar,
            b"ustar  \0" => Form::Gnu,
            _ => Form::V7,
        }
    }

    /// Whether it is the end of an archive.
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether the sum of its bytes is what it says. Old archives summed bytes with signs.
    pub(super) fn is_sound(&self) -> bool {
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (at, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&at) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        number::field(self.bytes(148, 8)).is_some_and(|sum| sum == unsigned || sum == signed)
    }

    /// The name, with the prefix where there is one.
    pub(super) fn name(&self) -> Vec<u8> {
        let (name, prefix) = (self.text(0, 100), self.text(345, 155));
        if self.form() == Form::Ustar && !prefix.is_empty() {
            return [prefix, b"/", name].concat();
        }
        name.to_vec()
    }

    /// Where a link leads.
    pub(super) fn link(&self) -> &[u8] {
        self.text(157, 100)
    }

    /// What it describes.
    pub(super) fn kind(&self) -> u8 {
        self.0.get(156).copied().unwrap_or(0)
    }

    /// Permission bits, 0 to 0o7777.
    pub(super) fn mode(&self) -> Result<u32, Fault> {
        let mode = number::field(self.bytes(100, 8)).ok_or(Fault::Number("mode"))?;
        u32::try_from(mode & 0o7777).map_err(|_| Fault::Number("mode"))
    }

    /// `None`: it is no number that fits, which an extended header may put right.
    pub(super) fn uid(&self) -> Option<u32> {
        u32::try_from(number::field(self.bytes(108, 8))?).ok()
    }

    /// As `uid`.
    pub(super) fn gid(&self) -> Option<u32> {
        u32::try_from(number::field(self.bytes(116, 8))?).ok()
    }

    /// Bytes that follow. `None` as in `uid`.
    pub(super) fn size(&self) -> Option<u64> {
        u64::try_from(number::field(self.bytes(124, 12))?).ok()
    }

    /// Seconds since 1970. `None` as in `uid`.
    pub(super) fn mtime(&self) -> Option<i64> {
        number::field(self.bytes(136, 12))
    }

    /// The major and minor number of a device.
    pub(super) fn device(&self) -> Result<(u64, u64), Fault> {
        let of = |from| number::field(self.bytes(from, 8)).and_then(|number| u64::try_from(number).ok());
        of(329).zip(of(337)).ok_or(Fault::Number("device number"))
    }

    /// Of a sparse file in GNU's old form: its size, the beginning of its map, and whether
    /// blocks with more of it follow.
    pub(super) fn sparse(&self) -> Result<(u64, Pieces, bool), Fault> {
        if self.form() != Form::Gnu {
            return Err(Fault::Sparse("not in a form that castoff knows"));
        }
        let size = number::field(self.bytes(483, 12)).and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or(Fault::Number("size"))?;
        Ok((size, pieces(self.bytes(386, 4 * 24))?, self.bytes(482, 1) != [0]))
    }
}

/// A block with more of a map: the pieces, and whether another one follows.
pub(super) fn more_pieces(block: &[u8; BLOCK]) -> Result<(Pieces, bool), Fault> {
    let map = block.get(..21 * 24).unwrap_or_default();
    Ok((pieces(map)?, block.get(504) != Some(&0)))
}

fn pieces(map: &[u8]) -> Result<Pieces, Fault> {
    let number = |bytes: &[u8]| number::field(bytes).and_then(|number| u64::try_from(number).ok());
    let mut pieces = Vec::new();
    for (at, length) in map.chunks_exact(24).map(|pair| pair.split_at(12)) {
        if length.first() == Some(&0) {
            break;
        }
        pieces.push(number(at).zip(number(length)).ok_or(Fault::Sparse("its map is garbled"))?);
    }
    Ok(pieces)
}

/// What comes before the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

//! Reads an archive from its start to its end: the next member, and its content piece by
//! piece. Extended headers of all kinds are taken in; what stays is one plain member.
//!
//! Never holds more than an extended header and a buffer. Asks at each block and piece
//! whether to stop. Who stops at an error has read nothing wrong until then.

use std::ffi::CString;
use std::path::PathBuf;
use std::vec::IntoIter;

use nix::sys::stat::makedev;

use super::fault::{Fault, Name, Refused, Where};
use super::header::{BLOCK, Header, more_pieces, until_nul};
use super::input::Input;
use super::member::{Member, What, os, path};
use super::pax::Extended;
use super::sparse::{MOST_PIECES, Map, Pieces, Reading};
use crate::sys::status::Kind;

/// An extended header that is larger is refused: it is held in memory.
const LARGEST_HEADER: u64 = 8 << 20;
/// Bytes of a hole that are told at once.
const LARGEST_HOLE: u64 = 1 << 20;
/// How much is passed over at once.
const SKIP: usize = 4 << 10;

/// What compressed files begin with.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x28\xb5\x2f\xfd", "zstd: name it .tar.zst"),
    (b"\x1f\x8b", "gzip, which castoff doesn't take"),
    (b"\xfd7zXZ\0", "xz, which castoff doesn't take"),
    (b"BZh", "bzip2, which castoff doesn't take"),
    (b"\x04\x22\x4d\x18", "lz4, which castoff doesn't take"),
];

/// Reads one archive.
pub struct Reader<'a> {
    input: Input,
    stop: &'a dyn Fn() -> bool,
    global: Extended,
    content: Content,
    /// The member that is being read, as its name is written.
    current: Option<PathBuf>,
    last: Option<PathBuf>,
    /// Nothing was read yet.
    is_fresh: bool,
}

/// A piece of a member's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes are in the buffer.
    Data(usize),
    /// So many zeros, which need not be stored.
    Hole(u64),
}

/// What is still to come of a member.
#[derive(Default)]
struct Content {
    pieces: IntoIter<(u64, u64)>,
    piece: (u64, u64),
    size: u64,
    at: u64,
    /// Bytes that are stored.
    stored: u64,
    padding: u64,
}

impl Content {
    fn new(map: Map, stored: u64) -> Self {
        let padding = padding(stored);
        Self { pieces: map.pieces.into_iter(), piece: (0, 0), size: map.size, at: 0, stored, padding }
    }

    /// Where the next data are, and how much.
    fn next_data(&mut self) -> (u64, u64) {
        while self.piece.1 == 0 {
            let Some(piece) = self.pieces.next() else { return (self.size, 0) };
            self.piece = piece;
        }
        self.piece
    }
}

fn padding(stored: u64) -> u64 {
    const BLOCK: u64 = super::header::BLOCK as u64;
    (BLOCK - stored % BLOCK) % BLOCK
}

impl<'a> Reader<'a> {
    /// Of an archive from its start. `stop` says whether castoff was asked to stop.
    #[must_use]
    pub fn new(input: Input, stop: &'a dyn Fn() -> bool) -> Self {
        Self {
            input,
            stop,
            global: Extended::default(),
            content: Content::default(),
            current: None,
            last: None,
            is_fresh: true,
        }
    }

    /// The next member. What was not read of the last one's content is passed over. `None`:
    /// the archive ended as it must.
    ///
    /// # Errors
    /// What is wrong with the archive; [`Fault::Read`]; [`Fault::Stopped`].
    pub fn next_member(&mut self) -> Result<Option<Member>, Refused> {
        let passed = self.pass_over();
        passed.map_err(|fault| self.refused(fault))?;
        self.last = self.current.take().or_else(|| self.last.take());
        let member = self.member();
        member.map_err(|fault| self.refused(fault))
    }

    /// The next piece of the content of the member that was read last; `None` at its end.
    ///
    /// # Errors
    /// As `next_member`.
    pub fn piece(&mut self, buffer: &mut [u8]) -> Result<Option<Piece>, Refused> {
        let piece = self.next_piece(buffer);
        piece.map_err(|fault| self.refused(fault))
    }

    /// A fault of the member that was read last.
    #[must_use]
    pub fn refused(&self, fault: Fault) -> Refused {
        let at = match (&self.current, &self.last) {
            (Some(current), _) => Where::Member(current.clone()),
            (None, Some(last)) => Where::After(last.clone()),
            (None, None) => Where::Start,
        };
        Refused { at, fault }
    }

    fn go_on(&self) -> Result<(), Fault> {
        if (self.stop)() { Err(Fault::Stopped) } else { Ok(()) }
    }

    fn next_piece(&mut self, buffer: &mut [u8]) -> Result<Option<Piece>, Fault> {
        self.go_on()?;
        let content = &mut self.content;
        let (from, left) = content.next_data();
        if content.at < from {
            let hole = (from - content.at).min(LARGEST_HOLE);
            content.at += hole;
            return Ok(Some(Piece::Hole(hole)));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(None);
        }
        let read = self.input.read(buffer.get_mut(..most).unwrap_or_default())?;
        let length = u64::try_from(read).unwrap_or(0);
        if length == 0 {
            return Err(Fault::Truncated);
        }
        content.piece = (from + length, left - length);
        content.at += length;
        content.stored = content.stored.saturating_sub(length);
        Ok(Some(Piece::Data(read)))
    }

    /// Passes over what is left of a member.
    fn pass_over(&mut self) -> Result<(), Fault> {
        let mut left = self.content.stored.saturating_add(self.content.padding);
        self.content = Content::default();
        let far = u64::try_from(SKIP).unwrap_or(0);
        if left > far && self.input.seek(left - 1)? {
            left = 1;
        }
        let mut buffer = [0; SKIP];
        while left > 0 {
            self.go_on()?;
            let most = usize::try_from(left).unwrap_or(SKIP).min(SKIP);
            let read = self.input.read(buffer.get_mut(..most).unwrap_or_default())?;
            if read == 0 {
                return Err(Fault::Truncated);
            }
            left -= u64::try_from(read).unwrap_or(left);
        }
        Ok(())
    }

    /// The next block; `None` at the end of the file.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        self.go_on()?;
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ if self.is_fresh => Err(Fault::NoTar(None)),
            _ => Err(Fault::Truncated),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(buffer.get_mut(filled..).unwrap_or_default())? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// The data of an extended header.
    fn data(&mut self, header: &Header<'_>) -> Result<Vec<u8>, Fault> {
        let size = header.size().ok_or(Fault::Number("size"))?;
        if size > LARGEST_HEADER {
            return Err(Fault::LargeHeader(LARGEST_HEADER));
        }
        let length = usize::try_from(size + padding(size)).unwrap_or(0);
        let mut data = vec![0; length];
        if self.fill(&mut data)? < length {
            return Err(Fault::Truncated);
        }
        data.truncate(usize::try_from(size).unwrap_or(0));
        Ok(data)
    }

    fn member(&mut self) -> Result<Option<Member>, Fault> {
        let mut extended = self.global.clone();
        loop {
            let Some(block) = self.block()? else {
                return Err(if self.is_fresh { Fault::Empty } else { Fault::NoEnd });
            };
            let header = Header(&block);
            if header.is_zero() {
                return self.end().map(|()| None);
            }
            if !header.is_sound() {
                return Err(if self.is_fresh { Fault::NoTar(compression(&block)) } else { Fault::Checksum });
            }
            self.is_fresh = false;
            match header.kind() {
                b'x' | b'X' => extended.read(&self.data(&header)?)?,
                b'g' => {
                    let records = self.data(&header)?;
                    self.global.read(&records)?;
                    extended.read(&records)?;
                }
                b'L' => extended.path = Some(until_nul(&self.data(&header)?).to_vec()),
                b'K' => extended.link = Some(until_nul(&self.data(&header)?).to_vec()),
                // the label of the whole archive
                b'V' => drop(self.data(&header)?),
                _ => return self.described(&header, extended).map(Some),
            }
        }
    }

    /// The end of an archive. That of a compressed one is read up to its checksum.
    fn end(&mut self) -> Result<(), Fault> {
        if self.is_fresh {
            return Err(Fault::Empty);
        }
        let mut buffer = [0; SKIP];
        while self.input.read_rest(&mut buffer)? > 0 {
            self.go_on()?;
        }
        Ok(())
    }

    fn described(&mut self, header: &Header<'_>, mut extended: Extended) -> Result<Member, Fault> {
        let written = extended.sparse.name.take().or(extended.path.take()).unwrap_or_else(|| header.name());
        self.current = Some(PathBuf::from(os(&written)));
        let what = self.what(header, &mut extended, written.ends_with(b"/"))?;
        let seconds = || header.mtime().map(|seconds| (seconds, 0));
        let mode = match &what {
            // symlink(7): "the permissions … are not used"; Linux shows all of them
            What::Symlink(_) => 0o777,
            _ => header.mode()?,
        };
        Ok(Member {
            path: path(&written, Name::Own)?,
            what,
            mode,
            uid: extended.uid.or_else(|| header.uid()).ok_or(Fault::Number("uid"))?,
            gid: extended.gid.or_else(|| header.gid()).ok_or(Fault::Number("gid"))?,
            mtime: extended.mtime.or_else(seconds).ok_or(Fault::Number("time of modification"))?,
            xattrs: xattrs(extended.xattrs)?,
            untaken: extended.untaken,
        })
    }

    /// What the member is. Its content is read from then on.
    fn what(&mut self, header: &Header<'_>, extended: &mut Extended, slash: bool) -> Result<What, Fault> {
        let link = |extended: &mut Extended| extended.link.take().unwrap_or_else(|| header.link().to_vec());
        Ok(match header.kind() {
            // before ustar a directory was a file whose name ends in a slash
            b'0' | 0 | b'7' if slash => What::Directory,
            b'0' | 0 | b'7' | b'S' => What::File(self.file(header, extended)?),
            // what may be stored says nothing of the target: like GNU tar, none is
            b'1' => What::Link(path(&link(extended), Name::Target)?),
            b'2' => What::Symlink(os(&link(extended))),
            b'3' | b'4' => {
                let (major, minor) = header.device()?;
                let kind = if header.kind() == b'3' { Kind::CharacterDevice } else { Kind::BlockDevice };
                What::Node(kind, makedev(major, minor))
            }
            b'5' => What::Directory,
            b'6' => What::Node(Kind::Fifo, 0),
            // GNU's incremental archives list the names in it
            b'D' => {
                let size = extended.size.or_else(|| header.size()).ok_or(Fault::Number("size"))?;
                self.content = Content::new(Map { pieces: Vec::new(), size: 0 }, size);
                What::Directory
            }
            kind => return Err(Fault::Type(kind)),
        })
    }

    /// Returns the size with the holes.
    fn file(&mut self, header: &Header<'_>, extended: &mut Extended) -> Result<u64, Fault> {
        let stored = extended.size.or_else(|| header.size()).ok_or(Fault::Number("size"))?;
        let sparse = std::mem::take(&mut extended.sparse);
        let content = if header.kind() == b'S' {
            let (size, mut pieces, mut goes_on) = header.sparse()?;
            while goes_on {
                let block = self.block()?.ok_or(Fault::Truncated)?;
                let (more, still) = more_pieces(&block)?;
                pieces.extend(more);
                goes_on = still && pieces.len() <= MOST_PIECES;
            }
            Content::new(Map::new(pieces, size, stored)?, stored)
        } else if sparse.is_there() {
            let size = sparse.size.ok_or(Fault::Sparse("its size is not told"))?;
            let (pieces, map) = if sparse.major == 0 { (sparse.map, 0) } else { self.map(stored)? };
            let stored = stored.checked_sub(map).ok_or(Fault::Sparse("its map is larger than all"))?;
            Content::new(Map::new(pieces, size, stored)?, stored)
        } else {
            Content::new(Map::whole(stored), stored)
        };
        self.content = content;
        Ok(self.content.size)
    }

    /// The map before the data of a sparse file, and how many bytes it took.
    fn map(&mut self, stored: u64) -> Result<(Pieces, u64), Fault> {
        let mut reading = Reading::default();
        let mut taken = 0;
        loop {
            if taken >= stored {
                return Err(Fault::Sparse("its map is larger than all"));
            }
            let block = self.block()?.ok_or(Fault::Truncated)?;
            taken += u64::try_from(BLOCK).unwrap_or(0);
            if reading.take(&block)? {
                return Ok((reading.pieces(), taken));
            }
        }
    }
}

fn xattrs(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<(CString, Vec<u8>)>, Fault> {
    let named = |(name, value)| CString::new(name).map(|name| (name, value));
    let named: Result<Vec<_>, _> = pairs.into_iter().map(named).collect();
    named.map_err(|_| Fault::Pax("the name of an attribute is none"))
}

fn compression(block: &[u8; BLOCK]) -> Option<&'static str> {
    COMPRESSED.iter().find(|(magic, _)| block.starts_with(magic)).map(|(_, name)| *name)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;

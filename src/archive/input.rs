//! The bytes of an archive, whether they are compressed or not.

use std::io::{BufReader, Read, Seek};

use super::fault::Fault;
use super::frames::{Frames, errno};

/// How much is read of the file at once.
const BUFFER: usize = 128 << 10;

/// What an archive is read from: a file.
pub trait Bytes: Read + Seek {}

impl<T: Read + Seek> Bytes for T {}

/// The bytes of an archive.
pub struct Input(Form);

enum Form {
    Plain(BufReader<Box<dyn Bytes>>),
    Zstd(Box<Frames>),
}

impl Input {
    /// From a file that is not compressed.
    #[must_use]
    pub fn plain(source: Box<dyn Bytes>) -> Self {
        Self(Form::Plain(BufReader::with_capacity(BUFFER, source)))
    }

    /// From a file that is compressed by zstd.
    #[must_use]
    pub fn zstd(source: Box<dyn Bytes>) -> Self {
        Self(Form::Zstd(Box::new(Frames::new(BufReader::with_capacity(BUFFER, source)))))
    }

    /// Reads some bytes; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        match &mut self.0 {
            Form::Plain(file) => loop {
                match file.read(buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    outcome => break outcome.map_err(|error| Fault::Read(errno(&error))),
                }
            },
            Form::Zstd(frames) => frames.read(buffer),
        }
    }

    /// Passes over bytes by a seek, where that is possible. Returns whether it was.
    pub(super) fn seek(&mut self, length: u64) -> Result<bool, Fault> {
        let Form::Plain(file) = &mut self.0 else { return Ok(false) };
        let Ok(length) = i64::try_from(length) else { return Ok(false) };
        file.seek_relative(length).map(|()| true).map_err(|error| Fault::Read(errno(&error)))
    }

    /// Reads some of what follows the end of the archive and tells whether it is whole: of
    /// a compressed one the rest of its frame. 0 at the end of that.
    pub(super) fn read_rest(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        match &mut self.0 {
            Form::Plain(_) => Ok(0),
            Form::Zstd(frames) => frames.read_of_frame(buffer),
        }
    }
}

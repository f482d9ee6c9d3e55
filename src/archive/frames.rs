//! The bytes of a file compressed by zstd: frame after frame, block by block. Each frame's
//! checksum is compared, where it has one.

use std::io::{BufRead, BufReader, Read};

use nix::errno::Errno;
use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use xxhash_rust::xxh64::Xxh64;

use super::fault::Fault;
use super::input::Bytes;

/// The most that a frame may look back, in bytes: what `zstd` itself takes unless told
/// otherwise. This much memory is used at most, twice for moments.
const LARGEST_WINDOW: u64 = 128 << 20;

/// What is compressed, read.
pub(super) struct Frames {
    source: Noting,
    decoder: FrameDecoder,
    hasher: Xxh64,
    is_in_frame: bool,
    /// No frame has begun yet.
    is_fresh: bool,
}

/// The source, and how reading it went: the decoder's own errors bury that.
struct Noting {
    inner: BufReader<Box<dyn Bytes>>,
    error: Option<Errno>,
    has_ended: bool,
}

impl Read for Noting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let outcome = self.inner.read(buffer);
        match &outcome {
            Ok(0) if !buffer.is_empty() => self.has_ended = true,
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => self.error = Some(errno(error)),
            _ => {}
        }
        outcome
    }
}

/// The system's number.
pub(super) fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

impl Frames {
    pub(super) fn new(inner: BufReader<Box<dyn Bytes>>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(LARGEST_WINDOW);
        let source = Noting { inner, error: None, has_ended: false };
        Self { source, decoder, hasher: Xxh64::new(0), is_in_frame: false, is_fresh: true }
    }

    /// Reads some bytes; 0 at the end. At most one block is decompressed.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        loop {
            if !self.is_in_frame && !self.begin()? {
                return Ok(0);
            }
            let read = self.read_of_frame(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
        }
    }

    /// As `read`, of the frame that is being read; 0 at its end.
    pub(super) fn read_of_frame(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        while self.is_in_frame {
            let read = self.decoder.read(buffer).map_err(|error| Fault::Read(errno(&error)))?;
            if read > 0 || buffer.is_empty() {
                self.hasher.update(buffer.get(..read).unwrap_or_default());
                return Ok(read);
            }
            if self.decoder.is_finished() {
                self.end()?;
            } else if let Err(error) =
                self.decoder.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
            {
                return Err(self.fault(&error));
            }
        }
        Ok(0)
    }

    /// The checksum is the lower half of XXH64 of what is in the frame (RFC 8878, 3.1.1).
    fn end(&mut self) -> Result<(), Fault> {
        self.is_in_frame = false;
        let calculated = self.hasher.digest() & u64::from(u32::MAX);
        match self.decoder.get_checksum_from_data() {
            Some(stored) if u64::from(stored) != calculated => Err(Fault::Damaged),
            _ => Ok(()),
        }
    }

    /// Begins the next frame, skippable ones skipped. Returns whether there is one.
    fn begin(&mut self) -> Result<bool, Fault> {
        loop {
            let rest = self.source.inner.fill_buf().map_err(|error| Fault::Read(errno(&error)))?;
            if rest.is_empty() {
                return Ok(false);
            }
            let skipped = match self.decoder.reset(&mut self.source) {
                Ok(()) => break,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => u64::from(length),
                Err(error) => return Err(self.fault(&error)),
            };
            let passed = std::io::copy(&mut (&mut self.source).take(skipped), &mut std::io::sink());
            if passed.map_err(|error| Fault::Read(errno(&error)))? != skipped {
                return Err(Fault::Truncated);
            }
        }
        (self.is_in_frame, self.is_fresh) = (true, false);
        self.hasher.reset(0);
        Ok(true)
    }

    fn fault(&self, error: &FrameDecoderError) -> Fault {
        match error {
            FrameDecoderError::WindowSizeTooBig { requested: bytes, .. }
            | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { got: bytes }) => {
                Fault::Window(*bytes)
            }
            FrameDecoderError::DictNotProvided { .. } => Fault::Dictionary,
            FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_))
                if self.is_fresh =>
            {
                Fault::NoZstd
            }
            _ => match self.source.error {
                Some(errno) => Fault::Read(errno),
                None if self.source.has_ended => Fault::Truncated,
                None => Fault::Damaged,
            },
        }
    }
}

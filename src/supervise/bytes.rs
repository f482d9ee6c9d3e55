//! Numbers, texts and sequences as bytes: numbers in little-endian order, everything of
//! variable length behind its length.
//!
//! Reading takes any bytes: it never panics, and allocates no more than it was given.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use crate::exit::ExitCode;
use crate::signal::Signal;

/// Bytes to be.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn signed(&mut self, number: i32) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn long(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    /// Lengths beyond 32 bits can't be executed either (execve(2)).
    pub(super) fn length(&mut self, length: usize) {
        self.number(u32::try_from(length).unwrap_or(u32::MAX));
    }

    pub(super) fn text(&mut self, text: &OsStr) {
        self.length(text.len());
        self.0.extend(text.as_bytes());
    }

    pub(super) fn string(&mut self, text: &str) {
        self.text(OsStr::new(text));
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        self.byte(u8::try_from(signal.number()).unwrap_or(0));
    }

    pub(super) fn duration(&mut self, duration: Duration) {
        self.long(duration.as_secs());
        self.number(duration.subsec_nanos());
    }

    pub(super) fn option<T>(&mut self, value: Option<&T>, some: impl FnOnce(&mut Self, &T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            some(self, value);
        }
    }

    pub(super) fn code(&mut self, code: ExitCode) {
        self.byte(code.0);
    }

    pub(super) fn sequence<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.length(items.len());
        for item in items {
            each(self, item);
        }
    }
}

/// Bytes that are read from the front. Each reading gives `None` for what is not there, or is
/// no value of its type.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn index(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(super) fn signed(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_le_bytes)
    }

    pub(super) fn long(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    pub(super) fn length(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    pub(super) fn text(&mut self) -> Option<OsString> {
        let length = self.length()?;
        self.take(length).map(|bytes| OsString::from_vec(bytes.to_vec()))
    }

    pub(super) fn string(&mut self) -> Option<String> {
        self.text()?.into_string().ok()
    }

    pub(super) fn signal(&mut self) -> Option<Signal> {
        Signal::new(self.byte()?.into())
    }

    pub(super) fn duration(&mut self) -> Option<Duration> {
        let (seconds, nanoseconds) = (self.long()?, self.number()?);
        (nanoseconds < 1_000_000_000).then(|| Duration::new(seconds, nanoseconds))
    }

    pub(super) fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { some(self).map(Some) } else { Some(None) }
    }

    pub(super) fn code(&mut self) -> Option<ExitCode> {
        self.byte().map(ExitCode)
    }

    /// Ends at the first item that is not there, so a false length costs nothing.
    pub(super) fn sequence<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(each(self)?);
        }
        Some(items)
    }
}

//! An environment entry whose value is the id of the process that reads it, which nobody
//! knows before that process is there: room for the digits is reserved, and the child fills
//! it in before it executes.

use std::cell::Cell;

use libc::{c_char, pid_t};

/// Digits of the longest process id, and the NUL behind them.
const ROOM: usize = 11;

/// `NAME=` and room for a process id.
pub(super) struct PidEntry {
    // Cells, because the child writes where envp has a pointer to.
    bytes: Box<[Cell<u8>]>,
    digits: usize,
}

impl PidEntry {
    pub(super) fn new(name: &str) -> Self {
        let bytes = name.bytes().chain([b'=']).chain([0; ROOM]).map(Cell::new).collect();
        Self { bytes, digits: name.len().saturating_add(1) }
    }

    /// The entry for envp; a C string for as long as this lives.
    pub(super) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    /// Writes the digits. Makes no call and allocates nothing, so that the child of a vfork
    /// may use it.
    pub(super) fn write(&self, pid: pid_t) {
        let mut number = pid.unsigned_abs();
        let length = number.checked_ilog10().map_or(1, |digits| digits as usize + 1);
        let room = self.bytes.iter().skip(self.digits);
        for cell in room.clone() {
            cell.set(0);
        }
        for cell in room.take(length).rev() {
            cell.set(b'0' + u8::try_from(number % 10).unwrap_or(0));
            number /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PidEntry;

    #[test]
    fn every_length_of_a_process_id() {
        let entry = PidEntry::new("LISTEN_PID");
        for pid in [4_194_304, 1, 99, 100, 12_345, i32::MAX, 7] {
            entry.write(pid);
            let bytes: Vec<u8> = entry.bytes.iter().map(std::cell::Cell::get).collect();
            let text = std::ffi::CStr::from_bytes_until_nul(&bytes).unwrap();
            assert_eq!(text.to_str().unwrap(), format!("LISTEN_PID={pid}"));
        }
    }
}

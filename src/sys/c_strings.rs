//! Many C strings, one behind the other in one piece of memory: a command line, an
//! environment.

use libc::c_char;
use nix::errno::Errno;

/// The strings.
#[derive(Default)]
pub(super) struct CStrings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl CStrings {
    /// With room for so many bytes, those that end the strings included.
    pub(super) fn with_room(bytes: usize, strings: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), starts: Vec::with_capacity(strings) }
    }

    /// Adds a string that is made of these parts.
    ///
    /// # Errors
    /// EINVAL for a NUL byte in it, which would end it early.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> Result<(), Errno> {
        self.starts.push(self.bytes.len());
        for part in parts {
            if part.contains(&0) {
                return Err(Errno::EINVAL);
            }
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        Ok(())
    }

    /// Which of the strings begins so.
    pub(super) fn position(&self, parts: &[&[u8]]) -> Option<usize> {
        let begins = |start: &usize| {
            let mut rest = self.bytes.get(*start..).unwrap_or_default();
            parts.iter().all(|part| rest.strip_prefix(*part).map(|after| rest = after).is_some())
        };
        self.starts.iter().position(begins)
    }

    /// Where each of them begins, and a null behind the last. Good for as long as nothing is
    /// added.
    pub(super) fn pointers(&self) -> Vec<*const c_char> {
        let string = |start: &usize| self.bytes.as_ptr().wrapping_add(*start).cast();
        self.starts.iter().map(string).chain([std::ptr::null()]).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code, reason = "reads what a kernel would")]

    use std::ffi::CStr;

    use super::CStrings;

    #[test]
    fn what_was_put_in_is_what_the_kernel_finds() {
        let mut strings = CStrings::with_room(3, 1);
        for parts in [[&b"A"[..], b"=", b"1"], [b"AB", b"=", b""], [b"", b"", b""]] {
            strings.push(&parts).unwrap();
        }
        let pointers = strings.pointers();
        assert!(pointers[3].is_null() && pointers.len() == 4);
        // SAFETY: the strings are still there.
        let found: Vec<_> = pointers[..3].iter().map(|start| unsafe { CStr::from_ptr(*start) }).collect();
        assert_eq!(found, [c"A=1", c"AB=", c""]);
        assert_eq!(strings.position(&[b"AB", b"="]), Some(1));
        assert_eq!(strings.position(&[b"B", b"="]), None);
        assert!(strings.push(&[b"a\0b"]).is_err());
    }
}

//! The block of memory that the kernel put castoff's environment into, which
//! /proc/PID/environ shows for as long as the process lives (proc_pid_environ(5)).
//!
//! Nobody gets a reference into it that would outlive a call, since it is overwritten in the end.

#![allow(unsafe_code, reason = "the C environment")]

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use libc::c_char;

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

/// What a process gets as its environment.
#[derive(Clone, Copy, Debug)]
pub enum Variables<'a> {
    /// castoff's own, untouched. There are none left after [`wipe`].
    Own,
    /// These.
    Listed(&'a [(OsString, OsString)]),
}

impl Default for Variables<'_> {
    fn default() -> Self {
        Self::Listed(&[])
    }
}

impl Variables<'_> {
    /// The value of a variable.
    #[must_use]
    pub fn get(self, wanted: &str) -> Option<OsString> {
        let matching = |name: &OsStr, value: &OsStr| (name == wanted).then(|| value.to_owned());
        match self {
            Self::Own => find(wanted, matching),
            Self::Listed(variables) => variables.iter().find_map(|(name, value)| matching(name, value)),
        }
    }

    /// Shows each of them to `see`.
    pub fn each(self, mut see: impl FnMut(&OsStr, &OsStr)) {
        match self {
            Self::Own => each("", see),
            Self::Listed(variables) => variables.iter().for_each(|(name, value)| see(name, value)),
        }
    }
}

/// What `look` makes of the first of castoff's own variables that it makes something of, among
/// those whose names begin so. An entry without a `=` is none.
pub fn find<T>(prefix: &str, mut look: impl FnMut(&OsStr, &OsStr) -> Option<T>) -> Option<T> {
    let mut entry = vector();
    // SAFETY: a null or a vector of C strings that ends with a null (execve(2)). They change in
    // `wipe` only, which no `look` calls: castoff has one thread, and the library's tests, which
    // have several, never wipe.
    unsafe {
        while !entry.is_null() && !(*entry).is_null() {
            if libc::strncmp(*entry, prefix.as_ptr().cast(), prefix.len()) == 0 {
                let bytes = CStr::from_ptr(*entry).to_bytes();
                let end = bytes.iter().position(|byte| *byte == b'=');
                let found = end.and_then(|end| {
                    let (name, value) = bytes.split_at_checked(end)?;
                    look(OsStr::from_bytes(name), OsStr::from_bytes(value.get(1..)?))
                });
                if found.is_some() {
                    return found;
                }
            }
            entry = entry.add(1);
        }
    }
    None
}

/// Shows each of castoff's own variables whose names begin so to `see`.
pub fn each(prefix: &str, mut see: impl FnMut(&OsStr, &OsStr)) {
    find(prefix, |name, value| {
        see(name, value);
        None::<()>
    });
}

/// All of it as execve(2) takes it.
pub(super) fn vector() -> *const *const c_char {
    // SAFETY: a copy of the pointer; nothing sets it while castoff runs.
    unsafe { environ.cast_const().cast() }
}

/// Overwrites the environment with zeros, gives its pages back and leaves an empty one. For a
/// castoff that has passed on what a service needs.
pub fn wipe() {
    // SAFETY: castoff has one thread and never sets a variable, so `environ` is the kernel's
    // own vector of writable C strings, ended by a null (execve(2)); nobody keeps a
    // reference into it, std copies.
    unsafe {
        let entries = environ;
        if entries.is_null() {
            return;
        }
        let mut entry = entries;
        let first = *entries;
        let mut end = first;
        while !(*entry).is_null() {
            let length = libc::strlen(*entry);
            ptr::write_bytes(*entry, 0, length);
            // the kernel puts each string behind the one before
            if *entry == end {
                end = end.add(length + 1);
            }
            entry = entry.add(1);
        }
        *entries = ptr::null_mut();
        give_back_between(first, end);
    }
}

/// Gives back the pages that lie between two addresses as a whole; they read as zeros then.
///
/// # Safety
/// Nothing in between may be in use, or it is zeros already.
unsafe fn give_back_between(first: *mut c_char, end: *mut c_char) {
    const PAGE: usize = 4096;
    let begin = first.addr().next_multiple_of(PAGE);
    let whole = (end.addr() & !(PAGE - 1)).saturating_sub(begin);
    if whole > 0 {
        // SAFETY: the caller's promise. A refusal leaves the zeros that are there.
        unsafe { libc::madvise(first.with_addr(begin).cast(), whole, libc::MADV_DONTNEED) };
    }
}

//! The block of memory that the kernel put castoff's environment into, which
//! /proc/PID/environ shows for as long as the process lives (proc_pid_environ(5)).

#![allow(unsafe_code, reason = "the C environment")]

use std::ptr;

use libc::c_char;

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
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

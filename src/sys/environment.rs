//! The block of memory that the kernel put castoff's environment into, which
//! /proc/PID/environ shows for as long as the process lives (proc_pid_environ(5)).

#![allow(unsafe_code, reason = "the C environment")]

use std::ptr;

use libc::c_char;

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

/// Overwrites the environment with zeros and leaves an empty one. For a castoff that has
/// copied what it needs and can't start afresh.
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
        while !(*entry).is_null() {
            ptr::write_bytes(*entry, 0, libc::strlen(*entry));
            entry = entry.add(1);
        }
        *entries = ptr::null_mut();
    }
}

//! The binary's entry: C's `main`, which passes by the start of Rust's std (see
//! `sys::start`), and nothing but calls.

#![no_main]
#![allow(unsafe_code, reason = "C's main: its name, and the arguments that the C runtime vouches for")]

use std::ffi::{c_char, c_int};

use castoff::exit::ExitCode;
use castoff::run::Outcome;
use castoff::supervise::{self, sealed_entry};
use castoff::sys::itself::end;
use castoff::sys::memory::Heap;
use castoff::sys::start::{self, Inherited};

#[global_allocator]
static HEAP: Heap = Heap;

/// Called by the C runtime.
///
/// # Safety
/// `argv` must be `argc` C strings, as the C runtime passes them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let run = |inherited| unsafe { from_start_to_end(&inherited, argc, argv) };
    end(start::begin().map_or_else(supervise::no_signals, run))
}

/// # Safety
/// As for [`main`].
unsafe fn from_start_to_end(inherited: &Inherited, argc: c_int, argv: *const *const c_char) -> ExitCode {
    // SAFETY: the caller's promise.
    let arguments = unsafe { start::arguments(argc, argv) };
    sealed_entry(&arguments).unwrap_or_else(|| match castoff::run::main(arguments, inherited) {
        Outcome::End(code) => code,
        // from here on nothing of the preparation is left, neither on the heap nor on the stack
        Outcome::Run(plan, voice, sealing) => supervise::run(plan, inherited, voice, sealing),
    })
}

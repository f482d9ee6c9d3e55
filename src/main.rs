//! The binary's entry: C's `main`, which passes by the start of Rust's std (see
//! `sys::start`), and nothing but calls.

#![no_main]
#![allow(unsafe_code, reason = "C's main: its name, and the arguments that the C runtime vouches for")]

use std::ffi::{c_char, c_int};
use std::io::Write;

use castoff::run::Outcome;
use castoff::supervise::{self, sealed_entry};
use castoff::sys::memory::Heap;
use castoff::sys::start;

#[global_allocator]
static HEAP: Heap = Heap;

/// Called by the C runtime.
///
/// # Safety
/// `argv` must be `argc` C strings, as the C runtime passes them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let inherited = start::begin();
    // SAFETY: the caller's promise.
    let arguments = unsafe { start::arguments(argc, argv) };
    let code = sealed_entry(&arguments).unwrap_or_else(|| match castoff::run::main(arguments, &inherited) {
        Outcome::End(code) => code,
        // from here on nothing of the preparation is left, neither on the heap nor on the stack
        Outcome::Run(plan, voice, sealing) => supervise::run(plan, &inherited, voice, sealing),
    });
    // std does this at the end of its own main; nobody is left to be told of a failure.
    let _ = std::io::stdout().flush();
    code.0.into()
}

//! System calls that are made again: after a signal, or where a failure can't be true.

use nix::errno::Errno;

/// Makes `call` until it ends with something else than EINTR (signal(7), "Interruption of
/// system calls").
///
/// # Errors
/// What `call` fails with.
pub fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            outcome => return outcome,
        }
    }
}

/// How often a call is made that the kernel itself has no reason to refuse.
const INSISTED: u32 = 16;

/// Makes `call`, whose failure would be a sandbox's or a tracer's word, again after each
/// failure, [`INSISTED`] times in all: what remains is no accident.
///
/// # Errors
/// What `call` fails with in the end.
pub fn insist<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    for _ in 1..INSISTED {
        if let Ok(done) = call() {
            return Ok(done);
        }
    }
    call()
}

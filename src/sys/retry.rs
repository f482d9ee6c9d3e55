//! System calls that a signal interrupted are made again. Nothing else is retried here.

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

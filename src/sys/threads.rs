//! castoff has one thread, and says here when it has more: a lock between threads is taken for
//! nothing while there are none, and the allocator's would be with each allocation.
//!
//! Threads are made in the scope of [`together`] only (`tests/house.rs` sees to it).

#![allow(unsafe_code, reason = "a lock: what it guards is one caller's at a time")]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

/// Whether there may be a second thread. Tests have as many as they like.
static TOGETHER: AtomicBool = AtomicBool::new(cfg!(test));

/// Does `work`, which may make threads in the scope, and joins them all: a scope that ends by
/// itself does not wait for what a thread does last.
pub(super) fn together<'env, T>(work: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T) -> T {
    // by the only thread there is, or by one of several: it is true then already
    let before = TOGETHER.swap(true, Ordering::SeqCst);
    let done = std::thread::scope(work);
    TOGETHER.store(before, Ordering::SeqCst);
    done
}

/// What one thread at a time may use, and one at a time takes without an atomic exchange while
/// there is one thread.
pub(super) struct Shared<T> {
    lock: Mutex<()>,
    value: UnsafeCell<T>,
}

// SAFETY: `lock` gives the value to one thread at a time.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(super) const fn new(value: T) -> Self {
        Self { lock: Mutex::new(()), value: UnsafeCell::new(value) }
    }

    /// Does `work` with the value.
    ///
    /// # Safety
    /// `work` does not ask for the value once more.
    pub(super) unsafe fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // The flag changes only while there is one thread, which sees what it wrote; a thread that
        // is made later sees what was written before it was.
        let together = TOGETHER.load(Ordering::Relaxed);
        let _lock = together.then(|| self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        // SAFETY: with several threads the lock is taken, with one nobody else is there; that who
        // has it does not ask once more is the caller's promise.
        work(unsafe { &mut *self.value.get() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Shared, together};

    #[test]
    fn it_is_one_threads_at_a_time() {
        static COUNT: Shared<u64> = Shared::new(0);
        // SAFETY: adding one is all that is done.
        let add = |number| unsafe {
            COUNT.with(|count| {
                let seen = *count;
                std::hint::black_box(&count);
                *count = seen + number;
                *count
            })
        };
        let count = || {
            for _ in 0..10_000 {
                add(1);
            }
        };
        together(|scope| {
            for made in [count; 4].map(|each| scope.spawn(each)) {
                made.join().unwrap();
            }
        });
        assert_eq!(add(0), 40_000);
    }
}

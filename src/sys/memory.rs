//! castoff's memory: the allocator, and what PID 1 gives back before it waits.
//!
//! dlmalloc is in the place of musl's, which maps pages for each size of allocation anew and
//! locks slowly between threads. Its lock is a futex that nobody waits at while there is one
//! thread.

#![allow(unsafe_code, reason = "a global allocator; madvise(2)")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;
use libc::c_void;

const PAGE: usize = 4096;
/// So far below what castoff stands on its stack may have been used. The kernel keeps more
/// than that free of other mappings below a stack (stack_guard_gap).
const STACK_USED: usize = 512 << 10;
/// The frames of the calls that give pages back must not be among them.
const OWN_FRAMES: usize = 1024;

/// The allocator, for `main.rs` to declare: tests fork while other threads allocate, which
/// castoff never does.
pub struct Heap;

struct State {
    dlmalloc: Dlmalloc,
    /// Allocations that are not freed yet.
    live: usize,
}

static HEAP: Mutex<State> = Mutex::new(State { dlmalloc: Dlmalloc::new(), live: 0 });

fn heap() -> MutexGuard<'static, State> {
    HEAP.lock().unwrap_or_else(PoisonError::into_inner)
}

// SAFETY: dlmalloc keeps the promises of an allocator, for one caller at a time.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut heap = heap();
        // SAFETY: the caller's promises are those that are asked for.
        let made = unsafe { heap.dlmalloc.malloc(layout.size(), layout.align()) };
        heap.live = heap.live.wrapping_add(usize::from(!made.is_null()));
        made
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let mut heap = heap();
        // SAFETY: as above.
        let made = unsafe { heap.dlmalloc.calloc(layout.size(), layout.align()) };
        heap.live = heap.live.wrapping_add(usize::from(!made.is_null()));
        made
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let mut heap = heap();
        heap.live = heap.live.wrapping_sub(1);
        // SAFETY: as above.
        unsafe { heap.dlmalloc.free(pointer, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { heap().dlmalloc.realloc(pointer, layout.size(), layout.align(), new_size) }
    }
}

/// Gives back to the kernel what was used and is no more: the end of the heap, and the stack
/// below who calls. What is needed again is there again, as zeros.
pub fn give_back() {
    give_back_heap(&mut heap());
    give_back_stack();
}

fn give_back_heap(heap: &mut State) {
    heap.dlmalloc.set_granularity(PAGE);
    // SAFETY: nothing that is in use is given back. Where nothing is in use at all, one page is
    // left, where a new allocation would be made: what is allocated later begins elsewhere.
    unsafe {
        let last = heap.dlmalloc.malloc(1, 1);
        if last.is_null() {
            return;
        }
        heap.dlmalloc.free(last, 1, 1);
        heap.dlmalloc.trim(0);
        if heap.live == 0 {
            libc::madvise(last.with_addr(last.addr() & !(PAGE - 1)).cast(), PAGE, libc::MADV_DONTNEED);
            heap.dlmalloc = Dlmalloc::new();
        }
    }
}

fn give_back_stack() {
    let here = 0_u8;
    let here = (&raw const here).addr();
    let end = here.saturating_sub(OWN_FRAMES) & !(PAGE - 1);
    let start = std::ptr::without_provenance_mut::<c_void>(end.saturating_sub(STACK_USED));
    // SAFETY: below the frames of this call the stack holds nothing that is in use, and
    // nothing else is mapped so near below it; that part of it was never used, and is not
    // mapped, is no mistake (ENOMEM, madvise(2)).
    unsafe { libc::madvise(start, STACK_USED, libc::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout};

    use super::{Heap, give_back};

    #[test]
    fn what_is_in_use_stays() {
        let deep = [3_u8; 20_000];
        let layout = |size| Layout::from_size_align(size, 16).unwrap();
        // SAFETY: each block is used within its size, and given back once with its layout.
        unsafe {
            let (small, large) = (Heap.alloc(layout(100)), Heap.alloc_zeroed(layout(100_000)));
            small.write_bytes(7, 100);
            assert!(std::slice::from_raw_parts(large, 100_000).iter().all(|byte| *byte == 0));
            large.write_bytes(8, 100_000);
            Heap.dealloc(Heap.alloc(layout(1_000_000)), layout(1_000_000));
            give_back();
            let large = Heap.realloc(large, layout(100_000), 300_000);
            assert!(std::slice::from_raw_parts(small, 100).iter().all(|byte| *byte == 7));
            assert!(std::slice::from_raw_parts(large, 100_000).iter().all(|byte| *byte == 8));
            Heap.dealloc(large, layout(300_000));
            Heap.dealloc(small, layout(100));
            give_back();
            let anew = Heap.alloc_zeroed(layout(5_000));
            assert!(std::slice::from_raw_parts(anew, 5_000).iter().all(|byte| *byte == 0));
            Heap.dealloc(anew, layout(5_000));
        }
        assert!(deep.iter().all(|byte| *byte == 3));
    }
}

//! Memory for the first of what castoff allocates: a small piece of the binary's own zeroed
//! data, handed out front to back. A plain init needs no more than that, and then never asks
//! the kernel for any: it starts sooner, and fewer pages are its own.
//!
//! Nothing is handed out twice but what was handed out last; what doesn't fit comes from the
//! C library.

#![allow(unsafe_code, reason = "a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes. Those that are never used are pages that are never touched.
const ROOM: usize = 48 << 10;
/// What is larger is not for here: it would leave no room for the many that are small.
const LARGEST: usize = 8 << 10;

#[repr(C, align(16))]
struct Room(UnsafeCell<[u8; ROOM]>);

// SAFETY: `Front::take` gives each byte to one allocation at a time, whatever the thread.
unsafe impl Sync for Room {}

static MEMORY: Room = Room(UnsafeCell::new([0; ROOM]));

/// The allocator.
struct Front {
    /// How much of the room is handed out.
    used: AtomicUsize,
}

#[global_allocator]
static ALLOCATOR: Front = Front { used: AtomicUsize::new(0) };

impl Front {
    fn start() -> *mut u8 {
        MEMORY.0.get().cast()
    }

    /// Where in the room a pointer leads, if it does.
    fn offset(pointer: *mut u8) -> Option<usize> {
        let offset = pointer.addr().wrapping_sub(Self::start().addr());
        (offset < ROOM).then_some(offset)
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        if layout.size() > LARGEST || layout.align() > align_of::<Room>() {
            return None;
        }
        let begin = |used: usize| used.next_multiple_of(layout.align());
        let end = |used: usize| begin(used).checked_add(layout.size()).filter(|end| *end <= ROOM);
        let used = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end).ok()?;
        // SAFETY: `begin` and what is behind it lie in the room, as `end` has found out.
        Some(unsafe { Self::start().add(begin(used)) })
    }

    /// Moves the end of what was handed out last. `false`: it was not the last.
    fn resize_last(&self, offset: usize, size: usize, new_size: usize) -> bool {
        let (end, new_end) = (offset + size, offset.saturating_add(new_size));
        let is_last = new_end <= ROOM;
        is_last && self.used.compare_exchange(end, new_end, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

// SAFETY: what `take` returns is of the size and alignment asked for and nobody else's;
// all else is the system's allocator.
unsafe impl GlobalAlloc for Front {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(taken) => taken,
            // SAFETY: the caller's promises are the same.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(taken) => {
                // SAFETY: `take` returned as many bytes; they may have been used before.
                unsafe { taken.write_bytes(0, layout.size()) };
                taken
            }
            // SAFETY: the caller's promises are the same.
            None => unsafe { System.alloc_zeroed(layout) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match Self::offset(pointer) {
            Some(offset) => _ = self.resize_last(offset, layout.size(), 0),
            // SAFETY: what is not in the room came from the system.
            None => unsafe { System.dealloc(pointer, layout) },
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(offset) = Self::offset(pointer) else {
            // SAFETY: what is not in the room came from the system.
            return unsafe { System.realloc(pointer, layout, new_size) };
        };
        if new_size <= layout.size() || self.resize_last(offset, layout.size(), new_size) {
            return pointer;
        }
        // SAFETY: the caller promises a size that is not 0 and that doesn't overflow.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(new_size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both are at least as long as the old one, and a new one is elsewhere.
            unsafe { pointer.copy_to_nonoverlapping(moved, layout.size()) };
        }
        moved
    }
}

//! castoff's memory: the allocator, and what PID 1 gives back before it waits.
//!
//! dlmalloc is in the place of musl's, which maps pages for each size of allocation anew and
//! locks slowly between threads. Its lock is taken only while there are several (`threads`), and it
//! is asked for what is not free already (`free_lists`).
//! What is large is mapped on its own and given back when it is freed: dlmalloc gives back
//! the end of its heap only, and mmap(2) puts new memory before its beginning. The first few
//! kilobytes are among castoff's variables: a plain init needs no more, and no heap. Where the
//! kernel gives no memory, a reserve takes its place: castoff as PID 1 has to see to the end of
//! its service all the same.

#![allow(unsafe_code, reason = "a global allocator; madvise(2)")]

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use dlmalloc::Dlmalloc;
use libc::{c_int, c_void};

use super::free_lists::{FreeLists, block_size};
use super::threads::Shared;

const PAGE: usize = 4096;
/// From so many bytes on an allocation has pages of its own.
pub const LARGE: usize = 32 << 10;
/// So far below what castoff stands on its stack may have been used. The kernel keeps more
/// than that free of other mappings below a stack (stack_guard_gap).
const STACK_USED: usize = 512 << 10;
/// The frames of the calls that give pages back must not be among them.
const OWN_FRAMES: usize = 1024;

/// The allocator, for `main.rs` to declare: tests fork while other threads allocate, which
/// castoff never does.
pub struct Heap;

struct State {
    free: FreeLists,
    first: Arena,
    dlmalloc: Dlmalloc,
    /// Whether it was asked for anything: asking it costs pages.
    is_set_up: bool,
    /// Blocks of it that are not given back to it yet.
    live: usize,
    reserve: Arena,
}

static HEAP: Shared<State> = Shared::new(State::new(Arena::of(&raw mut FIRST)));

/// Bytes that need neither a system call nor page tables of their own.
const AT_FIRST: usize = 4 << 10;

static mut FIRST: [u8; AT_FIRST] = [0; AT_FIRST];

/// Bytes of the reserve: enough for a list of all processes of a machine that has 32,768, the
/// usual limit. Until it is needed it is no memory but addresses.
const RESERVED: usize = 8 << 20;

/// Blocks one behind the other. The last is free again when it is freed, which what is needed for
/// a moment is; all are when no block is left: what the loop allocates it frees before it waits.
struct Arena {
    /// Null: it is not there.
    base: AtomicPtr<u8>,
    size: usize,
    used: usize,
    live: usize,
}

impl Arena {
    const fn none() -> Self {
        Self { base: AtomicPtr::new(ptr::null_mut()), size: 0, used: 0, live: 0 }
    }

    const fn of(first: *mut [u8; AT_FIRST]) -> Self {
        Self { base: AtomicPtr::new(first.cast()), size: AT_FIRST, ..Self::none() }
    }

    /// A mapping of its own: as one of castoff's variables it would be refused by who limits memory
    /// to less, and castoff with it (execve(2)).
    fn map(&mut self) {
        if !self.base.get_mut().is_null() {
            return;
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new private mapping; nothing else knows its address.
        let mapped = unsafe { libc::mmap(ptr::null_mut(), RESERVED, protection, flags, -1, 0) };
        if mapped != libc::MAP_FAILED {
            *self.base.get_mut() = mapped.cast();
            self.size = RESERVED;
        }
    }

    fn holds(&self, pointer: *const u8) -> bool {
        let base = self.base.load(Ordering::Relaxed);
        !base.is_null() && pointer.addr().wrapping_sub(base.addr()) < self.size
    }

    /// Null where it is used up.
    fn take(&mut self, layout: Layout) -> *mut u8 {
        let base = *self.base.get_mut();
        if base.is_null() {
            return base;
        }
        // a power of two (Layout): `next_multiple_of` would divide
        let below = layout.align() - 1;
        let start = ((base.addr() + self.used + below) & !below) - base.addr();
        let Some(end) = start.checked_add(layout.size()).filter(|end| *end <= self.size) else {
            return ptr::null_mut();
        };
        self.used = end;
        self.live += 1;
        base.wrapping_add(start)
    }

    /// A block of so many bytes, which it holds.
    fn free(&mut self, block: *const u8, size: usize) {
        self.live = self.live.saturating_sub(1);
        let start = block.addr().wrapping_sub(self.base.load(Ordering::Relaxed).addr());
        if self.live == 0 {
            self.used = 0;
        } else if start.wrapping_add(size) == self.used {
            self.used = start;
        }
    }

    /// Whether the block, if it is the last, has this other size from now on.
    fn resize(&mut self, block: *const u8, size: usize, new_size: usize) -> bool {
        let start = block.addr().wrapping_sub(self.base.get_mut().addr());
        let end = start.checked_add(new_size).filter(|end| *end <= self.size);
        match end {
            Some(end) if start.wrapping_add(size) == self.used => {
                self.used = end;
                true
            }
            _ => false,
        }
    }
}

impl State {
    const fn new(first: Arena) -> Self {
        Self {
            free: FreeLists::new(),
            first,
            dlmalloc: Dlmalloc::new(),
            is_set_up: false,
            live: 0,
            reserve: Arena::none(),
        }
    }

    /// Null where there is no memory.
    fn give(&mut self, layout: Layout) -> *mut u8 {
        let free = self.free.take(layout);
        if !free.is_null() {
            return free;
        }
        let first = self.first.take(layout);
        if !first.is_null() {
            return first;
        }
        let (size, align) = (block_size(layout.size(), layout.align()), layout.align());
        // SAFETY: a size and an alignment that belong together.
        let made = unsafe { self.dlmalloc.malloc(size, align) };
        if made.is_null() {
            return self.reserve.take(layout);
        }
        self.live = self.live.wrapping_add(1);
        self.is_set_up = true;
        made
    }

    /// The arena that holds a block, if it is in none that the heap or the kernel gave.
    fn arena_of(&mut self, block: *const u8) -> Option<&mut Arena> {
        if self.first.holds(block) {
            Some(&mut self.first)
        } else if self.reserve.holds(block) {
            Some(&mut self.reserve)
        } else {
            None
        }
    }

    /// # Safety
    /// The block was given here or by `map`, with that layout, and nobody uses it after this.
    unsafe fn take_back(&mut self, block: *mut u8, layout: Layout) {
        if let Some(arena) = self.arena_of(block) {
            arena.free(block, layout.size());
        } else if is_large(layout.size(), layout.align()) {
            // SAFETY: all pages of a mapping that `map` or `resize` has made for that size.
            unsafe { libc::munmap(block.cast(), layout.size()) };
        // SAFETY: the caller's promise; `give` and `resize` made it so large.
        } else if !unsafe { self.free.keep(block, layout) } {
            // SAFETY: as above, and it has no list, whose size would be another.
            unsafe { self.give_back(block, layout.size(), layout.align()) };
        }
    }

    /// # Safety
    /// A block of that size that dlmalloc has given, and nobody uses it after this.
    unsafe fn give_back(&mut self, block: *mut u8, size: usize, align: usize) {
        self.live = self.live.wrapping_sub(1);
        // SAFETY: the caller's promise.
        unsafe { self.dlmalloc.free(block, size, align) }
    }

    /// The same block with another size, where it is and will be of one kind; else null.
    ///
    /// # Safety
    /// As for `realloc`.
    unsafe fn resize(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if let Some(arena) = self.arena_of(block) {
            let fits = arena.resize(block, layout.size(), new_size);
            return if fits { block } else { ptr::null_mut() };
        }
        let align = layout.align();
        match (is_large(layout.size(), align), is_large(new_size, align)) {
            (false, false) => {
                let (old, new) = (block_size(layout.size(), align), block_size(new_size, align));
                if old == new {
                    return block;
                }
                // SAFETY: the caller's promises.
                unsafe { self.dlmalloc.realloc(block, old, align, new) }
            }
            (true, true) => {
                let (old, flags) = (layout.size(), libc::MREMAP_MAYMOVE);
                // SAFETY: as in `take_back`; nobody uses the old address after this.
                mapped(unsafe { libc::mremap(block.cast(), old, new_size, flags) })
            }
            _ => ptr::null_mut(),
        }
    }
}

/// Nothing of it allocates: the value is asked for once at a time.
fn with_heap<T>(work: impl FnOnce(&mut State) -> T) -> T {
    // SAFETY: as said.
    unsafe { HEAP.with(work) }
}

/// Whether that has pages of its own. It depends on the layout only, so that who frees knows it.
fn is_large(size: usize, align: usize) -> bool {
    size >= LARGE && align <= PAGE
}

fn map(size: usize) -> *mut u8 {
    const KIND: c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new private mapping.
    mapped(unsafe { libc::mmap(ptr::null_mut(), size, rights, KIND, -1, 0) })
}

fn mapped(address: *mut c_void) -> *mut u8 {
    if address == libc::MAP_FAILED { ptr::null_mut() } else { address.cast() }
}

// SAFETY: dlmalloc keeps the promises of an allocator, for one caller at a time, and so does the
// kernel, whose pages are as large as what is asked for or larger, and zeros.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            let made = map(layout.size());
            return if made.is_null() { with_heap(|heap| heap.reserve.take(layout)) } else { made };
        }
        with_heap(|heap| heap.give(layout))
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let pages =
            if is_large(layout.size(), layout.align()) { map(layout.size()) } else { ptr::null_mut() };
        if !pages.is_null() {
            return pages;
        }
        // SAFETY: the caller's promises; what is made is a block of this size.
        unsafe {
            let made = self.alloc(layout);
            if !made.is_null() {
                made.write_bytes(0, layout.size());
            }
            made
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises.
        with_heap(|heap| unsafe { heap.take_back(pointer, layout) });
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promises.
        let made = with_heap(|heap| unsafe { heap.resize(pointer, layout, new_size) });
        if !made.is_null() {
            return made;
        }
        // SAFETY: the caller's promises again: the new size is none that overflows with the
        // alignment. Both blocks have the smaller of the sizes, and are not the same.
        unsafe {
            let made = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !made.is_null() {
                made.copy_from_nonoverlapping(pointer, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            made
        }
    }
}

/// From here on there is the reserve: before the first service is, which could take all other
/// memory away before castoff runs again.
pub fn reserve() {
    with_heap(|heap| heap.reserve.map());
}

/// Gives back to the kernel what was used and is no more: the end of the heap, and the stack below
/// who calls, where children were, too. What is needed again is there again, as zeros.
pub fn give_back() {
    with_heap(give_back_heap);
    give_back_stack();
}

fn give_back_heap(heap: &mut State) {
    if !heap.is_set_up {
        return;
    }
    while let Some((block, size)) = heap.free.take_any() {
        // SAFETY: it was free, and dlmalloc's: who has an arena's block gives it back to that.
        unsafe { heap.give_back(block, size, 1) };
    }
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
            heap.is_set_up = false;
        }
    }
}

fn give_back_stack() {
    let here = 0_u8;
    let here = (&raw const here).addr();
    let end = here.saturating_sub(OWN_FRAMES) & !(PAGE - 1);
    let start = ptr::without_provenance_mut::<c_void>(end.saturating_sub(STACK_USED));
    // SAFETY: below the frames of this call the stack holds nothing that is in use, and
    // nothing else is mapped so near below it; that part of it was never used, and is not
    // mapped, is no mistake (ENOMEM, madvise(2)).
    unsafe { libc::madvise(start, STACK_USED, libc::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout};

    use super::{Arena, Heap, LARGE, RESERVED, State, give_back, give_back_heap};

    #[test]
    fn the_reserve_is_free_again_when_its_last_block_is() {
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        let mut reserve = Arena::none();
        assert!(reserve.take(layout(1, 1)).is_null(), "it is not there yet");
        reserve.map();
        for _ in 0..2 {
            let small = reserve.take(layout(3, 1));
            let aligned = reserve.take(layout(8, 4096));
            assert!(reserve.holds(small) && reserve.holds(aligned));
            assert_eq!(aligned.addr() % 4096, 0);
            assert!(reserve.take(layout(RESERVED, 1)).is_null(), "it is no more than it is");
            reserve.free(small, 3);
            let used = reserve.used;
            // what is needed for a moment takes room for a moment
            for _ in 0..2 {
                let last = reserve.take(layout(RESERVED / 2, 1));
                assert!(!last.is_null());
                reserve.free(last, RESERVED / 2);
            }
            assert_eq!(reserve.used, used);
            let last = reserve.take(layout(1, 1));
            reserve.free(aligned, 8);
            assert_ne!(reserve.used, 0, "the last is still in use");
            reserve.free(last, 1);
            assert_eq!(reserve.used, 0);
        }
        assert!(!reserve.holds(std::ptr::null()) && !reserve.holds(small_on_the_heap().as_ptr()));
    }

    #[test]
    fn the_last_block_grows_and_shrinks_where_it_is() {
        let layout = |size| Layout::from_size_align(size, 1).unwrap();
        let mut arena = Arena::none();
        arena.map();
        let (first, last) = (arena.take(layout(10)), arena.take(layout(10)));
        assert!(!arena.resize(first, 10, 11), "the next block begins there");
        assert!(arena.resize(last, 10, RESERVED - 10) && arena.used == RESERVED);
        assert!(!arena.resize(last, RESERVED - 10, RESERVED), "it is no more than it is");
        assert!(arena.resize(last, RESERVED - 10, 5));
        assert_eq!(arena.take(layout(1)), last.wrapping_add(5));
    }

    #[test]
    fn what_is_kept_for_later_is_given_back_in_the_end() {
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        let mut heap = State::new(Arena::none());
        // SAFETY: each block is given back once, with its layout.
        unsafe {
            let blocks = [3, 40, 512].map(|size| (heap.give(layout(size)), size));
            for (block, size) in blocks {
                heap.take_back(block, layout(size));
            }
            assert_eq!(heap.live, 3, "they are kept");
            assert_eq!(heap.give(layout(33)), blocks[1].0, "and taken again, as large as they are");
            heap.take_back(blocks[1].0, layout(33));
        }
        give_back_heap(&mut heap);
        assert_eq!((heap.live, heap.is_set_up), (0, false));
    }

    fn small_on_the_heap() -> Vec<u8> {
        vec![1]
    }

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
            let grown = Heap.realloc(Heap.alloc_zeroed(layout(LARGE - 1)), layout(LARGE - 1), LARGE);
            grown.write_bytes(9, LARGE);
            let shrunk = Heap.realloc(grown, layout(LARGE), 500);
            assert!(std::slice::from_raw_parts(shrunk, 500).iter().all(|byte| *byte == 9));
            Heap.dealloc(shrunk, layout(500));
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

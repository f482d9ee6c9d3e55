//! Small blocks that were freed and are likely to be asked for again: a list for each size, the last
//! that was freed first. The allocator behind them (`memory`) is asked for what no list has.

#![allow(unsafe_code, reason = "a free block holds where the next one is")]

use std::alloc::Layout;
use std::ptr;
use std::sync::atomic::AtomicPtr;

/// Bytes by which sizes differ, and to which a block is aligned.
const STEP: usize = 16;
/// Bytes of the largest.
const LARGEST: usize = 512;
const COUNT: usize = LARGEST / STEP;

/// The lists. Null: empty. They are used by one thread at a time (`threads`), to which a plain
/// pointer could not be sent.
pub(super) struct FreeLists {
    first: [AtomicPtr<u8>; COUNT],
}

/// The size that a block has which is asked for with this layout: that of a list, where there is
/// one for it. It depends on the layout only, so that who frees knows it.
#[inline(always)]
pub(super) fn block_size(size: usize, align: usize) -> usize {
    // not `next_multiple_of`, which would divide where it is not inlined
    if size <= LARGEST && align <= STEP { size.max(1).wrapping_add(STEP - 1) & !(STEP - 1) } else { size }
}

impl FreeLists {
    pub(super) const fn new() -> Self {
        Self { first: [const { AtomicPtr::new(ptr::null_mut()) }; COUNT] }
    }

    #[inline(always)]
    fn list(&mut self, size: usize, align: usize) -> Option<&mut *mut u8> {
        if align > STEP {
            return None;
        }
        self.first.get_mut(size.saturating_sub(1) / STEP).map(AtomicPtr::get_mut)
    }

    /// A block, or null.
    #[inline(always)]
    pub(super) fn take(&mut self, layout: Layout) -> *mut u8 {
        let Some(list) = self.list(layout.size(), layout.align()) else { return ptr::null_mut() };
        let block = *list;
        if !block.is_null() {
            // SAFETY: it is in the list, so `keep` wrote there.
            *list = unsafe { block.cast::<*mut u8>().read() };
        }
        block
    }

    /// Keeps a block that was freed, if there is a list for it.
    ///
    /// # Safety
    /// The block has the size that [`block_size`] says, and nobody uses it.
    #[inline(always)]
    pub(super) unsafe fn keep(&mut self, block: *mut u8, layout: Layout) -> bool {
        let Some(list) = self.list(layout.size(), layout.align()) else { return false };
        // SAFETY: it has room for a pointer and is aligned as one: both are less than `STEP`.
        unsafe { block.cast::<*mut u8>().write(*list) };
        *list = block;
        true
    }

    /// Takes a block out of any list, with its size.
    pub(super) fn take_any(&mut self) -> Option<(*mut u8, usize)> {
        let sizes = (1..=COUNT).map(|number| number.wrapping_mul(STEP));
        sizes.filter_map(|size| Layout::from_size_align(size, STEP).ok()).find_map(|layout| {
            let block = self.take(layout);
            (!block.is_null()).then_some((block, layout.size()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{FreeLists, LARGEST, STEP, block_size};
    use std::alloc::Layout;
    use std::mem::MaybeUninit;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn a_block_is_as_large_as_all_that_it_may_be_taken_for() {
        for (size, align, expected) in [
            (0, 1, STEP),
            (1, 1, STEP),
            (STEP, STEP, STEP),
            (STEP + 1, 8, 2 * STEP),
            (LARGEST - 1, 1, LARGEST),
            (LARGEST, 1, LARGEST),
            (LARGEST + 1, 1, LARGEST + 1),
            (5, 2 * STEP, 5),
        ] {
            assert_eq!(block_size(size, align), expected, "{size} {align}");
        }
    }

    #[test]
    fn what_was_freed_last_is_first() {
        #[repr(align(16))]
        struct Room([MaybeUninit<u8>; STEP]);
        let mut rooms = [const { Room([MaybeUninit::uninit(); STEP]) }; 3];
        let blocks: Vec<*mut u8> = rooms.iter_mut().map(|room| room.0.as_mut_ptr().cast()).collect();
        let mut lists = FreeLists::new();
        for block in &blocks {
            // SAFETY: rooms of the first list's size, which nobody uses.
            assert!(unsafe { lists.keep(*block, layout(3, 1)) });
        }
        assert!(lists.take(layout(STEP + 1, 1)).is_null(), "another list");
        assert!(lists.take(layout(1, 2 * STEP)).is_null(), "no list");
        assert_eq!(lists.take(layout(STEP, 8)), blocks[2]);
        assert_eq!(lists.take(layout(1, 1)), blocks[1]);
        assert_eq!(lists.take_any(), Some((blocks[0], STEP)));
        assert_eq!(lists.take_any(), None);
        assert!(lists.take(layout(1, 1)).is_null());
    }

    #[test]
    fn what_has_no_list_is_not_kept() {
        let mut room = [0_u8; LARGEST + 1];
        let mut lists = FreeLists::new();
        for layout in [layout(LARGEST + 1, 1), layout(8, 2 * STEP)] {
            // SAFETY: it is not kept.
            assert!(!unsafe { lists.keep(room.as_mut_ptr(), layout) });
        }
    }
}

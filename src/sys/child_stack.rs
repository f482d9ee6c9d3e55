//! The stack on which a child runs until it has executed.
//!
//! Among castoff's variables: a mapping of its own would cost more than all that the child does,
//! and each page of an array on castoff's own stack would be touched to see that it is there.

#![allow(unsafe_code, reason = "madvise(2)")]

use std::mem::MaybeUninit;

use libc::c_void;

use super::threads::Shared;

const PAGE: usize = 4096;
/// Bytes. What a child does not use is not touched.
const SIZE: usize = 4 * PAGE;

/// With room for whole pages, wherever it begins: if it were aligned, so would be what stands before
/// it, which is on a page that is written to in any case.
struct Stack([MaybeUninit<u8>; SIZE + PAGE]);

static STACK: Shared<Stack> = Shared::new(Stack([MaybeUninit::uninit(); SIZE + PAGE]));

impl Stack {
    /// The first of its [`SIZE`] bytes, and the end of the last, from which a child's calls grow down.
    fn pages(&mut self) -> (*mut c_void, *mut c_void) {
        let start = self.0.as_mut_ptr();
        let first = start.wrapping_add(start.align_offset(PAGE));
        (first.cast(), first.wrapping_add(SIZE).cast())
    }
}

/// Does `work` with the top of the stack. One child has it at a time.
///
/// # Safety
/// `work` makes no other child.
pub(super) unsafe fn with_top<T>(work: impl FnOnce(*mut c_void) -> T) -> T {
    // SAFETY: the caller's promise.
    unsafe { STACK.with(|stack| work(stack.pages().1)) }
}

/// Gives its pages back to the kernel: they are there again, as zeros, for the next child.
pub(super) fn give_back() {
    // SAFETY: whole pages of the stack and nothing else, and no child is on it.
    unsafe { STACK.with(|stack| libc::madvise(stack.pages().0, SIZE, libc::MADV_DONTNEED)) };
}

#[cfg(test)]
mod tests {
    use super::{PAGE, SIZE, give_back, with_top};

    #[test]
    fn what_a_child_left_is_gone() {
        // where no other test's child comes to
        let deepest = |top: *mut libc::c_void| top.cast::<u8>().wrapping_sub(SIZE);
        // SAFETY: the first byte of the stack, which is this thread's for the moment.
        unsafe { with_top(|top| deepest(top).write(7)) };
        give_back();
        // SAFETY: as above.
        let (left, top) = unsafe { with_top(|top| (deepest(top).read(), top.addr())) };
        assert_eq!((left, top % PAGE), (0, 0));
    }
}

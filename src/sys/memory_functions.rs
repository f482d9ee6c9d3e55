//! memcpy(3), memmove(3) and memcmp(3), in the place of musl's.
//!
//! Most of what castoff copies and compares is shorter than a line. musl compares byte by byte, and
//! copies by `rep movsq`, which takes longer to begin than such a piece takes to copy. Here a piece
//! is read by few overlapping loads before anything of it is written; of a longer one the end is
//! read first, the rest goes in blocks. A build that is not optimised keeps musl's: it would make calls
//! of these loads.

#![allow(unsafe_code, reason = "memory, as the compiler sees it")]

use std::ffi::c_int;
use std::mem::MaybeUninit;

/// Bytes that are read before any is written.
const BLOCK: usize = 64;
/// What is copied need not be initialised.
type Block = MaybeUninit<[u128; 4]>;

/// # Safety
/// So many bytes can be read there, and are a `T`.
unsafe fn load<T>(from: *const u8) -> T {
    // SAFETY: the caller's promise.
    unsafe { from.cast::<T>().read_unaligned() }
}

/// # Safety
/// So many bytes can be written there.
unsafe fn store<T>(to: *mut u8, value: T) {
    // SAFETY: the caller's promise.
    unsafe { to.cast::<T>().write_unaligned(value) };
}

/// Copies as much as one `T` has at the beginning, and again at the end, where they may overlap.
///
/// # Safety
/// `size` is no less than that of `T`, and no more than twice that; otherwise as memmove(3).
#[inline(always)]
unsafe fn both_ends<T>(to: *mut u8, from: *const u8, size: usize) {
    let last = size.wrapping_sub(size_of::<T>());
    // SAFETY: the caller's promises.
    unsafe {
        let (first, rest): (MaybeUninit<T>, MaybeUninit<T>) = (load(from), load(from.wrapping_add(last)));
        store(to, first);
        store(to.wrapping_add(last), rest);
    }
}

/// # Safety
/// As memmove(3), with no more than a block.
#[inline(always)]
unsafe fn copy_short(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: each has between its size and twice that.
    unsafe {
        match size {
            33.. => both_ends::<[u128; 2]>(to, from, size),
            16.. => both_ends::<u128>(to, from, size),
            8.. => both_ends::<u64>(to, from, size),
            4.. => both_ends::<u32>(to, from, size),
            2.. => both_ends::<u16>(to, from, size),
            1 => store::<MaybeUninit<u8>>(to, load(from)),
            0 => {}
        }
    }
}

/// # Safety
/// As memmove(3), with more than a block, and `to` not among what is behind the first byte of `from`.
#[inline(always)]
unsafe fn copy_upwards(to: *mut u8, from: *const u8, size: usize) {
    let last = size.wrapping_sub(BLOCK);
    let mut at = 0;
    // SAFETY: all is within `size`. Where both overlap `to` comes first: a block overwrites what it,
    // or one before it, has read, and of the end only what was read before.
    unsafe {
        let end: Block = load(from.wrapping_add(last));
        while at < last {
            store::<Block>(to.wrapping_add(at), load(from.wrapping_add(at)));
            at = at.wrapping_add(BLOCK);
        }
        store(to.wrapping_add(last), end);
    }
}

/// # Safety
/// As memmove(3), with more than a block, and `to` behind `from`.
unsafe fn copy_downwards(to: *mut u8, from: *const u8, size: usize) {
    let mut left = size;
    // SAFETY: as `copy_upwards`, the other way round.
    unsafe {
        let beginning: Block = load(from);
        while left > BLOCK {
            left = left.wrapping_sub(BLOCK);
            store::<Block>(to.wrapping_add(left), load(from.wrapping_add(left)));
        }
        store(to, beginning);
    }
}

/// # Safety
/// As memcpy(3).
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's promises.
    unsafe {
        if size <= BLOCK {
            copy_short(to, from, size);
        } else {
            copy_upwards(to, from, size);
        }
    }
    to
}

/// # Safety
/// As memmove(3).
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's promises.
    unsafe {
        if size <= BLOCK {
            copy_short(to, from, size);
        } else if to.addr().wrapping_sub(from.addr()) >= size {
            copy_upwards(to, from, size);
        } else {
            copy_downwards(to, from, size);
        }
    }
    to
}

/// Bytes as a number that is the larger the later they come in order.
///
/// # Safety
/// Eight bytes can be read there.
#[inline(always)]
unsafe fn word(from: *const u8) -> u64 {
    // SAFETY: the caller's promise.
    u64::from_be(unsafe { load(from) })
}

/// As [`word`], of less: where two of the same size are the same at first, what their ends have in
/// common with that is the same, too.
///
/// # Safety
/// So many bytes, less than eight and at least one, can be read there.
#[inline(always)]
unsafe fn short_word(from: *const u8, size: usize) -> u64 {
    // SAFETY: all is within `size`.
    unsafe {
        if size >= size_of::<u32>() {
            let last = from.wrapping_add(size.wrapping_sub(size_of::<u32>()));
            let (first, last): (u32, u32) = (load(from), load(last));
            return u64::from(u32::from_be(first)) << 32 | u64::from(u32::from_be(last));
        }
        let last = from.wrapping_add(size.wrapping_sub(1));
        let (first, middle, last): (u8, u8, u8) = (load(from), load(from.wrapping_add(size / 2)), load(last));
        u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last)
    }
}

/// # Safety
/// As memcmp(3).
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, size: usize) -> c_int {
    const WORD: usize = size_of::<u64>();
    let order = |left: u64, right: u64| c_int::from(left > right).wrapping_sub(c_int::from(left < right));
    if size == 0 {
        return 0;
    }
    let Some(last) = size.checked_sub(WORD) else {
        // SAFETY: the caller's promise.
        return unsafe { order(short_word(left, size), short_word(right, size)) };
    };
    let mut at = 0;
    loop {
        // the last word reaches back into what was the same
        let here = at.min(last);
        // SAFETY: within `size`.
        let (left, right) = unsafe { (word(left.wrapping_add(here)), word(right.wrapping_add(here))) };
        if left != right || here == last {
            return order(left, right);
        }
        at = at.wrapping_add(WORD);
    }
}

/// # Safety
/// As bcmp(3).
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, size: usize) -> c_int {
    // SAFETY: the caller's promises.
    unsafe { memcmp(left, right, size) }
}

#[cfg(test)]
mod tests {
    use super::{bcmp, memcmp, memcpy, memmove};
    use proptest::prelude::*;
    use std::cmp::Ordering;

    /// Sizes around those where the way changes.
    const SIZES: [usize; 21] =
        [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129, 1000];

    fn bytes(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at * 7 + at / 256) as u8).collect()
    }

    #[test]
    fn a_copy_is_the_same_and_nothing_else_changes() {
        for size in SIZES {
            let from = bytes(size);
            let mut to = vec![0xee; size + 2];
            // SAFETY: both have so many bytes.
            let given = unsafe { memcpy(to[1..].as_mut_ptr(), from.as_ptr(), size) };
            assert_eq!(given, to[1..].as_mut_ptr(), "{size}");
            assert_eq!((&to[1..=size], to[0], to[size + 1]), (&*from, 0xee, 0xee), "{size}");
        }
    }

    #[test]
    fn a_piece_moves_over_itself() {
        for size in SIZES {
            for distance in SIZES {
                for (from, to) in [(0, distance), (distance, 0)] {
                    let mut moved = bytes(size + distance);
                    let mut expected = moved.clone();
                    expected.copy_within(from..from + size, to);
                    // SAFETY: both places are within the bytes.
                    unsafe {
                        let start = moved.as_mut_ptr();
                        memmove(start.add(to), start.add(from), size);
                    }
                    assert!(moved == expected, "{size} bytes from {from} to {to}");
                }
            }
        }
    }

    fn compare(left: &[u8], right: &[u8]) -> Ordering {
        let size = left.len().min(right.len());
        // SAFETY: so many bytes are there in both.
        let (order, differs) = unsafe {
            (memcmp(left.as_ptr(), right.as_ptr(), size), bcmp(left.as_ptr(), right.as_ptr(), size))
        };
        assert_eq!(order != 0, differs != 0);
        order.cmp(&0)
    }

    #[test]
    fn one_byte_makes_the_difference() {
        for size in SIZES {
            let same = bytes(size);
            assert_eq!(compare(&same, &same.clone()), Ordering::Equal, "{size}");
            for at in 0..size {
                let mut other = same.clone();
                other[at] ^= 0x80;
                assert_eq!(compare(&same, &other), same.cmp(&other), "{size} bytes, at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_bytes(left in "[ab\u{80}]{0,20}", right in "[ab\u{80}]{0,20}") {
            let size = left.len().min(right.len());
            let expected = left.as_bytes()[..size].cmp(&right.as_bytes()[..size]);
            prop_assert_eq!(compare(left.as_bytes(), right.as_bytes()), expected);
        }
    }
}

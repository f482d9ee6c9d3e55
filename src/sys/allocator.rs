//! The allocator: dlmalloc in the place of musl's, which maps pages for each size of
//! allocation anew, and locks slowly between threads. A start touches half as many pages
//! (docs/dependencies.md has the figures).

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

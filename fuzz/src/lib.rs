//! What the fuzz targets run: one function for the lexers, one for the whole of `--check`.
//! Each takes the fuzzer's bytes and panics where a promise is broken.
//!
//! A target for another format is a file in `fuzz_targets/` of two lines, as the others are,
//! and five lines in `Cargo.toml`; `scripts/fuzz.sh` runs whatever Cargo.toml names.

mod check;
mod input;
mod lexer;
#[path = "../../tests/structure.rs"]
mod structure;

pub use check::check;
pub use lexer::{large, lexer};

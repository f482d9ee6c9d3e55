//! What castoff promises, mode by mode, asked of the real binary in a directory of its own.

mod case;
mod golden;
mod templates;

//! What castoff promises, mode by mode, asked of the real binary in a directory of its own.

mod case;
mod environment_mistakes;
mod golden;
mod running;
mod secrets;
mod spec_mistakes;
mod templates;

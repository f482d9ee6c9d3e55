//! The only code that writes. One `match` over steps; nothing is decided here.

mod keep;
mod perform;
mod validate;

pub use perform::{Applied, Applying, Stopped, apply};
pub use validate::{Validators, validate};

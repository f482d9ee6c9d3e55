//! The only code that writes. One `match` over steps; nothing is decided here.

mod attempt;
mod hold;
mod keep;
mod own;
mod perform;
mod tasks;
mod validate;
mod vigil;
mod volume;
mod wait;

pub use hold::{Held, hold};
pub use perform::{Applied, Applying, Stopped, apply};
pub use tasks::{Tasking, check_places, check_programs, run_tasks};
pub use validate::{Validators, validate};
pub use wait::{Commands, see};

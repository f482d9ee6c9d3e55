//! What happens to a volume, decided without looking at or touching a file.

mod decision;
mod rules;
mod task;

pub use decision::{Action, Circumstances, Found, Path, Reason, decide};
pub use rules::Rules;
pub use task::{Refusal, Task, task};

//! What is said over the control socket: a question in a line, an answer in JSON. Pure.

mod answer;
mod entry;
mod question;

pub use answer::{Answer, HealthWord, Phase, Refusal, RefusalKind, Service, Whole};
pub use entry::{CronEntry, CronRun};
pub use question::{LONGEST, Misread, Question, Verb};

/// The version of the protocol: of the question's line and of the answer's fields.
pub const VERSION: u32 = 1;

//! Contextual escaping: one file per format, each a lexer, its contexts and their encoders.

mod literal;
mod registry;
mod skeleton;

pub use literal::Literal;
pub use registry::{FORMATS, Format, by_name, infer};
pub use skeleton::{Blame, Cursor, Filling, Refusal, Skeleton, Unit, fill_with};

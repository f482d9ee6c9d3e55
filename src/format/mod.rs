//! Contextual escaping: one file per format, each a lexer, its contexts and their encoders.

mod dotenv;
mod json;
mod literal;
mod msmtp;
mod plain;
mod registry;
mod shell;
mod skeleton;
mod ssmtp;

pub use literal::Literal;
pub use registry::{FORMATS, Format};
pub use skeleton::{Blame, Cursor, Filling, Refusal, Skeleton, Unit, fill_with};

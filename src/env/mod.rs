//! Variables: from the bytes that castoff was given to typed values.

mod address;
mod constraints;
pub mod dotenv;
pub mod facts;
mod names;
mod order;
mod snapshot;
mod types;
mod value;

pub use names::{Names, check_names};
pub use snapshot::{OWN_PREFIX, Snapshot};
pub use value::Value;

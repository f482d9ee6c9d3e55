//! Variables: from the bytes that castoff was given to typed values.

mod address;
mod constraints;
mod container;
mod context;
mod declared;
pub mod dotenv;
pub mod facts;
mod names;
mod order;
mod overlay;
mod resolve;
mod resolved;
mod service_environment;
mod snapshot;
mod source;
#[cfg(test)]
mod tests;
mod types;
mod undeclared;
mod value;
mod words;

pub use address::{check_url, split_host_port};
pub use container::Container;
pub use names::{Names, without_volumes};
pub use overlay::overlay;
pub use resolve::{Inputs, Resolution, resolve};
pub use resolved::{Origin, Resolved, ResolvedVariable};
pub use service_environment::{service_environment, unprepared_environment};
pub use snapshot::{OWN_PREFIX, Snapshot};
pub use source::ReadFile;
pub use value::Value;

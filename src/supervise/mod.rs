//! The running half: becomes the service or stays with it until the end.

mod codec;
mod end;
mod handed;
mod run;
mod seal;
mod voice;
mod wait;

pub use run::{Sealing, run};
pub use seal::sealed_entry;
pub use voice::{Level, LineFormat, Voice};

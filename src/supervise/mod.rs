//! The running half: becomes the service or stays with it until the end.

mod bytes;
mod codec;
mod cron_codec;
mod end;
mod handed;
mod pace;
mod run;
mod seal;
mod tree;
mod tree_codec;
mod voice;
mod wait;

pub use run::{Sealing, no_signals, run};
pub use seal::sealed_entry;
pub use tree::{Again, Looking, again_entry, looking_entry};
pub use voice::{Level, LineFormat, Voice};

//! tar archives, plain or compressed by zstd: their members, one after the other, as plain
//! data. Reads what it is given and writes nothing.

mod fault;
mod frames;
mod header;
mod input;
mod layout;
mod member;
mod number;
mod pax;
mod reader;
mod sparse;

pub use fault::{Fault, Refused, Where};
pub use input::Input;
pub use layout::{Layout, Placement};
pub use member::{Member, What};
pub use reader::{Piece, Reader};

//! What services and cron entries print, as lines: cut out of bytes, and put into a form. Pure.

mod form;
mod json;
mod lines;

pub use form::{Form, From, Kind, Label, Origin};
pub use lines::{LONGEST, Lines, Part, Piece, make_room};

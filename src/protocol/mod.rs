//! What castoff says to servers that it waits for, and what it makes of their answers. Pure:
//! bytes in, bytes and verdicts out.

mod conversation;
mod http;
mod mysql;
mod postgres;
mod redis;

pub use conversation::{Conversation, Heard, MOST_HEARD};

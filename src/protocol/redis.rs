//! redis, valkey and what speaks as they do: PING. A server that asks for a password, or has
//! lost its master, answers; one that is loading its data says so and is not ready.
//!
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use super::conversation::{Heard, words};

pub(super) const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

/// Refusals of a server that is ready for who may ask it.
const ALIVE: [&[u8]; 3] = [b"-NOAUTH", b"-NOPERM", b"-MASTERDOWN"];
/// A line that is longer is no answer to PING.
const LONGEST_LINE: usize = 1024;

/// See [`super::Conversation::hear`].
pub(super) fn hear(received: &[u8]) -> Heard {
    let Some(end) = received.iter().position(|byte| *byte == b'\r' || *byte == b'\n') else {
        let could_be = received.first().is_none_or(|byte| b"+-".contains(byte));
        return if could_be && received.len() <= LONGEST_LINE { Heard::More } else { other() };
    };
    let line = received.get(..end).unwrap_or_default();
    if line == b"+PONG" || ALIVE.iter().any(|alive| line.starts_with(alive)) {
        return Heard::Ready(Vec::new());
    }
    match line.split_first() {
        Some((b'-', text)) => Heard::NotYet(words(text)),
        _ => other(),
    }
}

fn other() -> Heard {
    Heard::Other("what it says is no answer of redis")
}

#[cfg(test)]
mod tests {
    use super::hear;
    use crate::protocol::Heard;

    #[test]
    fn answers() {
        let not_yet = |words: &str| Heard::NotYet(words.to_owned());
        for (line, heard) in [
            ("+PONG", Heard::Ready(vec![])),
            ("-NOAUTH Authentication required.", Heard::Ready(vec![])),
            ("-NOPERM this user has no permissions", Heard::Ready(vec![])),
            ("-MASTERDOWN Link with MASTER is down", Heard::Ready(vec![])),
            ("-LOADING Redis is loading the dataset", not_yet("LOADING Redis is loading the dataset")),
            ("-ERR max number of clients reached", not_yet("ERR max number of clients reached")),
        ] {
            assert_eq!(hear(format!("{line}\r\n").as_bytes()), heard, "{line}");
            for cut in 0..line.len() {
                assert_eq!(hear(&line.as_bytes()[..cut]), Heard::More, "{line} {cut}");
            }
        }
    }

    #[test]
    fn other_servers() {
        for bytes in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"HTTP/1.1 400", b"+OK\r\n", b"\n", b":1\r\n"] {
            assert!(matches!(hear(bytes), Heard::Other(_)), "{bytes:?}");
        }
    }
}

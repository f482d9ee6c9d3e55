//! PostgreSQL: asked for a session as `pg_isready` does. A server that asks who is there, or
//! refuses for any other reason than that it is starting up or shutting down, is ready.
//!
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use super::conversation::{Heard, words};

/// Version 3.0, for a user that needn't exist. Its length comes first.
const STARTUP: &[u8] = b"\0\0\0\x16\0\x03\0\0user\0castoff\0\0";
/// Terminate: only of a session that was let in without being asked anything.
const TERMINATE: &[u8] = b"X\0\0\0\x04";
/// ERRCODE_CANNOT_CONNECT_NOW.
const NOT_NOW: &[u8] = b"57P03";
/// Longer ones are none (libpq's own limit is 30,000 bytes).
const LONGEST_ERROR: usize = 8192;

pub(super) fn startup() -> Vec<u8> {
    STARTUP.to_vec()
}

/// See [`super::Conversation::hear`].
pub(super) fn hear(received: &[u8]) -> Heard {
    let Some(kind) = received.first() else { return Heard::More };
    let other = Heard::Other("what it says is no answer of PostgreSQL");
    let Some(length) = received.get(1..5).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes)
    else {
        return if matches!(kind, b'R' | b'E') { Heard::More } else { other };
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if !matches!(kind, b'R' | b'E') || !(8..=LONGEST_ERROR).contains(&length) {
        return other;
    }
    let Some(body) = received.get(5..=length) else { return Heard::More };
    match kind {
        b'R' if body.starts_with(&[0; 4]) => Heard::Ready(TERMINATE.to_vec()),
        b'R' => Heard::Ready(Vec::new()),
        _ => refusal(body).unwrap_or(other),
    }
}

/// An error: fields of one letter and a text that a NUL ends.
fn refusal(body: &[u8]) -> Option<Heard> {
    let fields = || body.split(|byte| *byte == 0);
    let field = |letter: u8| fields().find_map(|field| field.strip_prefix(&[letter]));
    if field(b'C')? == NOT_NOW {
        Some(Heard::NotYet(words(field(b'M').unwrap_or_default())))
    } else {
        Some(Heard::Ready(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::{STARTUP, hear};
    use crate::protocol::Heard;

    fn error(fields: &[u8]) -> Vec<u8> {
        let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
        [b"E", &length[..], fields].concat()
    }

    #[test]
    fn the_startup_message_has_its_own_length() {
        assert_eq!(STARTUP[..4], u32::try_from(STARTUP.len()).unwrap().to_be_bytes());
    }

    #[test]
    fn answers() {
        for (bytes, heard) in [
            (b"R\0\0\0\x08\0\0\0\0".to_vec(), Heard::Ready(b"X\0\0\0\x04".to_vec())),
            (b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec(), Heard::Ready(vec![])),
            (error(b"SFATAL\0VFATAL\0C28000\0Mrole does not exist\0\0"), Heard::Ready(vec![])),
            (error(b"SFATAL\0C53300\0Msorry, too many clients already\0\0"), Heard::Ready(vec![])),
            (
                error(b"SFATAL\0C57P03\0Mthe database\n system is starting up\0\0"),
                Heard::NotYet("the database system is starting up".to_owned()),
            ),
        ] {
            assert_eq!(hear(&bytes), heard, "{bytes:?}");
            for cut in 0..bytes.len() {
                assert_eq!(hear(&bytes[..cut]), Heard::More, "{bytes:?} {cut}");
            }
        }
    }

    #[test]
    fn other_servers() {
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\n",
            b"R\0\0\0\x04",
            b"R\xff\xff\xff\xff",
            b"E\0\0\0\x08abcd",
            b"Error: what?\n",
        ] {
            assert!(matches!(hear(bytes), Heard::Other(_)), "{bytes:?}");
        }
    }
}

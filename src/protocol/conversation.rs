//! The conversation with a server: what is sent, and what the bytes that come back mean.
//!
//! Invariant: whatever comes, no more than [`MOST_HEARD`] bytes of it are needed for a
//! verdict, and what a verdict says of them is one short line without control characters.

use std::ops::RangeInclusive;

use super::{http, mysql, postgres, redis};

/// A server that needs more bytes than this to answer is another one than was meant.
pub const MOST_HEARD: usize = 16 * 1024;

/// Characters of a server's own words that are shown.
const LONGEST_WORDS: usize = 200;

/// Which server is talked to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// A web server.
    Http {
        /// The request, whole.
        request: Vec<u8>,
        /// The statuses that count as ready.
        status: RangeInclusive<u16>,
    },
    /// MySQL or MariaDB.
    Mysql,
    /// PostgreSQL.
    Postgres,
    /// redis, and what speaks as it does.
    Redis,
}

/// What a server's bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It hasn't said enough yet.
    More,
    /// It is ready; these bytes end the conversation politely.
    Ready(Vec<u8>),
    /// It is ready, and the conversation goes on with these bytes, because breaking it off
    /// would be counted against this host.
    Polite(Vec<u8>),
    /// It is what it should be, and says that it is not ready: its words.
    NotYet(String),
    /// It is something else than was meant.
    Other(&'static str),
}

impl Conversation {
    /// A request for `path` of `host` (with its port where the URL has one).
    #[must_use]
    pub fn http(host: &str, path: &str, status: RangeInclusive<u16>) -> Self {
        Self::Http { request: http::request(host, path), status }
    }

    /// What castoff says first; empty: it waits for the server.
    #[must_use]
    pub fn opening(&self) -> Vec<u8> {
        match self {
            Self::Http { request, .. } => request.clone(),
            Self::Mysql => Vec::new(),
            Self::Postgres => postgres::startup(),
            Self::Redis => redis::PING.to_vec(),
        }
    }

    /// What `received`, all that the server has said so far, means. `said` is how often
    /// castoff has gone on with [`Heard::Polite`].
    #[must_use]
    pub fn hear(&self, said: usize, received: &[u8]) -> Heard {
        match self {
            Self::Http { status, .. } => http::hear(status, received),
            Self::Mysql => mysql::hear(said, received),
            Self::Postgres => postgres::hear(received),
            Self::Redis => redis::hear(received),
        }
    }
}

/// A server's own words as one short line.
pub(super) fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control()).take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Conversation, Heard};

    fn all() -> [Conversation; 4] {
        let http = Conversation::http("h", "/", 200..=399);
        [http, Conversation::Mysql, Conversation::Postgres, Conversation::Redis]
    }

    proptest! {
        /// Whatever a server says, and however it is cut, nothing panics, no line has control
        /// characters, and enough of it always gives a verdict.
        #[test]
        fn any_bytes_have_a_meaning(
            start in prop::sample::select(vec![
                &b""[..], b"\x05\0\0\0\x0a", b"\x30\0\0\0\xff\x10\x04", b"E\0\0\0\x40SFATAL\0C57P03\0",
                b"R\0\0\0\x08", b"-LOADING", b"HTTP/1.1 ", b"HTTP/1.1 100 C\r\n\r\n", b"\xff\xff\xff\0\x0a",
            ]),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            said in 0..4_usize,
        ) {
            let whole = [start, &bytes].concat();
            for conversation in all() {
                for end in 0..=whole.len() {
                    let heard = conversation.hear(said, &whole[..end]);
                    if let Heard::NotYet(words) = &heard {
                        prop_assert!(words.chars().count() < 250 && !words.contains(char::is_control));
                    }
                    // a verdict is never taken back: more bytes only make it fuller
                    let is_ready = matches!(heard, Heard::Ready(_));
                    let later = conversation.hear(said, &whole);
                    prop_assert!(!is_ready || !matches!(later, Heard::NotYet(_) | Heard::Other(_)));
                }
            }
        }

        #[test]
        fn endless_bytes_get_a_verdict(byte in any::<u8>()) {
            let endless = vec![byte; super::MOST_HEARD];
            for conversation in all() {
                prop_assert!(conversation.hear(0, &endless) != Heard::More, "{conversation:?}");
            }
        }
    }
}

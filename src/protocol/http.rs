//! HTTP/1.1 without TLS: one GET, and the status of the answer. Nothing else of the answer is
//! read, no redirection is followed, no credentials are sent.

use std::ops::RangeInclusive;

use super::conversation::Heard;

/// Header lines of an interim answer (100 to 199) are skipped up to so many bytes.
const LONGEST_INTERIM: usize = 8192;
/// `HTTP/1.1 200`.
const STATUS_LENGTH: usize = 12;

pub(super) fn request(host: &str, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: castoff\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

/// See [`super::Conversation::hear`].
pub(super) fn hear(wanted: &RangeInclusive<u16>, received: &[u8]) -> Heard {
    let other = Heard::Other("what it says is no answer of HTTP");
    let mut rest = received;
    loop {
        let Some(line) = rest.get(..STATUS_LENGTH) else {
            let begins = rest.iter().zip(b"HTTP/1.").all(|(found, wanted)| found == wanted);
            return if begins { Heard::More } else { other };
        };
        let Some(status) = status(line) else { return other };
        if status >= 200 {
            let is_wanted = wanted.contains(&status);
            return if is_wanted {
                Heard::Ready(Vec::new())
            } else {
                Heard::NotYet(format!("status {status}"))
            };
        }
        match rest.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => rest = rest.get(end + 4..).unwrap_or_default(),
            None if received.len() <= LONGEST_INTERIM => return Heard::More,
            None => return other,
        }
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let (version, digits) = line.strip_prefix(b"HTTP/1.")?.split_first()?;
    let digits = std::str::from_utf8(digits.strip_prefix(b" ")?).ok()?;
    let sound = version.is_ascii_digit() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|status| sound && (100..=599).contains(status))
}

#[cfg(test)]
mod tests {
    use super::hear;
    use crate::protocol::Heard;

    #[test]
    fn statuses() {
        let not_yet = |words: &str| Heard::NotYet(words.to_owned());
        for (answer, heard) in [
            ("HTTP/1.1 200 OK\r\n", Heard::Ready(vec![])),
            ("HTTP/1.0 302", Heard::Ready(vec![])),
            ("HTTP/1.1 503 Unavailable\r\n", not_yet("status 503")),
            ("HTTP/1.1 400\r\n", not_yet("status 400")),
            ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n", Heard::Ready(vec![])),
            ("HTTP/1.1 100 Continue\r\nx", Heard::More),
            ("HTTP/1.1 20", Heard::More),
            ("", Heard::More),
        ] {
            assert_eq!(hear(&(200..=399), answer.as_bytes()), heard, "{answer}");
        }
    }

    #[test]
    fn other_servers() {
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
            b"\x15\x03\x01\0\x02\x02\x50",
            b"HTTP/2 200 OK",
            b"HTTP/1.1 +20",
        ] {
            assert!(matches!(hear(&(200..=399), bytes), Heard::Other(_)), "{bytes:?}");
        }
    }
}

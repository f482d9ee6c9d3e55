//! What a host, `host:port`, URL and mail address look like. Syntax only: nothing is
//! resolved, and no message holds the text.
//!
//! Invariant: what is accepted holds no control character, space or quote, so it can't
//! begin a line or a header of its own.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Why a text is refused, in words that don't repeat it.
type Reason = &'static str;

const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
const LONGEST_LOCAL_PART: usize = 64;

/// A name as in RFC 1123, with `_` too, which the names of Docker's containers and compose's
/// services hold; an IPv4 or a bare IPv6 address. One dot may end a name.
pub(super) fn check_host(text: &str) -> Result<(), Reason> {
    if text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    if text.contains(':') {
        return Err("a host has no port and no `:`, unless it is an IPv6 address");
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("the host is empty");
    }
    if name.len() > LONGEST_NAME {
        return Err("a host name has at most 253 characters");
    }
    name.split('.').try_for_each(check_label)?;
    // a program that resolves it would read it as a number
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err("it ends in a number and is not an IPv4 address");
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), Reason> {
    if label.is_empty() {
        return Err("a part between two dots is empty");
    }
    if label.len() > LONGEST_LABEL {
        return Err("a part of a host name has at most 63 characters");
    }
    if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err("a host name holds letters, digits, `-`, `_` and dots");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("a part of a host name can't begin or end with `-`");
    }
    Ok(())
}

/// 1 to 65535, digits only.
pub(super) fn parse_port(text: &str) -> Result<u16, Reason> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a port is written in digits only");
    }
    text.parse().ok().filter(|port| *port > 0).ok_or("it is out of range")
}

/// `h`, `h:p`, `[v6]`, `[v6]:p`, and a bare IPv6 address, which has no port.
pub(super) fn check_host_port(text: &str) -> Result<(), Reason> {
    split_host_port(text).map(drop)
}

/// The host, without the brackets of an IPv6 address, and the port of `host[:port]`.
///
/// # Errors
/// It is none; the reason doesn't repeat the text.
pub fn split_host_port(text: &str) -> Result<(&str, Option<u16>), Reason> {
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']').ok_or("the `[` is never closed")?;
        address.parse::<Ipv6Addr>().map_err(|_| "between `[` and `]` stands an IPv6 address")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(parse_port(port)?))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err("after the `]` only `:` and a port may stand"),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            Err("more than one `:`: an IPv6 address with a port is written `[address]:port`")
        }
        Some((host, port)) => check_host(host).and_then(|()| Ok((host, Some(parse_port(port)?)))),
        None => check_host(text).map(|()| (text, None)),
    }
}

/// `scheme://[user@]host[:port]` and whatever follows, without spaces and controls.
///
/// # Errors
/// It is none; the reason doesn't repeat the text.
pub fn check_url(text: &str) -> Result<(), Reason> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || is_quote(c)) {
        return Err("a URL holds no space, quote or control character: write them as %20, %22, ...");
    }
    let (scheme, rest) = text.split_once("://").ok_or("it has no `://`")?;
    let mut letters = scheme.bytes();
    let sound = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !sound {
        return Err("before the `://` stands a scheme such as `https`");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() {
        return Err("after the `://` stands a host");
    }
    if host.parse::<Ipv6Addr>().is_ok() {
        return Err("an IPv6 address in a URL is written in `[` and `]`");
    }
    check_host_port(host)
}

/// `local@domain`: RFC 5321 without its quoted forms and without quotes of any kind.
pub(super) fn check_email(text: &str) -> Result<(), Reason> {
    let (local, domain) = text.rsplit_once('@').ok_or("it has no `@`")?;
    if local.is_empty() || local.len() > LONGEST_LOCAL_PART {
        return Err("before the `@` stand 1 to 64 characters");
    }
    if local.split('.').any(str::is_empty) {
        return Err("before the `@`, a dot can't come first, last or twice");
    }
    let taken = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&*+-/=?^_{|}~.".contains(&b);
    if !local.bytes().all(taken) {
        return Err(
            "before the `@` stands a character that castoff takes from nobody, such as a space or a quote",
        );
    }
    if domain.contains(':') || domain.ends_with('.') {
        return Err("after the `@` stands a domain");
    }
    check_host(domain)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{check_email, check_host, check_host_port, check_url, parse_port, split_host_port};

    fn table(check: impl Fn(&str) -> bool, accepted: &[&str], refused: &[&str]) {
        for text in accepted {
            assert!(check(text), "{text:?} must be accepted");
        }
        for text in refused {
            assert!(!check(text), "{text:?} must be refused");
        }
    }

    #[test]
    fn hosts() {
        let long = format!("{}.com", "a".repeat(64));
        table(
            |text| check_host(text).is_ok(),
            &[
                "db",
                "DB",
                "a.b-c.example",
                "my_db_1",
                "example.com.",
                "1.2.3.4",
                "::1",
                "fe80::1",
                "1and1.com",
            ],
            &[
                "",
                ".",
                "a..b",
                "-a",
                "a-",
                "a b",
                "a\n",
                "db:1",
                "[::1]",
                "256.1.1.1",
                "1.2.3",
                "12345",
                "ä.de",
                "a;id",
                "a'b",
                "fe80::1%eth0",
                &long,
            ],
        );
    }

    #[test]
    fn ports() {
        table(
            |text| parse_port(text).is_ok(),
            &["1", "80", "65535"],
            &["", "0", "65536", "80abc", "80;id", "+80", "-1", " 80", "80 ", "8 0", "0x50", "٨٠"],
        );
    }

    #[test]
    fn hosts_with_ports() {
        table(
            |text| check_host_port(text).is_ok(),
            &["db", "db:3306", "1.2.3.4:80", "[::1]:80", "[::1]", "::1", "2001:db8::1:80"],
            &["", ":80", "db:", "db:x", "db:0", "db:80abc", "[::1", "[::1]80", "[db]:80", "a:b:c", "db:80\n"],
        );
    }

    #[test]
    fn hosts_and_their_ports() {
        for (text, host, port) in [
            ("db", "db", None),
            ("db:3306", "db", Some(3306)),
            ("[::1]:80", "::1", Some(80)),
            ("[::1]", "::1", None),
            ("::1", "::1", None),
        ] {
            assert_eq!(split_host_port(text), Ok((host, port)), "{text}");
        }
    }

    #[test]
    fn urls() {
        table(
            |text| check_url(text).is_ok(),
            &[
                "https://example.com",
                "http://h:80/a?b=c#d",
                "redis+tls://user:p%40ss@h",
                "http://[::1]:80/",
                "https://h?x",
                "https://h/ä",
            ],
            &[
                "",
                "example.com",
                "https:/h",
                "://h",
                "1s://h",
                "https://",
                "https:///x",
                "https://h:x",
                "https://h/ b",
                "https://h/\n",
                "https://::1",
                "https://h/\"",
                "https://h/'",
                "https://h i/",
                "https://a@",
                "https://h/\u{2028}",
            ],
        );
    }

    #[test]
    fn mail_addresses() {
        table(
            |text| check_email(text).is_ok(),
            &["a@b", "root@localhost", "a.b+c@example.com", "x_y-z@sub.example.com"],
            &[
                "",
                "a",
                "@b",
                "a@",
                "a b@c",
                "a\r\nBcc: x@c",
                "a@b\n",
                "\"a\"@b",
                "a'@b",
                ".a@b",
                "a.@b",
                "a..b@c",
                "a@b c",
                "a@b,c@d",
                "a<b@c>",
                "a@[1.2.3.4]",
                "a@::1",
                "ä@b",
                "a;b@c",
            ],
        );
    }

    proptest! {
        /// None of them can carry a line, a header or a quote into a file.
        #[test]
        fn what_is_accepted_is_one_plain_word(text in "[a-z0-9.:/@\\[\\]\\-\r\n \t\"'`\0]{1,12}") {
            let accepted = [check_host(&text), check_host_port(&text), check_url(&text), check_email(&text)];
            if accepted.iter().any(Result::is_ok) {
                prop_assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'`".contains(c)));
            }
        }
    }
}

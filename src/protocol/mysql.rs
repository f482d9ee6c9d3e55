//! MySQL and MariaDB: a server that is ready greets (protocol version 10); an error in the
//! greeting's place (too many connections, a blocked host) says why it is not.
//!
//! Who breaks off after the greeting is counted: after `max_connect_errors` (100) in a row the
//! server blocks the host. MariaDB counts a COM_QUIT and an SSLRequest in the place of a login
//! as well. What it doesn't count is a whole login that is refused; so castoff makes one, as
//! user `castoff` without a password, and reads the answer.
//!
//! <https://mariadb.com/kb/en/connection/>

use super::conversation::{Heard, words};

/// 4.1 protocol, its way of authentication, and plugins for that.
const CAPABILITIES: u32 = 0x1 | 0x200 | 0x8000 | 0x8_0000;
const LONGEST_PACKET: u32 = 1 << 24;
/// utf8_general_ci.
const CHARACTER_SET: u8 = 33;
/// A greeting and an error are far shorter.
const LONGEST_GREETING: usize = 4096;

const OK: u8 = 0x00;
const ERROR: u8 = 0xff;
const AUTH_SWITCH: u8 = 0xfe;
const PROTOCOL: u8 = 10;

/// See [`super::Conversation::hear`].
pub(super) fn hear(said: usize, received: &[u8]) -> Heard {
    let mut packets = Packets(received);
    let Some((number, first)) = packets.next() else {
        let is_too_long = packets.promised().is_some_and(|length| length > LONGEST_GREETING);
        return if is_too_long { no_greeting() } else { Heard::More };
    };
    match first.first() {
        Some(&PROTOCOL) => {}
        Some(&ERROR) => return Heard::NotYet(refusal(first)),
        _ => return no_greeting(),
    }
    if said == 0 {
        return Heard::Polite(packet(number.wrapping_add(1), &login()));
    }
    match packets.nth(said - 1) {
        None => Heard::More,
        // an empty password, in the way that the server asks for
        Some((number, answer)) if answer.first() == Some(&AUTH_SWITCH) && said < 3 => {
            Heard::Polite(packet(number.wrapping_add(1), &[]))
        }
        Some((_, answer)) if answer.first() == Some(&OK) => Heard::Ready(packet(0, &[1])),
        Some(_) => Heard::Ready(Vec::new()),
    }
}

fn no_greeting() -> Heard {
    Heard::Other("what it says is no greeting of MySQL or MariaDB")
}

fn login() -> Vec<u8> {
    let mut login = CAPABILITIES.to_le_bytes().to_vec();
    login.extend(LONGEST_PACKET.to_le_bytes());
    login.push(CHARACTER_SET);
    login.extend([0; 23]);
    login.extend(b"castoff\0\0mysql_native_password\0");
    login
}

/// The text of an error packet: a code, from protocol 4.1 on `#` and an SQLSTATE, a text.
fn refusal(packet: &[u8]) -> String {
    let code = packet.get(1..3).and_then(|code| code.try_into().ok()).map_or(0, u16::from_le_bytes);
    let text = packet.get(3..).unwrap_or_default();
    let text = if text.first() == Some(&b'#') { text.get(6..).unwrap_or_default() } else { text };
    format!("{} (error {code})", words(text))
}

/// A packet: three bytes of length, one that counts the packets.
fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default();
    let mut packet = (length | u32::from(number) << 24).to_le_bytes().to_vec();
    packet.extend(payload);
    packet
}

/// The whole packets of what was received, with their numbers.
struct Packets<'a>(&'a [u8]);

impl Packets<'_> {
    /// The length of the next packet's payload.
    fn promised(&self) -> Option<usize> {
        let [a, b, c, _] = *self.0.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = self.promised()?;
        let number = *self.0.get(3)?;
        let payload = self.0.get(4..length.checked_add(4)?)?;
        self.0 = self.0.get(length.checked_add(4)?..)?;
        Some((number, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::{hear, packet};
    use crate::protocol::Heard;

    /// The first bytes of a real one, and its end.
    const GREETING: &[u8] = b"\x0a5.5.5-10.11.6-MariaDB\0\x07\0\0\0abcdefgh\0\xfe\xf7\x2d\x02\0";

    #[test]
    fn a_greeting_is_ready_and_a_login_follows() {
        let greeting = packet(0, GREETING);
        let Heard::Polite(login) = hear(0, &greeting) else { panic!() };
        assert_eq!(login.len(), usize::from(login[0]) + 4);
        assert_eq!((login[3], &login[36..44]), (1, &b"castoff\0"[..]));
        assert_eq!(hear(1, &greeting), Heard::More);
        for cut in 0..greeting.len() {
            assert_eq!(hear(0, &greeting[..cut]), Heard::More);
        }
    }

    #[test]
    fn the_answer_to_the_login_ends_it() {
        let after = |answer: &[u8]| hear(1, &[packet(0, GREETING), packet(2, answer)].concat());
        assert_eq!(after(b"\xff\x15\x04#28000Access denied"), Heard::Ready(vec![]));
        assert_eq!(after(b"\0\0\0\x02\0\0\0"), Heard::Ready(vec![1, 0, 0, 0, 1]));
        let switch = packet(2, b"\xfecaching_sha2_password\0abc");
        let switched = [packet(0, GREETING), switch].concat();
        assert_eq!(hear(1, &switched), Heard::Polite(vec![0, 0, 0, 3]));
        assert_eq!(hear(2, &switched), Heard::More);
        let refused = [switched, packet(4, b"\xff\x15\x04#28000Access denied")].concat();
        assert_eq!(hear(2, &refused), Heard::Ready(vec![]));
    }

    #[test]
    fn an_error_in_the_greetings_place_is_told() {
        for (error, said) in [
            (&b"\xff\x10\x04Too many connections"[..], "Too many connections (error 1040)"),
            (b"\xff\x69\x04#HY000Host 'x'\n is blocked", "Host 'x' is blocked (error 1129)"),
            (b"\xff", " (error 0)"),
            (b"\xff\x10\x04#", " (error 1040)"),
        ] {
            assert_eq!(hear(0, &packet(0, error)), Heard::NotYet(said.to_owned()));
        }
    }

    #[test]
    fn other_servers() {
        for bytes in
            [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"220 mail.example ESMTP\r\n", b"\x01\0\0\0\x09", b"\0\0\0\0"]
        {
            assert!(matches!(hear(0, bytes), Heard::Other(_)), "{bytes:?}");
        }
    }
}

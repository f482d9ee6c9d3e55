//! What a service says of itself by sd_notify(3): the text of a datagram, read. Pure.
//!
//! Lines that castoff has no use for, or that are none, are passed over, as the protocol
//! wants it.

use libc::pid_t;

/// Characters of a status that are kept.
const LONGEST_STATUS: usize = 200;

/// One thing that it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// It is ready.
    Ready,
    /// It reads its files again; it says `Ready` when that is done.
    Reloading,
    /// It is about to end.
    Stopping,
    /// A sentence for people.
    Status(String),
    /// A sign of life.
    Alive,
    /// It goes on as this process.
    MainProcess(pid_t),
}

/// All that a datagram says, in its order.
pub fn notices(datagram: &[u8]) -> impl Iterator<Item = Notice> {
    let lines = datagram.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let line = String::from_utf8_lossy(line);
        let (name, value) = line.split_once('=')?;
        match (name, value) {
            ("READY", "1") => Some(Notice::Ready),
            ("RELOADING", "1") => Some(Notice::Reloading),
            ("STOPPING", "1") => Some(Notice::Stopping),
            ("WATCHDOG", "1") => Some(Notice::Alive),
            ("STATUS", text) => {
                let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
                Some(Notice::Status(plain.take(LONGEST_STATUS).collect()))
            }
            ("MAINPID", number) => number.parse().ok().filter(|pid| *pid > 1).map(Notice::MainProcess),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Notice, notices};

    #[test]
    fn read() {
        for (datagram, expected) in [
            ("READY=1", vec![Notice::Ready]),
            (
                "READY=1\nSTATUS=a=b\nMAINPID=77\n",
                vec![Notice::Ready, Notice::Status("a=b".into()), Notice::MainProcess(77)],
            ),
            ("RELOADING=1\nMONOTONIC_USEC=5", vec![Notice::Reloading]),
            ("STOPPING=1", vec![Notice::Stopping]),
            ("WATCHDOG=1", vec![Notice::Alive]),
            ("STATUS=a\tb\u{1b}[c", vec![Notice::Status("a b [c".into())]),
            ("READY=0\nMAINPID=1\nMAINPID=x\nMAINPID=-5\nREADY\n=1\nFDSTORE=1\n\n", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(notices(datagram.as_bytes()).collect::<Vec<_>>(), expected, "{datagram:?}");
        }
        let long = format!("STATUS={}", "é".repeat(300));
        assert_eq!(notices(long.as_bytes()).collect::<Vec<_>>(), [Notice::Status("é".repeat(200))]);
        assert_eq!(notices(b"STATUS=\xff").collect::<Vec<_>>(), [Notice::Status("\u{fffd}".into())]);
    }
}

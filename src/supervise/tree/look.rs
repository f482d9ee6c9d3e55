//! A look at a service from outside is a process of castoff's own: it tries, waits and tries
//! again, and ends with 0 when it has seen what it was to see. So PID 1 makes no connection,
//! waits for no answer, and has no timer for it.
//!
//! What is looked at comes in a sealed memfd, as it may hold a secret; the environment is
//! that of the service, for a look by a command.

use std::ffi::OsString;
use std::time::Duration;

use libc::pid_t;
use nix::errno::Errno;

use super::super::bytes::{Reader, Writer};
use super::super::voice::Voice;
use crate::plan::Look;
use crate::service::ProgramPlan;
use crate::sys::memfd;
use crate::sys::spawn::{Prepared, Setting};

/// The argument by which a castoff knows that it is to look.
const ARGUMENT: &str = "--look=";

/// What begins the bytes, with the version of their layout.
const MAGIC: [u8; 8] = *b"c-look\x00\x01";

/// What a process is to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Looking {
    /// What.
    pub look: Look,
    /// When it is given up.
    pub timeout: Duration,
    /// Whether it says why it has seen nothing.
    pub tells: bool,
    /// How it speaks.
    pub voice: Voice,
}

fn encode(looking: &Looking) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    out.look(&looking.look);
    out.duration(looking.timeout);
    out.byte(looking.tells.into());
    out.voice(looking.voice);
    out.0
}

fn decode(bytes: &[u8]) -> Option<Looking> {
    let mut input = Reader(bytes.strip_prefix(&MAGIC)?);
    let looking = Looking {
        look: input.look()?,
        timeout: input.duration()?,
        tells: input.flag()?,
        voice: input.voice()?,
    };
    input.0.is_empty().then_some(looking)
}

/// Starts a process that looks, with what `service` has as environment. It leads a group of
/// its own, in which its commands are too.
///
/// # Errors
/// A sandbox refuses memfd_create(2), there is no /proc, or no process can be made.
pub(super) fn begin(looking: &Looking, service: &ProgramPlan) -> Result<pid_t, Errno> {
    let file = memfd::sealed(&encode(looking))?;
    let fd = memfd::hand_over(&file)?;
    let program = ProgramPlan {
        argv: vec![OsString::from("/proc/self/exe"), OsString::from(format!("{ARGUMENT}{fd}"))],
        environment: service.environment.clone(),
        ..ProgramPlan::default()
    };
    let prepared = Prepared::new(&program.program()).map_err(|failure| failure.errno)?;
    let setting = Setting { own_group: true, ..Setting::default() };
    prepared.spawn(&setting).map_err(|failure| failure.errno)
}

/// Where castoff was started by itself to look: at what. `None` if it was not.
#[must_use]
pub fn looking_entry(arguments: &[OsString]) -> Option<Looking> {
    let [_, argument] = arguments else { return None };
    let fd = argument.to_str()?.strip_prefix(ARGUMENT)?.parse().ok()?;
    decode(&memfd::receive(fd).ok()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Looking, decode, encode};
    use crate::plan::{Endpoint, Look, Target};
    use crate::protocol::Conversation;
    use crate::supervise::Voice;

    #[test]
    fn what_is_to_be_seen_is_handed_over_whole() {
        for target in [
            Target::Server(Endpoint::Host("h".into(), 80), None),
            Target::Server(Endpoint::Socket("/s".into()), Some(Conversation::Redis)),
            Target::Server(Endpoint::Host("::1".into(), 1), Some(Conversation::http("h:1", "/x", 200..=299))),
            Target::File("/f".into()),
            Target::Command(vec!["a".into(), "b c".into()]),
        ] {
            let look = Look { shown: "it".into(), hides: true, target, interval: Duration::from_secs(1) };
            let looking =
                Looking { look, timeout: Duration::from_millis(1500), tells: true, voice: Voice::default() };
            let bytes = encode(&looking);
            assert_eq!(decode(&bytes), Some(looking));
            assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        }
    }
}

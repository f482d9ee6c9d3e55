//! Rendering again while the services run, by a process of castoff's own that starts where this
//! one did: PID 1 has neither the engine nor the variables any more. What castoff was started
//! with waits in a sealed memfd, which only who may trace castoff can open.
//!
//! The process writes the files that changed, all or none, and names on its stdout the
//! services that are to read them, a line each.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsRawFd, RawFd};

use libc::pid_t;
use nix::errno::Errno;

use super::super::bytes::{Reader, Writer};
use crate::service::ProgramPlan;
use crate::sys::memfd;
use crate::sys::spawn::{Prepared, Setting, pipe};
use crate::sys::stdio::set_nonblocking;

/// The argument by which a castoff knows that it is to render again.
const ARGUMENT: &str = "--again=";

/// The number of the memfd, in the castoff that keeps it and in the one that reads it.
const NUMBER: RawFd = 3;

/// What begins the bytes, with the version of their layout.
const MAGIC: [u8; 8] = *b"c-again\x01";

/// Names of services are no longer than this, all together: as much as a pipe holds.
const LONGEST_ANSWER: u64 = 64 << 10;

/// What castoff was started with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Again {
    /// Its command line.
    pub arguments: Vec<OsString>,
    /// Its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it was.
    pub directory: OsString,
}

impl Again {
    /// Puts it where it outlives the preparation; the descriptor closes on exec until the
    /// plan that has it is sealed.
    ///
    /// # Errors
    /// A sandbox refuses memfd_create(2), or there is no memory.
    pub fn keep(&self) -> Result<RawFd, Errno> {
        let mut out = Writer(MAGIC.to_vec());
        out.sequence(&self.arguments, |out, argument| out.text(argument));
        out.sequence(&self.environment, |out, (name, value)| {
            out.text(name);
            out.text(value);
        });
        out.text(&self.directory);
        memfd::sealed(&out.0).map(memfd::into_number)
    }
}

fn decode(bytes: &[u8]) -> Option<Again> {
    let mut input = Reader(bytes.strip_prefix(&MAGIC)?);
    let again = Again {
        arguments: input.sequence(Reader::text)?,
        environment: input.sequence(|input| Some((input.text()?, input.text()?)))?,
        directory: input.text()?,
    };
    input.0.is_empty().then_some(again)
}

/// Where castoff was started by itself to render again: what it was started with before.
/// `None` if it was not.
#[must_use]
pub fn again_entry(arguments: &[OsString]) -> Option<Again> {
    let [_, argument] = arguments else { return None };
    take_over(argument.to_str()?.strip_prefix(ARGUMENT)?)
}

/// Apart, because every other start asks for it in vain.
#[cold]
#[inline(never)]
fn take_over(fd: &str) -> Option<Again> {
    decode(&memfd::receive(fd.parse().ok()?).ok()?)
}

/// What is kept for rendering again, and the process that does it.
#[derive(Debug)]
pub(super) struct Rendering {
    start: File,
    /// The process, and its answer to be.
    process: Option<(pid_t, File)>,
    /// It was asked for once more meanwhile.
    once_more: bool,
}

/// How a rendering ended.
pub(super) enum Rendered {
    /// These services are to read their files again.
    Tell(Vec<String>),
    /// Nothing was changed.
    Failed,
}

impl Rendering {
    /// Takes over what [`Again::keep`] gave. From then on it is the only descriptor above 2.
    pub(super) fn adopt(fd: RawFd) -> Option<Self> {
        Some(Self { start: memfd::adopt(fd, NUMBER).ok()?, process: None, once_more: false })
    }

    /// Begins; where one is under way, another one follows it.
    ///
    /// # Errors
    /// No process can be made.
    pub(super) fn begin(&mut self) -> Result<(), Errno> {
        if self.process.is_some() {
            self.once_more = true;
            return Ok(());
        }
        self.start.rewind().map_err(|_| Errno::EIO)?;
        let (reader, writer) = pipe()?;
        set_nonblocking(&reader)?;
        let program = ProgramPlan {
            argv: vec![OsString::from("/proc/self/exe"), OsString::from(format!("{ARGUMENT}{NUMBER}"))],
            ..ProgramPlan::default()
        };
        let prepared = Prepared::new(&program.program()).map_err(|failure| failure.errno)?;
        let setting = Setting {
            own_group: true,
            stdio: [None, Some(writer.as_raw_fd()), None],
            handed: Some((self.start.as_raw_fd(), NUMBER)),
            ..Setting::default()
        };
        let pid = prepared.spawn(&setting).map_err(|failure| failure.errno)?;
        self.process = Some((pid, reader));
        Ok(())
    }

    /// A child has ended, well or not: what came of it, if it was the one that renders.
    pub(super) fn ended(&mut self, pid: pid_t, well: bool) -> Option<Rendered> {
        let (_, answer) = self.process.take_if(|(process, _)| *process == pid)?;
        let mut names = String::new();
        // all that it wrote is there, as it has ended; who still has the other end is not waited for
        let _ = answer.take(LONGEST_ANSWER).read_to_string(&mut names);
        Some(if well { Rendered::Tell(names.lines().map(str::to_owned).collect()) } else { Rendered::Failed })
    }

    /// Whether it was asked for once more meanwhile; asked once.
    pub(super) fn is_due(&mut self) -> bool {
        self.process.is_none() && std::mem::take(&mut self.once_more)
    }
}

#[cfg(test)]
mod tests {
    use super::{Again, again_entry};

    #[test]
    fn what_castoff_was_started_with_is_kept_whole() {
        let again = Again {
            arguments: vec!["castoff".into(), "--config".into(), "x".into()],
            environment: vec![("A".into(), "1\n2".into())],
            directory: "/somewhere".into(),
        };
        let fd = again.keep().unwrap();
        let arguments = ["castoff".into(), format!("--again={fd}").into()];
        assert_eq!(again_entry(&arguments), Some(again));
        assert_eq!(again_entry(&["castoff".into(), "--again=x".into()]), None);
        assert_eq!(again_entry(&["castoff".into()]), None);
    }
}

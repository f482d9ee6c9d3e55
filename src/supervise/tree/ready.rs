//! How each service is known to be ready: its socket, its descriptor, or a process that looks.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use libc::pid_t;

use super::super::voice::{Level, Voice};
use super::look::{self, Looking};
use crate::plan::{Look, ServicePlan, Sign};
use crate::service::Notice;
use crate::service::notices;
use crate::service::tree::Readiness;
use crate::signal::Signal;
use crate::sys::notify_socket::{LONGEST, NotifySocket};
use crate::sys::processes::group_of;
use crate::sys::send::{Target, send};
use crate::sys::spawn::pipe;
use crate::sys::stdio::set_nonblocking;

/// What is watched for one service.
#[derive(Debug)]
pub(super) enum Watch {
    /// Nothing: time tells, or it is ready at once.
    Nothing,
    /// What it says of itself, as long as it runs.
    Notify(NotifySocket),
    /// The descriptor of this number that it has, and castoff's end of it.
    Descriptor(RawFd, Option<File>),
    /// What can be seen, and the process that looks.
    Look(Look, Option<pid_t>),
}

impl Watch {
    /// For a service; the address of its socket is made from `name`, which is castoff's alone.
    pub(super) fn new(service: &ServicePlan, name: &str, voice: Voice) -> Self {
        match &service.sign {
            None => Self::Nothing,
            Some(Sign::Descriptor(number)) => Self::Descriptor(*number, None),
            Some(Sign::Seen(look)) => Self::Look(look.clone(), None),
            Some(Sign::Notify) => match NotifySocket::bind(name) {
                Ok(socket) => Self::Notify(socket),
                Err(errno) => {
                    let line =
                        format!("{} can't tell that it is ready: no socket: {}", service.name, errno.desc());
                    voice.say(Level::Warn, &line);
                    Self::Nothing
                }
            },
        }
    }

    /// What the service gets in its environment for it.
    pub(super) fn variables(&self, watchdog: Option<Duration>) -> Vec<(OsString, OsString)> {
        let Self::Notify(socket) = self else { return Vec::new() };
        let mut variables = vec![("NOTIFY_SOCKET".into(), socket.address())];
        if let Some(limit) = watchdog {
            variables.push(("WATCHDOG_USEC".into(), limit.as_micros().to_string().into()));
        }
        variables
    }

    /// The descriptor that the service gets, and the number that it gets it as. castoff has
    /// the other end from now on.
    pub(super) fn handed(&mut self) -> Option<(File, RawFd)> {
        let Self::Descriptor(number, end) = self else { return None };
        let (reader, writer) = pipe().ok()?;
        set_nonblocking(&reader).ok()?;
        *end = Some(reader);
        Some((writer, *number))
    }

    /// Begins to look, where looking it is.
    pub(super) fn begin(&mut self, service: &ServicePlan, voice: Voice) {
        let Self::Look(look, process) = self else { return };
        let timeout = match service.rules.readiness {
            Readiness::Told(Some(limit)) => limit,
            _ => Duration::MAX,
        };
        match look::begin(&Looking { look: look.clone(), timeout, tells: true, voice }, &service.program) {
            Ok(pid) => *process = Some(pid),
            Err(errno) => {
                let line = format!("can't look whether {} is ready: {}", service.name, errno.desc());
                voice.say(Level::Warn, &line);
            }
        }
    }

    /// Nothing more is to be found out for now. What the service writes to is kept: one that is
    /// told to end while it is about to say that it is ready must not die of it (SIGPIPE).
    pub(super) fn forget(&mut self) {
        if let Self::Look(_, process) = self
            && let Some(pid) = process.take()
        {
            // it is reaped as any other child
            let _ = send(Target::Group(pid), Signal::KILL);
        }
    }

    /// What is to be polled.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        match self {
            Self::Notify(socket) => Some(socket.descriptor()),
            Self::Descriptor(_, end) => end.as_ref().map(AsRawFd::as_raw_fd),
            Self::Nothing | Self::Look(..) => None,
        }
    }

    /// A child has ended: whether it was the one that looks. It is forgotten then.
    pub(super) fn was(&mut self, pid: pid_t) -> bool {
        match self {
            Self::Look(_, process) if *process == Some(pid) => {
                *process = None;
                true
            }
            _ => false,
        }
    }

    /// What has been said since it was asked last, by the service that runs as `main`, user
    /// `uid`.
    pub(super) fn hear(&mut self, main: Option<pid_t>, uid: u32) -> Vec<Notice> {
        match self {
            Self::Notify(socket) => hear_socket(socket, main, uid),
            Self::Descriptor(_, end) => match end.as_mut().map(read_line) {
                Some(Line::Whole) => {
                    *end = None;
                    vec![Notice::Ready]
                }
                Some(Line::Never) => {
                    *end = None;
                    Vec::new()
                }
                Some(Line::NotYet) | None => Vec::new(),
            },
            Self::Nothing | Self::Look(..) => Vec::new(),
        }
    }
}

/// At most so many datagrams are read at once: who sends them without end must not keep
/// castoff from everything else.
const MOST_DATAGRAMS: usize = 64;

/// The service's own processes are heard, and root. Who has sent may have ended since: then
/// its user must do. A new main process is named by the old one only.
fn hear_socket(socket: &NotifySocket, main: Option<pid_t>, uid: u32) -> Vec<Notice> {
    let mut heard = Vec::new();
    let mut buffer = [0; LONGEST];
    for _ in 0..MOST_DATAGRAMS {
        let Some((bytes, sender)) = socket.receive(&mut buffer) else { break };
        let Some(main) = main else { continue };
        // a new main process may not lead the group that it is in
        let of_group =
            group_of(sender.pid).is_none_or(|group| group == main || group_of(main) == Some(group));
        if (sender.uid == uid && of_group) || sender.uid == 0 {
            let may_move = sender.pid == main || sender.uid == 0;
            heard.extend(
                notices(bytes).filter(|notice| may_move || !matches!(notice, Notice::MainProcess(_))),
            );
        }
    }
    heard
}

/// What the descriptor has brought.
enum Line {
    /// A line: it is ready.
    Whole,
    /// Nothing, or not yet its end.
    NotYet,
    /// It was closed without one.
    Never,
}

/// Reads once: who writes without end must not keep castoff from everything else.
fn read_line(end: &mut File) -> Line {
    let mut bytes = [0; 512];
    match end.read(&mut bytes) {
        Ok(0) => Line::Never,
        Ok(count) if bytes.iter().take(count).any(|byte| *byte == b'\n') => Line::Whole,
        // what is left is there when it is asked again
        Ok(_) | Err(_) => Line::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn of_what_has_no_line_end_a_little_is_read_at_once() {
        let (mut reader, mut writer) = pipe().unwrap();
        writer.write_all(&[b'x'; 4096]).unwrap();
        assert!(matches!(read_line(&mut reader), Line::NotYet));
        drop(writer);
        let mut left = Vec::new();
        reader.read_to_end(&mut left).unwrap();
        assert_eq!(left.len(), 4096 - 512);
    }
}

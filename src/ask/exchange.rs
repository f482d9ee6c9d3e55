//! One question to the castoff that runs, and its answer. Whom it believes: a socket that
//! root, castoff's own user, or the user of process 1 listens on.

use std::time::Duration;

use nix::errno::Errno;

use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::plan::ControlWish;
use crate::service::control::{Answer, Question, RefusalKind, VERSION};
use crate::sys::clock::monotonic;
use crate::sys::connection::Connection;
use crate::sys::control_socket::{Address, connect, usual_addresses};
use crate::sys::poll;
use crate::sys::status::Status;

/// An answer that is longer is none of castoff's.
const LONGEST_ANSWER: usize = 16 << 20;
/// The pause before a connection is tried again where too many ask.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks.
///
/// # Errors
/// Nobody is there who can be asked; what was asked is refused.
pub(super) fn exchange(
    wish: &ControlWish,
    question: &Question,
    until: Duration,
) -> Result<Answer, Diagnostic> {
    let connection = reach(wish, until)?;
    let line = question.line();
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        match connection.send(rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::EAGAIN) => wait(until, |left| poll::writable(connection.descriptor(), -1, left))?,
            Err(Errno::EINTR) => {}
            // it may have said why before it closed the connection
            Err(_) => break,
        }
    }
    let bytes = read(&connection, until)?;
    if bytes.is_empty() {
        return Err(unanswered());
    }
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| not_understood())?;
    match answer.error {
        _ if answer.version != VERSION => Err(not_understood()),
        None => Ok(answer),
        Some(refusal) => {
            let exit = match refusal.kind {
                RefusalKind::Question | RefusalKind::UnknownService => ExitCode::USAGE,
                RefusalKind::Stopping => ExitCode::STEP,
                RefusalKind::Permission => ExitCode::PERMISSION,
            };
            let problem = Diagnostic::error(exit, refusal.message);
            Err(match refusal.nearest {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            })
        }
    }
}

fn unanswered() -> Diagnostic {
    Diagnostic::error(ExitCode::TIMEOUT, "castoff does not answer")
        .note("it has ended meanwhile, or it or this process had no time to run")
}

fn not_understood() -> Diagnostic {
    Diagnostic::error(ExitCode::STEP, "castoff's answer is not understood")
        .help("ask with the castoff that runs: another version speaks otherwise")
}

fn read(connection: &Connection, until: Duration) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        match connection.receive(&mut part) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(part.get(..count).unwrap_or_default()),
            Err(Errno::EAGAIN) => wait(until, |left| poll::readable(&[connection.descriptor()], left))?,
            Err(Errno::EINTR) => {}
            Err(_) => return Ok(bytes),
        }
        if bytes.len() > LONGEST_ANSWER {
            return Err(not_understood());
        }
    }
}

fn wait(until: Duration, poll: impl FnOnce(Option<Duration>) -> u8) -> Result<(), Diagnostic> {
    let left = until.saturating_sub(monotonic());
    if left.is_zero() {
        return Err(unanswered());
    }
    poll(Some(left));
    Ok(())
}

/// The castoff that is meant.
fn reach(wish: &ControlWish, until: Duration) -> Result<Connection, Diagnostic> {
    let addresses = match wish {
        ControlWish::Nowhere => {
            return Err(unreachable(ExitCode::STEP, &["CASTOFF_CONTROL is none".to_owned()]));
        }
        ControlWish::At(path) => vec![Address::Path(path.clone())],
        ControlWish::Usual => usual_addresses(),
    };
    let mut exit = ExitCode::STEP;
    let mut refused = Vec::new();
    for address in addresses {
        match try_connect(&address, until) {
            Ok(connection) if is_believed(&connection) => return Ok(connection),
            Ok(_) => refused.push(format!("{address}: another user than castoff's listens there")),
            Err(errno) => {
                if errno == Errno::EACCES {
                    exit = ExitCode::PERMISSION;
                }
                refused.push(format!("{address}: {}", reason(errno)));
            }
        }
    }
    Err(unreachable(exit, &refused))
}

fn unreachable(exit: ExitCode, refused: &[String]) -> Diagnostic {
    if exit == ExitCode::PERMISSION {
        let problem = Diagnostic::error(exit, "only root and castoff's own user may ask");
        return refused.iter().fold(problem, |problem, reason| problem.note(reason));
    }
    let mut problem = Diagnostic::error(exit, "no castoff can be asked here");
    problem.notes = refused.to_vec();
    problem
        .note("a plain init, a command, and a service with no key of supervision can't be asked")
        .help(
            "ask in the container itself, as root or castoff's user: docker exec CONTAINER castoff --status",
        )
        .help("where CASTOFF_CONTROL is set for castoff it must be set the same here")
}

fn reason(errno: Errno) -> &'static str {
    match errno {
        Errno::ENOENT => "there is no socket",
        Errno::ECONNREFUSED => "nobody listens",
        other => other.desc(),
    }
}

fn try_connect(address: &Address, until: Duration) -> Result<Connection, Errno> {
    loop {
        match connect(address) {
            // its queue is full
            Err(Errno::EAGAIN) if monotonic() < until => {
                poll::readable(&[], Some(PAUSE));
            }
            outcome => return outcome,
        }
    }
}

fn is_believed(connection: &Connection) -> bool {
    let Ok(peer) = connection.peer() else { return false };
    let first = Status::at("/proc/1".as_ref()).ok().map(|status| status.uid);
    peer.uid == 0 || peer.uid == nix::unistd::geteuid().as_raw() || Some(peer.uid) == first
}

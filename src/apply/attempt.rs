//! One attempt at what is waited for: whether it is there, and if not, what came back.
//!
//! Invariants: no call here blocks but by the vigil, which a request to stop ends; no server
//! can keep an attempt for longer than its limits or make it read more than a bounded answer.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::validate::shown_output;
use super::vigil::{Answer, End, Vigil};
use super::wait::{Commands, Failed};
use crate::diagnostic::Diagnostic;
use crate::exit::ExitCode;
use crate::plan::{Endpoint, Target, Wait};
use crate::protocol::{Conversation, Heard, MOST_HEARD};
use crate::sys::command::{Outcome, Output, run_command_while};
use crate::sys::connection::Connection;
use crate::sys::environment::Variables;
use crate::sys::reap::Ending;
use crate::sys::resolver::{self, Lookup};
use crate::sys::spawn::Program;

/// To connect: a lost packet is sent again after 1 and 3 seconds (tcp(7)).
const CONNECTING: Duration = Duration::from_secs(5);
/// To answer: a database may look up who connects before it greets.
const ANSWERING: Duration = Duration::from_secs(15);
/// To end a conversation whose outcome is known.
const ENDING: Duration = Duration::from_secs(1);
/// Characters that are shown of what a command says.
const LONGEST_LINE: usize = 200;

const REFUSED: &str = "is it started, and does it listen on this address and port?";
const UNKNOWN: &str = "is the name right, and is its container up and in the same network?";
const SERVERS: &str = "what do the name servers of /etc/resolv.conf say?";
const LOST: &str = "is the address right, and does no firewall drop what is sent there?";
const SILENT: &str = "is it the right port, and not a proxy's whose server is not up?";
const OTHER: &str = "is it the right port, and without TLS?";
const NOT_YET: &str = "its own log may say why";
const MISSING: &str = "who makes it, and is the path right?";

/// What came of a part of an attempt: an answer ends the attempt, an end all of them.
type Tried<T> = Result<Result<T, Answer>, End>;

/// Tries once. `None`: it is ready.
pub(super) fn attempt(
    wait: &Wait,
    vigil: &mut Vigil<'_>,
    commands: &Commands<'_>,
) -> Result<Option<Answer>, Failed> {
    match &wait.target {
        Target::Server(Endpoint::Host(host, port), conversation) => {
            let addresses = match addresses(host, *port, vigil)? {
                Ok(addresses) => addresses,
                Err(answer) => return Ok(Some(answer)),
            };
            Ok(any_of(&addresses, wait.hides, conversation.as_ref(), vigil)?)
        }
        Target::Server(Endpoint::Socket(path), conversation) => {
            Ok(talk(Connection::begin_unix(path), conversation.as_ref(), vigil)?)
        }
        Target::File(path) => Ok(look_at(path)),
        Target::Command(argv) => {
            let program =
                Program { argv, environment: Variables::Listed(commands.environment), ..Program::default() };
            run(&program, wait, vigil, commands)
        }
    }
}

fn addresses(host: &str, port: u16, vigil: &mut Vigil<'_>) -> Tried<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Ok(vec![SocketAddr::new(address, port)]));
    }
    vigil.doing = "looking its name up, the name servers have not answered yet";
    let mut lookup = match Lookup::begin(host, port) {
        Ok(lookup) => lookup,
        Err(errno) => return Ok(Err(Answer::new(format!("can't look its name up: {}", errno.desc()), ""))),
    };
    let answer = loop {
        // libc has limits of its own for name servers that don't answer
        vigil.readable(lookup.descriptor(), Instant::now() + ANSWERING)?;
        if let Some(answer) = lookup.answer() {
            break answer;
        }
    };
    Ok(match answer {
        resolver::Answer::Addresses(addresses) => Ok(addresses),
        resolver::Answer::NoSuchHost => Err(Answer::new("there is no host of this name", UNKNOWN)),
        resolver::Answer::NoAnswer => Err(Answer::new("the name servers give no answer", SERVERS)),
        resolver::Answer::Failed => Err(Answer::new("its name can't be looked up", SERVERS)),
    })
}

/// Each address in turn. Where they fail in different ways, each is told, unless they are
/// nobody's business.
fn any_of(
    addresses: &[SocketAddr],
    hides: bool,
    conversation: Option<&Conversation>,
    vigil: &mut Vigil<'_>,
) -> Result<Option<Answer>, End> {
    let mut answers: Vec<(IpAddr, Answer)> = Vec::new();
    for address in addresses {
        match talk(Connection::begin(*address), conversation, vigil)? {
            None => return Ok(None),
            Some(answer) => answers.push((address.ip(), answer)),
        }
    }
    let Some((_, last)) = answers.last().cloned() else {
        return Ok(Some(Answer::new("no address", UNKNOWN)));
    };
    if hides || answers.iter().all(|(_, answer)| *answer == last) {
        return Ok(Some(last));
    }
    let each: Vec<String> = answers.iter().map(|(ip, answer)| format!("{ip}: {}", answer.text)).collect();
    Ok(Some(Answer::new(each.join("; "), last.help)))
}

fn talk(
    begun: Result<Connection, Errno>,
    conversation: Option<&Conversation>,
    vigil: &mut Vigil<'_>,
) -> Result<Option<Answer>, End> {
    let connection = match begun {
        Ok(connection) => connection,
        Err(errno) => return Ok(Some(refused(errno))),
    };
    vigil.doing = "connecting, no answer yet";
    if !vigil.writable(connection.descriptor(), Instant::now() + CONNECTING)? {
        return Ok(Some(Answer::new("no answer to the attempt to connect", LOST)));
    }
    if let Err(errno) = connection.outcome() {
        return Ok(Some(refused(errno)));
    }
    match conversation {
        None => Ok(None),
        Some(conversation) => converse(&connection, conversation, vigil),
    }
}

fn refused(errno: Errno) -> Answer {
    let help = match errno {
        Errno::ECONNREFUSED => REFUSED,
        Errno::ENOENT => MISSING,
        _ => LOST,
    };
    Answer::new(errno.desc(), help)
}

fn converse(
    connection: &Connection,
    conversation: &Conversation,
    vigil: &mut Vigil<'_>,
) -> Result<Option<Answer>, End> {
    vigil.doing = "connected, no answer yet";
    let mut limit = Instant::now() + ANSWERING;
    if let Err(answer) = send(connection, &conversation.opening(), limit, vigil)? {
        return Ok(Some(answer));
    }
    let mut received = Vec::new();
    let mut said = 0;
    loop {
        match conversation.hear(said, &received) {
            Heard::More => {}
            Heard::Ready(farewell) => {
                // it is ready, whether it hears this or not
                let _ = connection.send(&farewell);
                return Ok(None);
            }
            Heard::Polite(bytes) => {
                vigil.doing = "it is ready, taking leave of it";
                limit = Instant::now() + ENDING;
                said += 1;
                if connection.send(&bytes).is_err() {
                    return Ok(None);
                }
                continue;
            }
            Heard::NotYet(words) => return Ok(Some(Answer::new(format!("it says: {words}"), NOT_YET))),
            Heard::Other(text) => return Ok(Some(Answer::new(text, OTHER))),
        }
        match (receive(connection, &mut received, limit, vigil), said) {
            (Ok(Ok(())), _) => {}
            (Err(End::Interrupted(signal)), _) => return Err(End::Interrupted(signal)),
            (Err(End::Over), 0) => return Err(End::Over),
            (Ok(Err(answer)), 0) => return Ok(Some(answer)),
            // it was ready before that
            (Ok(Err(_)) | Err(End::Over), _) => return Ok(None),
        }
    }
}

fn send(connection: &Connection, mut bytes: &[u8], limit: Instant, vigil: &mut Vigil<'_>) -> Tried<()> {
    while !bytes.is_empty() {
        match connection.send(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::EAGAIN) => {
                if !vigil.writable(connection.descriptor(), limit)? {
                    return Ok(Err(Answer::new("it takes the connection and reads nothing", SILENT)));
                }
            }
            Err(errno) => return Ok(Err(refused(errno))),
        }
    }
    Ok(Ok(()))
}

/// Waits for more bytes.
fn receive(
    connection: &Connection,
    received: &mut Vec<u8>,
    limit: Instant,
    vigil: &mut Vigil<'_>,
) -> Tried<()> {
    let mut chunk = [0; 1024];
    loop {
        if !vigil.readable(connection.descriptor(), limit)? {
            let text = if received.is_empty() {
                "it takes the connection and says nothing"
            } else {
                "it takes the connection and never ends its answer"
            };
            return Ok(Err(Answer::new(text, SILENT)));
        }
        match connection.receive(&mut chunk) {
            Ok(0) => return Ok(Err(Answer::new("it closed the connection without an answer", SILENT))),
            Ok(_) if received.len() >= MOST_HEARD => {
                return Ok(Err(Answer::new("its answer has no end", OTHER)));
            }
            Ok(count) => {
                received.extend_from_slice(chunk.get(..count).unwrap_or_default());
                return Ok(Ok(()));
            }
            Err(Errno::EAGAIN) => {}
            Err(errno) => return Ok(Err(Answer::new(errno.desc(), SILENT))),
        }
    }
}

fn look_at(path: &Path) -> Option<Answer> {
    let error = std::fs::metadata(path).err()?;
    let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
    Some(if errno == Errno::ENOENT {
        Answer::new("it does not exist", MISSING)
    } else {
        Answer::new(errno.desc(), MISSING)
    })
}

fn run(
    program: &Program<'_>,
    wait: &Wait,
    vigil: &mut Vigil<'_>,
    commands: &Commands<'_>,
) -> Result<Option<Answer>, Failed> {
    vigil.doing = "running it, it has not ended yet";
    let outcome = run_command_while(program, commands.inherited, &mut || vigil.look().ok());
    match outcome {
        Outcome::Ended(Ending::Exited(0), _) => Ok(None),
        Outcome::Ended(ending, output) => {
            // where it was killed because patience has ended, this ends the attempt
            vigil.look()?;
            Ok(Some(Answer::new(said(ending, &output, commands.secrets), NOT_YET)))
        }
        Outcome::CannotStart(problem) => {
            let problem = problem.at(&wait.place, "this command");
            Err(Failed::Problem(Box::new(Diagnostic { exit: ExitCode::SPEC, ..problem })))
        }
        Outcome::Interrupted(signal) => Err(End::Interrupted(signal).into()),
    }
}

/// How a command ended, and the last line that it said.
fn said(ending: Ending, output: &Output, secrets: &[String]) -> String {
    let how = match ending {
        Ending::Exited(status) => format!("it ended with status {status}"),
        Ending::Killed(signal) => format!("it was ended by {signal}"),
    };
    let shown = shown_output(output, secrets, &[]);
    let last = shown.lines().rev().find(|line| !line.trim().is_empty());
    match last {
        None => how,
        Some(line) => {
            let line: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect();
            format!("{how}: {line}")
        }
    }
}

//! The control socket's side in the loop of PID 1: takes connections, reads a line of each,
//! sends what it is answered. What the lines mean is not its business.
//!
//! Everything is bounded: how many are served at once, how long a line is, how long one may
//! take. Nothing here waits. Only root and castoff's own user are served; others are told so.

use std::time::Duration;

use nix::errno::Errno;

use super::super::voice::{Level, Voice};
use crate::plan::ControlWish;
use crate::service::control::{Answer, LONGEST, RefusalKind};
use crate::sys::connection::Connection;
use crate::sys::control_socket::{Address, ControlSocket, usual_addresses};
use crate::sys::poll::Polled;

/// So many are served at once; the others wait in the kernel's queue.
const MOST_CLIENTS: usize = 8;
/// So many connections are taken before anything else gets a turn.
const TAKEN_AT_ONCE: usize = 32;
/// Who takes longer to ask and to read the answer is dropped.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long no connection is taken after one could not be: there are no descriptors left.
const PAUSE: Duration = Duration::from_secs(1);

/// The socket, and who is being served.
#[derive(Debug, Default)]
pub(super) struct Control {
    socket: Option<ControlSocket>,
    clients: Vec<Client>,
    /// No connection is taken until then.
    deaf_until: Option<Duration>,
}

#[derive(Debug)]
struct Client {
    connection: Connection,
    /// When it is dropped.
    until: Duration,
    exchange: Exchange,
}

/// How far a client has come.
#[derive(Debug)]
enum Exchange {
    /// It asks; so much has come.
    Asking(Vec<u8>),
    /// It is answered; so many bytes are sent.
    Answered(Vec<u8>, usize),
}

impl Control {
    /// Listens where it is wished, and says where it can't.
    pub(super) fn open(wish: &ControlWish, voice: Voice) -> Self {
        let addresses = match wish {
            ControlWish::Nowhere => return Self::default(),
            ControlWish::At(path) => vec![Address::Path(path.clone())],
            ControlWish::Usual => usual_addresses(),
        };
        let mut refused = Vec::new();
        for address in addresses {
            let shown = address.to_string();
            match ControlSocket::bind(address) {
                Ok(socket) => {
                    voice.say(Level::Debug, &format!("castoff can be asked at {}", socket.address()));
                    return Self { socket: Some(socket), ..Self::default() };
                }
                Err(errno) => refused.push(format!("{shown}: {}", reason(errno))),
            }
        }
        let level = if *wish == ControlWish::Usual { Level::Info } else { Level::Warn };
        voice.say(level, &format!("castoff can't be asked how it does; {}", refused.join("; ")));
        Self::default()
    }

    /// What is to be polled.
    pub(super) fn polled(&self) -> impl Iterator<Item = Polled> {
        let is_full = self.clients.len() >= MOST_CLIENTS || self.deaf_until.is_some();
        let socket = self.socket.as_ref().filter(|_| !is_full);
        let clients = self.clients.iter().map(|client| match client.exchange {
            Exchange::Asking(_) => Polled::readable(client.connection.descriptor()),
            Exchange::Answered(..) => Polled::writable(client.connection.descriptor()),
        });
        socket.map(|socket| Polled::readable(socket.descriptor())).into_iter().chain(clients)
    }

    /// When [`Control::serve`] is to be called although nothing came.
    pub(super) fn due(&self) -> Option<Duration> {
        self.clients.iter().map(|client| client.until).chain(self.deaf_until).min()
    }

    /// Goes on with all clients. `answer` makes an answer of a line.
    pub(super) fn serve(&mut self, now: Duration, mut answer: impl FnMut(&[u8]) -> String) {
        if self.deaf_until.is_some_and(|until| until <= now) {
            self.deaf_until = None;
        }
        self.take(now);
        self.clients.retain_mut(|client| client.until > now && client.go_on(&mut answer));
        if self.clients.is_empty() {
            self.clients = Vec::new();
        }
    }

    /// Takes connections, as far as there is room.
    fn take(&mut self, now: Duration) {
        let Some(socket) = self.socket.as_ref().filter(|_| self.deaf_until.is_none()) else { return };
        for _ in 0..TAKEN_AT_ONCE {
            if self.clients.len() >= MOST_CLIENTS {
                return;
            }
            match socket.accept() {
                Ok(connection) if is_served(&connection) => self.clients.push(Client {
                    connection,
                    until: now.saturating_add(PATIENCE),
                    exchange: Exchange::Asking(Vec::new()),
                }),
                Ok(connection) => {
                    let line = Answer::refusal(RefusalKind::Permission, NOT_SERVED, None).line();
                    // it fits, as nothing was sent yet; who doesn't get it is dropped all the same
                    let _ = connection.send(line.as_bytes());
                }
                Err(Errno::ECONNABORTED) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => {
                    self.deaf_until = Some(now.saturating_add(PAUSE));
                    return;
                }
            }
        }
    }
}

/// What those are told who are not served.
const NOT_SERVED: &str = "only root and castoff's own user are answered";

fn is_served(connection: &Connection) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    connection.peer().is_ok_and(|peer| peer.uid == 0 || peer.uid == own)
}

fn reason(errno: Errno) -> &'static str {
    match errno {
        Errno::EADDRINUSE => "another castoff listens there",
        Errno::EPERM => "others could put a socket of theirs there",
        Errno::EEXIST => "something that is no socket stands there",
        other => other.desc(),
    }
}

impl Client {
    /// Reads and sends what can be. `false`: it is done, or gone.
    fn go_on(&mut self, answer: &mut impl FnMut(&[u8]) -> String) -> bool {
        if let Exchange::Asking(line) = &mut self.exchange {
            let line = match read_line(&self.connection, line) {
                Heard::Line(line) => line,
                Heard::NotYet => return true,
                Heard::Gone => return false,
            };
            self.exchange = Exchange::Answered(answer(&line).into_bytes(), 0);
        }
        let Exchange::Answered(bytes, sent) = &mut self.exchange else { return true };
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            match self.connection.send(rest) {
                Ok(count) => *sent = sent.saturating_add(count),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return true,
                Err(_) => return false,
            }
        }
        false
    }
}

/// What has come of a line.
enum Heard {
    /// All of it, without its newline; or more than a line may have.
    Line(Vec<u8>),
    /// Not its end.
    NotYet,
    /// The client went away before that.
    Gone,
}

/// Reads on. A line that is too long is given out cut: it is no question.
fn read_line(connection: &Connection, line: &mut Vec<u8>) -> Heard {
    let mut bytes = [0; 512];
    while line.len() < LONGEST {
        match connection.receive(&mut bytes) {
            Ok(0) => return Heard::Gone,
            Ok(count) => line.extend_from_slice(bytes.get(..count).unwrap_or_default()),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Heard::NotYet,
            Err(_) => return Heard::Gone,
        }
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Heard::Line(std::mem::take(line));
        }
    }
    Heard::Line(b"too long".to_vec())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::{Control, MOST_CLIENTS, PATIENCE};
    use crate::plan::ControlWish;
    use crate::service::control::LONGEST;
    use crate::supervise::Voice;
    use crate::sys::fixture::Scratch;

    const NOW: Duration = Duration::from_secs(100);

    struct Case {
        control: Control,
        scratch: Scratch,
    }

    impl Case {
        fn new() -> Self {
            let scratch = Scratch::new();
            let wish = ControlWish::At(scratch.path("control.sock"));
            Self { control: Control::open(&wish, Voice::default()), scratch }
        }

        fn client(&self) -> UnixStream {
            UnixStream::connect(self.scratch.path("control.sock")).unwrap()
        }

        fn serve(&mut self, now: Duration) {
            self.control.serve(now, |line| format!("[{}]", String::from_utf8_lossy(line)));
        }
    }

    fn read(mut client: UnixStream) -> String {
        let mut text = String::new();
        let _ = client.read_to_string(&mut text);
        text
    }

    #[test]
    fn a_line_is_answered_once_it_is_whole() {
        let mut case = Case::new();
        assert_eq!(case.control.due(), None);
        let mut client = case.client();
        client.write_all(b"ab").unwrap();
        case.serve(NOW);
        assert_eq!(case.control.due(), Some(NOW + PATIENCE));
        client.write_all(b"c\nd").unwrap();
        case.serve(NOW);
        assert_eq!(case.control.due(), None);
        assert_eq!(read(client), "[abc]");
    }

    #[test]
    fn one_that_stalls_goes_away_or_says_too_much_is_dropped() {
        let mut case = Case::new();
        let (stalled, gone, mut long) = (case.client(), case.client(), case.client());
        drop(gone);
        long.write_all(&vec![b'x'; LONGEST + 1]).unwrap();
        case.serve(NOW);
        assert_eq!(case.control.clients.len(), 1);
        assert_eq!(read(long), "[too long]");
        case.serve(NOW + PATIENCE);
        assert_eq!(case.control.due(), None);
        assert_eq!(read(stalled), "");
    }

    #[test]
    fn who_does_not_read_is_dropped_too() {
        let mut case = Case::new();
        let mut client = case.client();
        client.write_all(b"x\n").unwrap();
        case.control.serve(NOW, |_| "y".repeat(8 << 20));
        assert_eq!(case.control.clients.len(), 1);
        case.serve(NOW + PATIENCE);
        assert!(read(client).len() < 8 << 20);
        assert_eq!(case.control.clients.len(), 0);
    }

    #[test]
    fn some_are_served_and_the_others_wait() {
        let mut case = Case::new();
        let mut clients: Vec<UnixStream> = (0..3 * MOST_CLIENTS).map(|_| case.client()).collect();
        case.serve(NOW);
        assert_eq!((case.control.clients.len(), case.control.polled().count()), (MOST_CLIENTS, MOST_CLIENTS));
        for client in &mut clients {
            client.write_all(b"a\n").unwrap();
        }
        for _ in 0..4 {
            case.serve(NOW);
        }
        for client in clients {
            assert_eq!(read(client), "[a]");
        }
    }

    #[test]
    fn none_is_opened_where_none_is_wished() {
        let control = Control::open(&ControlWish::Nowhere, Voice::default());
        assert_eq!((control.polled().count(), control.due()), (0, None));
    }
}

//! A mail server that takes everything and tells the test what it was told.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a client said, up to the end of the headers of its mail.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The commands, without their line ends.
    pub(super) commands: Vec<Vec<u8>>,
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
    pub(super) headers: Vec<Vec<u8>>,
}

impl Session {
    /// What follows `verb` in the first command that begins with it.
    pub(super) fn argument(&self, verb: &str) -> Option<&[u8]> {
        self.commands.iter().find_map(|command| command.strip_prefix(verb.as_bytes()))
    }
}

pub(super) struct SmtpServer {
    address: SocketAddr,
    sessions: Receiver<Session>,
    ends: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl SmtpServer {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sessions) = channel();
        let ends = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&ends);
        let listener = std::thread::spawn(move || {
            for client in listener.incoming() {
                if ending.load(Ordering::SeqCst) {
                    return;
                }
                let (client, sender) = (client.unwrap(), sender.clone());
                std::thread::spawn(move || serve(client, &sender));
            }
        });
        Self { address, sessions, ends, listener: Some(listener) }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next session, once its client has sent its headers. The client waits on.
    pub(super) fn session(&self) -> Session {
        // The limit is for a client that never comes; nothing else waits for time.
        self.sessions.recv_timeout(Duration::from_secs(60)).expect("a client connects")
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// Reports the session whatever ends it, so that a client that crashes is seen too.
fn serve(client: TcpStream, sender: &Sender<Session>) {
    let mut session = Session::default();
    let mut client = Client { reader: BufReader::new(client) };
    let _ = client.talk(&mut session);
    let _ = sender.send(session);
    // Until the test ends the client.
    let _ = std::io::copy(&mut client.reader, &mut std::io::sink());
}

struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn talk(&mut self, session: &mut Session) -> std::io::Result<()> {
        self.say("220 test")?;
        loop {
            let Some(line) = self.line()? else { return Ok(()) };
            let verb = String::from_utf8_lossy(line.get(..10).unwrap_or(&line)).to_ascii_uppercase();
            let credentials = line.get(10..).map(|rest| rest.trim_ascii().to_vec()).unwrap_or_default();
            session.commands.push(line);
            match verb.as_str() {
                verb if verb.starts_with("EHLO") => self.say("250-test\r\n250 AUTH PLAIN LOGIN")?,
                "AUTH LOGIN" => {
                    session.user = self.asks("334 VXNlcm5hbWU6")?;
                    session.password = self.asks("334 UGFzc3dvcmQ6")?;
                    self.say("235 ok")?;
                }
                "AUTH PLAIN" => {
                    let said = if credentials.is_empty() { self.asks("334 ")? } else { base64(&credentials) };
                    let mut parts = said.splitn(3, |byte| *byte == 0).skip(1).map(<[u8]>::to_vec);
                    session.user = parts.next().unwrap_or_default();
                    session.password = parts.next().unwrap_or_default();
                    self.say("235 ok")?;
                }
                "DATA" => {
                    self.say("354 go")?;
                    while let Some(line) = self.line()?.filter(|line| !line.is_empty()) {
                        session.headers.push(line);
                    }
                    return Ok(());
                }
                _ => self.say("250 ok")?,
            }
        }
    }

    fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.reader.get_mut().write_all(format!("{reply}\r\n").as_bytes())
    }

    fn asks(&mut self, question: &str) -> std::io::Result<Vec<u8>> {
        self.say(question)?;
        Ok(base64(&self.line()?.unwrap_or_default()))
    }

    fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
    }
}

fn base64(text: &[u8]) -> Vec<u8> {
    let (mut out, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for byte in text.iter().filter(|byte| **byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("{other} in base64"),
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    out
}

#[test]
fn base64_is_read() {
    assert_eq!(base64(b"YQ=="), b"a");
    assert_eq!(base64(b"AP8+Pz8="), b"\0\xff>??");
}

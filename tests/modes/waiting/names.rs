//! Names of hosts: as the image's own /etc/hosts and /etc/resolv.conf say, and name servers
//! that refuse, fail, come late or never answer.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::case;
use super::fake::{PORT, address, greets, serve};
use super::interrupted::ended_by_term;
use crate::harness::{Exit, Launch, each_place_to_mount_in, refusing, skipped};
use crate::modes::case::{Case, needs_root};

const NO_ERROR: u8 = 0;
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;
const SILENT: u8 = 255;

/// A name server: what it says can be changed while it runs.
struct NameServer {
    address: Ipv4Addr,
    says: Arc<AtomicU8>,
}

impl NameServer {
    /// It knows `db.sub.test`, at `found`.
    fn start(says: u8, found: Ipv4Addr) -> Option<Self> {
        if !needs_root() {
            return None;
        }
        let address = address();
        let Ok(socket) = UdpSocket::bind((address, 53)) else {
            skipped("no name server can be started here");
            return None;
        };
        let server = Self { address, says: Arc::new(AtomicU8::new(says)) };
        let says = Arc::clone(&server.says);
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let code = says.load(Ordering::SeqCst);
                if code != SILENT {
                    let _ = socket.send_to(&answer(&query[..length], code, found), from);
                }
            }
        });
        Some(server)
    }

    /// A case that waits for `db`, whose image asks this server.
    fn case(&self, timeout: &str) -> Case {
        case(&format!("[[wait]]\nmysql = \"db\"\ntimeout = \"{timeout}\"\n"))
            .file("root/resolv.conf", format!("nameserver {}\nsearch sub.test\n", self.address))
            .file("root/hosts", "127.0.0.1 localhost\n")
    }
}

const MOUNTS: &str = "mount --bind resolv.conf /etc/resolv.conf; mount --bind hosts /etc/hosts";

/// castoff in a mount namespace with those files.
fn launch(case: &Case) -> Launch {
    let script = format!("cd {} && {MOUNTS} && exec \"$@\"", case.path("root").display());
    case.launch(&[]).behind(&format!("exec /usr/bin/unshare -m sh -c '{script}' sh \"$@\""))
}

fn answer(query: &[u8], code: u8, found: Ipv4Addr) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let question = &query[12..end];
    let is_known = question.starts_with(b"\x02db\x03sub\x04test\0");
    let code = if code == NO_ERROR && !is_known { NO_SUCH_NAME } else { code };
    let has_address = code == NO_ERROR && question[question.len() - 4..] == [0, 1, 0, 1];
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    answer.extend(question);
    if has_address {
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(found.octets());
    }
    answer
}

#[test]
fn as_the_image_says_and_as_soon_as_it_does() {
    let found = address();
    serve(&format!("{found}:{PORT}"), greets);
    let Some(server) = NameServer::start(NO_SUCH_NAME, found) else { return };
    let case = server.case("1m");
    let mut castoff = launch(&case).start();
    castoff.told_that(": there is no host of this name");
    server.says.store(NO_ERROR, Ordering::SeqCst);
    castoff.expect("service");
    assert_eq!(castoff.wait(), Exit::Code(0));
}

#[test]
fn what_name_servers_say_is_told_apart() {
    for (code, expected) in [
        (NO_SUCH_NAME, "there is no host of this name"),
        (SERVER_FAILURE, "the name servers give no answer"),
        (SILENT, "looking its name up, the name servers have not answered yet"),
    ] {
        let Some(server) = NameServer::start(code, Ipv4Addr::LOCALHOST) else { return };
        let case = server.case("1h");
        let mut castoff = launch(&case).start();
        castoff.told_that(expected);
    }
    let Some(server) = NameServer::start(NO_SUCH_NAME, Ipv4Addr::LOCALHOST) else { return };
    let Some(said) = server.case("2s").run_in_namespace(MOUNTS, &[]) else { return };
    said.code(75).says(&["db:3306 (mysql) was not ready within 2s", "in the same network"]);
}

#[test]
fn name_servers_that_never_answer_hold_nothing_up() {
    each_place_to_mount_in(|place| {
        let Some(server) = NameServer::start(SILENT, Ipv4Addr::LOCALHOST) else { return };
        let case = server.case("1h");
        let mut castoff = launch(&case).place(place).start();
        castoff.told_that("looking its name up, the name servers have not answered yet");
        castoff.signal(libc::SIGTERM);
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, ended_by_term(place), "{err}");
        assert_eq!(castoff.descendants(), []);
    });
}

#[test]
fn where_no_process_can_be_made_the_look_up_fails_and_says_so() {
    let case = case("[[wait]]\ntcp = \"localhost:1\"\ntimeout = \"2s\"\n");
    let Some(launch) = refusing("clone,?fork:error=EAGAIN", case.launch(&[])) else { return };
    let (exit, _, err) = launch.start().end();
    assert_eq!(exit, Exit::Code(75));
    assert!(err.contains("can't look its name up: Try again"), "{err}");
}

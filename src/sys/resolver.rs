//! Names of hosts, looked up by libc: as the image's own /etc/hosts and /etc/resolv.conf say.
//!
//! getaddrinfo(3) blocks for as long as the name servers take, and nothing can interrupt it.
//! So it is called in a process of its own, which can be killed at any time and whose answer
//! comes through a pipe that can be polled beside other descriptors.

#![allow(unsafe_code, reason = "fork(2), getaddrinfo(3)")]

use std::ffi::CString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

use libc::{c_int, pid_t};
use nix::errno::Errno;

use super::reap;
use super::send::{Target, send};
use super::spawn::pipe;
use super::stdio::set_nonblocking;
use crate::signal::Signal;

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 32;
/// What the process says is far shorter.
const LONGEST_ANSWER: u64 = 8192;

/// What came of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The addresses of the name, in the order in which they are to be tried.
    Addresses(Vec<SocketAddr>),
    /// There is no such name, or it has no address.
    NoSuchHost,
    /// The name servers can't tell: they don't answer, or have trouble of their own.
    NoAnswer,
    /// The look-up itself failed.
    Failed,
}

/// A look-up on its way; dropping it ends it.
#[derive(Debug)]
pub struct Lookup {
    pid: pid_t,
    reader: File,
    answer: Vec<u8>,
}

impl Lookup {
    /// Begins to look `host` up. All signals must be blocked, and no other thread may exist
    /// but those of a test.
    ///
    /// # Errors
    /// No process or no pipe can be made.
    pub fn begin(host: &str, port: u16) -> Result<Self, Errno> {
        let name = CString::new(host).map_err(|_| Errno::EINVAL)?;
        let (reader, writer) = pipe()?;
        set_nonblocking(&reader)?;
        // SAFETY: castoff has one thread, so the child has a whole process to itself, and may
        // do what its parent may. It never returns from `answer_and_end`.
        match Errno::result(unsafe { libc::fork() })? {
            0 => answer_and_end(&name, port, writer),
            pid => Ok(Self { pid, reader, answer: Vec::new() }),
        }
    }

    /// Readable when [`Lookup::answer`] may have something to say.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// The answer; `None`: it isn't there yet.
    pub fn answer(&mut self) -> Option<Answer> {
        match (&self.reader).take(LONGEST_ANSWER).read_to_end(&mut self.answer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(_) => Some(Answer::Failed),
            Ok(_) => Some(parse(&String::from_utf8_lossy(&self.answer))),
        }
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        // It is a child that was not reaped yet, so the process id is its own.
        let _ = send(Target::Process(self.pid), Signal::KILL);
        let _ = reap::wait_for(self.pid);
    }
}

/// What the child says: an address per line, or a code of getaddrinfo(3).
fn parse(answer: &str) -> Answer {
    let addresses: Vec<SocketAddr> = answer.lines().filter_map(|line| line.parse().ok()).collect();
    if !addresses.is_empty() {
        return Answer::Addresses(addresses);
    }
    match answer.trim().parse::<c_int>() {
        Ok(libc::EAI_NONAME | libc::EAI_NODATA) => Answer::NoSuchHost,
        Ok(libc::EAI_AGAIN) => Answer::NoAnswer,
        _ => Answer::Failed,
    }
}

/// The child's whole life. It goes when castoff does, and runs nothing of its own but this.
fn answer_and_end(name: &CString, port: u16, mut writer: File) -> ! {
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let mut answer = String::new();
    match look_up(name) {
        Ok(found) => {
            for address in found {
                let line = match address {
                    Found::V4(ip) => SocketAddr::new(IpAddr::V4(ip), port),
                    Found::V6(ip, scope) => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)),
                };
                answer.push_str(&format!("{line}\n"));
            }
        }
        Err(code) => answer.push_str(&code.to_string()),
    }
    // where the parent no longer listens, nobody misses it
    let _ = writer.write_all(answer.as_bytes());
    // SAFETY: takes an integer, and runs no exit hooks of the parent's.
    unsafe { libc::_exit(0) }
}

#[derive(PartialEq, Eq)]
enum Found {
    V4(Ipv4Addr),
    V6(Ipv6Addr, u32),
}

/// All addresses of a name, each once.
fn look_up(name: &CString) -> Result<Vec<Found>, c_int> {
    // SAFETY: all fields are integers and pointers, for which zero is valid.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list: *mut libc::addrinfo = ptr::null_mut();
    // SAFETY: a C string, no service, and two structures of the right type.
    let code = unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &raw const hints, &raw mut list) };
    if code != 0 {
        return Err(code);
    }
    let mut found = Vec::new();
    let mut next = list.cast_const();
    // SAFETY: the list ends with a null and is never freed: the process ends soon. An entry's
    // address is of the type that its family says (getaddrinfo(3)).
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ai_next;
        // SAFETY: as above; read_unaligned asks for no alignment.
        let address = unsafe {
            match entry.ai_family {
                libc::AF_INET => {
                    let address = entry.ai_addr.cast::<libc::sockaddr_in>().read_unaligned();
                    Found::V4(Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes()))
                }
                libc::AF_INET6 => {
                    let address = entry.ai_addr.cast::<libc::sockaddr_in6>().read_unaligned();
                    Found::V6(Ipv6Addr::from(address.sin6_addr.s6_addr), address.sin6_scope_id)
                }
                _ => continue,
            }
        };
        if !found.contains(&address) && found.len() < MOST_ADDRESSES {
            found.push(address);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Lookup, parse};
    use crate::sys::{poll, signals};

    fn of(name: &str) -> Answer {
        let mask = signals::block_all().unwrap();
        let mut lookup = Lookup::begin(name, 80).unwrap();
        let answer = loop {
            poll::readable(&[lookup.descriptor()], None);
            if let Some(answer) = lookup.answer() {
                break answer;
            }
        };
        drop(lookup);
        signals::restore(mask);
        answer
    }

    #[test]
    fn the_image_knows_itself() {
        let Answer::Addresses(addresses) = of("localhost") else { panic!() };
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    }

    #[test]
    fn numbers_are_names_too() {
        let one = |text: &str| Answer::Addresses(vec![text.parse().unwrap()]);
        assert_eq!(of("192.0.2.7"), one("192.0.2.7:80"));
        assert_eq!(of("2001:db8::7"), one("[2001:db8::7]:80"));
    }

    #[test]
    fn answers_are_read() {
        for (text, answer) in [
            ("-2", Answer::NoSuchHost),
            ("-3", Answer::NoAnswer),
            ("-4", Answer::Failed),
            ("", Answer::Failed),
            ("[fe80::1%3]:80\n", Answer::Addresses(vec!["[fe80::1%3]:80".parse().unwrap()])),
        ] {
            assert_eq!(parse(text), answer, "{text}");
        }
    }
}

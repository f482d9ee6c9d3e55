//! Asked to stop, castoff ends at once, whatever it waits for and whatever that does.

#![allow(unsafe_code, reason = "listen(2) again, with a queue for nobody")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use super::fake::{host_port, says, serve, silent};
use super::{case, not_yet, start};
use crate::harness::{Exit, Place, each_place, refusing, send};

/// A port whose queue is full: the kernel drops who knocks. It lasts as long as the value.
fn full(address: &str) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).unwrap();
    // SAFETY: takes integers.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let address: SocketAddr = address.parse().unwrap();
    let knock = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let queue = std::iter::from_fn(knock).collect();
    (listener, queue)
}

pub(super) fn ended_by_term(place: Place) -> Exit {
    if place.is_init() { Exit::Code(128 + libc::SIGTERM) } else { Exit::Signal(libc::SIGTERM) }
}

#[test]
fn in_every_phase() {
    each_place(|place| {
        let [refuses, is_full, mute, drips] = [host_port(), host_port(), host_port(), host_port()];
        let _queue = full(&is_full);
        serve(&mute, silent);
        serve(&drips, |stream| super::fake::drips(stream, b"HTTP/1.1 100 C\r\nA: b\r\n\r\n"));
        let table = [
            (format!("redis = \"{refuses}\""), "Connection refused"),
            (format!("tcp = \"{is_full}\""), "connecting, no answer yet"),
            (format!("mysql = \"{mute}\""), "connected, no answer yet"),
            (format!("http = \"http://{drips}\""), "connected, no answer yet"),
            ("file = \"/nonexistent/x\"".to_owned(), "it does not exist"),
            ("command = [\"sleep\", \"1000\"]".to_owned(), "running it, it has not ended yet"),
        ];
        for (lines, phase) in table {
            let case = case(&format!("[[wait]]\n{lines}\ntimeout = \"1h\"\ninterval = \"1h\"\n"));
            let mut castoff = start(&case, place);
            castoff.told_that(phase);
            let children = castoff.descendants();
            castoff.signal(libc::SIGTERM);
            let (exit, out, err) = castoff.end();
            assert_eq!((exit, out.as_str()), (ended_by_term(place), ""), "{lines}: {err}");
            assert!(err.contains("asked to stop by SIGTERM before the service was started"), "{err}");
            for child in children {
                assert!(!Path::new(&format!("/proc/{}", child.pid)).exists(), "{child:?} is left");
            }
        }
    });
}

#[test]
fn before_the_first_attempt() {
    let case = case("[[wait]]\nfile = \"/nonexistent/x\"\ntimeout = \"1h\"\n");
    let castoff = case.launch(&[]).blocked(&[libc::SIGTERM]);
    let mut castoff = castoff.start();
    castoff.signal(libc::SIGTERM);
    assert_eq!(castoff.wait(), Exit::Signal(libc::SIGTERM));
}

#[test]
fn without_signalfd_too() {
    let mute = host_port();
    serve(&mute, silent);
    let case = case(&format!("[[wait]]\nmysql = \"{mute}\"\ntimeout = \"1h\"\n"));
    let Some(launch) = refusing("signalfd4:error=EPERM", case.launch(&[])) else { return };
    let mut strace = launch.start();
    strace.told_that("connected, no answer yet");
    send(strace.descendants()[0].pid, libc::SIGTERM);
    assert_eq!(strace.wait(), Exit::Signal(libc::SIGTERM));
}

#[test]
fn an_ignored_signal_stops_nothing() {
    let case = case("[[wait]]\nfile = \"/nonexistent/x\"\ntimeout = \"500ms\"\n");
    let mut castoff = case.launch(&[]).ignored(&[libc::SIGHUP]).start();
    castoff.told();
    castoff.signal(libc::SIGHUP);
    assert_eq!(castoff.wait(), Exit::Code(75));
}

#[test]
fn a_server_that_hangs_up_on_what_castoff_says_does_it_no_harm() {
    // a broken pipe is an answer like any other, and the service doesn't get it
    let at = host_port();
    serve(&at, |stream| says(stream, b"x"));
    let long = "x".repeat(100_000);
    not_yet(&format!("http = \"http://{at}/{long}\""), "is no answer of HTTP");
}

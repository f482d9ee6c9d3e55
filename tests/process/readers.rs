//! Who reads what castoff passes on: slowly, not at all, or no more. castoff never waits for
//! them, and what is lost is counted.

use super::services::{Castoff, python};
use crate::harness::{Exit, each_place};

/// Prints lines to stdout as fast as it can, as many as the first argument says.
const CHATTY: &str = "
import sys
for n in range(int(sys.argv[1])): print(n, 'x' * 100)
";

/// Waits until the service can't write any more.
fn until_blocked(castoff: &mut Castoff) {
    castoff.running.until("the service to wait for a reader", |running| {
        let processes = running.descendants();
        let python = processes.iter().find(|process| process.name.starts_with("python"));
        python.is_some_and(|process| {
            let at = std::fs::read_to_string(format!("/proc/{}/syscall", process.pid)).unwrap_or_default();
            // write(2) to 1
            at.starts_with(&format!("{} 0x1 ", libc::SYS_write))
        })
    });
}

#[test]
fn a_reader_that_stops_for_a_while_loses_nothing() {
    each_place(|place| {
        let command = python(CHATTY, &["30000"]);
        let mut castoff = Castoff::new(place, &format!("[service.a]\n{command}\nlog = \"prefix\"\n"));
        castoff.running.expect(&format!("a | 0 {}", "x".repeat(100)));
        until_blocked(&mut castoff);
        let (exit, out, err) = castoff.ended();
        assert_eq!(exit, Exit::Code(0));
        let expected = (1..30_000).map(|n| format!("a | {n} {}", "x".repeat(100)));
        assert!(out.into_iter().eq(expected), "{err:?}");
    });
}

#[test]
fn without_a_reader_castoff_goes_on_and_says_how_many_lines_it_dropped() {
    let script = "
import signal, sys, time
def stop(*_): print('bye'); sys.exit(3)
signal.signal(signal.SIGTERM, stop)
print('one', flush=True)
sys.stdin.close()
while True: print('more', flush=True); time.sleep(0.01)
";
    each_place(|place| {
        let command = python(script, &[]);
        let mut castoff = Castoff::new(place, &format!("[service.a]\n{command}\nlog = \"json\"\n"));
        assert!(castoff.running.line().contains("\"one\""));
        castoff.running.close_output();
        castoff.running.told_that("nobody reads castoff's stdout any more: lines for it are dropped");
        castoff.running.signal(libc::SIGTERM);
        castoff.running.told_that(" lines for stdout were dropped");
        assert_eq!(castoff.running.wait(), Exit::Code(3));
    });
}

/// The service has to write before it can end, and nobody reads: after a while lines are
/// dropped for it.
#[test]
fn a_stop_does_not_wait_for_a_reader() {
    let script = "
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
try:
    while True: os.write(1, b'x' * 99 + b'\\n')
finally:
    for n in range(100000): os.write(1, b'last words\\n')
";
    each_place(|place| {
        let command = python(script, &[]);
        let mut castoff = Castoff::new(place, &format!("[service.a]\n{command}\nlog = \"prefix\"\n"));
        castoff.running.line();
        until_blocked(&mut castoff);
        castoff.running.signal(libc::SIGTERM);
        assert_eq!(castoff.running.wait(), Exit::Code(3), "it could say its last words");
        let (_, _, err) = castoff.ended();
        assert!(err.iter().any(|line| line.ends_with(" lines for stdout were dropped: nobody read them")));
    });
}

#[test]
fn a_stderr_that_nobody_reads_does_not_stop_castoff() {
    each_place(|place| {
        let prepared = Castoff::prepared();
        let count = prepared.path("count");
        // each restart is a line of castoff's own, and a long one
        let name = "a".repeat(4000);
        let services = format!(
            "[service.{name}]\ncommand = [\"sh\", \"-c\", \"echo >>{count}; exit 1\"]\nessential = false\n\
             restart = \"always\"\nbackoff = \"1ms\"\nbackoff-max = \"1ms\"\nrestart-limit = \"none\"\n"
        );
        let mut castoff = prepared.start(place, &services);
        let starts = || std::fs::read(&count).map_or(0, |bytes| bytes.len());
        castoff.running.until("its queue to be full many times over", |_| starts() > 200);
        castoff.running.told_that(" lines of castoff's own were dropped: nobody had read");
        castoff.running.signal(libc::SIGTERM);
        castoff.running.told_that("stopping all services by SIGTERM");
        castoff.ended();
    });
}

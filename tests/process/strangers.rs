//! Strangers around castoff where it is not PID 1: with `docker run --pid=host`, in a pod with
//! one process namespace, under a shell. Whatever it does to end its own, it signals nobody
//! else; above all it never signals "all", which would be the whole machine.

use std::path::Path;

use crate::harness::{Directory, Exit, Launch, Place, namespaces_work, send, skipped};

const CASTOFF: &str = env!("CARGO_BIN_EXE_castoff");
const STRACE: &str = "/usr/bin/strace";

/// Leaves somebody who left the session and ignores TERM, somebody who is stopped, and
/// somebody whom TERM ends, so that all that castoff does to the rest is done.
const SERVICE: &str = "trap 'exit 3' USR1
    setsid sh -c \"trap '' TERM USR1; echo deaf; exec sleep 1000\" &
    setsid sh -c 'kill -STOP $$; sleep 1000' &
    sleep 1000 &
    while :; do sleep 0.01; done";

/// Whom castoff sent what, of a log of strace's: `kill(PID, SIGNAL)` and
/// `pidfd_send_signal(FD<pid:PID>, SIGNAL, …)`.
fn sent(log: &str) -> Vec<(i32, String)> {
    let calls = log.lines().filter_map(|line| {
        let (to, signal) = line.split_once('(')?.1.split_once(')')?.0.split_once(", ")?;
        let to = to.split_once("<pid:").map_or(to, |(_, pid)| pid.trim_end_matches('>'));
        // who has ended meanwhile is nobody
        if to.contains("<anon_inode:") {
            return None;
        }
        Some((to.parse().unwrap(), signal.split_once(',').map_or(signal, |(signal, _)| signal).to_owned()))
    });
    calls.collect()
}

/// Below a PID 1 that stands for the machine's, or for a pod's pause, between strangers: one
/// of castoff's own group and session, and one of another.
fn among_strangers(scope: &str, more: &str, place: Place, log: &Path) -> Launch {
    let trace = format!(
        "{STRACE} -o {} --decode-fds=pidfd -e signal=none -e trace=kill,pidfd_send_signal",
        log.display()
    );
    let script = format!(
        "sleep 1000 & one=$!; setsid sleep 1000 & two=$!
         {trace} {CASTOFF} --scope {scope} {more} -- sh -c \"$SERVICE\"; code=$?
         kill -0 $one && kill -0 $two && echo \"alive $$ $one $two\"; kill $one $two; exit $code"
    );
    Launch::program(["/bin/sh", "-c", &script]).variable(&format!("SERVICE={SERVICE}")).place(place)
}

#[test]
fn strangers_beside_castoff_are_left_alone() {
    // In a namespace of the test's own: outside of it, a mistake would be everybody's end.
    if !Path::new(STRACE).exists() || !namespaces_work() {
        return skipped("no strace to see whom castoff signals, or no namespace to see it in");
    }
    let directory = Directory::new("strangers");
    let log = directory.0.join("log");
    for scope in ["main", "group", "all"] {
        for (grace, signals, code) in [
            // by itself, with a grace and KILL; forwarded to whom the scope says
            ("--grace 50ms", &[libc::SIGUSR1][..], Exit::Code(3)),
            ("--grace 0s", &[libc::SIGUSR1], Exit::Code(3)),
            // told to stop, and then that there is no time
            ("--grace 900s", &[libc::SIGTERM, libc::SIGTERM], Exit::Code(143)),
        ] {
            let what = format!("{scope} {grace}");
            let mut running = among_strangers(scope, grace, Place::Init, &log).start();
            running.expect("deaf");
            let castoff = running.castoff();
            for (signal, later) in signals.iter().zip([false, true]) {
                running.until("the service to be gone before the second signal", |running| {
                    !later || running.descendants().iter().all(|process| process.name != "sh")
                });
                send(castoff, *signal);
            }
            let alive = running.line();
            let mut others: Vec<i32> = alive.split(' ').skip(1).map(|pid| pid.parse().unwrap()).collect();
            others.push(castoff);
            assert_eq!((running.wait(), others.len()), (code, 4), "{what}: {alive}");
            assert_eq!(running.descendants(), [], "{what}");
            let sent = sent(&std::fs::read_to_string(&log).unwrap());
            assert!(sent.iter().any(|(_, signal)| signal == "SIGKILL"), "{what}: {sent:?}");
            for (to, signal) in &sent {
                // a group is that of the service, which was castoff's child
                assert!(![-1, 0].contains(to) && !others.contains(&to.abs()), "{what}: {signal} to {to}");
            }
        }
    }
}

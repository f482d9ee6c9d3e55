//! What the benchmark runs below an init, by starting itself again: a service that says when
//! a signal reached it, and one that leaves orphans behind.

#![allow(unsafe_code, reason = "fork(2) in a process of one thread")]

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{ForkResult, Pid, fork, pipe};

/// The first argument of a benchmark that is such a service.
pub(crate) const LATENCY: &str = "--as-latency-child";
pub(crate) const ORPHANS: &str = "--as-orphan-maker";

/// Nanoseconds since the machine was started.
pub(crate) fn now() -> u64 {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(time.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap()
}

/// Is such a service, if that is what was asked for.
pub(crate) fn serve_if_asked() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(LATENCY) => tell_signals(),
        Some(ORPHANS) => make_orphans(arguments.next().unwrap().parse().unwrap()),
        _ => return,
    }
    std::process::exit(0);
}

/// Writes its id, and the time of each TERM that reaches it; KILL ends it.
fn tell_signals() {
    let mut wanted = SigSet::empty();
    wanted.add(Signal::SIGTERM);
    wanted.thread_block().unwrap();
    let mut out = std::io::stdout();
    out.write_all(&u64::from(std::process::id()).to_ne_bytes()).unwrap();
    out.flush().unwrap();
    loop {
        wanted.wait().unwrap();
        out.write_all(&now().to_ne_bytes()).unwrap();
        out.flush().unwrap();
    }
}

/// How many nanoseconds PID 1 has had a processor.
fn time_of_init() -> u64 {
    let text = std::fs::read_to_string("/proc/1/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// Leaves so many orphans, lets them end all at once, and writes how many nanoseconds it took
/// until the last of them was reaped, and how many of a processor PID 1 took for it. For a PID
/// namespace of its own.
fn make_orphans(count: usize) {
    let (waiting, ends) = pipe().unwrap();
    // SAFETY: there is one thread.
    if let ForkResult::Parent { child } = unsafe { fork() }.unwrap() {
        drop(waiting);
        nix::sys::wait::waitpid(child, None).unwrap();
        let own = std::process::id();
        let orphans: Vec<Pid> = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| *pid != 1 && *pid != own)
            .map(|pid| Pid::from_raw(pid.try_into().unwrap()))
            .collect();
        assert_eq!(orphans.len(), count, "orphans are missing");
        let (before, begun) = (time_of_init(), Instant::now());
        drop(ends);
        for orphan in orphans {
            while kill(orphan, None).is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let took = u64::try_from(begun.elapsed().as_nanos()).unwrap();
        let mut out = std::io::stdout();
        out.write_all(&took.to_ne_bytes()).unwrap();
        out.write_all(&(time_of_init() - before).to_ne_bytes()).unwrap();
        return;
    }
    drop(ends);
    let mut waiting = std::fs::File::from(waiting);
    for _ in 0..count {
        // SAFETY: there is one thread.
        if unsafe { fork() }.unwrap().is_child() {
            let _ = waiting.read(&mut [0]);
            // SAFETY: ends the process and nothing else: what std does before is not to be measured.
            unsafe { libc::_exit(0) };
        }
    }
    std::process::exit(0);
}

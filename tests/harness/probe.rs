//! Programs that the tests run, inside the test program itself: `--probe NAME …` is taken
//! before libtest, and before Rust's std, has started, as castoff's own main is.
//!
//! - `run [OPTION…] -- COMMAND…`: castoff's running half with a plan made of options;
//! - `signals`: blocks all signals and prints the number of each that arrives;
//! - `prepare`: waits for a request to stop as a preparation does, and ends by it;
//! - `foreground`: whether its process group has the terminal of its stdin;
//! - `enter`: becomes the program that a test starts in a container (see `docker`).

#![allow(unsafe_code, reason = "an entry before main, and signals as the kernel has them")]

use std::ffi::{OsString, c_char, c_int};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use castoff::exit::ExitCode;
use castoff::plan::Running;
use castoff::service::{Credentials, Manner, RunPlan, Scope};
use castoff::signal::Signal;
use castoff::supervise::{self, Level, Sealing, Voice};
use castoff::sys::send::end_interrupted;
use castoff::sys::{poll, signals, start};

use super::docker;

/// glibc passes main's arguments to it, too.
#[used]
#[unsafe(link_section = ".init_array")]
static ENTRY: extern "C" fn(c_int, *const *const c_char) = entry;

extern "C" fn entry(argc: c_int, argv: *const *const c_char) {
    // SAFETY: what the C runtime gave.
    let arguments = unsafe { start::arguments(argc, argv) };
    let code = match arguments.get(1).and_then(|argument| argument.to_str()) {
        Some("--probe") => probe(&arguments[2..]),
        Some(argument) if argument.starts_with("--sealed=") => {
            let _ = start::begin().unwrap();
            supervise::sealed_entry(&arguments).unwrap()
        }
        _ => return,
    };
    std::process::exit(code.0.into());
}

fn probe(arguments: &[OsString]) -> ExitCode {
    match arguments[0].to_str().unwrap() {
        "run" => run(&arguments[1..]),
        "signals" => print_signals(),
        "prepare" => prepare(),
        "foreground" => foreground(),
        "enter" => {
            let words: Vec<String> =
                arguments[1..].iter().map(|word| word.to_str().unwrap().into()).collect();
            docker::enter(&words)
        }
        other => panic!("no probe {other}"),
    }
}

fn run(arguments: &[OsString]) -> ExitCode {
    let inherited = start::begin().unwrap();
    let environment = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
    let mut plan = RunPlan::new(Vec::new(), environment);
    let mut sealing = Sealing::AsIs;
    let mut words = arguments.iter();
    while let Some(word) = words.next().and_then(|word| word.to_str()) {
        let mut value = || words.next().unwrap().to_str().unwrap();
        match word {
            "--" => break,
            "--exec" => plan.manner = Manner::Exec,
            "--seal" => sealing = Sealing::Fresh,
            "--grace-ms" => plan.grace = milliseconds(value()),
            "--setsid" => plan.init.own_session = true,
            "--stop-timeout-ms" => plan.signals.stop_timeout = Some(milliseconds(value())),
            "--stop-delay-ms" => plan.signals.stop_delay = Some(milliseconds(value())),
            "--scope-all" => plan.signals.scope = Scope::All,
            "--scope-group" => plan.signals.scope = Scope::Group,
            "--rewrite" => {
                let (from, to) = value().split_once('=').unwrap();
                plan.signals.rewrite.push((Signal::parse(from).unwrap(), Signal::parse(to)));
            }
            "--user" => {
                let ids: Vec<u32> = value().split(',').map(|id| id.parse().unwrap()).collect();
                plan.program.credentials =
                    Some(Credentials { uid: ids[0], gid: ids[1], groups: ids[2..].to_vec() });
            }
            "--long-variable" => {
                let long = ("LONG".into(), "x".repeat(200_000).into());
                plan.program.environment.change(|listed| listed.push(long));
            }
            "--directory" => plan.program.working_directory = Some(value().into()),
            other => panic!("no option {other}"),
        }
    }
    plan.program.argv = words.cloned().collect();
    supervise::run(
        Running::One(Box::new(plan)),
        &inherited,
        Voice { level: Level::Debug, ..Voice::default() },
        sealing,
    )
}

fn milliseconds(text: &str) -> Duration {
    Duration::from_millis(text.parse().unwrap())
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

fn print_signals() -> ExitCode {
    let all = u64::MAX;
    // SAFETY: the mask is the 8 bytes that are passed.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, ptr::null::<u64>(), 8)
    };
    say("ready");
    loop {
        // SAFETY: the mask as above; no siginfo and no timeout are asked for.
        let signal = unsafe {
            let none = ptr::null::<libc::timespec>();
            libc::syscall(libc::SYS_rt_sigtimedwait, &raw const all, ptr::null::<libc::siginfo_t>(), none, 8)
        };
        say(&signal.to_string());
    }
}

fn prepare() -> ExitCode {
    let _ = start::begin().unwrap();
    let requested = signals::stop_descriptor().unwrap();
    say("ready");
    loop {
        poll::readable(&[requested.as_raw_fd()], None);
        if let Some(signal) = signals::stop_requested() {
            return end_interrupted(signal);
        }
    }
}

fn foreground() -> ExitCode {
    // SAFETY: integers.
    let ours = unsafe { libc::tcgetpgrp(0) == libc::getpgrp() };
    say(if ours { "foreground" } else { "background" });
    ExitCode::OK
}

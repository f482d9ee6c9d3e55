//! A program under strace from its first instruction on, PID 1 or not: strace stands beside
//! it, in the test's own PID namespace, and is attached before the program is executed.
//! What the program starts is not traced.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::launch::{Launch, skipped};
use super::running::Running;

const STRACE: &str = "/usr/bin/strace";

/// Starts it with calls of its own changed, as strace's `inject=…` says it, and with its
/// calls written to `log`. `None`, said so, where there is no strace, or where it may trace
/// nobody.
pub(crate) fn traced(inject: &[String], log: &Path, launch: Launch) -> Option<Running> {
    if !Path::new(STRACE).exists() {
        skipped("no strace to make system calls fail with");
        return None;
    }
    let (running, mut held) = launch.start_held();
    let injections = inject.iter().flat_map(|inject| ["-e".to_owned(), format!("inject={inject}")]);
    let mut strace = Command::new(STRACE)
        .args(["-p", &running.pid.to_string(), "-o"])
        .arg(log)
        .args(injections)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut error = BufReader::new(strace.stderr.take().unwrap());
    error.read_line(&mut said).unwrap();
    // held open, so that what it says later does not end it
    strace.stderr = Some(error.into_inner());
    if !said.ends_with(" attached\n") {
        let _ = strace.wait();
        skipped(&format!("strace can't be attached: {said}"));
        return None;
    }
    held.write_all(b"x").unwrap();
    Some(running.traced_by(strace))
}

/// A system call: its name, and which of that name it is.
pub(crate) type Call = (String, usize);

/// castoff's calls in a log of strace's, in order. What comes between an execve(2) and the
/// moment at which castoff blocks all signals is the dynamic loader's.
pub(crate) fn calls(log: &Path) -> Vec<Call> {
    let log = std::fs::read_to_string(log).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut loading = true;
    let mut calls = Vec::new();
    for (name, _) in log.lines().filter_map(|line| line.split_once('(')) {
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            let count = counts.entry(name).or_default();
            *count += 1;
            loading &= name != "rt_sigprocmask";
            if !loading {
                calls.push((name.to_owned(), *count));
            }
            loading |= name == "execve";
        }
    }
    calls
}

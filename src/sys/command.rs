//! A short command during the preparation, run to its end: a validator, a lookup.
//!
//! It reads nothing, what it prints is captured, and it leaves nothing behind: its process
//! group is killed with it. A signal that asks castoff to stop ends it and stays pending.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use libc::pid_t;

use super::exec_failure::explain;
use super::itself::own_pid;
use super::reap::{self, Ending, Reaped};
use super::send::{Target, send};
use super::signals;
use super::spawn::{Prepared, Program, Setting, pipe};
use super::start::Inherited;
use super::{poll, stdio};
use crate::diagnostic::Diagnostic;
use crate::signal::Signal;

/// Bytes of output that are kept.
const CAPTURED: usize = 64 * 1024;

/// How often is looked where the kernel can't wake castoff (no pidfd, no signalfd).
const TICK: Duration = Duration::from_millis(20);

/// What a command printed on stdout and stderr, in the order in which it did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Output {
    /// The first 64 kB.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub truncated: bool,
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It has ended.
    Ended(Ending, Output),
    /// It could not be run, and why.
    CannotStart(Box<Diagnostic>),
    /// castoff was asked to stop, and the command was killed. The signal is still pending.
    Interrupted(Signal),
}

/// Runs `program` to its end. All signals must be blocked.
#[must_use]
pub fn run_command(program: &Program<'_>, inherited: &Inherited) -> Outcome {
    run_command_while(program, inherited, &mut || Some(Duration::MAX))
}

/// As [`run_command`], for as long as `go_on` says so: it is asked at each wake-up and gives
/// the time after which it wants to be asked again. Where it gives `None` the command is
/// killed, which is then its ending.
#[must_use]
pub fn run_command_while(
    program: &Program<'_>,
    inherited: &Inherited,
    go_on: &mut dyn FnMut() -> Option<Duration>,
) -> Outcome {
    let cannot = |found, failure| Outcome::CannotStart(Box::new(explain(program, found, failure)));
    let prepared = match Prepared::new(program) {
        Ok(prepared) => prepared,
        Err(failure) => return cannot(None, failure),
    };
    let started = Capture::new(&prepared, inherited);
    let outcome = match started {
        Ok(mut capture) => capture.finish(go_on),
        Err(failure) => cannot(Some(prepared.candidates()), failure),
    };
    reap_orphans();
    outcome
}

/// PID 1 gets every orphan; whoever is not PID 1 is no subreaper during the preparation.
fn reap_orphans() {
    if own_pid() == 1 {
        while let Reaped::Child(..) = reap::next_change() {}
    }
}

/// A running command.
struct Capture {
    pid: pid_t,
    reader: Option<File>,
    ended: Option<OwnedFd>,
    stop: Option<OwnedFd>,
    output: Output,
}

impl Capture {
    fn new(prepared: &Prepared, inherited: &Inherited) -> Result<Self, crate::sys::spawn::Failure> {
        use crate::sys::spawn::{Failure, Stage};
        let failed = |errno| Failure { stage: Stage::Stdio, errno, item: 0 };
        let (reader, writer) = pipe().map_err(failed)?;
        stdio::set_nonblocking(&reader).map_err(failed)?;
        let input = stdio::empty_input().map_err(failed)?;
        let setting = Setting {
            own_group: true,
            stdio: [Some(input.as_raw_fd()), Some(writer.as_raw_fd()), Some(writer.as_raw_fd())],
            mask: inherited.mask,
            ignores_children: inherited.ignores_children,
            ..Setting::default()
        };
        let pid = prepared.spawn(&setting)?;
        Ok(Self {
            pid,
            reader: Some(reader),
            ended: reap::descriptor(pid).ok(),
            stop: signals::stop_descriptor().ok(),
            output: Output::default(),
        })
    }

    fn finish(&mut self, go_on: &mut dyn FnMut() -> Option<Duration>) -> Outcome {
        loop {
            if let Some(signal) = signals::stop_requested() {
                self.kill_group();
                return Outcome::Interrupted(signal);
            }
            let over = reap::has_ended(self.pid);
            self.read();
            let patience = go_on();
            if over || patience.is_none() {
                let ending = self.kill_group();
                let killed = Ending::Killed(Signal::KILL);
                return Outcome::Ended(ending.unwrap_or(killed), std::mem::take(&mut self.output));
            }
            self.wait(patience);
        }
    }

    fn wait(&self, patience: Option<Duration>) {
        let raw = |fd: Option<&OwnedFd>| fd.map_or(-1, AsRawFd::as_raw_fd);
        let reader = self.reader.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let woken = self.ended.is_some() && self.stop.is_some();
        let timeout = if woken { patience } else { patience.map(|patience| patience.min(TICK)) };
        poll::readable(&[reader, raw(self.ended.as_ref()), raw(self.stop.as_ref())], timeout);
    }

    /// Reads what is there, and forgets the pipe at its end.
    fn read(&mut self) {
        let mut chunk = [0; 4096];
        while let Some(reader) = &mut self.reader {
            match reader.read(&mut chunk) {
                Ok(0) => self.reader = None,
                Ok(count) => {
                    let free = CAPTURED.saturating_sub(self.output.bytes.len());
                    let kept = chunk.get(..count.min(free)).unwrap_or_default();
                    self.output.bytes.extend_from_slice(kept);
                    self.output.truncated |= count > free;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.reader = None,
            }
        }
    }

    /// Kills what is left of the group, then reaps its leader, whose process id, and with it
    /// the group's, is castoff's until then.
    fn kill_group(&self) -> Option<Ending> {
        // Nobody there, or nobody whom castoff may kill: either way it is done.
        let _ = send(Target::Group(self.pid), Signal::KILL);
        reap::wait_for(self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPTURED, Outcome, run_command, run_command_while};
    use crate::exit::ExitCode;
    use crate::signal::Signal;
    use crate::sys::environment::Variables;
    use crate::sys::reap::Ending;
    use crate::sys::signal_source::SignalSource;
    use crate::sys::signals;
    use crate::sys::spawn::Program;
    use crate::sys::start::Inherited;
    use std::ffi::OsString;
    use std::time::{Duration, Instant};

    /// Runs a shell script in this thread, whose signals are blocked for the time.
    fn run(script: &str) -> Outcome {
        let mask = signals::block_all().unwrap();
        let argv = ["sh", "-c", script].map(OsString::from);
        let environment = [("PATH".into(), "/usr/bin:/bin".into())];
        let program =
            Program { argv: &argv, environment: Variables::Listed(&environment), ..Program::default() };
        let outcome = run_command(&program, &Inherited { mask, ..Inherited::default() });
        signals::restore(mask);
        outcome
    }

    fn ended(script: &str) -> (Ending, String) {
        match run(script) {
            Outcome::Ended(ending, output) => (ending, String::from_utf8(output.bytes).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn status_and_output_come_back() {
        assert_eq!(ended("echo a; echo b >&2; exit 3"), (Ending::Exited(3), "a\nb\n".to_owned()));
        assert_eq!(ended("kill -9 $$").0, Ending::Killed(Signal::KILL));
    }

    #[test]
    fn it_is_killed_when_patience_ends() {
        let mask = signals::block_all().unwrap();
        let argv = ["sh", "-c", "echo begun; sleep 1000"].map(OsString::from);
        let environment = [("PATH".into(), "/usr/bin:/bin".into())];
        let program =
            Program { argv: &argv, environment: Variables::Listed(&environment), ..Program::default() };
        let mut asked = 0;
        let outcome = run_command_while(&program, &Inherited { mask, ..Inherited::default() }, &mut || {
            asked += 1;
            (asked < 3).then_some(Duration::from_millis(1))
        });
        signals::restore(mask);
        assert!(matches!(outcome, Outcome::Ended(Ending::Killed(Signal::KILL), _)), "{outcome:?}");
    }

    #[test]
    fn it_has_nothing_to_read() {
        assert_eq!(ended("cat; echo end"), (Ending::Exited(0), "end\n".to_owned()));
    }

    #[test]
    fn output_is_bounded() {
        let Outcome::Ended(Ending::Exited(0), output) = run("head -c 300000 /dev/zero") else { panic!() };
        assert_eq!((output.bytes.len(), output.truncated), (CAPTURED, true));
    }

    #[test]
    fn a_child_that_keeps_the_output_open_is_not_waited_for() {
        let (ending, pid) = ended("sleep 1000 & echo $!");
        assert_eq!(ending, Ending::Exited(0));
        let stat = format!("/proc/{}/stat", pid.trim());
        let lives = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let began = Instant::now();
        while lives() {
            assert!(began.elapsed() < Duration::from_secs(30), "the sleeper lives");
            std::thread::yield_now();
        }
    }

    #[test]
    fn closed_output_is_no_reason_to_spin_or_to_end() {
        assert_eq!(ended("exec >&- 2>&-; sleep 0.05; exit 4").0, Ending::Exited(4));
    }

    #[test]
    fn a_request_to_stop_kills_it_and_stays_pending() {
        let mask = signals::block_all().unwrap();
        let mark = std::env::temp_dir().join(format!("castoff-command-{}", std::process::id()));
        let (script, thread) = (format!("echo > {}; sleep 1000", mark.display()), signals::this_thread());
        let sender = std::thread::spawn(move || {
            while std::fs::remove_file(&mark).is_err() {
                std::thread::yield_now();
            }
            signals::send_to_thread(thread, Signal::TERM);
        });
        let Outcome::Interrupted(Signal::TERM) = run(&script) else { panic!("not interrupted") };
        sender.join().unwrap();
        assert_eq!(signals::stop_requested(), Some(Signal::TERM));
        let mut signals = SignalSource::FIRST;
        while signals.receive(Some(Duration::ZERO)) != Ok(None) {}
        signals::restore(mask);
    }

    #[test]
    fn what_can_t_be_run_is_explained() {
        let program = Program { argv: &["/nonexistent".into()], ..Program::default() };
        let mask = signals::block_all().unwrap();
        let outcome = run_command(&program, &Inherited::default());
        signals::restore(mask);
        let Outcome::CannotStart(diagnostic) = outcome else { panic!("{outcome:?}") };
        assert_eq!(diagnostic.exit, ExitCode::NOT_FOUND);
    }
}

//! dumb-init 1.2.

use std::ffi::{OsStr, OsString};

use super::options::{self, Known, Stop, leading_number, value};
use super::{Answer, Run, variable};
use crate::exit::ExitCode;
use crate::service::{RunPlan, Scope};
use crate::signal::Signal;
use crate::supervise::{Level, Voice};

const VERSION: &str = concat!("dumb-init v1.2.5 (castoff ", env!("CARGO_PKG_VERSION"), ")\n");

const USAGE: &str = "usage: dumb-init [-chvV] [-r SIGNAL:SIGNAL] [--] PROGRAM [ARG]...";

const HELP: &str = "
  -c, --single-child  no session of its own; signals go to the program only;
                      also DUMB_INIT_SETSID=0
  -r, --rewrite S:R   send signal R where S came, both as numbers; 0 sends none;
                      several times
  -v, --verbose       say more; also DUMB_INIT_DEBUG=1
  -h, --help          show this
  -V, --version       show the version
";

const KNOWN: [Known; 5] = [
    Known('c', "single-child"),
    Known('r', "rewrite"),
    Known('v', "verbose"),
    Known('h', "help"),
    Known('V', "version"),
];

/// The highest signal that it knows; those above can't be rewritten, and are forwarded.
const HIGHEST: i64 = 31;

/// What it ends with where the program can't be executed.
const CANNOT_RUN: ExitCode = ExitCode(2);

struct Options {
    session: bool,
    rewrite: Vec<(Signal, Option<Signal>)>,
    verbose: bool,
}

pub(super) fn read(arguments: Vec<OsString>, environment: &[(OsString, OsString)]) -> Result<Run, Answer> {
    let mut options = Options { session: true, rewrite: Vec::new(), verbose: false };
    let argv = command(arguments, &mut options).map_err(|stop| stop.answer("dumb-init", USAGE))?;
    options.verbose |= variable(environment, "DUMB_INIT_DEBUG") == Some(OsStr::new("1"));
    options.session &= variable(environment, "DUMB_INIT_SETSID") != Some(OsStr::new("0"));

    let mut plan = RunPlan::untouched(argv);
    plan.signals.rewrite = options.rewrite;
    plan.init.failure_code = Some(CANNOT_RUN);
    if options.session {
        plan.signals.scope = Scope::Group;
        plan.signals.stop_for_certain();
        plan.init.own_session = true;
    }
    let level = if options.verbose { Level::Trace } else { Level::Info };
    Ok(Run { plan, voice: Voice { level, ..Voice::default() }, parent_death_signal: None })
}

fn command(arguments: Vec<OsString>, options: &mut Options) -> Result<Vec<OsString>, Stop> {
    let argv = options::read(arguments, &KNOWN, |letter, parser| {
        match letter {
            'h' => return Err(Answer::on_stderr(format!("{VERSION}{USAGE}\n{HELP}")).into()),
            'V' => return Err(Answer::on_stderr(VERSION).into()),
            'c' => options.session = false,
            'v' => options.verbose = true,
            _ => {
                let (from, to) = rewriting(&value(letter, parser)?)?;
                options.rewrite.retain(|(earlier, _)| *earlier != from);
                options.rewrite.push((from, to));
            }
        }
        Ok(())
    })?;
    if argv.is_empty() { Err(Stop::mistake("there is no program to run")) } else { Ok(argv) }
}

/// `S:R`; what comes after it is ignored, as scanf(3) does.
fn rewriting(text: &str) -> Result<(Signal, Option<Signal>), Stop> {
    let number = |number: i64| i32::try_from(number).ok().filter(|_| number <= HIGHEST);
    let read = || {
        let (from, rest) = leading_number(text)?;
        let (to, _) = leading_number(rest.strip_prefix(':')?)?;
        let from = Signal::new(number(from)?)?;
        if to == 0 { Some((from, None)) } else { Some((from, Some(Signal::new(number(to)?)?))) }
    };
    read().ok_or_else(|| {
        let needed = "two numbers from 1 to 31 are needed, as in 15:3; the second may be 0";
        Stop::mistake(format!("-r can't be `{text}`: {needed}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, run};
    use crate::exit::ExitCode;
    use crate::service::{Scope, Subreaper};
    use crate::signal::Signal;
    use crate::supervise::Level;

    const TTY: [(Signal, Option<Signal>); 3] = [
        (Signal::TSTP, Some(Signal::STOP)),
        (Signal::TTIN, Some(Signal::STOP)),
        (Signal::TTOU, Some(Signal::STOP)),
    ];

    #[test]
    fn without_options_a_session_of_its_own() {
        for line in ["dumb-init true", "DUMB_INIT_SETSID=1 dumb-init true"] {
            let run = run(line);
            assert_eq!((run.plan.signals.scope, run.plan.init.own_session), (Scope::Group, true), "{line}");
            assert_eq!(run.plan.signals.rewrite, TTY);
            assert_eq!(run.plan.init.failure_code, Some(ExitCode(2)));
            assert_eq!(run.plan.init.subreaper, Subreaper::Auto);
            assert_eq!(run.voice.level, Level::Info);
        }
    }

    #[test]
    fn a_single_child() {
        for line in [
            "dumb-init -c true",
            "dumb-init --single-child true",
            "dumb-init --si true",
            "DUMB_INIT_SETSID=0 dumb-init true",
            "DUMB_INIT_SETSID=1 dumb-init -c true",
        ] {
            let run = run(line);
            assert_eq!((run.plan.signals.scope, run.plan.init.own_session), (Scope::Main, false), "{line}");
            assert_eq!(run.plan.signals.rewrite, []);
        }
    }

    #[test]
    fn rewriting() {
        let quit = (Signal::TERM, Some(Signal::QUIT));
        for line in [
            "dumb-init -c -r 15:3 true",
            "dumb-init -cr15:3 true",
            "dumb-init -c --rewrite=15:3x true",
            "dumb-init -c -r 15:9 --rewrite 15:3 true",
        ] {
            assert_eq!(run(line).plan.signals.rewrite, [quit], "{line}");
        }
        let dropped = run("dumb-init -r 1:0 -r 20:15 true").plan.signals.rewrite;
        let mine = [(Signal::HUP, None), (Signal::TSTP, Some(Signal::TERM))];
        assert_eq!(dropped, [mine[0], mine[1], TTY[1], TTY[2]], "what is said stays");
    }

    #[test]
    fn verbosity() {
        for line in ["dumb-init -v true", "dumb-init --verb true", "DUMB_INIT_DEBUG=1 dumb-init true"] {
            assert_eq!(run(line).voice.level, Level::Trace, "{line}");
        }
        assert_eq!(run("DUMB_INIT_DEBUG=2 dumb-init true").voice.level, Level::Info);
    }

    #[test]
    fn questions_are_answered_on_stderr() {
        for line in ["dumb-init -h", "dumb-init --help -x", "dumb-init -V", "dumb-init --version"] {
            let answer = answer(line);
            assert!(answer.text.starts_with("dumb-init v1.2.5"), "{line}");
            assert!(answer.on_stderr && answer.code == ExitCode::OK, "{line}");
        }
    }
}

//! tini 0.19, which Docker's packages call docker-init.

use std::ffi::{OsStr, OsString};

use super::options::{self, Known, Stop, leading_number, value};
use super::{Answer, LICENSE, Run, variable};
use crate::exit::ExitCode;
use crate::service::{RunPlan, Scope, Subreaper};
use crate::signal::Signal;
use crate::supervise::{Level, Voice};

/// dockerd asks its docker-init for this, and takes what stands before ` - ` for the version.
const VERSION: &str = concat!("tini version 0.19.0 - castoff ", env!("CARGO_PKG_VERSION"), "\n");

const USAGE: &str = "usage: tini [-hlsgvw] [-p SIGNAL] [-e CODE] [--] PROGRAM [ARG]...";

const HELP: &str = "
  -s         be a subreaper where tini isn't PID 1; also TINI_SUBREAPER
  -g         signals go to the program's process group; also TINI_KILL_PROCESS_GROUP
  -p SIGNAL  what tini gets when its parent ends, as -p SIGTERM
  -e CODE    end with 0 where the program ended with CODE; several times
  -v         say more; up to three times. TINI_VERBOSITY sets it, from 0 to 4
  -w         warn of orphans that are reaped
  -l         show the license
  -h         show this
  --version  show the version; alone
";

const KNOWN: [Known; 8] = [
    Known('h', ""),
    Known('l', ""),
    Known('s', ""),
    Known('g', ""),
    Known('v', ""),
    Known('w', ""),
    Known('p', ""),
    Known('e', ""),
];

#[derive(Default)]
struct Options {
    subreaper: bool,
    group: bool,
    parent_death_signal: Option<Signal>,
    expected: Vec<ExitCode>,
    verbosity: i64,
    tell_reaped: bool,
}

pub(super) fn read(arguments: Vec<OsString>, environment: &[(OsString, OsString)]) -> Result<Run, Answer> {
    if let [_, only] = arguments.as_slice()
        && only == "--version"
    {
        return Err(Answer::on_stdout(VERSION));
    }
    let mut options = Options { verbosity: 1, ..Options::default() };
    let argv = command(arguments, &mut options).map_err(|stop| stop.answer("tini", USAGE))?;
    options.subreaper |= variable(environment, "TINI_SUBREAPER").is_some();
    options.group |= variable(environment, "TINI_KILL_PROCESS_GROUP").is_some();
    if let Some(verbosity) = variable(environment, "TINI_VERBOSITY").and_then(OsStr::to_str) {
        // atoi(3): what is no number is 0; and it becomes unsigned
        let number = leading_number(verbosity).map_or(0, |(number, _)| number);
        options.verbosity = if number < 0 { i64::MAX } else { number };
    }
    Ok(options.run(argv))
}

fn command(arguments: Vec<OsString>, options: &mut Options) -> Result<Vec<OsString>, Stop> {
    let all = arguments.clone();
    let mut argv = options::read(arguments, &KNOWN, |letter, parser| {
        match letter {
            'h' => return Err(Answer::on_stdout(format!("{USAGE}\n{HELP}")).into()),
            'l' => return Err(Answer::on_stdout(LICENSE).into()),
            's' => options.subreaper = true,
            'g' => options.group = true,
            'v' => options.verbosity += 1,
            'w' => options.tell_reaped = true,
            'p' => options.parent_death_signal = Some(signal(&value(letter, parser)?)?),
            _ => options.expected.push(code(&value(letter, parser)?)?),
        }
        Ok(())
    })?;
    if argv.is_empty() {
        return Err(Stop::mistake("there is no program to run"));
    }
    // tini's own usage says `PROGRAM -- [ARGS]`
    let dashes = |at: usize, words: &[OsString]| words.get(at).is_some_and(|word| word == "--");
    let ended_before = dashes((all.len() - argv.len()).wrapping_sub(1), &all);
    if !ended_before && dashes(1, &argv) {
        argv.remove(1);
    }
    Ok(argv)
}

fn signal(name: &str) -> Result<Signal, Stop> {
    let named = name.starts_with("SIG").then(|| Signal::parse(name)).flatten();
    named.ok_or_else(|| Stop::mistake(format!("-p can't be `{name}`: a name is needed, as in SIGTERM")))
}

fn code(text: &str) -> Result<ExitCode, Stop> {
    let code = match leading_number(text) {
        Some((number, "")) => u8::try_from(number).ok(),
        _ => None,
    };
    code.map(ExitCode).ok_or_else(|| Stop::mistake(format!("-e can't be `{text}`: it is from 0 to 255")))
}

impl Options {
    fn run(self, argv: Vec<OsString>) -> Run {
        let mut plan = RunPlan::untouched(argv);
        plan.signals.scope = if self.group { Scope::Group } else { Scope::Main };
        plan.init.subreaper = if self.subreaper { Subreaper::Always } else { Subreaper::Never };
        plan.init.remap_exit = self.expected.into_iter().map(|code| (code, ExitCode::OK)).collect();
        plan.init.tell_reaped = self.tell_reaped;
        let level = match self.verbosity {
            ..=0 => Level::Error,
            1 => Level::Warn,
            2 => Level::Debug,
            _ => Level::Trace,
        };
        let voice = Voice { level, ..Voice::default() };
        Run { plan, voice, parent_death_signal: self.parent_death_signal }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, run};
    use crate::exit::ExitCode;
    use crate::service::{Scope, Subreaper};
    use crate::signal::Signal;
    use crate::supervise::Level;

    #[test]
    fn without_options() {
        let run = run("tini true");
        assert_eq!(run.plan.signals.scope, Scope::Main);
        assert!(run.plan.signals.rewrite.is_empty());
        assert_eq!(run.plan.init.subreaper, Subreaper::Never);
        assert_eq!((run.plan.init.failure_code, run.plan.init.own_session), (None, false));
        assert_eq!(run.voice.level, Level::Warn);
    }

    #[test]
    fn options_and_variables() {
        for line in ["tini -s true", "TINI_SUBREAPER= tini true", "docker-init -gs -- true"] {
            assert_eq!(run(line).plan.init.subreaper, Subreaper::Always, "{line}");
        }
        for line in ["tini -g true", "TINI_KILL_PROCESS_GROUP=0 tini true", "tini -vg true"] {
            assert_eq!(run(line).plan.signals.scope, Scope::Group, "{line}");
        }
        for line in ["tini -p SIGUSR1 true", "tini -pSIGUSR1 true", "tini -sgpSIGUSR1 true"] {
            assert_eq!(run(line).parent_death_signal, Some(Signal::USR1), "{line}");
        }
        assert!(run("tini -w true").plan.init.tell_reaped);
    }

    #[test]
    fn expected_codes_become_0() {
        let codes = [(ExitCode(143), ExitCode::OK), (ExitCode(0), ExitCode::OK)];
        assert_eq!(run("tini -e 143 -e0 true").plan.init.remap_exit, codes);
        assert_eq!(run("tini -e +7 true").plan.init.remap_exit, [(ExitCode(7), ExitCode::OK)]);
    }

    #[test]
    fn verbosity() {
        for (line, level) in [
            ("tini -v true", Level::Debug),
            ("tini -vv true", Level::Trace),
            ("tini -v -vvv true", Level::Trace),
            ("TINI_VERBOSITY=0 tini -vvv true", Level::Error),
            ("TINI_VERBOSITY=2x tini true", Level::Debug),
            ("TINI_VERBOSITY=x tini true", Level::Error),
            ("TINI_VERBOSITY=-1 tini true", Level::Trace),
        ] {
            assert_eq!(run(line).voice.level, level, "{line}");
        }
    }

    #[test]
    fn the_dashes_of_its_usage_may_stand_behind_the_program() {
        for (line, argv) in [
            ("tini sh -- a", vec!["sh", "a"]),
            ("tini -g sh -- -- a", vec!["sh", "--", "a"]),
            ("tini -- sh -- a", vec!["sh", "--", "a"]),
            ("tini sh a -- b", vec!["sh", "a", "--", "b"]),
            ("tini -e 7 -- sh", vec!["sh"]),
        ] {
            assert_eq!(run(line).plan.program.argv, argv, "{line}");
        }
    }

    #[test]
    fn questions() {
        let version = answer("docker-init --version");
        assert_eq!(version.text.split(" - ").next(), Some("tini version 0.19.0"));
        assert!(!version.on_stderr);
        for line in ["tini -h", "tini -sh -x", "tini -l"] {
            let answer = answer(line);
            assert!(!answer.on_stderr && answer.code == ExitCode::OK, "{line}");
        }
    }
}

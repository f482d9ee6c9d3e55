//! catatonit 0.1.7, the init of Podman, and the pause program of its pods.

use std::ffi::OsString;

use super::options::{self, Known, Stop};
use super::{Answer, LICENSE, Run, variable};
use crate::exit::ExitCode;
use crate::service::{RunPlan, Scope};
use crate::supervise::{Level, Voice};

/// It calls itself so for the sake of dockerd, which asks for the version of tini.
const VERSION: &str = concat!("tini version 0.1.7_catatonit - castoff ", env!("CARGO_PKG_VERSION"), "\n");

const USAGE: &str = "usage: catatonit [-ghLPV] [--] PROGRAM [ARG]...";

const HELP: &str = "
  -g             signals go to the program's process group
  -P             run nothing; reap until SIGTERM or SIGINT comes
  -L             show the license
  -V, --version  show the version
  -h             show this
";

const KNOWN: [Known; 5] =
    [Known('g', ""), Known('P', ""), Known('L', ""), Known('V', "version"), Known('h', "")];

/// What it ends with where the program can't be executed.
const CANNOT_RUN: ExitCode = ExitCode(1);

#[derive(Default)]
struct Options {
    group: bool,
    pause: bool,
}

pub(super) fn read(arguments: Vec<OsString>, environment: &[(OsString, OsString)]) -> Result<Run, Answer> {
    if variable(environment, "CATATONIT_LOG").is_some() {
        return Err(Answer::mistake("catatonit", "CATATONIT_LOG is reserved", USAGE));
    }
    let debug = variable(environment, "CATATONIT_DEBUG").is_some();
    let mut options = Options::default();
    let argv = command(arguments, &mut options).map_err(|stop| stop.answer("catatonit", USAGE))?;
    let mut plan = RunPlan::untouched(argv);
    plan.signals.scope = if options.group { Scope::Group } else { Scope::Main };
    plan.init.failure_code = Some(CANNOT_RUN);
    let level = if debug { Level::Trace } else { Level::Info };
    Ok(Run { plan, voice: Voice { level, ..Voice::default() }, parent_death_signal: None })
}

fn command(arguments: Vec<OsString>, options: &mut Options) -> Result<Vec<OsString>, Stop> {
    let argv = options::read(arguments, &KNOWN, |letter, _| {
        match letter {
            'h' => return Err(Answer::on_stderr(format!("{USAGE}\n{HELP}")).into()),
            'L' => return Err(Answer::on_stdout(LICENSE).into()),
            'V' => return Err(Answer::on_stdout(VERSION).into()),
            'g' => options.group = true,
            _ => options.pause = true,
        }
        Ok(())
    })?;
    match (options.pause, argv.is_empty()) {
        // a program beside it is not run
        (true, _) => Ok(Vec::new()),
        (false, true) => Err(Stop::mistake("there is no program to run")),
        (false, false) => Ok(argv),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, run};
    use crate::exit::ExitCode;
    use crate::service::{Scope, Subreaper};
    use crate::supervise::Level;

    #[test]
    fn options_and_variables() {
        let plain = run("catatonit true");
        assert_eq!(plain.plan.signals.scope, Scope::Main);
        assert_eq!(plain.plan.init.subreaper, Subreaper::Auto);
        assert_eq!(plain.plan.init.failure_code, Some(ExitCode(1)));
        assert_eq!(run("catatonit -g -- true").plan.signals.scope, Scope::Group);
        assert_eq!(run("CATATONIT_DEBUG= catatonit true").voice.level, Level::Trace);
    }

    #[test]
    fn a_pause_runs_nothing() {
        for line in ["catatonit -P", "catatonit -gP", "catatonit -P -- true"] {
            assert!(run(line).plan.program.argv.is_empty(), "{line}");
        }
    }

    #[test]
    fn questions() {
        for (line, on_stderr) in [
            ("catatonit -V", false),
            ("catatonit --vers", false),
            ("catatonit -gL", false),
            ("catatonit -h", true),
        ] {
            let answer = answer(line);
            assert_eq!((answer.on_stderr, answer.code), (on_stderr, ExitCode::OK), "{line}");
        }
        assert!(answer("catatonit --version").text.starts_with("tini version 0.1.7_catatonit"));
    }
}

//! The names of other inits: called by one of them, castoff takes that init's options and
//! environment variables, and nothing of its own. Pure: arguments and environment in, what a
//! plain init is to do out. docs/personalities.md lists what each option becomes.

mod catatonit;
mod dumb_init;
mod options;
mod tini;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::exit::ExitCode;
use crate::service::RunPlan;
use crate::signal::Signal;
use crate::supervise::Voice;

/// An init that castoff can stand in for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Personality {
    /// tini, also as the docker-init of Docker's packages.
    Tini,
    /// dumb-init.
    DumbInit,
    /// catatonit, the init of Podman.
    Catatonit,
}

/// How the variables begin that one of them looks at.
pub const PREFIXES: [&str; 3] = ["TINI_", "DUMB_INIT_", "CATATONIT_"];

const NAMES: [(&str, Personality); 5] = [
    ("tini", Personality::Tini),
    ("tini-static", Personality::Tini),
    ("docker-init", Personality::Tini),
    ("dumb-init", Personality::DumbInit),
    ("catatonit", Personality::Catatonit),
];

/// What the command line comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// A command to run, or a pause.
    Run(Box<Run>),
    /// A text, and nothing more to do.
    Answer(Answer),
}

/// What is to be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// As any plain init's.
    pub plan: RunPlan,
    /// How much is said.
    pub voice: Voice,
    /// What castoff gets when its parent ends.
    pub parent_death_signal: Option<Signal>,
}

/// What is said in the place of running anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The text, with its line feed.
    pub text: String,
    /// Whether it belongs on stderr.
    pub on_stderr: bool,
    /// What castoff ends with.
    pub code: ExitCode,
}

impl Personality {
    /// The one that a program's name stands for, which may be a path.
    #[must_use]
    pub fn of(program: &OsStr) -> Option<Self> {
        let name = Path::new(program).file_name()?;
        NAMES.iter().find(|(known, _)| name == OsStr::new(known)).map(|(_, personality)| *personality)
    }

    /// Reads the command line, whose first word is the program's name, and what of its variables
    /// is among `environment`.
    #[must_use]
    pub fn read(self, arguments: Vec<OsString>, environment: &[(OsString, OsString)]) -> Asked {
        let asked = match self {
            Self::Tini => tini::read(arguments, environment),
            Self::DumbInit => dumb_init::read(arguments, environment),
            Self::Catatonit => catatonit::read(arguments, environment),
        };
        asked.map_or_else(Asked::Answer, |run| Asked::Run(Box::new(run)))
    }
}

impl Answer {
    fn on_stdout(text: impl Into<String>) -> Self {
        Self { text: text.into(), on_stderr: false, code: ExitCode::OK }
    }

    fn on_stderr(text: impl Into<String>) -> Self {
        Self { on_stderr: true, ..Self::on_stdout(text) }
    }

    /// A mistake of the command line: all three end with 1.
    fn mistake(program: &str, what: &str, usage: &str) -> Self {
        Self { text: format!("{program}: {what}\n{usage}\n"), on_stderr: true, code: ExitCode(1) }
    }
}

/// castoff's own: what it stands in for has another.
const LICENSE: &str = include_str!("../../LICENSE-MIT");

fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::{Answer, Asked, Personality, Run};
    use crate::service::Environment;
    use std::ffi::{OsStr, OsString};

    /// What a command line comes to; words with `=` before the program's name are variables.
    pub(super) fn asked(line: &str) -> Asked {
        let words: Vec<&str> = line.split_whitespace().collect();
        let program = words.iter().position(|word| !word.contains('=')).unwrap();
        let (variables, arguments) = words.split_at(program);
        let variable = |entry: &&str| entry.split_once('=').map(|(name, value)| (name.into(), value.into()));
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let environment: Vec<_> = variables.iter().filter_map(variable).collect();
        Personality::of(&arguments[0]).unwrap().read(arguments, &environment)
    }

    pub(super) fn run(line: &str) -> Run {
        match asked(line) {
            Asked::Run(run) => *run,
            Asked::Answer(answer) => panic!("{line}: {answer:?}"),
        }
    }

    pub(super) fn answer(line: &str) -> Answer {
        match asked(line) {
            Asked::Answer(answer) => answer,
            Asked::Run(run) => panic!("{line}: {run:?}"),
        }
    }

    #[test]
    fn names() {
        for (name, expected) in [
            ("tini", Some(Personality::Tini)),
            ("/sbin/docker-init", Some(Personality::Tini)),
            ("./tini-static", Some(Personality::Tini)),
            ("/usr/bin/dumb-init", Some(Personality::DumbInit)),
            ("catatonit", Some(Personality::Catatonit)),
            ("castoff", None),
            ("/tini/castoff", None),
            ("", None),
            ("/", None),
            ("tini2", None),
        ] {
            assert_eq!(Personality::of(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_command_and_its_environment_pass_unchanged() {
        for program in ["tini", "dumb-init", "catatonit"] {
            for dashes in ["", "-- "] {
                let run = run(&format!("A=1 CASTOFF_GRACE=x {program} {dashes}sh -c x -- --help"));
                assert_eq!(run.plan.program.argv, ["sh", "-c", "x", "--", "--help"], "{program}");
                assert_eq!(run.plan.program.environment, Environment::Own, "{program}");
            }
        }
    }

    #[test]
    fn mistakes_end_with_1_on_stderr() {
        for line in [
            "tini",
            "tini --",
            "tini -x true",
            "tini --help",
            "tini -s --version",
            "tini --version true",
            "tini -p KILL true",
            "tini -p",
            "tini -e 256 true",
            "tini -e x true",
            "tini -R A true",
            "dumb-init",
            "dumb-init -x true",
            "dumb-init --foo true",
            "dumb-init --ver",
            "dumb-init --version=x",
            "dumb-init -r",
            "dumb-init --rewrite",
            "dumb-init -r 15 true",
            "dumb-init -r 15:32 true",
            "dumb-init -r 32:15 true",
            "dumb-init -r TERM:QUIT true",
            "catatonit",
            "catatonit -x true",
            "catatonit --foo",
            "CATATONIT_LOG=1 catatonit true",
            // castoff's own options don't exist under these names
            "tini --exec true",
            "dumb-init --check",
            "catatonit --scope=all true",
        ] {
            let answer = answer(line);
            assert!(answer.on_stderr && answer.code.0 == 1, "{line}: {answer:?}");
        }
    }
}

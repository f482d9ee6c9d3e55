//! The command line: what castoff is asked to do, as plain data.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser};

use crate::ask::{StatusFormat, Wish};
use crate::diagnostic::{Diagnostic, nearest};
use crate::exit::ExitCode;
use crate::log::{Format, Level};
use crate::service::Subreaper;
use crate::service::control::Verb;
use crate::signal::Signal;

/// What is asked for, mistakes apart.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The spec.
    pub config: Option<PathBuf>,
    /// Report every problem at once; change nothing.
    pub check: bool,
    /// With `check`: what is only pointed out counts as an error.
    pub strict: bool,
    /// Write the config files and stop.
    pub render_only: bool,
    /// Print what a start would do.
    pub plan: bool,
    /// What to ask the castoff that runs.
    pub wish: Option<Wish>,
    /// How its status is printed.
    pub status_format: Option<StatusFormat>,
    /// How long is waited for what it was asked for.
    pub timeout: Option<Duration>,
    /// Resolve every destination below this directory.
    pub root: Option<PathBuf>,
    /// Take the variables from a dotenv file instead of the environment.
    pub env_file: Option<PathBuf>,
    /// Where `render_only` writes; `-` prints.
    pub output: Option<PathBuf>,
    /// Replace castoff by the command instead of supervising it.
    pub exec: bool,
    /// Who gets forwarded signals.
    pub scope: Option<ScopeOption>,
    /// Signals sent in another's place, or dropped.
    pub rewrite: Vec<(Signal, Option<Signal>)>,
    /// How long the rest may take to end after the main process did.
    pub grace: Option<Duration>,
    /// How long a stop signal is kept back before it is forwarded.
    pub stop_delay: Option<Duration>,
    /// Ending by the stop signal that was forwarded is success.
    pub stop_is_success: bool,
    /// When castoff adopts orphans.
    pub subreaper: Option<Subreaper>,
    /// Whether the service leads a session of its own.
    pub setsid: bool,
    /// Codes of the service, and what castoff ends with in their place.
    pub remap_exit: Vec<(ExitCode, ExitCode)>,
    /// What castoff gets when its parent ends.
    pub parent_death_signal: Option<Signal>,
    /// What to log.
    pub log_level: Option<Level>,
    /// How to log.
    pub log_format: Option<Format>,
    /// The command to run in the place of the spec's service.
    pub command: Vec<OsString>,
}

/// `--scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeOption {
    /// The main process.
    Main,
    /// Its process group.
    Group,
    /// Every process of the container.
    All,
}

const SCOPES: [(&str, ScopeOption); 3] =
    [("main", ScopeOption::Main), ("group", ScopeOption::Group), ("all", ScopeOption::All)];

const SUBREAPERS: [(&str, Subreaper); 3] =
    [("auto", Subreaper::Auto), ("always", Subreaper::Always), ("never", Subreaper::Never)];

/// What may be given several times.
const REPEATABLE: [&str; 2] = ["rewrite", "remap-exit"];

/// An option as the help shows it: its long name, what its value is called, what it does.
struct Described(&'static str, &'static str, &'static str);

const DESCRIBED: [Described; 30] = [
    Described("config", "FILE", "The spec [default: $CASTOFF_CONFIG, /etc/castoff.toml]; also -c"),
    Described("check", "", "Report every problem at once; change nothing"),
    Described("strict", "", "With --check: what is only pointed out counts as an error"),
    Described("render-only", "", "Write the config files and stop"),
    Described("plan", "", "Print what a start would do, why, and what it would change"),
    Described("status", "[NAME]", "Print how the services are that run, or one of them"),
    Described("format", "FORMAT", "With --status: text, json or prometheus [default: text]"),
    Described("start", "NAME", "Start a service, and wait until it is ready"),
    Described("stop", "NAME", "Stop a service, and wait until it is down"),
    Described("restart", "NAME", "Stop and start a service, and wait until it is ready"),
    Described("reload", "[NAME]", "Have a service read its files again; without a name what SIGHUP does"),
    Described("timeout", "DURATION", "With these: how long to wait [default: 1m]"),
    Described("healthcheck", "", "End with 0 if all essential services are ready and healthy, else with 1"),
    Described("root", "DIR", "Resolve every destination below DIR"),
    Described("env-file", "FILE", "Take the variables from a dotenv file, not the environment"),
    Described("output", "DIR|-", "Where that writes; - prints, secrets hidden [default: --root, or -]"),
    Described("exec", "", "Replace castoff by the command instead of supervising it"),
    Described("scope", "SCOPE", "Who gets forwarded signals: main, group or all"),
    Described("rewrite", "SIG=SIG|0", "Send one signal in another's place; 0 drops it"),
    Described("grace", "DURATION", "How long the rest may take to end after the main process [default: 5s]"),
    Described("stop-delay", "DURATION", "Wait so long before a request to stop is forwarded"),
    Described("stop-is-success", "", "Ending by the stop signal that was forwarded gives 0, not 128+n"),
    Described("subreaper", "WHEN", "Adopt orphans: auto (where it isn't PID 1), always or never"),
    Described("setsid", "", "The service leads a session of its own, with castoff's terminal"),
    Described("remap-exit", "CODE=CODE", "End with the second where the service ended with the first"),
    Described("parent-death-signal", "SIG", "What castoff gets when its parent ends"),
    Described("log-level", "LEVEL", "error, warn, info, debug or trace [default: info]"),
    Described("log-format", "FORMAT", "text or json [default: text]"),
    Described("help", "", "Print this; also -h"),
    Described("version", "", "Print the version; also -V"),
];

/// What the command line comes to.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Something to do.
    Work(Box<Options>),
    /// A question that this text answers.
    Answer(String),
}

/// Reads the command line; its first word is the program's name. The options end at the
/// first word that is none: the command.
///
/// # Errors
/// The first mistake.
#[inline(never)]
pub fn parse(arguments: Vec<OsString>) -> Result<Asked, Diagnostic> {
    let mut parser = Parser::from_iter(arguments);
    let mut options = Options::default();
    let mut given: Vec<String> = Vec::new();
    while let Some(argument) = parser.next().map_err(|error| wrong(error.to_string()))? {
        let name = match argument {
            Arg::Short('c') => "config".to_owned(),
            Arg::Short('h') => "help".to_owned(),
            Arg::Short('V') => "version".to_owned(),
            Arg::Short(letter) => return Err(unknown(&format!("-{letter}"))),
            Arg::Long(name) => name.to_owned(),
            Arg::Value(word) => {
                let rest = parser.raw_args().map_err(|error| wrong(error.to_string()))?;
                options.command = std::iter::once(word).chain(rest).collect();
                break;
            }
        };
        match name.as_str() {
            "help" => return Ok(Asked::Answer(help())),
            "version" => {
                return Ok(Asked::Answer(concat!("castoff ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
            }
            _ => {}
        }
        if !REPEATABLE.contains(&name.as_str()) && given.contains(&name) {
            return Err(wrong(format!("--{name} is given twice")));
        }
        options.take(&name, &mut parser)?;
        given.push(name);
    }
    options.check_together()?;
    Ok(Asked::Work(Box::new(options)))
}

impl Options {
    #[cold]
    #[inline(never)]
    fn take(&mut self, name: &str, parser: &mut Parser) -> Result<(), Diagnostic> {
        if let Some(wish) = asked_wish(name, parser)? {
            return self.ask(wish);
        }
        let mut value =
            || parser.value().map_err(|_| wrong(format!("--{name} needs a value")).help(usage_of(name)));
        match name {
            "config" => self.config = Some(value()?.into()),
            "check" => self.check = true,
            "strict" => self.strict = true,
            "render-only" => self.render_only = true,
            "plan" => self.plan = true,
            "format" => self.status_format = Some(of_words(name, &value()?, &StatusFormat::WORDS)?),
            "timeout" => self.timeout = Some(parsed(name, &value()?, parse_duration)?),
            "root" => self.root = Some(value()?.into()),
            "env-file" => self.env_file = Some(value()?.into()),
            "output" => self.output = Some(value()?.into()),
            "exec" => self.exec = true,
            "scope" => self.scope = Some(of_words(name, &value()?, &SCOPES)?),
            "rewrite" => self.rewrite.push(parsed(name, &value()?, parse_rewrite)?),
            "grace" => self.grace = Some(parsed(name, &value()?, parse_duration)?),
            "stop-delay" => self.stop_delay = Some(parsed(name, &value()?, parse_duration)?),
            "stop-is-success" => self.stop_is_success = true,
            "subreaper" => self.subreaper = Some(of_words(name, &value()?, &SUBREAPERS)?),
            "setsid" => self.setsid = true,
            "remap-exit" => self.remap_exit.push(parsed(name, &value()?, parse_remap)?),
            "parent-death-signal" => self.parent_death_signal = Some(parsed(name, &value()?, parse_signal)?),
            "log-level" => self.log_level = Some(of_words(name, &value()?, &Level::WORDS)?),
            "log-format" => self.log_format = Some(of_words(name, &value()?, &Format::WORDS)?),
            _ => return Err(unknown(&format!("--{name}"))),
        }
        Ok(())
    }

    fn ask(&mut self, wish: Wish) -> Result<(), Diagnostic> {
        if let Some(other) = &self.wish {
            let (one, other) = (other.option(), wish.option());
            return Err(wrong(format!("{one} and {other} can't be given together")));
        }
        self.wish = Some(wish);
        Ok(())
    }

    fn check_together(&self) -> Result<(), Diagnostic> {
        let modes = [(self.check, "--check"), (self.render_only, "--render-only"), (self.plan, "--plan")];
        let given = modes.into_iter().filter(|(given, _)| *given).map(|(_, name)| name);
        let mut given = given.chain(self.wish.as_ref().map(Wish::option));
        if let (Some(one), Some(other)) = (given.next(), given.next()) {
            return Err(wrong(format!("{one} and {other} can't be given together")));
        }
        if self.strict && !self.check {
            return Err(wrong("--strict needs --check".to_owned()));
        }
        if self.status_format.is_some() && !matches!(self.wish, Some(Wish::Verb(Verb::Status, _))) {
            return Err(wrong("--format needs --status".to_owned()));
        }
        if self.timeout.is_some() && !self.wish.as_ref().is_some_and(Wish::waits) {
            return Err(wrong(
                "--timeout needs --start, --stop, --restart or --reload with a name".to_owned(),
            ));
        }
        if let (Some(wish), Some(word)) = (&self.wish, self.command.first()) {
            let word = word.to_string_lossy();
            return Err(wrong(format!("{} runs no command: `{word}`", wish.option())));
        }
        let staying = [
            (self.subreaper.is_some(), "--subreaper"),
            (self.setsid, "--setsid"),
            (!self.remap_exit.is_empty(), "--remap-exit"),
            (self.stop_delay.is_some(), "--stop-delay"),
            (self.stop_is_success, "--stop-is-success"),
        ];
        if let Some((_, name)) = staying.into_iter().find(|(given, _)| *given && self.exec) {
            return Err(wrong(format!("{name} and --exec can't be given together"))
                .help("with --exec castoff doesn't stay to do it"));
        }
        if self.output.is_some() && !self.render_only {
            return Err(wrong("--output needs --render-only".to_owned()));
        }
        Ok(())
    }
}

/// What an option asks of the castoff that runs, if it is one of those.
fn asked_wish(name: &str, parser: &mut Parser) -> Result<Option<Wish>, Diagnostic> {
    let (verb, is_needed) = match name {
        "healthcheck" => return Ok(Some(Wish::Healthcheck)),
        "status" => (Verb::Status, false),
        "start" => (Verb::Start, true),
        "stop" => (Verb::Stop, true),
        "restart" => (Verb::Restart, true),
        "reload" => (Verb::Reload, false),
        _ => return Ok(None),
    };
    let is_name = |word: &OsStr| !word.as_encoded_bytes().starts_with(b"-");
    let word = match parser.try_raw_args() {
        Some(mut rest) => rest.next_if(is_name),
        None => parser.optional_value(),
    };
    match word {
        None if is_needed => Err(wrong(format!("--{name} needs a value")).help(usage_of(name))),
        word => Ok(Some(Wish::Verb(verb, word.map(|word| word.to_string_lossy().into_owned())))),
    }
}

fn wrong(title: String) -> Diagnostic {
    Diagnostic::error(ExitCode::USAGE, title)
}

fn unknown(option: &str) -> Diagnostic {
    let problem = wrong(format!("there is no option {option}"));
    let names = DESCRIBED.iter().map(|Described(name, ..)| *name);
    match nearest(option.trim_start_matches('-'), names) {
        Some(near) => problem.help(format!("did you mean --{near}?")),
        None => problem
            .help("castoff --help lists the options")
            .help("an option of the command stands after it: castoff -- COMMAND --option"),
    }
}

fn usage_of(name: &str) -> String {
    let described = DESCRIBED.iter().find(|Described(known, ..)| *known == name);
    described.map_or_else(String::new, |Described(name, value, text)| format!("--{name} {value}: {text}"))
}

/// One of several words.
fn of_words<T: Copy>(name: &str, value: &OsStr, words: &[(&str, T)]) -> Result<T, Diagnostic> {
    let found = words.iter().find(|(word, _)| value == OsStr::new(word));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let value = value.to_string_lossy();
        let problem = wrong(format!("--{name} can't be `{value}`"));
        match nearest(&value, allowed.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("it can be {}", allowed.join(", "))),
        }
    })
}

fn parsed<T>(
    name: &str,
    value: &OsStr,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Diagnostic> {
    let text = value.to_string_lossy();
    parse(&text).map_err(|reason| wrong(format!("--{name} can't be `{text}`")).help(reason))
}

/// A duration, or what is wrong with it.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::duration::parse(text)
        .ok_or_else(|| "a number with a unit is needed: 500ms, 30s, 5m, 1h30m".to_owned())
}

fn parse_rewrite(text: &str) -> Result<(Signal, Option<Signal>), String> {
    let (from, to) = text.split_once('=').ok_or("SIGNAL=SIGNAL is needed, as in TERM=QUIT or HUP=0")?;
    let from = parse_signal(from)?;
    if !from.is_catchable() {
        return Err(format!("{from} can't be caught"));
    }
    let to = if to == "0" { None } else { Some(parse_signal(to)?) };
    Ok((from, to))
}

fn parse_signal(name: &str) -> Result<Signal, String> {
    Signal::parse(name).ok_or_else(|| format!("there is no signal `{name}`"))
}

fn parse_remap(text: &str) -> Result<(ExitCode, ExitCode), String> {
    let code = |text: &str| text.parse().ok().map(ExitCode);
    let codes = text.split_once('=').and_then(|(from, to)| Some((code(from)?, code(to)?)));
    codes.ok_or_else(|| "CODE=CODE is needed, both from 0 to 255, as in 143=0".to_owned())
}

#[cold]
#[inline(never)]
fn help() -> String {
    let mut text = String::from(
        "The entrypoint of a container image: checks the environment, renders config files, and\n\
         runs the service as PID 1.\n\n\
         Usage: castoff [OPTIONS] [--] [COMMAND [ARG]...]\n\n\
         COMMAND takes the place of the spec's service. Without a spec castoff is a plain init:\n\
         castoff -- nginx -g 'daemon off;'\n\nOptions:\n",
    );
    for Described(name, value, what) in DESCRIBED {
        let option = format!("--{name} {value}");
        // writing to a string can't fail
        let _ = writeln!(text, "  {option:<22} {what}");
    }
    text
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;

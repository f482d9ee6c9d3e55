//! The command line: what castoff is asked to do, as plain data.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser, ValueEnum};

use crate::log::{Format, Level};
use crate::signal::Signal;

/// The entrypoint of a container image: checks the environment, renders config files, and
/// runs the service as PID 1.
///
/// Without a spec castoff is a plain init: `castoff -- nginx -g 'daemon off;'`.
#[derive(Clone, Debug, Parser)]
#[command(name = "castoff", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(group(ArgGroup::new("mode").args(["check", "render_only", "plan"])))]
pub struct Options {
    /// The spec [default: $CASTOFF_CONFIG, /etc/castoff.toml]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Report every problem at once; change nothing
    #[arg(long)]
    pub check: bool,
    /// With --check: what is only pointed out counts as an error
    #[arg(long, requires = "check")]
    pub strict: bool,
    /// Write the config files and stop
    #[arg(long)]
    pub render_only: bool,
    /// Print what a start would do, why, and what it would change
    #[arg(long)]
    pub plan: bool,
    /// Resolve every destination below DIR
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Take the variables from a dotenv file instead of the environment
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Where --render-only writes; `-` prints, secrets hidden [default: --root, or -]
    #[arg(long, value_name = "DIR|-", requires = "render_only")]
    pub output: Option<PathBuf>,
    /// Replace castoff by the command instead of supervising it
    #[arg(long)]
    pub exec: bool,
    /// Who gets forwarded signals
    #[arg(long, value_enum, value_name = "SCOPE")]
    pub scope: Option<ScopeOption>,
    /// Send one signal in another's place; 0 drops it
    #[arg(long, value_name = "SIGNAL=SIGNAL|0", value_parser = parse_rewrite)]
    pub rewrite: Vec<(Signal, Option<Signal>)>,
    /// How long the rest may take to end after the main process did [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub grace: Option<Duration>,
    /// What to log [default: info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log_level: Option<Level>,
    /// How to log [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<Format>,
    /// The command to run in the place of the spec's service
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `--scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScopeOption {
    /// The main process
    Main,
    /// Its process group
    Group,
    /// Every process of the container
    All,
}

/// A duration, or what is wrong with it.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::duration::parse(text)
        .ok_or_else(|| "a number with a unit is needed: 500ms, 30s, 5m, 1h30m".to_owned())
}

fn parse_rewrite(text: &str) -> Result<(Signal, Option<Signal>), String> {
    let (from, to) = text.split_once('=').ok_or("SIGNAL=SIGNAL is needed, as in TERM=QUIT or HUP=0")?;
    let signal = |name: &str| Signal::parse(name).ok_or_else(|| format!("there is no signal `{name}`"));
    let from = signal(from)?;
    if !from.is_catchable() {
        return Err(format!("{from} can't be caught"));
    }
    let to = if to == "0" { None } else { Some(signal(to)?) };
    Ok((from, to))
}

/// Parses the command line; `Err` is a text to print and whether it is an answer (`--help`)
/// rather than a mistake.
///
/// # Errors
/// A mistake, or a question that the text answers.
pub fn parse(arguments: Vec<OsString>) -> Result<Options, (String, bool)> {
    Options::try_parse_from(arguments).map_err(|error| (error.render().to_string(), !error.use_stderr()))
}

#[cfg(test)]
mod tests {
    use super::{Options, parse};
    use crate::signal::Signal;

    fn of(line: &str) -> Result<Options, (String, bool)> {
        parse(std::iter::once("castoff").chain(line.split_whitespace()).map(Into::into).collect())
    }

    #[test]
    fn options_end_at_the_first_word_of_the_command() {
        for (line, command) in [
            ("", vec![]),
            ("nginx -g off", vec!["nginx", "-g", "off"]),
            ("--exec nginx --exec", vec!["nginx", "--exec"]),
            ("-- --check", vec!["--check"]),
            ("-c x.toml sh -c y", vec!["sh", "-c", "y"]),
            ("nginx -- x", vec!["nginx", "--", "x"]),
        ] {
            assert_eq!(of(line).unwrap().command, command, "{line}");
        }
    }

    #[test]
    fn rewrites() {
        let options = of("--rewrite TERM=QUIT --rewrite HUP=0 x").unwrap();
        assert_eq!(options.rewrite, [(Signal::TERM, Some(Signal::QUIT)), (Signal::HUP, None)]);
    }

    #[test]
    fn mistakes() {
        for line in [
            "--check --plan",
            "--chek",
            "--output x",
            "--rewrite TERM",
            "--rewrite KILL=TERM",
            "--rewrite TERM=FOO",
            "--grace 5",
        ] {
            assert!(matches!(of(line), Err((_, false))), "{line}");
        }
        assert!(matches!(of("--help"), Err((_, true))));
        assert!(matches!(of("--version"), Err((_, true))));
    }
}

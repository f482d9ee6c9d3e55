//! What castoff is asked to do: the command line and its own settings brought together, and
//! the mode parsed once. Looks at no file but to see whether a spec is at its usual place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::ask::{Manner, StatusFormat, USUAL_TIMEOUT, Wish};
use crate::cli::{self, Options, ScopeOption};
use crate::diagnostic::Diagnostic;
use crate::log::{Format, Level};
use crate::plan::{ControlWish, RunWish};
use crate::service::{InitOptions, Scope};
use crate::settings::Settings;
use crate::supervise::{self, Voice};
use crate::sys::path_walk::Base;

/// Where the spec is if nobody says otherwise.
pub(crate) const DEFAULT_SPEC: &str = "/etc/castoff.toml";
/// Where the container's state is; the second serves a read-only root.
const STATE_DIRECTORIES: [&str; 2] = ["/var/lib/castoff", "/run/castoff"];

/// The mode, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Start,
    Check,
    Plan,
    Render(Option<PathBuf>),
    /// Ask the castoff that runs.
    Ask(Wish),
}

/// Options and settings brought together: an option beats its variable.
pub(crate) struct Asked {
    pub(crate) options: Options,
    /// The command line, as it was given.
    pub(crate) given: Vec<OsString>,
    /// Whether the environment has variables that are castoff's own.
    pub(crate) has_settings: bool,
    pub(crate) mode: Mode,
    pub(crate) config: Option<PathBuf>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) control: ControlWish,
    pub(crate) level: Level,
    pub(crate) format: Format,
}

impl Asked {
    pub(crate) fn new(mut options: Options, settings: &Settings) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        if let (None, Some(grace)) = (options.grace, &settings.grace) {
            match cli::parse_duration(grace) {
                Ok(grace) => options.grace = Some(grace),
                Err(reason) => problems.push(Diagnostic::environment(format!("CASTOFF_GRACE: {reason}"))),
            }
        }
        let level = word(
            options.log_level,
            ("CASTOFF_LOG_LEVEL", settings.log_level.as_deref()),
            &Level::WORDS,
            Level::Info,
            &mut problems,
        );
        let format = word(
            options.log_format,
            ("CASTOFF_LOG_FORMAT", settings.log_format.as_deref()),
            &Format::WORDS,
            Format::Text,
            &mut problems,
        );
        let control = control_wish(settings, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let root = options.root.clone().or_else(|| settings.root.clone());
        let mode = if let Some(wish) = &options.wish {
            Mode::Ask(wish.clone())
        } else if options.check {
            Mode::Check
        } else if options.plan {
            Mode::Plan
        } else if options.render_only {
            Mode::Render(
                options.output.clone().or_else(|| root.clone()).filter(|path| path != Path::new("-")),
            )
        } else {
            Mode::Start
        };
        Ok(Self {
            given: Vec::new(),
            has_settings: false,
            mode,
            config: options.config.clone().or_else(|| settings.config.clone()),
            root,
            state: settings.state.clone(),
            control,
            level,
            format,
            options,
        })
    }

    pub(crate) fn voice(&self) -> Voice {
        let level = match self.level {
            Level::Error => supervise::Level::Error,
            Level::Warn => supervise::Level::Warn,
            Level::Info => supervise::Level::Info,
            Level::Debug => supervise::Level::Debug,
            Level::Trace => supervise::Level::Trace,
        };
        let format = match self.format {
            Format::Text => supervise::LineFormat::Text,
            Format::Json => supervise::LineFormat::Json,
        };
        Voice { level, format }
    }

    /// How the castoff that runs is asked.
    pub(crate) fn manner(&self) -> Manner<'_> {
        Manner {
            control: &self.control,
            status: self.options.status_format.unwrap_or(StatusFormat::Text),
            timeout: self.options.timeout.unwrap_or(USUAL_TIMEOUT),
            log: self.format,
        }
    }

    /// The spec: named, or at its usual place if there is one.
    pub(crate) fn spec_path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| {
            let usual = PathBuf::from(DEFAULT_SPEC);
            usual.symlink_metadata().is_ok().then_some(usual)
        })
    }

    pub(crate) fn run_wish(&self, environment: Vec<(OsString, OsString)>) -> RunWish {
        let scope = self.options.scope.map(|scope| match scope {
            ScopeOption::Main => Scope::Main,
            ScopeOption::Group => Scope::Group,
            ScopeOption::All => Scope::All,
        });
        RunWish {
            command: self.options.command.clone(),
            environment,
            exec: self.options.exec,
            scope,
            rewrite: self.options.rewrite.clone(),
            grace: self.options.grace,
            stop_delay: self.options.stop_delay,
            stop_is_success: self.options.stop_is_success,
            control: self.control.clone(),
            init: InitOptions {
                subreaper: self.options.subreaper.unwrap_or_default(),
                own_session: self.options.setsid,
                remap_exit: self.options.remap_exit.clone(),
                ..InitOptions::default()
            },
        }
    }

    pub(crate) fn base(&self) -> Result<Base, Diagnostic> {
        match &self.root {
            Some(root) => Base::private(root).map_err(|error| {
                let mut problem = Diagnostic::from(&error);
                problem.helps = vec!["--root or CASTOFF_ROOT must name a directory that is there".to_owned()];
                problem
            }),
            None => Base::host().map_err(|error| Diagnostic::from(&error)),
        }
    }

    pub(crate) fn state_directories(&self) -> Vec<PathBuf> {
        match &self.state {
            Some(directory) => vec![directory.clone()],
            None => STATE_DIRECTORIES.map(PathBuf::from).to_vec(),
        }
    }
}

fn control_wish(settings: &Settings, problems: &mut Vec<Diagnostic>) -> ControlWish {
    match &settings.control {
        None => ControlWish::Usual,
        Some(word) if word == Path::new("none") => ControlWish::Nowhere,
        Some(path) if path.is_absolute() => ControlWish::At(path.clone()),
        Some(_) => {
            let title = "CASTOFF_CONTROL must be an absolute path, or none";
            problems.push(Diagnostic::environment(title));
            ControlWish::Usual
        }
    }
}

/// The value of an option, else of its variable, else the usual one.
fn word<T: Copy>(
    option: Option<T>,
    (name, setting): (&str, Option<&str>),
    words: &[(&str, T)],
    usual: T,
    problems: &mut Vec<Diagnostic>,
) -> T {
    let Some(text) = setting.filter(|_| option.is_none()) else { return option.unwrap_or(usual) };
    let known = words.iter().find(|(word, _)| *word == text);
    if known.is_none() {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        problems.push(Diagnostic::environment(format!("{name} must be one of {}", words.join(", "))));
    }
    known.map_or(usual, |(_, meaning)| *meaning)
}

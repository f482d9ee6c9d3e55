//! From the command line to the end: finds the spec, prepares, and does what the mode asks
//! with the plan. One path for all modes, and one `match` at its end.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::apply::{Applying, Stopped, Validators, apply, validate};
use crate::cli::{self, Options, ScopeOption};
use crate::diagnostic::{Diagnostic, Severity, exit_code};
use crate::env::{Snapshot, dotenv, overlay, service_environment, unprepared_environment};
use crate::exit::ExitCode;
use crate::log::{self, Format, Level};
use crate::plan::{Plan, RunWish, Step, run_plan, show};
use crate::prepare::{Destination, Prepared, prepare};
use crate::render::Outputs;
use crate::report;
use crate::service::{RunPlan, Scope};
use crate::settings::{self, Settings};
use crate::signal::Signal;
use crate::spec::{Spec, load};
use crate::supervise::{self, Sealing, Voice};
use crate::sys::accounts::Accounts;
use crate::sys::files::read_bounded;
use crate::sys::path_walk::Base;
use crate::sys::send::end_interrupted;
use crate::sys::signals::stop_requested;
use crate::sys::start::Inherited;
use crate::wildcard;

/// Where the spec is if nobody says otherwise.
const DEFAULT_SPEC: &str = "/etc/castoff.toml";
/// Where the container's state is; the second serves a read-only root.
const STATE_DIRECTORIES: [&str; 2] = ["/var/lib/castoff", "/run/castoff"];
/// Where private copies of files lie while they are validated.
const PRIVATE_PLACES: [&str; 4] = ["/run", "/dev/shm", "/tmp", "/var/tmp"];
/// Where Kubernetes reads why a container ended.
const TERMINATION_LOG: &str = "/dev/termination-log";
/// What Kubernetes takes of it, in bytes.
const TERMINATION_LOG_LIMIT: usize = 4096;
/// How often a start that lost a race for a secret begins again.
const MOST_RACES: usize = 8;
/// An env file larger than this is a mistake.
const LARGEST_ENV_FILE: u64 = 16 << 20;

/// Runs castoff. `arguments` begin with the program's name.
#[must_use]
pub fn main(arguments: Vec<OsString>, inherited: &Inherited) -> ExitCode {
    let snapshot = Snapshot::of_process();
    let options = match cli::parse(arguments) {
        Ok(options) => options,
        Err((answer, true)) => return print(&answer),
        Err((mistake, false)) => {
            tell(&mistake);
            return ExitCode::USAGE;
        }
    };
    let format = options.log_format.unwrap_or_else(|| format_setting(&snapshot));
    let own = snapshot.settings().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let asked = settings::read(own).and_then(|settings| Asked::new(options, &settings));
    let asked = match asked {
        Ok(asked) => asked,
        Err(problems) => return fail(&problems, format),
    };
    log::start(asked.level, asked.format);
    match asked.run(snapshot, inherited) {
        Ok(code) => code,
        Err(End::Problems(problems)) => fail(&problems, asked.format),
        Err(End::Interrupted(signal)) => {
            tracing::info!("asked to stop by {signal} before the service was started");
            end_interrupted(signal)
        }
    }
}

/// The form in which mistakes among the settings themselves are told.
fn format_setting(snapshot: &Snapshot) -> Format {
    let setting = snapshot.settings().find(|(name, _)| *name == "CASTOFF_LOG_FORMAT");
    let word = setting.and_then(|(_, value)| value.to_str());
    word.and_then(|word| clap::ValueEnum::from_str(word, false).ok()).unwrap_or(Format::Text)
}

/// Why castoff ends without having run anything.
enum End {
    Problems(Vec<Diagnostic>),
    Interrupted(Signal),
}

impl From<Vec<Diagnostic>> for End {
    fn from(problems: Vec<Diagnostic>) -> Self {
        Self::Problems(problems)
    }
}

impl From<Diagnostic> for End {
    fn from(problem: Diagnostic) -> Self {
        Self::Problems(vec![problem])
    }
}

impl From<crate::sys::file_error::FileError> for End {
    fn from(error: crate::sys::file_error::FileError) -> Self {
        Diagnostic::from(&error).into()
    }
}

/// The mode, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Start,
    Check,
    Plan,
    Render(Option<PathBuf>),
}

/// What comes after the preparation.
enum Next {
    End(ExitCode),
    Run(Box<RunPlan>),
}

/// Options and settings brought together: an option beats its variable.
struct Asked {
    options: Options,
    mode: Mode,
    config: Option<PathBuf>,
    root: Option<PathBuf>,
    state: Option<PathBuf>,
    level: Level,
    format: Format,
}

impl Asked {
    fn new(mut options: Options, settings: &Settings) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        if let (None, Some(grace)) = (options.grace, &settings.grace) {
            match cli::parse_duration(grace) {
                Ok(grace) => options.grace = Some(grace),
                Err(reason) => problems.push(Diagnostic::environment(format!("CASTOFF_GRACE: {reason}"))),
            }
        }
        let level = word(
            options.log_level,
            settings.log_level.as_deref(),
            "CASTOFF_LOG_LEVEL",
            Level::Info,
            &mut problems,
        );
        let format = word(
            options.log_format,
            settings.log_format.as_deref(),
            "CASTOFF_LOG_FORMAT",
            Format::Text,
            &mut problems,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        let root = options.root.clone().or_else(|| settings.root.clone());
        let mode = if options.check {
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
            mode,
            config: options.config.clone().or_else(|| settings.config.clone()),
            root,
            state: settings.state.clone(),
            level,
            format,
            options,
        })
    }

    fn voice(&self) -> Voice {
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

    fn run(&self, snapshot: Snapshot, inherited: &Inherited) -> Result<ExitCode, End> {
        let Some(path) = self.spec_path() else { return self.plain_init(inherited) };
        let (spec, problems) = load(&path)?;
        let snapshot = self.variables(&spec, snapshot)?;
        if self.mode == Mode::Start && problems.is_empty() && !self.prepares_for_command(&spec) {
            tracing::debug!("not a command that the spec prepares for");
            return self.run_unprepared(&spec, &snapshot, inherited);
        }
        match &self.mode {
            Mode::Render(output) => self.render(&spec, problems, &snapshot, output.as_deref()),
            mode => match self.with_container(&spec, problems, &snapshot, inherited, mode)? {
                Next::End(code) => Ok(code),
                // all that was open for the preparation is closed by now: the running half
                // closes what it doesn't know
                Next::Run(run) => Ok(self.start(*run, inherited)),
            },
        }
    }

    /// The spec: named, or at its usual place if there is one.
    fn spec_path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| {
            let usual = PathBuf::from(DEFAULT_SPEC);
            usual.symlink_metadata().is_ok().then_some(usual)
        })
    }

    /// The variables of an env file take the place of what the spec has to do with; the rest
    /// of the environment stays, PATH above all.
    fn variables(&self, spec: &Spec, process: Snapshot) -> Result<Snapshot, End> {
        let Some(path) = &self.options.env_file else { return Ok(process) };
        let bytes = read_bounded(path, LARGEST_ENV_FILE)?;
        let entries = dotenv::parse(&path.display().to_string(), &bytes)?;
        Ok(overlay(&process, spec, entries))
    }

    fn plain_init(&self, inherited: &Inherited) -> Result<ExitCode, End> {
        if self.mode != Mode::Start || self.options.env_file.is_some() {
            return Err(Diagnostic::error(ExitCode::USAGE, "there is no spec")
                .help(format!("name one with --config FILE or CASTOFF_CONFIG, or put it at {DEFAULT_SPEC}"))
                .into());
        }
        if self.options.command.is_empty() {
            return Err(Diagnostic::error(ExitCode::USAGE, "there is nothing to run and no spec")
                .help("castoff -- COMMAND [ARG]... runs a command as a plain init")
                .help(format!("or write a spec to {DEFAULT_SPEC}"))
                .into());
        }
        // untouched and in its order, but for castoff's own settings
        let environment = std::env::vars_os().filter(|(name, _)| !settings::is_own(name)).collect();
        let wish = self.run_wish(environment);
        let plan = run_plan(&wish, None, &Accounts::default(), &minijinja::Value::UNDEFINED, &|_| false)?;
        plan.map_or(Ok(ExitCode::USAGE), |plan| {
            Ok(supervise::run(plan, inherited, self.voice(), Sealing::AsIs))
        })
    }

    fn run_wish(&self, environment: Vec<(OsString, OsString)>) -> RunWish {
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
        }
    }

    /// Whether the command is one that `prepare-for` names; the spec's own service always is.
    fn prepares_for_command(&self, spec: &Spec) -> bool {
        let (Some(command), Some(patterns)) = (self.options.command.first(), &spec.prepare_for) else {
            return true;
        };
        let name = Path::new(command).file_name().unwrap_or(command).to_string_lossy();
        patterns.iter().any(|pattern| wildcard::matches(&pattern.value, &name))
    }

    /// Runs a command that nothing is prepared for. It gets no secret either.
    fn run_unprepared(
        &self,
        spec: &Spec,
        snapshot: &Snapshot,
        inherited: &Inherited,
    ) -> Result<ExitCode, End> {
        let environment = unprepared_environment(snapshot, spec);
        let wish = self.run_wish(environment);
        let plan = run_plan(&wish, None, &Accounts::default(), &minijinja::Value::UNDEFINED, &|_| false)?;
        plan.map_or(Ok(ExitCode::USAGE), |plan| {
            Ok(supervise::run(plan, inherited, self.voice(), Sealing::Fresh))
        })
    }

    fn base(&self) -> Result<Base, End> {
        Ok(match &self.root {
            Some(root) => Base::private(root).map_err(|error| {
                let mut problem = Diagnostic::from(&error);
                problem.helps = vec!["--root or CASTOFF_ROOT must name a directory that is there".to_owned()];
                problem
            })?,
            None => Base::host()?,
        })
    }

    fn state_directories(&self) -> Vec<PathBuf> {
        match &self.state {
            Some(directory) => vec![directory.clone()],
            None => STATE_DIRECTORIES.map(PathBuf::from).to_vec(),
        }
    }

    fn render(
        &self,
        spec: &Spec,
        problems: Vec<Diagnostic>,
        snapshot: &Snapshot,
        output: Option<&Path>,
    ) -> Result<ExitCode, End> {
        let base = match output {
            Some(directory) => {
                std::fs::create_dir_all(directory).map_err(|error| {
                    Diagnostic::error(
                        ExitCode::CANT_CREATE,
                        format!("can't make {}: {error}", directory.display()),
                    )
                })?;
                Some(Base::private(directory)?)
            }
            None => None,
        };
        let prepared = prepare(spec, problems, snapshot, Destination::Elsewhere { base: base.as_ref() })?;
        self.remark(&prepared.remarks);
        let Some(base) = base else { return Ok(print(&report::shown_files(&prepared.outputs.files))) };
        let files = Plan {
            steps: prepared
                .plan
                .steps
                .into_iter()
                .filter(|planned| matches!(planned.step, Step::Write { .. } | Step::Adjust { .. }))
                .collect(),
            kept: prepared.plan.kept,
            ..Plan::default()
        };
        let applying = Applying {
            base: &base,
            state_directories: &[],
            written: &prepared.written,
            stop_requested: &stop_requested,
        };
        apply(&files, &applying).map_err(ended)?;
        Ok(ExitCode::OK)
    }

    fn with_container(
        &self,
        spec: &Spec,
        problems: Vec<Diagnostic>,
        snapshot: &Snapshot,
        inherited: &Inherited,
        mode: &Mode,
    ) -> Result<Next, End> {
        let base = self.base()?;
        let state_directories = self.state_directories();
        let destination = Destination::Container {
            base: &base,
            state_directories: &state_directories,
            runs_service: self.options.command.is_empty(),
        };
        for _ in 0..MOST_RACES {
            let mut prepared = prepare(spec, problems.clone(), snapshot, destination)?;
            self.remark(&prepared.remarks);
            let environment = service_environment(snapshot, &prepared.resolved, spec);
            prepared.plan.run = self.run_plan(spec, &prepared, environment.clone())?;
            if *mode == Mode::Plan {
                return Ok(Next::End(print(&show(&prepared.plan))));
            }
            let mut problems = self.validate(&prepared, &environment, inherited)?;
            if *mode == Mode::Check {
                problems.extend(prepared.plan.obstacles());
            }
            if !problems.is_empty() {
                return Err(problems.into());
            }
            if *mode == Mode::Check {
                tell_raw(&prepared.outputs);
                tracing::info!("{}", summary(&prepared));
                return Ok(Next::End(ExitCode::OK));
            }
            let run = prepared.plan.run.take().ok_or_else(nothing_to_run)?;
            let applying = Applying {
                base: &base,
                state_directories: &state_directories,
                written: &prepared.written,
                stop_requested: &stop_requested,
            };
            match apply(&prepared.plan, &applying) {
                Ok(applied) => {
                    if applied.changed == 0 {
                        tracing::info!("nothing had to be written");
                    }
                    return Ok(Next::Run(Box::new(run)));
                }
                Err(Stopped::Raced) => {
                    tracing::info!("another start generated the secrets first: using those")
                }
                Err(stopped) => return Err(ended(stopped)),
            }
        }
        Err(Diagnostic::error(ExitCode::TIMEOUT, "other starts keep changing the generated secrets")
            .note(format!("gave up after {MOST_RACES} attempts"))
            .into())
    }

    fn start(&self, run: RunPlan, inherited: &Inherited) -> ExitCode {
        let words: Vec<_> = run.argv.iter().map(|word| word.to_string_lossy()).collect();
        tracing::debug!("running {}", words.join(" "));
        supervise::run(run, inherited, self.voice(), Sealing::Fresh)
    }

    fn run_plan(
        &self,
        spec: &Spec,
        prepared: &Prepared<'_>,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Option<RunPlan>, End> {
        let wish = self.run_wish(environment);
        let is_secret = |name: &str| prepared.resolved.is_secret(name);
        Ok(run_plan(&wish, spec.service.as_ref(), &prepared.accounts, &prepared.context, &is_secret)?)
    }

    fn validate(
        &self,
        prepared: &Prepared<'_>,
        environment: &[(OsString, OsString)],
        inherited: &Inherited,
    ) -> Result<Vec<Diagnostic>, End> {
        let places: Vec<PathBuf> = std::env::var_os("TMPDIR")
            .map(PathBuf::from)
            .into_iter()
            .chain(PRIVATE_PLACES.map(PathBuf::from))
            .collect();
        let secrets: Vec<String> = prepared.resolved.secrets().map(str::to_owned).collect();
        let validators = Validators { environment, inherited, secrets: &secrets, places: &places };
        validate(&prepared.plan.validations, &validators).map_err(ended)
    }

    fn remark(&self, remarks: &[Diagnostic]) {
        let level = |remark: &Diagnostic| match remark.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warn,
            Severity::Notice => Level::Info,
        };
        let told: Vec<_> = remarks.iter().filter(|remark| level(remark) <= self.level).cloned().collect();
        if !told.is_empty() {
            tell(&shown(&told, self.format));
        }
    }
}

/// The value of an option, else of its variable, else the usual one.
fn word<T: clap::ValueEnum>(
    option: Option<T>,
    setting: Option<&str>,
    name: &str,
    usual: T,
    problems: &mut Vec<Diagnostic>,
) -> T {
    match (option, setting) {
        (Some(option), _) => option,
        (None, None) => usual,
        (None, Some(text)) => T::from_str(text, false).unwrap_or_else(|_| {
            let words = T::value_variants().iter().filter_map(clap::ValueEnum::to_possible_value);
            let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
            problems.push(Diagnostic::environment(format!("{name} must be one of {}", words.join(", "))));
            usual
        }),
    }
}

fn nothing_to_run() -> Diagnostic {
    Diagnostic::error(ExitCode::USAGE, "there is nothing to run")
        .help("add a [service.NAME] to the spec, or give a command: castoff -- COMMAND [ARG]...")
}

/// `| raw` is the one way in which a value can change a file's structure.
fn tell_raw(outputs: &Outputs<'_>) {
    for output in outputs.files.iter().filter(|output| output.rendered.raw > 0) {
        let (count, dest, source) =
            (output.rendered.raw, output.dest.display(), &output.template.source.value);
        tracing::info!("{source} prints {count} of the values in {dest} as they are (`raw`)");
    }
}

fn summary(prepared: &Prepared<'_>) -> String {
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    let variables = count(prepared.resolved.variables.len(), "variable");
    let files = count(prepared.outputs.files.len(), "file");
    let validators = count(prepared.plan.validations.len(), "validator");
    format!("ok: {variables}, {files}, {validators}")
}

fn ended(stopped: Stopped) -> End {
    match stopped {
        Stopped::Failed(problem) => (*problem).into(),
        Stopped::Interrupted(signal) => End::Interrupted(signal),
        Stopped::Raced => {
            Diagnostic::error(ExitCode::TIMEOUT, "another start changed the generated secrets").into()
        }
    }
}

fn shown(diagnostics: &[Diagnostic], format: Format) -> String {
    match format {
        Format::Json => report::as_json(diagnostics),
        Format::Text => {
            let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            report::as_text(diagnostics, color)
        }
    }
}

fn fail(problems: &[Diagnostic], format: Format) -> ExitCode {
    tell(&shown(problems, format));
    write_termination_log(&report::as_text(problems, false));
    exit_code(problems)
}

/// Kubernetes shows the end of this file when a container failed. Where it is missing, or
/// can't be written, nothing is lost: stderr has the same.
fn write_termination_log(text: &str) {
    let mut start = text.len().saturating_sub(TERMINATION_LOG_LIMIT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(TERMINATION_LOG) {
        let _ = file.write_all(text.get(start..).unwrap_or_default().as_bytes());
    }
}

/// stderr may be closed: there is nobody to tell then.
fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = stderr.write_all(b"\n");
    }
}

/// An answer on stdout. A reader that has gone away is no failure; a full disk is one.
fn print(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::IO,
        _ => ExitCode::OK,
    }
}

//! From the command line to the end: finds the spec, prepares, and does what the mode asks
//! with the plan. One path for all modes, and one `match` at its end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::again;
use crate::apply::{
    Applying, Commands, Held, Stopped, Tasking, Validators, apply, check_places, check_programs, hold,
    run_tasks, validate,
};
use crate::ask;
use crate::asked::{Asked, Mode};
use crate::cli;
use crate::console::{fail, print, shown, tell};
use crate::diagnostic::{Diagnostic, Severity};
use crate::drop_in;
use crate::env::{Snapshot, dotenv, overlay, service_environment};
use crate::exit::ExitCode;
use crate::lint::{self, Scene, lint};
use crate::log::{self, Format, Level};
use crate::look;
use crate::personality::Personality;
use crate::plan::{Plan, Running, Step, show};
use crate::prepare::{Destination, Prepared, prepare, read_template};
use crate::render::ReadTemplate;
use crate::report;
use crate::running::nothing_to_run;
use crate::settings;
use crate::signal::Signal;
use crate::spec::{Spec, load};
use crate::supervise::{self, Sealing, Voice, again_entry, looking_entry};
use crate::sys::clock::wall;
use crate::sys::files::read_bounded;
use crate::sys::itself::{follow_parent, parent_pid};
use crate::sys::path_walk::Base;
use crate::sys::send::end_interrupted;
use crate::sys::signals::stop_requested;
use crate::sys::start::Inherited;
use crate::wildcard;

/// Where private copies of files lie while they are validated.
const PRIVATE_PLACES: [&str; 4] = ["/run", "/dev/shm", "/tmp", "/var/tmp"];
/// How often a start that lost a race for a secret begins again.
const MOST_RACES: usize = 8;
/// An env file larger than this is a mistake.
const LARGEST_ENV_FILE: u64 = 16 << 20;

/// Does all that comes before a service runs. `arguments` begin with the program's name.
#[must_use]
pub fn main(arguments: Vec<OsString>, inherited: &Inherited) -> Outcome {
    let parent = parent_pid();
    if let Some(personality) = arguments.first().and_then(|program| Personality::of(program)) {
        return drop_in::run(personality, arguments, parent);
    }
    if let Some(again) = again_entry(&arguments) {
        return Outcome::End(again::run(again, inherited));
    }
    if let Some(looking) = looking_entry(&arguments) {
        return Outcome::End(look::run(&looking, inherited, parent));
    }
    let asked = match asked_of(arguments, settings::own()) {
        Ok(asked) => asked,
        Err(Ended(code)) => return Outcome::End(code),
    };
    if let Mode::Ask(wish) = &asked.mode {
        return Outcome::End(ask::run(wish, &asked.manner()));
    }
    if let Some(signal) = asked.options.parent_death_signal
        && let Err(errno) = follow_parent(signal, parent)
    {
        let line = format!("castoff won't get {signal} when its parent ends: {}", errno.desc());
        asked.voice().say(supervise::Level::Warn, &line);
    }
    let outcome = match asked.spec_path() {
        // nothing of the preparation wakes up: neither logger nor engine
        None => asked.plain_init(),
        Some(path) => asked.run(&path, inherited),
    };
    match outcome {
        Ok(outcome) => outcome,
        Err(End::Problems(problems)) => Outcome::End(fail(&problems, asked.format)),
        Err(End::Interrupted(signal)) => {
            tracing::info!("asked to stop by {signal} before the service was started");
            Outcome::End(end_interrupted(signal))
        }
    }
}

/// castoff has answered, or told what is wrong, and ends with this.
pub(crate) struct Ended(pub(crate) ExitCode);

/// What castoff is asked for by its command line and its settings, the variables that are its own.
pub(crate) fn asked_of(arguments: Vec<OsString>, settings: Environment) -> Result<Asked, Ended> {
    let (given, has_settings) = (arguments.clone(), !settings.is_empty());
    let options = match cli::parse(arguments) {
        Ok(cli::Asked::Work(options)) => *options,
        Ok(cli::Asked::Answer(answer)) => return Err(Ended(print(&answer))),
        Err(mistake) => return Err(Ended(fail(&[mistake], format_setting(&settings)))),
    };
    let format = options.log_format.unwrap_or_else(|| format_setting(&settings));
    let asked = settings::read(settings).and_then(|settings| Asked::new(options, &settings));
    let asked = asked.map_err(|problems| Ended(fail(&problems, format)))?;
    Ok(Asked { given, has_settings, ..asked })
}

/// The form in which mistakes among the settings themselves are told.
fn format_setting(settings: &Environment) -> Format {
    let setting = settings.iter().find(|(name, _)| name == "CASTOFF_LOG_FORMAT");
    let word = setting.and_then(|(_, value)| value.to_str());
    let known = Format::WORDS.iter().find(|(known, _)| Some(*known) == word);
    known.map_or(Format::Text, |(_, format)| *format)
}

/// Variables that castoff was given, in their order.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// Why castoff ends without having run anything.
pub(crate) enum End {
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

/// What castoff comes to.
#[derive(Debug)]
pub enum Outcome {
    /// It is done, and ends with this.
    End(ExitCode),
    /// This is to be run, for the rest of castoff's life. All that was open for the
    /// preparation is closed by now: the running half closes what it doesn't know.
    Run(Running, Voice, Sealing),
}

impl Asked {
    /// Apart from [`main`], whose stack a plain init lives on.
    #[inline(never)]
    fn run(&self, path: &Path, inherited: &Inherited) -> Result<Outcome, End> {
        log::start(self.level, self.format);
        let (spec, problems) = load(path)?;
        let snapshot = self.variables(&spec, Snapshot::from_pairs(std::env::vars_os()))?;
        if self.mode == Mode::Start && problems.is_empty() && !self.prepares_for_command(&spec) {
            tracing::debug!("not a command that the spec prepares for");
            return self.run_unprepared(&spec, &snapshot);
        }
        match &self.mode {
            Mode::Render(output) => {
                self.render(&spec, problems, &snapshot, output.as_deref()).map(Outcome::End)
            }
            mode => self.with_container(&spec, problems, &snapshot, inherited, mode),
        }
    }

    /// The variables of an env file take the place of what the spec has to do with; the rest
    /// of the environment stays, PATH above all.
    pub(crate) fn variables(&self, spec: &Spec, process: Snapshot) -> Result<Snapshot, End> {
        let Some(path) = &self.options.env_file else { return Ok(process) };
        let bytes = read_bounded(path, LARGEST_ENV_FILE)?;
        let entries = dotenv::parse(&path.display().to_string(), &bytes)?;
        Ok(overlay(&process, spec, entries))
    }

    /// Whether the command is one that `prepare-for` names; the spec's own service always is.
    fn prepares_for_command(&self, spec: &Spec) -> bool {
        let (Some(command), Some(patterns)) = (self.options.command.first(), &spec.prepare_for) else {
            return true;
        };
        let name = Path::new(command).file_name().unwrap_or(command).to_string_lossy();
        patterns.iter().any(|pattern| wildcard::matches(&pattern.value, &name))
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
            held: &Held::default(),
            stop_requested: &stop_requested,
            commands: Commands { environment: &[], inherited: &Inherited::default(), secrets: &[] },
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
    ) -> Result<Outcome, End> {
        let base = self.base()?;
        let state_directories = self.state_directories();
        let destination = Destination::Container {
            base: &base,
            state_directories: &state_directories,
            runs_service: self.options.command.is_empty(),
        };
        let mut held = Held::default();
        for attempt in 0..MOST_RACES {
            let mut prepared = prepare(spec, problems.clone(), snapshot, destination)?;
            if !self.options.strict && attempt == 0 {
                self.remark(&prepared.remarks);
            }
            if *mode == Mode::Start && !held.has_all(&prepared.plan.locks) {
                // what was found out before the lock was had may be out of date by now
                hold(&base, &prepared.plan.locks, &mut held, &stop_requested).map_err(ended)?;
                continue;
            }
            let environment = service_environment(snapshot, &prepared.resolved, spec);
            prepared.plan.run = self.run_plan(spec, &prepared, environment.clone())?;
            if *mode == Mode::Plan {
                // a command of the command line has nothing of the spec's services
                let services = if self.options.command.is_empty() { &*spec.services } else { &[] };
                return Ok(Outcome::End(print(&show(&prepared.plan, services, wall()))));
            }
            let mut problems = self.validate(&prepared, &environment, inherited)?;
            if *mode == Mode::Check {
                problems.extend(prepared.plan.obstacles());
                problems.extend(check_tasks(spec, &prepared, &environment));
                problems.extend(check_places(&prepared.plan.tasks, &base));
            }
            if !problems.is_empty() {
                return Err(problems.into());
            }
            if *mode == Mode::Check {
                self.point_out(spec, &prepared)?;
                tracing::info!("{}", summary(&prepared));
                return Ok(Outcome::End(ExitCode::OK));
            }
            let run = prepared.plan.run.take().ok_or_else(nothing_to_run)?;
            let secrets: Vec<String> = prepared.resolved.secrets().map(str::to_owned).collect();
            let applying = Applying {
                base: &base,
                state_directories: &state_directories,
                written: &prepared.written,
                held: &held,
                stop_requested: &stop_requested,
                commands: Commands { environment: &environment, inherited, secrets: &secrets },
            };
            match apply(&prepared.plan, &applying) {
                Ok(applied) => {
                    if applied.changed == 0 {
                        tracing::info!("nothing had to be written");
                    }
                    let tasking = Tasking {
                        base: &base,
                        state_directories: &state_directories,
                        environment: &environment,
                        inherited,
                    };
                    run_tasks(&prepared.plan.tasks, &tasking).map_err(ended)?;
                    return Ok(self.running(run, Sealing::Fresh));
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

    pub(crate) fn validate(
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
        let plan = &prepared.plan;
        match self.mode {
            Mode::Check => validate(plan.validations.iter(), &validators),
            _ => validate(plan.due_validations(), &validators),
        }
        .map_err(ended)
    }

    /// What a check has to say beyond errors.
    fn point_out(&self, spec: &Spec, prepared: &Prepared<'_>) -> Result<(), End> {
        let read: Arc<ReadTemplate> = Arc::new(read_template);
        let mut notices = lint(&scene(spec, prepared));
        notices.extend(report::notices(spec, &prepared.outputs, &read));
        if !self.options.strict {
            self.remark(&notices);
            return Ok(());
        }
        let errors = report::as_errors(notices.into_iter().chain(prepared.remarks.iter().cloned()).collect());
        if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
    }

    pub(crate) fn remark(&self, remarks: &[Diagnostic]) {
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

/// What the lints look at. A file that stays as it is has the mode that the spec gives it.
fn scene<'a>(spec: &'a Spec, prepared: &'a Prepared<'_>) -> Scene<'a> {
    let files = prepared.outputs.files.iter().map(|output| {
        let asked = output.template.access.mode.as_ref().map(|mode| mode.value);
        lint::File {
            dest: output.dest.clone(),
            format: output.format.name,
            content: &output.rendered.content,
            secret: output.rendered.hides(),
            mode: asked.or_else(|| prepared.plan.mode_of(&output.dest)),
            place: &output.template.dest.place,
        }
    });
    Scene { files: files.collect(), services: &spec.services, memory: prepared.facts.limits.memory() }
}

/// The programs of steps and hooks, but for those that this start may put there.
fn check_tasks(
    spec: &Spec,
    prepared: &Prepared<'_>,
    environment: &[(OsString, OsString)],
) -> Vec<Diagnostic> {
    let will_change = |path: &Path| {
        spec.volumes.iter().any(|volume| path.starts_with(&volume.path.value))
            || prepared.outputs.files.iter().any(|file| file.dest == path)
    };
    check_programs(&prepared.plan.tasks, environment, &will_change)
}

fn summary(prepared: &Prepared<'_>) -> String {
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    let variables = count(prepared.resolved.variables.len(), "variable");
    let files = count(prepared.outputs.files.len(), "file");
    let validators = count(prepared.plan.validations.len(), "validator");
    let steps = match prepared.plan.tasks.tasks.len() {
        0 => String::new(),
        steps => format!(", {}", count(steps, "step")),
    };
    format!("ok: {variables}, {files}, {validators}{steps}")
}

pub(crate) fn ended(stopped: Stopped) -> End {
    match stopped {
        Stopped::Failed(problem) => (*problem).into(),
        Stopped::Interrupted(signal) => End::Interrupted(signal),
        Stopped::Raced => {
            Diagnostic::error(ExitCode::TIMEOUT, "another start changed the generated secrets").into()
        }
    }
}

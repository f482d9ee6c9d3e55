//! Rendering again, for the castoff that keeps the services: resolves, renders and validates as
//! a start does, writes the files that differ, and names the services that read them. Nothing
//! else of a start is done, and where anything is wrong nothing is written.

use std::path::PathBuf;

use crate::apply::{Applying, Commands, Held, apply};
use crate::asked::{Asked, Mode};
use crate::console::{fail, print};
use crate::diagnostic::Diagnostic;
use crate::env::{Snapshot, service_environment};
use crate::exit::ExitCode;
use crate::log;
use crate::plan::{Plan, Step};
use crate::prepare::{Destination, prepare};
use crate::run::{End, Ended, asked_of, ended};
use crate::settings;
use crate::spec::load;
use crate::supervise::Again;
use crate::sys::itself::name_process;
use crate::sys::signals::stop_requested;
use crate::sys::start::Inherited;

/// Does it, from where castoff was started before.
#[cold]
#[inline(never)]
pub(crate) fn run(again: Again, inherited: &Inherited) -> ExitCode {
    name_process();
    let Again { arguments, environment, directory } = again;
    if let Err(error) = std::env::set_current_dir(&directory) {
        let directory = PathBuf::from(directory);
        let problem = format!("castoff was started in {}, which is gone: {error}", directory.display());
        return fail(&[Diagnostic::error(ExitCode::INPUT, problem)], log::Format::Text);
    }
    let asked = match asked_of(arguments, settings::among(&environment)) {
        Ok(asked) => asked,
        Err(Ended(code)) => return code,
    };
    log::start(asked.level, asked.format);
    match asked.render_again(Snapshot::from_pairs(environment), inherited) {
        Ok(services) => print(&services.iter().map(|name| format!("{name}\n")).collect::<String>()),
        Err(End::Problems(problems)) => fail(&problems, asked.format),
        Err(End::Interrupted(signal)) => ExitCode::from_signal(signal),
    }
}

impl Asked {
    /// The names of the services that are to read their files again.
    fn render_again(&self, process: Snapshot, inherited: &Inherited) -> Result<Vec<String>, End> {
        let path = self.spec_path().ok_or_else(|| {
            vec![Diagnostic::error(ExitCode::INPUT, "the spec that castoff was started with is gone")]
        })?;
        let (spec, problems) = load(&path)?;
        let snapshot = self.variables(&spec, process)?;
        let base = self.base()?;
        let state_directories = self.state_directories();
        let destination = Destination::Container {
            base: &base,
            state_directories: &state_directories,
            runs_service: self.mode == Mode::Start,
        };
        let prepared = prepare(&spec, problems, &snapshot, destination)?;
        self.remark(&prepared.remarks);
        let environment = service_environment(&snapshot, &prepared.resolved, &spec);
        let mut problems = self.validate(&prepared, &environment, inherited)?;
        problems.extend(prepared.plan.steps.iter().filter_map(|planned| new_secrets(&planned.step)));
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let is_file = |step: &Step| matches!(step, Step::Write { .. } | Step::Adjust { .. });
        let steps = prepared.plan.steps.into_iter().filter(|planned| is_file(&planned.step)).collect();
        let files = Plan { steps, kept: prepared.plan.kept, ..Plan::default() };
        let secrets: Vec<String> = prepared.resolved.secrets().map(str::to_owned).collect();
        let applying = Applying {
            base: &base,
            state_directories: &state_directories,
            written: &prepared.written,
            held: &Held::default(),
            stop_requested: &stop_requested,
            commands: Commands { environment: &environment, inherited, secrets: &secrets },
        };
        apply(&files, &applying).map_err(ended)?;
        let is_new = |dest: &PathBuf| {
            files
                .steps
                .iter()
                .any(|planned| matches!(&planned.step, Step::Write { path, .. } if path == dest))
        };
        let new = prepared.outputs.files.iter().filter(|file| is_new(&file.dest));
        let mut services: Vec<String> = Vec::new();
        for name in new.flat_map(|file| &file.template.reload) {
            if !services.contains(&name.value) {
                services.push(name.value.clone());
            }
        }
        Ok(services)
    }
}

/// A secret that would be made now would be another one each time: only a start keeps it.
fn new_secrets(step: &Step) -> Option<Diagnostic> {
    let Step::KeepGenerated { values, .. } = step else { return None };
    let names: Vec<String> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
    let title = format!("{} would be generated anew", names.join(", "));
    Some(
        Diagnostic::error(ExitCode::ENVIRONMENT, title)
            .note("what was given at the start, or kept by it, is not there any more")
            .help("give it again, or start the container anew"),
    )
}

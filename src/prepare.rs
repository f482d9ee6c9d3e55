//! From a spec and what the container was given to a plan: resolve, render, observe, plan.
//! Reads, and changes nothing. The same for every mode.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::Value;

use crate::diagnostic::{Diagnostic, Severity};
use crate::env::facts::{Facts, Limits};
use crate::env::{Inputs, Names, Origin, Resolved, Snapshot, resolve};
use crate::exit::ExitCode;
use crate::observe::scopes::Scopes;
use crate::observe::state::{self, generated_of_volume};
use crate::observe::{self, container, hooks, seed, target};
use crate::plan::{
    NewSecrets, Plan, TaskWishes, VolumeWish, Wishes, build, check_cron, check_owners, check_service,
    check_tasks, check_waits, plan_tasks, waits,
};
use crate::readings::Readings;
use crate::render::{Known, Outputs, Renderer, check_all, render_all};
use crate::spec::{Generate, Spec, Version};
use crate::state::{GENERATED_FILE, Generated, Started, Written};
use crate::sys::accounts::Accounts;
use crate::sys::file_version::FileVersion;
use crate::sys::files::read_bounded;
use crate::sys::machine;
use crate::sys::path_walk::Base;
use crate::sys::randomness::random_text;

/// A secret or a template larger than this is a mistake.
const LARGEST_INPUT: u64 = 16 << 20;

/// Where the result is meant for.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// This container, below `base`: its users, its state, its files.
    Container {
        /// What destinations are below.
        base: &'a Base,
        /// The container's state, the preferred directory first.
        state_directories: &'a [PathBuf],
        /// Whether the spec's service is to be run, and no other command in its place.
        runs_service: bool,
    },
    /// A directory somewhere: no users, no state.
    Elsewhere {
        /// The directory; `None`: nothing is written.
        base: Option<&'a Base>,
    },
}

/// Everything that was found out.
#[derive(Debug)]
pub struct Prepared<'s> {
    /// The variables.
    pub resolved: Resolved,
    /// What expressions see.
    pub context: Value,
    /// The rendered files.
    pub outputs: Outputs<'s>,
    /// The steps.
    pub plan: Plan,
    /// What castoff wrote before.
    pub written: Written,
    /// The image's users and groups.
    pub accounts: Accounts,
    /// What was observed of the container and the image.
    pub facts: Facts,
    /// The files that it was made from, where the spec says that they are to be watched.
    pub read: Vec<(PathBuf, FileVersion)>,
    /// Warnings and notices.
    pub remarks: Vec<Diagnostic>,
}

/// Prepares a spec. `spec_problems` are what parsing found: they are reported with all that
/// can still be found out.
///
/// # Errors
/// All problems at once.
pub fn prepare<'s>(
    spec: &'s Spec,
    spec_problems: Vec<Diagnostic>,
    snapshot: &Snapshot,
    destination: Destination<'_>,
) -> Result<Prepared<'s>, Vec<Diagnostic>> {
    let mut problems = spec_problems;
    let scopes = scopes(spec, destination, &mut problems);
    let facts = facts(spec, &scopes, &mut problems);
    let readings = Arc::new(Readings::new(spec.watch));
    let kept = RefCell::new(KeptSecrets { destination, read: BTreeMap::new(), problems: Vec::new() });
    let inputs = Inputs {
        snapshot,
        facts: &facts,
        read_file: &|path| readings.read(path, read_secret),
        generated: &|generate, name| kept.borrow_mut().get(generate, name),
        fresh: &|length, alphabet| kept.borrow_mut().fresh(length, alphabet),
    };
    let resolution = resolve(spec, &inputs);
    problems.extend(kept.into_inner().problems);
    let (found, remarks): (Vec<_>, Vec<_>) =
        resolution.diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
    // What follows only from a broken spec is no news to who runs the image.
    let spec_is_broken = !problems.is_empty();
    problems.extend(found.into_iter().filter(|found| !spec_is_broken || found.exit == ExitCode::SPEC));
    let resolved = resolution.resolved;
    let context = resolved.context(&facts);
    let known = Known::of(spec, &resolved, &facts);
    let names = Names::of(spec);
    let accounts = accounts(spec, destination, &mut problems);
    problems.extend(check_service_and_owners(spec, &names, &known, destination, accounts.as_ref()));
    let is_secret = |name: &str| known.secrets.contains(name);
    problems.extend(check_waits(&spec.waits, &names, &is_secret));
    let noted = Arc::clone(&readings);
    let mut renderer = Renderer::new(Arc::new(move |path: &Path| noted.read(path, read_template)));
    if !problems.is_empty() {
        problems.extend(check_all(&spec.templates, &names, &known, &mut renderer));
        return Err(spec_first(problems));
    }
    let mut outputs = render_all(&spec.templates, &names, &context, &known, &mut renderer);
    let mut problems = std::mem::take(&mut outputs.problems);
    // what is rendered elsewhere waits for nothing
    let wished = if matches!(destination, Destination::Container { .. }) { &*spec.waits } else { &[] };
    let (waits, found) = waits(wished, &context, &is_secret);
    problems.extend(found);
    if !problems.is_empty() {
        return Err(spec_first(problems));
    }
    let place = Observed::of(spec, &outputs, destination)?;
    let wishes = Wishes {
        directories: &spec.directories,
        volumes: &place.volumes,
        version: facts.image_version.as_deref(),
        outputs: &outputs,
        generated: new_secrets(spec, &resolved, destination),
        waits,
        targets: &place.targets,
        written: &place.written,
        accounts: accounts.as_ref(),
        gives_away: nix::unistd::geteuid().is_root(),
    };
    let mut plan = build(&wishes)?;
    let accounts = accounts.unwrap_or_default();
    if let Destination::Container { base, .. } = destination {
        plan.tasks = plan_tasks(&TaskWishes {
            spec,
            context: &context,
            resolved: &resolved,
            accounts: &accounts,
            image: Started { name: facts.image_name.clone(), version: facts.image_version.clone() },
            scopes: &scopes,
            asks_which_start: spec.asks_which_start || renderer.asks_which_start(),
            hooks: list_hooks(spec, base)?,
            outputs: &outputs,
            targets: &place.targets,
            plan: &plan,
        })?;
        plan.lock_for_tasks(&spec.volumes);
    }
    let written = place.written;
    let read = readings.all();
    Ok(Prepared { resolved, context, outputs, plan, written, accounts, facts, read, remarks })
}

/// A path as `volumes` has it: without a `/` at its end.
fn plain(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// What is remembered of earlier starts where the result is meant for.
fn scopes(spec: &Spec, destination: Destination<'_>, problems: &mut Vec<Diagnostic>) -> Scopes {
    let Destination::Container { base, state_directories, .. } = destination else {
        return Scopes::default();
    };
    let volumes = spec.volumes.iter().map(|volume| volume.path.value.as_path());
    let (scopes, errors) = Scopes::read(base, state_directories, volumes);
    problems.extend(errors.iter().map(Diagnostic::from));
    scopes
}

/// What the directories of hooks hold now.
fn list_hooks(spec: &Spec, base: &Base) -> Result<Vec<hooks::Hooks>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for hooks in &spec.hooks {
        match hooks::list(base, &hooks.path.value) {
            Ok(listed) => found.push(listed),
            Err(error) => problems.push(Diagnostic::from(&error).at(&hooks.path.place, "named here")),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// The users and groups of where the result is meant for, if they matter there.
fn accounts(spec: &Spec, destination: Destination<'_>, problems: &mut Vec<Diagnostic>) -> Option<Accounts> {
    let Destination::Container { base, .. } = destination else { return None };
    if !spec.names_accounts() {
        return Some(Accounts::default());
    }
    match Accounts::read(base) {
        Ok(accounts) => Some(accounts),
        Err(error) => {
            problems.push(Diagnostic::from(&error));
            None
        }
    }
}

/// What is wrong with the commands that are run and with whom the spec names, whatever the
/// values are.
fn check_service_and_owners(
    spec: &Spec,
    names: &Names<'_>,
    known: &Known,
    destination: Destination<'_>,
    accounts: Option<&Accounts>,
) -> Vec<Diagnostic> {
    let runs_service = matches!(destination, Destination::Container { runs_service: true, .. });
    let is_secret = |name: &str| known.secrets.contains(name);
    let users = accounts.filter(|_| runs_service);
    let service = spec.services.iter().flat_map(|service| check_service(service, names, users, &is_secret));
    let crons = spec.crons.iter().flat_map(|cron| check_cron(cron, names, users, &is_secret));
    let owners = accounts.map(|accounts| check_owners(&spec.directories, &spec.templates, accounts));
    let tasks = check_tasks(spec, names, accounts, &is_secret);
    owners.unwrap_or_default().into_iter().chain(service).chain(crons).chain(tasks).collect()
}

/// The mistakes of the author before those of who runs the image: they decide the exit code.
fn spec_first(mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.exit != ExitCode::SPEC);
    problems
}

fn facts(spec: &Spec, scopes: &Scopes, problems: &mut Vec<Diagnostic>) -> Facts {
    let image_version = match &spec.image.version {
        None => None,
        Some(Version::Literal(version)) => Some(version.value.clone()),
        Some(Version::File { path, pattern }) => {
            match version_in_file(spec, &path.value, pattern.as_ref().map(|pattern| pattern.value.as_str())) {
                Ok(version) => Some(version),
                Err(reason) => {
                    problems.push(
                        Diagnostic::error(ExitCode::INPUT, "the image's version can't be read")
                            .at(&path.place, reason),
                    );
                    None
                }
            }
        }
    };
    let start = |scope: Option<&Path>| scopes.get(scope).facts(image_version.as_deref());
    let volumes = spec.volumes_as_declared().into_iter().map(|volume| &volume.path.value);
    Facts {
        container: start(None),
        volumes: volumes.map(|path| (plain(path), start(Some(path)))).collect(),
        limits: Limits::found_by(|| {
            let found = container::observe(Path::new("/"));
            (found.memory, found.cpus)
        }),
        hostname: machine::hostname(),
        image_name: spec.image.name.as_ref().map(|name| name.value.clone()),
        image_version,
    }
}

fn version_in_file(spec: &Spec, path: &Path, pattern: Option<&str>) -> Result<String, String> {
    let directory = Path::new(&spec.source.name).parent().unwrap_or(Path::new(""));
    let bytes = read_bounded(&directory.join(path), LARGEST_INPUT).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
    let Some(pattern) = pattern else { return Ok(text.trim().to_owned()) };
    let regex = regex_lite::Regex::new(pattern).map_err(|_| "the pattern is wrong".to_owned())?;
    let found = regex.captures(&text).and_then(|captures| captures.get(1));
    found
        .map(|version| version.as_str().to_owned())
        .ok_or_else(|| "the pattern matches nothing in it".to_owned())
}

fn read_secret(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match read_bounded(path, LARGEST_INPUT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.errno() == Some(nix::errno::Errno::ENOENT) => Ok(None),
        Err(error) => Err(Diagnostic::from(&error).title),
    }
}

/// Reads a template file of the image.
///
/// # Errors
/// It is there and can't be read.
pub fn read_template(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match read_bounded(path, LARGEST_INPUT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match error.errno() {
            Some(nix::errno::Errno::ENOENT) => Ok(None),
            Some(errno) => Err(errno.into()),
            None => Err(std::io::Error::other(error.to_string())),
        },
    }
}

/// The secrets that earlier starts made, read once per scope.
struct KeptSecrets<'a> {
    destination: Destination<'a>,
    read: BTreeMap<Option<PathBuf>, Generated>,
    problems: Vec<Diagnostic>,
}

impl KeptSecrets<'_> {
    fn get(&mut self, generate: &Generate, name: &str) -> Option<String> {
        let scope = generate.scope.as_ref().map(|scope| scope.value.clone());
        if !self.read.contains_key(&scope) {
            let generated = self.load(scope.as_deref());
            self.read.insert(scope.clone(), generated);
        }
        self.read.get(&scope)?.get(name).map(str::to_owned)
    }

    fn load(&mut self, scope: Option<&Path>) -> Generated {
        let Destination::Container { base, state_directories, .. } = self.destination else {
            return Generated::default();
        };
        let files: Vec<PathBuf> = match scope {
            Some(scope) => vec![generated_of_volume(scope)],
            None => state_directories.iter().map(|directory| directory.join(GENERATED_FILE)).collect(),
        };
        for file in files {
            match state::generated(base, &file) {
                Ok(generated) if generated == Generated::default() => {}
                Ok(generated) => return generated,
                Err(error) => self.problems.push(Diagnostic::from(&error)),
            }
        }
        Generated::default()
    }

    fn fresh(&mut self, length: usize, alphabet: &str) -> String {
        random_text(length, alphabet).unwrap_or_else(|error| {
            self.problems
                .push(Diagnostic::error(ExitCode::IO, format!("no secret can be generated: {error}")));
            String::new()
        })
    }
}

/// The secrets that this start made, by the place that keeps them.
fn new_secrets(spec: &Spec, resolved: &Resolved, destination: Destination<'_>) -> Vec<NewSecrets> {
    if matches!(destination, Destination::Elsewhere { .. }) {
        return Vec::new();
    }
    let mut scopes: BTreeMap<Option<PathBuf>, Vec<(String, String)>> = BTreeMap::new();
    for variable in &spec.variables {
        let (Some(generate), Some(found)) = (&variable.generate, resolved.get(&variable.name.value)) else {
            continue;
        };
        if let (Origin::Generated { new: true }, Some(text)) = (&found.origin, &found.text) {
            let scope = generate.scope.as_ref().map(|scope| scope.value.clone());
            scopes.entry(scope).or_default().push((found.name.clone(), text.clone()));
        }
    }
    scopes.into_iter().map(|(scope, values)| NewSecrets { scope, values }).collect()
}

/// What is there.
struct Observed<'s> {
    targets: BTreeMap<PathBuf, target::Target>,
    volumes: Vec<VolumeWish<'s>>,
    written: Written,
}

impl<'s> Observed<'s> {
    fn of(
        spec: &'s Spec,
        outputs: &Outputs<'_>,
        destination: Destination<'_>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let base = match destination {
            Destination::Container { base, .. } => Some(base),
            Destination::Elsewhere { base } => base,
        };
        let mut observed =
            Self { targets: BTreeMap::new(), volumes: Vec::new(), written: Written::default() };
        let mut problems = Vec::new();
        if let Some(base) = base {
            let files = outputs.files.iter().map(|file| &file.dest);
            let directories = spec.directories.iter().map(|directory| &directory.path.value);
            for path in files.chain(directories) {
                match target::observe(base, path) {
                    Ok(target) => drop(observed.targets.insert(path.clone(), target)),
                    Err(error) => problems.push(Diagnostic::from(&error)),
                }
            }
        }
        if let Destination::Container { base, state_directories, .. } = destination {
            match state::written(base, state_directories) {
                Ok(written) => observed.written = written,
                Err(error) => problems.push(Diagnostic::from(&error)),
            }
            for volume in &spec.volumes {
                match observe::volume::observe(base, &volume.path.value) {
                    Ok(recorded) => observed.volumes.push(VolumeWish { volume, recorded }),
                    Err(error) => problems.push(Diagnostic::from(&error)),
                }
                problems.extend(seed::missing(volume));
            }
        }
        if problems.is_empty() { Ok(observed) } else { Err(problems) }
    }
}

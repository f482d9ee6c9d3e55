//! What is run when all is prepared, from the command line and the spec: the plan of it, and
//! what the running half needs beside that. Nothing is started here.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::Path;

use crate::asked::{Asked, DEFAULT_SPEC, Mode};
use crate::diagnostic::Diagnostic;
use crate::env::{Snapshot, unprepared_environment};
use crate::exit::ExitCode;
use crate::observe::zone;
use crate::plan::{Running, TreeWish, is_tree, run_plan, tree_plan};
use crate::prepare::Prepared;
use crate::run::{End, Outcome};
use crate::schedule::ZoneData;
use crate::service;
use crate::settings;
use crate::spec::Spec;
use crate::supervise::{Again, Sealing};
use crate::sys::accounts::Accounts;

impl Asked {
    #[inline(never)]
    pub(crate) fn plain_init(&self) -> Result<Outcome, End> {
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
        let wish = self.run_wish(Vec::new());
        let plan = run_plan(wish, None, &Accounts::default(), &minijinja::Value::UNDEFINED, &|_| false)?;
        let mut plan = plan.ok_or_else(nothing_to_run)?;
        plan.program.environment = service::Environment::Own;
        // all of it and in its order, but for castoff's own settings
        if self.has_settings {
            plan.program.environment.change(|listed| listed.retain(|(name, _)| !settings::is_own(name)));
        }
        Ok(self.running(Running::One(Box::new(plan)), Sealing::AsIs))
    }

    /// Runs a command that nothing is prepared for. It gets no secret either.
    pub(crate) fn run_unprepared(&self, spec: &Spec, snapshot: &Snapshot) -> Result<Outcome, End> {
        let environment = unprepared_environment(snapshot, spec);
        let wish = self.run_wish(environment);
        let plan = run_plan(wish, None, &Accounts::default(), &minijinja::Value::UNDEFINED, &|_| false)?;
        Ok(self.running(Running::One(Box::new(plan.ok_or_else(nothing_to_run)?)), Sealing::Fresh))
    }

    /// What castoff comes to. From here on nothing is prepared any more.
    pub(crate) fn running(&self, mut plan: Running, sealing: Sealing) -> Outcome {
        match &mut plan {
            Running::One(plan) => {
                let words: Vec<_> = plan.program.argv.iter().map(|word| word.to_string_lossy()).collect();
                tracing::debug!("running {}", words.join(" "));
            }
            Running::Tree(plan) => plan.start = self.keep_start(),
        }
        Outcome::Run(plan, self.voice(), sealing)
    }

    pub(crate) fn run_plan(
        &self,
        spec: &Spec,
        prepared: &Prepared<'_>,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Option<Running>, End> {
        let wish = self.run_wish(environment);
        let is_secret = |name: &str| prepared.resolved.is_secret(name);
        let (accounts, context) = (&prepared.accounts, &prepared.context);
        if wish.command.is_empty() && is_tree(spec) {
            let find_zone = |name: Option<&str>| self.find_zone(name, &wish.environment);
            let tree = TreeWish {
                wish: &wish,
                services: &spec.services,
                crons: &spec.crons,
                find_zone: &find_zone,
                accounts,
                context,
                is_secret: &is_secret,
                watch: prepared.read.clone(),
            };
            return Ok(Some(Running::Tree(tree_plan(&tree)?)));
        }
        let plan = run_plan(wish, spec.services.first(), accounts, context, &is_secret)?;
        Ok(plan.map(|plan| Running::One(Box::new(plan))))
    }

    /// The zone of a name, else that of the container as its processes are told it.
    fn find_zone(
        &self,
        name: Option<&str>,
        environment: &[(OsString, OsString)],
    ) -> Result<ZoneData, Diagnostic> {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        if let Some(name) = name {
            return zone::named(root, name);
        }
        let tz = environment.iter().find(|(name, _)| name == "TZ").map(|(_, tz)| tz.to_string_lossy());
        zone::of_container(root, tz.as_deref())
    }

    /// Keeps what castoff was started with, for rendering again. Where that can't be, it is
    /// said when it is asked for.
    fn keep_start(&self) -> Option<RawFd> {
        let again = Again {
            arguments: self.given.clone(),
            environment: std::env::vars_os().collect(),
            directory: std::env::current_dir().ok()?.into_os_string(),
        };
        again.keep().ok()
    }
}

pub(crate) fn nothing_to_run() -> Diagnostic {
    Diagnostic::error(ExitCode::USAGE, "there is nothing to run").help(
        "add a [service.NAME] or a [cron.NAME] to the spec, or give a command: castoff -- COMMAND [ARG]...",
    )
}

//! A plan as people read it.

use std::fmt::Write as _;
use std::time::Duration;

use super::run::{Running, quoted};
use super::show_attributes::{show_attributes, show_environment};
use super::show_tasks::show_tasks;
use super::show_tree::show_tree;
use super::step::{Kept, KeptReason, Plan, Planned, Step, Why};
use crate::duration;
use crate::service::{Manner, RunPlan};
use crate::spec::Service;
use crate::sys::accounts::Owner;
use crate::sys::attributes::Attributes;

/// The whole plan: each step with its reason and its diff, what stays, what is run; `service`
/// is the one whose process that is. `now`, since 1970: the next runs are those after it.
#[must_use]
pub fn show(plan: &Plan, services: &[Service], now: Duration) -> String {
    let mut text = String::new();
    if plan.steps.iter().all(|planned| matches!(planned.step, Step::Wait(_))) {
        text.push_str("nothing has to be written\n");
    }
    for planned in &plan.steps {
        show_step(&mut text, planned);
    }
    for kept in &plan.kept {
        let _ = writeln!(text, "keep    {}  ({})", kept.path.display(), kept.why());
    }
    for validation in plan.due_validations() {
        let _ =
            writeln!(text, "check   {}  with {}", validation.dest.display(), validation.command.join(" "));
    }
    text.push_str(&show_tasks(&plan.tasks));
    match &plan.run {
        Some(Running::One(run)) => {
            show_run(&mut text, run);
            if let [service] = services {
                show_environment(&mut text, &service.environment);
            }
        }
        Some(Running::Tree(tree)) => text.push_str(&show_tree(tree, services, now)),
        None => text.push_str("run     nothing\n"),
    }
    text
}

fn show_step(text: &mut String, planned: &Planned) {
    let why = planned.why.words();
    let _ = match &planned.step {
        Step::KeepGenerated { scope, values } => {
            let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
            let scope =
                scope.as_ref().map_or("the container's state".into(), |scope| scope.display().to_string());
            writeln!(text, "generate {} and keep in {scope}  ({why})", names.join(", "))
        }
        Step::Fill(filling) => {
            let (path, seed, why) = (filling.path.display(), filling.seed.display(), filling.why());
            writeln!(text, "fill    {path}/  from {seed}  ({why})")
        }
        Step::Directory { path, attributes } => {
            let verb = if planned.why == Why::AttributesDiffer { "adjust" } else { "create" };
            writeln!(text, "{verb}  {}/  {}  ({why})", path.display(), access(attributes))
        }
        Step::Own { path, owner, .. } => {
            writeln!(
                text,
                "own     {}/ and all below  owner {}  ({why})",
                path.display(),
                shown_owner(*owner)
            )
        }
        Step::Write { path, attributes, .. } => {
            writeln!(text, "write   {}  {}  ({why})", path.display(), access(attributes))
        }
        Step::Adjust { path, attributes, .. } => {
            writeln!(text, "adjust  {}  {}  ({why})", path.display(), access(attributes))
        }
        Step::Wait(wait) => {
            writeln!(text, "wait    for {}  at most {}", wait.shown, duration::format(wait.timeout))
        }
    };
    if let Some(obstacle) = &planned.obstacle {
        let _ = writeln!(text, "    this will fail: {obstacle}");
    }
    for line in planned.diff.iter().flat_map(|diff| diff.lines()) {
        let _ = writeln!(text, "    {line}");
    }
}

fn access(attributes: &Attributes) -> String {
    match (attributes.uid, attributes.gid) {
        (None, None) => format!("mode {:04o}", attributes.mode),
        (uid, gid) => format!("mode {:04o}, owner {}", attributes.mode, shown_owner(Owner { uid, gid })),
    }
}

/// `33:33`, `33:` or `:33`.
#[must_use]
pub fn shown_owner(owner: Owner) -> String {
    let id = |id: Option<u32>| id.map_or(String::new(), |id| id.to_string());
    format!("{}:{}", id(owner.uid), id(owner.gid))
}

impl Why {
    /// The reason in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Missing => "missing".to_owned(),
            Self::ContentDiffers => "the content differs".to_owned(),
            Self::AttributesDiffer => "owner or mode differ".to_owned(),
            Self::OtherKind(kind) => format!("{kind} is there"),
            Self::NotGenerated => "not generated yet".to_owned(),
            Self::Recorded => "recorded".to_owned(),
            Self::Recursive => "recursive: where it differs".to_owned(),
            Self::Asked => "the spec says so".to_owned(),
        }
    }
}

impl Kept {
    /// The reason in words.
    #[must_use]
    pub fn why(&self) -> &'static str {
        match self.reason {
            KeptReason::Unchanged => "as it should be",
            KeptReason::MountPoint => "something is mounted there, it belongs to whoever mounted it",
            KeptReason::Exists => "it exists, and is only written if missing",
            KeptReason::Edited => "it was edited since castoff wrote it",
            KeptReason::NotOurs => "castoff has no record of having written it",
            KeptReason::NotWanted => "its `when` is false",
            KeptReason::Complete => "the volume is complete",
        }
    }
}

fn show_run(text: &mut String, run: &RunPlan) {
    let words: Vec<String> = run.program.argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let how = match run.manner {
        Manner::Exec => "in castoff's place",
        Manner::Supervise => "supervised",
    };
    let _ = write!(text, "run     {}  {how}", words.join(" "));
    if let Some(credentials) = &run.program.credentials {
        let _ = write!(text, ", as {}:{}", credentials.uid, credentials.gid);
    }
    for (from, to) in &run.signals.rewrite {
        let _ = match to {
            Some(to) => write!(text, ", {from} as {to}"),
            None => write!(text, ", without {from}"),
        };
    }
    let times = [("stop-delay", run.signals.stop_delay), ("stop-timeout", run.signals.stop_timeout)];
    for (name, time) in times {
        if let Some(time) = time {
            let _ = write!(text, ", {name} {}", duration::format(time));
        }
    }
    if run.signals.stop_is_success {
        text.push_str(", stop-is-success");
    }
    text.push('\n');
    show_attributes(text, &run.program.attributes);
}

//! A plan as people read it.

use std::fmt::Write as _;

use super::step::{Kept, KeptReason, Plan, Planned, Step, Why};
use crate::service::{Manner, RunPlan};
use crate::sys::attributes::Attributes;

/// The whole plan: each step with its reason and its diff, what stays, what is run.
#[must_use]
pub fn show(plan: &Plan) -> String {
    let mut text = String::new();
    for planned in &plan.steps {
        show_step(&mut text, planned);
    }
    if plan.steps.is_empty() {
        text.push_str("nothing has to be written\n");
    }
    for kept in &plan.kept {
        let _ = writeln!(text, "keep    {}  ({})", kept.path.display(), kept.why());
    }
    for validation in plan.due_validations() {
        let _ =
            writeln!(text, "check   {}  with {}", validation.dest.display(), validation.command.join(" "));
    }
    match &plan.run {
        Some(run) => show_run(&mut text, run),
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
        Step::Directory { path, attributes } => {
            let verb = if planned.why == Why::AttributesDiffer { "adjust" } else { "create" };
            writeln!(text, "{verb}  {}/  {}  ({why})", path.display(), access(attributes))
        }
        Step::Write { path, attributes, .. } => {
            writeln!(text, "write   {}  {}  ({why})", path.display(), access(attributes))
        }
        Step::Adjust { path, attributes, .. } => {
            writeln!(text, "adjust  {}  {}  ({why})", path.display(), access(attributes))
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
    let id = |id: Option<u32>| id.map_or(String::new(), |id| id.to_string());
    match (attributes.uid, attributes.gid) {
        (None, None) => format!("mode {:04o}", attributes.mode),
        (uid, gid) => format!("mode {:04o}, owner {}:{}", attributes.mode, id(uid), id(gid)),
    }
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
        }
    }
}

fn show_run(text: &mut String, run: &RunPlan) {
    let words: Vec<String> = run.argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let how = match run.manner {
        Manner::Exec => "in castoff's place",
        Manner::Supervise => "supervised",
    };
    let _ = write!(text, "run     {}  {how}", words.join(" "));
    if let Some(credentials) = &run.credentials {
        let _ = write!(text, ", as {}:{}", credentials.uid, credentials.gid);
    }
    for (from, to) in &run.signals.rewrite {
        let _ = match to {
            Some(to) => write!(text, ", {from} as {to}"),
            None => write!(text, ", without {from}"),
        };
    }
    text.push('\n');
}

/// A word as a shell would take it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

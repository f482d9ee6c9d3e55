//! All that `--check` computes, on a spec, a template and an environment that the fuzzer made
//! up: what `prepare` and `run` do, with nothing read from or written to this machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use castoff::diagnostic::{Diagnostic, Source};
use castoff::env::facts::{Facts, Limits};
use castoff::env::{Inputs, Names, Snapshot, dotenv, overlay, resolve, service_environment};
use castoff::lint::{self, Scene, lint};
use castoff::observe::volume::Recorded;
use castoff::plan::{
    ControlWish, RunWish, VolumeWish, Wait, Wishes, build, check_owners, check_service, check_tasks,
    check_waits, run_plan, show, waits,
};
use castoff::render::{Known, Outputs, ReadTemplate, Renderer, check_all, render_all};
use castoff::report;
use castoff::service::InitOptions;
use castoff::spec::Spec;
use castoff::state::Written;
use castoff::sys::accounts::Accounts;

use crate::input::parts;

/// Prepares a spec, and looks at all that comes of it as `--check` does.
pub fn check(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let mut part = || parts.next().unwrap_or_default();
    let (spec, template, environment) = (part(), part(), part());
    let document = castoff::spec::parse(&Source::new("/t/castoff.toml", spec), Path::new("/t"));
    let read: Arc<ReadTemplate> = Arc::new(move |_: &Path| Ok(Some(template.clone().into_bytes())));
    let mut problems = document.problems;
    let entries = dotenv::parse("env", environment.as_bytes()).unwrap_or_else(|found| {
        problems.extend(found);
        Vec::new()
    });
    let snapshot = overlay(&Snapshot::from_pairs([("PATH", "/bin")]), &document.spec, entries);
    problems.extend(prepare(&document.spec, &snapshot, &read));
    told(&problems);
}

/// Every problem can be shown, and says what, where and why.
fn told(problems: &[Diagnostic]) {
    let silent = problems.iter().find(|problem| problem.title.is_empty());
    assert!(silent.is_none(), "a problem without a title: {silent:?}");
    assert_eq!(report::as_text(problems, false).is_empty(), problems.is_empty());
    assert_eq!(report::as_json(problems).lines().count(), problems.len(), "one line each");
}

fn prepare(spec: &Spec, snapshot: &Snapshot, read: &Arc<ReadTemplate>) -> Vec<Diagnostic> {
    let facts =
        Facts { limits: Limits::found_by(|| (1 << 30, 2)), hostname: "h".to_owned(), ..Facts::default() };
    let inputs = Inputs {
        snapshot,
        facts: &facts,
        read_file: &|_| Ok(Some(b"from a file\n".to_vec())),
        generated: &|_, _| None,
        fresh: &|length, alphabet| alphabet.chars().cycle().take(length).collect(),
    };
    let resolution = resolve(spec, &inputs);
    let resolved = resolution.resolved;
    let mut problems = resolution.diagnostics;
    let context = resolved.context(&facts);
    let known = Known::of(spec, &resolved, &facts);
    let names = Names::of(spec);
    let accounts = Accounts::default();
    let is_secret = |name: &str| resolved.is_secret(name);
    for service in &spec.services {
        problems.extend(check_service(service, &names, Some(&accounts), &is_secret));
    }
    problems.extend(check_owners(&spec.directories, &spec.templates, &accounts));
    let mut renderer = Renderer::new(Arc::clone(read));
    problems.extend(check_all(&spec.templates, &names, &known, &mut renderer));
    let outputs = render_all(&spec.templates, &names, &context, &known, &mut renderer);
    problems.extend(outputs.problems.iter().cloned());
    problems.extend(check_tasks(spec, &names, Some(&accounts), &is_secret));
    let mistakes = check_waits(&spec.waits, &names, &is_secret);
    let sound = mistakes.is_empty();
    problems.extend(mistakes);
    let (waits, found) = if sound { waits(&spec.waits, &context, &is_secret) } else { Default::default() };
    problems.extend(found);
    problems.extend(plan(spec, &outputs, waits));
    let wish = wish(service_environment(snapshot, &resolved, spec));
    problems.extend(
        run_plan(wish, spec.services.first(), &accounts, &context, &is_secret).err().unwrap_or_default(),
    );
    problems.extend(lint(&scene(spec, &outputs, facts.limits.memory())));
    problems.extend(report::notices(spec, &outputs, read));
    problems
}

fn plan(spec: &Spec, outputs: &Outputs<'_>, waits: Vec<Wait>) -> Vec<Diagnostic> {
    let volumes: Vec<VolumeWish<'_>> =
        spec.volumes.iter().map(|volume| VolumeWish { volume, recorded: Recorded::default() }).collect();
    let wishes = Wishes {
        directories: &spec.directories,
        volumes: &volumes,
        version: Some("1.0"),
        outputs,
        generated: Vec::new(),
        waits,
        targets: &BTreeMap::new(),
        written: &Written::default(),
        accounts: None,
        gives_away: true,
    };
    match build(&wishes) {
        Ok(plan) => {
            assert!(!show(&plan, &spec.services, std::time::Duration::ZERO).is_empty());
            plan.obstacles().collect()
        }
        Err(problems) => problems,
    }
}

fn wish(environment: Vec<(std::ffi::OsString, std::ffi::OsString)>) -> RunWish {
    RunWish {
        command: Vec::new(),
        environment,
        exec: false,
        scope: None,
        rewrite: Vec::new(),
        grace: None,
        stop_delay: None,
        stop_is_success: false,
        init: InitOptions::default(),
        control: ControlWish::default(),
    }
}

fn scene<'a>(spec: &'a Spec, outputs: &'a Outputs<'_>, memory: u64) -> Scene<'a> {
    let files = outputs.files.iter().map(|output| lint::File {
        dest: output.dest.clone(),
        format: output.format.name,
        content: &output.rendered.content,
        secret: output.rendered.hides(),
        mode: output.template.access.mode.as_ref().map(|mode| mode.value),
        place: &output.template.dest.place,
    });
    Scene { files: files.collect(), services: &spec.services, memory }
}

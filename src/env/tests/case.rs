//! Builds a case: a spec, an environment, files; and resolves it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::diagnostic::{Severity, Source};
use crate::env::facts::{Facts, Limits};
use crate::env::{Inputs, Resolution, Resolved, Snapshot, resolve, service_environment};
use crate::exit::ExitCode;
use crate::spec::{Spec, parse};

pub(super) struct Case {
    pub(super) spec: Spec,
    pub(super) snapshot: Snapshot,
    files: BTreeMap<String, Result<Vec<u8>, String>>,
    kept: BTreeMap<String, String>,
}

impl Case {
    /// `body` is the spec without its first line; `environment` is `NAME=value`.
    pub(super) fn new(body: &str, environment: &[&str]) -> Self {
        let pairs = environment.iter().map(|pair| pair.split_once('=').unwrap());
        Self::with_snapshot(body, Snapshot::from_pairs(pairs))
    }

    pub(super) fn with_snapshot(body: &str, snapshot: Snapshot) -> Self {
        let document = parse(&Source::new("t.toml", format!("version = 1\n{body}")), Path::new(""));
        let problems: Vec<_> = document.problems.iter().map(|problem| problem.render(false)).collect();
        assert!(problems.is_empty(), "{body}\n{}", problems.join("\n"));
        Self { spec: document.spec, snapshot, files: BTreeMap::new(), kept: BTreeMap::new() }
    }

    pub(super) fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), Ok(content.into()));
        self
    }

    pub(super) fn unreadable(mut self, path: &str, reason: &str) -> Self {
        self.files.insert(path.to_owned(), Err(reason.to_owned()));
        self
    }

    pub(super) fn kept(mut self, name: &str, value: &str) -> Self {
        self.kept.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn facts() -> Facts {
        Facts {
            limits: Limits::found_by(|| (512 << 20, 2)),
            hostname: "box".to_owned(),
            image_name: Some("shop".to_owned()),
            image_version: None,
            ..Facts::default()
        }
    }

    pub(super) fn resolve(&self) -> Resolution {
        let read_file = |path: &Path| self.files.get(path.to_str().unwrap()).cloned().transpose();
        let inputs = Inputs {
            snapshot: &self.snapshot,
            facts: &Self::facts(),
            read_file: &read_file,
            generated: &|_, name| self.kept.get(name).cloned(),
            fresh: &|length, characters| characters.chars().cycle().take(length).collect(),
        };
        resolve(&self.spec, &inputs)
    }

    /// What was resolved, where nothing may be wrong or obsolete.
    pub(super) fn resolved(&self) -> Resolved {
        let resolution = self.resolve();
        let shown: Vec<_> = resolution.diagnostics.iter().map(|problem| problem.render(false)).collect();
        assert!(shown.is_empty(), "{}", shown.join("\n"));
        resolution.resolved
    }

    /// The text of a variable, where nothing may be wrong.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.resolved().get(name).unwrap().text.clone()
    }

    /// All that is wrong: exit code (0 is a warning) and title.
    pub(super) fn problems(&self) -> Vec<(u8, String)> {
        let code = |severity, exit: ExitCode| if severity == Severity::Error { exit.0 } else { 0 };
        let diagnostics = self.resolve().diagnostics;
        diagnostics.into_iter().map(|of| (code(of.severity, of.exit), of.title)).collect()
    }

    /// All that is wrong, as people read it.
    pub(super) fn shown(&self) -> String {
        let diagnostics = self.resolve().diagnostics;
        let shown: Vec<_> = diagnostics.iter().map(|problem| problem.render(false)).collect();
        shown.join("\n\n")
    }

    /// What a service gets, as `NAME=value`.
    pub(super) fn service(&self) -> Vec<String> {
        let resolved = self.resolve().resolved;
        let pairs = service_environment(&self.snapshot, &resolved, &self.spec);
        let text = |bytes: OsString| bytes.into_string().unwrap();
        pairs.into_iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect()
    }
}

//! The ready-made templates and the examples: each renders from the least that it needs, its
//! rules hold, and the real programs read what it makes.

#![allow(clippy::unwrap_used, reason = "a test ends at what it didn't expect")]

mod made;
mod real;
mod rules;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory, removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("castoff-templates-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// What was rendered for a destination.
    pub(crate) fn rendered(&self, dest: &str) -> PathBuf {
        self.0.join("out").join(dest.trim_start_matches('/'))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `castoff --render-only` on a spec of the repository, with variables as of an env file.
pub(crate) fn render(scratch: &Scratch, spec: &str, variables: &[&str]) -> Output {
    let env_file = scratch.0.join("variables.env");
    let lines: Vec<String> = variables.iter().map(|variable| quoted(variable)).collect();
    std::fs::write(&env_file, lines.join("\n") + "\n").unwrap();
    Command::new(env!("CARGO_BIN_EXE_castoff"))
        .arg("--config")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(spec))
        .arg("--env-file")
        .arg(&env_file)
        .arg("--render-only")
        .arg("--output")
        .arg(scratch.0.join("out"))
        .output()
        .unwrap()
}

/// `NAME="value"`.
fn quoted(variable: &str) -> String {
    let (name, value) = variable.split_once('=').unwrap();
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    format!("{name}=\"{value}\"")
}

/// As `render`, and it must succeed.
pub(crate) fn rendered(spec: &str, variables: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    let output = render(&scratch, spec, variables);
    assert!(output.status.success(), "{spec} {variables:?}: {}", String::from_utf8_lossy(&output.stderr));
    scratch
}

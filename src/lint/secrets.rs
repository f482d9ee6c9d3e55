//! Secrets that everybody could read.

use super::Scene;
use crate::diagnostic::Diagnostic;

/// Permission bits of everybody.
const OTHERS: u32 = 0o007;

pub(super) fn lint(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let open =
        scene.files.iter().filter(|file| file.secret && file.mode.is_some_and(|mode| mode & OTHERS != 0));
    open.map(|file| {
        let mode = file.mode.unwrap_or_default();
        Diagnostic::warning(format!("{} holds a secret, and every process may read it", file.dest.display()))
            .at(file.place, format!("mode {mode:04o}"))
            .help("give it to the group of those who need it: owner = \"root:www-data\", mode = \"0640\"")
    })
    .collect()
}

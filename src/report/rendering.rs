//! The rendered files as `--render-only` prints them: secrets hidden.

use std::fmt::Write as _;

use crate::render::Output;

/// Each file under a line with its destination and format.
#[must_use]
pub fn shown_files(files: &[Output<'_>]) -> String {
    let mut text = String::new();
    for file in files {
        // writing to a string can't fail
        let _ = writeln!(text, "==> {} ({})", file.dest.display(), file.format.name);
        text.push_str(&file.rendered.shown);
        if !file.rendered.shown.ends_with('\n') {
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

//! An image with a seed, and a volume that it fills: `/site` below the case's root.

use std::fs;
use std::path::Path;

use crate::modes::case::{Case, Said};

/// A case whose `/site` is filled from `seed`, with these lines in [[volume]].
pub(super) fn site(version: &str, lines: &str) -> Case {
    let case = Case::verbatim("");
    describe(&case, version, lines);
    case
}

/// Writes the spec anew: another version of the image.
pub(super) fn describe(case: &Case, version: &str, lines: &str) {
    let seed = case.path("seed");
    let spec = format!(
        "version = 1\n[image]\nversion = \"{version}\"\n[[volume]]\npath = \"/site\"\nseed = \"{}\"\n{lines}\n",
        seed.display()
    );
    case.write("castoff.toml", spec);
}

/// The usual seed: files, a directory, a link.
pub(super) fn usual(version: &str, lines: &str) -> Case {
    let case = site(version, lines);
    for (name, content) in SEED {
        case.write(&format!("seed/{name}"), content);
    }
    std::os::unix::fs::symlink("../index.php", case.path("seed/content/link")).unwrap();
    case
}

pub(super) const SEED: [(&str, &str); 4] = [
    ("index.php", "<?php one"),
    ("version.php", "1.0"),
    ("content/theme/style.css", "body {}"),
    ("content/readme.txt", "read me"),
];

/// A start that must succeed.
pub(super) fn start(case: &Case) -> Said {
    let said = case.run(&["true"]);
    said.code(0);
    said
}

/// What a tree holds: a line for each name, castoff's own state left out.
pub(super) fn tree(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    walk(root, root, &mut lines);
    lines.sort();
    lines
}

fn walk(root: &Path, directory: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap();
        if name == Path::new(".castoff") {
            continue;
        }
        let status = fs::symlink_metadata(&path).unwrap();
        let (kind, content) = if status.is_symlink() {
            ("link", fs::read_link(&path).unwrap().display().to_string())
        } else if status.is_dir() {
            ("directory", String::new())
        } else {
            ("file", String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned())
        };
        use std::os::unix::fs::PermissionsExt;
        let mode = status.permissions().mode() & 0o7777;
        lines.push(format!("{} {kind} {mode:o} {content}", name.display()));
        if status.is_dir() {
            walk(root, &path, lines);
        }
    }
}

/// The seed and the volume of a case, as trees.
pub(super) fn both(case: &Case) -> (Vec<String>, Vec<String>) {
    (tree(&case.path("seed")), tree(&case.path("root/site")))
}

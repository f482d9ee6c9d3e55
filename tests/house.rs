//! The rules that make the source a house (docs/design.md): imports point down, `unsafe`
//! has one home, every file says its job, nothing is left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A module imports from the floors below its own only.
/// The words of floor 0 and the wiring on top are one room with several files each.
const FLOORS: [&[&str]; 8] = [
    &[
        "civil",
        "capability",
        "diagnostic",
        "duration",
        "exit",
        "path_map",
        "restart_limit",
        "schedule",
        "process_attributes",
        "resource",
        "signal",
        "size",
        "timestamp",
        "version",
        "wildcard",
    ],
    &["expression", "spec", "sys"],
    &["archive", "env", "format", "protocol", "service", "state"],
    &["observe", "render", "volume"],
    &["plan"],
    &["apply", "supervise"],
    &["lint", "personality", "report"],
    &[
        "again", "ask", "asked", "cli", "console", "drop_in", "log", "look", "prepare", "run", "readings",
        "running", "settings",
    ],
];

const OPEN_FLOORS: [usize; 2] = [0, FLOORS.len() - 1];

fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// Tests that lie beside their module are of it.
fn module_of(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").trim_end_matches("_tests").to_owned()
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The modules that a line names after `crate::`, those of a group too.
fn imported(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once("};"));
        let names = match group {
            Some((inner, _)) => inner.split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
            if end > 0 {
                found.push(name[..end].to_owned());
            }
        }
    }
    found
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let module = module_of(&file);
        if module == "lib" || module == "main" {
            continue;
        }
        let floor = floor_of(&module).unwrap_or_else(|| panic!("{module} has no floor: add it to FLOORS"));
        for import in imported(&text) {
            let Some(below) = floor_of(&import) else { continue };
            let allowed =
                below < floor || import == module || (below == floor && OPEN_FLOORS.contains(&floor));
            if !allowed {
                wrong.push(format!(
                    "{}: {module} (floor {floor}) imports {import} (floor {below})",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_lives_in_sys_and_at_the_entry() {
    for (file, text) in sources() {
        let home = file.starts_with("sys") || file == Path::new("main.rs");
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let uses =
            code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("allow(unsafe_code");
        assert!(home || !uses, "{} has unsafe code", file.display());
    }
}

#[test]
fn threads_are_made_where_the_allocator_knows_of_them() {
    for (file, text) in sources() {
        let is_test = file.ends_with("fixture.rs") || file.to_str().unwrap().ends_with("_tests.rs");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let makes = ["thread::spawn(", "thread::scope(", "Builder::new().spawn(", ".spawn_unchecked("];
        let home = file == Path::new("sys/threads.rs");
        assert_eq!(
            home,
            !is_test && makes.iter().any(|call| code.contains(call)),
            "{}: threads are made in the scope of `sys::threads::together`",
            file.display()
        );
    }
}

#[test]
fn every_file_says_its_job() {
    let outline = |file: &Path| !file.to_str().unwrap().ends_with("_tests.rs");
    for (file, text) in sources().into_iter().filter(|(file, _)| outline(file)) {
        assert!(text.starts_with("//! "), "{} does not begin with `//!`", file.display());
    }
}

#[test]
fn nothing_is_left_behind() {
    let marks =
        ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "unimplemented!".to_owned(), "dbg!(".to_owned()];
    for (file, text) in sources() {
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{} holds {mark}", file.display());
        }
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    for (text, expected) in [
        ("use crate::plan::Step;", vec!["plan"]),
        ("crate::sys::reap::next()", vec!["sys"]),
        ("use crate::{duration as d, size};", vec!["duration", "size"]),
        ("use crate::{\n    sys::files,\n    env,\n};", vec!["sys", "env"]),
        ("use std::fs;", vec![]),
    ] {
        assert_eq!(imported(text), expected, "{text}");
    }
}

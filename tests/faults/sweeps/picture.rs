//! What a volume holds, as lines that two starts can be compared by: names, kinds, rights,
//! owners, contents and the times of files, and castoff's own records. Inodes, the times of
//! directories and when the manifest was written are left out: they are never the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Of larger files only a sample is looked at, in bytes.
const MOST_READ: u64 = 16 << 20;

/// What there is, by name.
pub(crate) type Picture = BTreeMap<String, String>;

/// Of the tree at `root`.
pub(crate) fn picture(root: &Path) -> Picture {
    let mut found = Picture::new();
    if root.exists() {
        found.insert(".".to_owned(), describe(root, ""));
        walk(root, "", &mut found);
    }
    found
}

fn walk(directory: &Path, name: &str, found: &mut Picture) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let last = path.file_name().unwrap().to_string_lossy().into_owned();
        let below = if name.is_empty() { last } else { format!("{name}/{last}") };
        // that a start is over is told as far as it can be: it says nothing of the volume
        if below == "lost+found" || below == ".castoff/started" {
            continue;
        }
        found.insert(without_time(&below), describe(&path, &below));
        if below == ".castoff/manifest" || below == ".castoff/complete" {
            found.extend(record(&path, &below));
        }
        if path.symlink_metadata().unwrap().is_dir() {
            walk(&path, &below, found);
        }
    }
}

/// What was put aside lies in a directory named by the time of the start; a temporary file
/// has a random name.
fn without_time(name: &str) -> String {
    if let Some(rest) = name.strip_prefix(".castoff/aside/") {
        let inside = rest.split_once('/').map_or("", |(_, inside)| inside);
        return format!(".castoff/aside/*/{inside}");
    }
    match name.strip_prefix(".castoff/.").and_then(|rest| rest.split_once(".castoff-")) {
        Some((name, _)) => format!(".castoff/.{name}.castoff-*"),
        None => name.to_owned(),
    }
}

fn describe(path: &Path, name: &str) -> String {
    let status = fs::symlink_metadata(path).unwrap();
    let kind = status.file_type();
    let rights = format!("{:04o} {}:{}", status.mode() & 0o7777, status.uid(), status.gid());
    // what is being made has the time of now
    let passing =
        [".castoff/journal", ".castoff/staging/", ".castoff/."].iter().any(|start| name.starts_with(start));
    let time = match passing {
        true => "some time".to_owned(),
        false => format!("{}.{:09}", status.mtime(), status.mtime_nsec()),
    };
    match name {
        ".castoff/lock" => return rights,
        ".castoff/complete" | ".castoff/manifest" => return rights,
        _ => {}
    }
    if kind.is_dir() {
        format!("directory {rights}")
    } else if kind.is_symlink() {
        format!("link {time} {}", fs::read_link(path).unwrap().display())
    } else if kind.is_fifo() {
        format!("pipe {rights} {time}")
    } else {
        format!("file {rights} links {} {time} {}", status.nlink(), content(path))
    }
}

fn content(path: &Path) -> String {
    let file = fs::File::open(path).unwrap();
    let length = file.metadata().unwrap().len();
    if length > MOST_READ {
        let mut ends = [0; 4096];
        std::os::unix::fs::FileExt::read_at(&file, &mut ends, length / 2).unwrap();
        return format!("{length} bytes, in the middle {:?}", ends.iter().collect::<BTreeSet<_>>());
    }
    let bytes = fs::read(path).unwrap();
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.len() < 64 => format!("{text:?}"),
        _ => format!("{} bytes {:x}", bytes.len(), xxhash_rust::xxh3::xxh3_64(&bytes)),
    }
}

/// The lines of a record, without what is never the same: when it was written, the times of
/// directories.
fn record(path: &Path, name: &str) -> Picture {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let mut found = Picture::new();
    for line in text.lines().filter(|line| !line.starts_with("manifest ") && !line.starts_with('#')) {
        let words: Vec<&str> = line.splitn(6, ' ').collect();
        let (key, value) = match words.as_slice() {
            ["directory", mode, _, _, _, path] => (*path, format!("directory {mode}")),
            [kind, mode, size, time, content, path] => {
                (*path, format!("{kind} {mode} {size} {time} {content}"))
            }
            _ => (line, String::new()),
        };
        found.insert(format!("{name}: {key}"), value);
    }
    found
}

/// What is all the same as long as nobody changed anything: of files inode, size, rights and
/// times; of directories inode and rights. castoff's lock and what is no record are left out.
pub(crate) fn identity(root: &Path) -> Picture {
    let mut found = Picture::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let status = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if status.is_dir() {
                open.push(path);
            } else if name == ".castoff/lock" || name == ".castoff/started" {
                continue;
            }
            let what = [status.ino(), status.mode().into(), status.uid().into(), status.gid().into()];
            let times = (status.size(), status.mtime_nsec(), status.ctime(), status.ctime_nsec());
            let times = (!status.is_dir()).then_some(times);
            found.insert(name, format!("{what:?} {times:?}"));
        }
    }
    let status = fs::symlink_metadata(root).unwrap();
    found.insert(".".to_owned(), format!("{} {}", status.ino(), status.mode()));
    found
}

/// What is in one and not, or otherwise, in the other; empty: they are the same.
pub(crate) fn differences(expected: &Picture, found: &Picture) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, line) in expected {
        match found.get(name) {
            None => lines.push(format!("- {name}: {line}")),
            Some(other) if other != line => {
                lines.push(format!("- {name}: {line}"));
                lines.push(format!("+ {name}: {other}"));
            }
            Some(_) => {}
        }
    }
    let more = found.iter().filter(|(name, _)| !expected.contains_key(*name));
    lines.extend(more.map(|(name, line)| format!("+ {name}: {line}")));
    lines
}

/// The picture as the service writes it down.
pub(crate) fn to_text(picture: &Picture) -> String {
    let mut text = String::new();
    for (name, line) in picture {
        text.push_str(&format!("{name}\0{line}\0"));
    }
    text
}

/// The picture that the service wrote down.
pub(crate) fn from_text(text: &str) -> Picture {
    let mut words = text.split('\0');
    let mut found = Picture::new();
    while let (Some(name), Some(line)) = (words.next(), words.next()) {
        found.insert(name.to_owned(), line.to_owned());
    }
    found
}

//! Which time zone is meant by a name or by `TZ`, and where it is read from: as libc finds it
//! (tzset(3)), but for what libc takes for UTC without a word.

use std::fs;
use std::path::{Component, Path};

use nix::errno::Errno;

use crate::diagnostic::{Diagnostic, nearest};
use crate::schedule::{Zone, ZoneData};
use crate::sys::file_error::FileError;
use crate::sys::files::read_bounded;

/// Where glibc and musl look.
const DIRECTORIES: [&str; 3] = ["usr/share/zoneinfo", "share/zoneinfo", "etc/zoneinfo"];
/// What the container's zone is where `TZ` says nothing.
const LOCAL: &str = "etc/localtime";
/// What needs no file.
const UTC: [&str; 5] = ["", "UTC", "Etc/UTC", "GMT", "Etc/GMT"];
/// Bytes of a file; the largest zone has some 4000.
pub const LARGEST: u64 = 1 << 18;

/// The zone of the container: what `TZ` names, else /etc/localtime, else UTC. `root` is put
/// before every absolute path; `/` but in tests.
///
/// # Errors
/// There is no such zone, or its file is none: a mistake in what the container was given.
pub fn of_container(root: &Path, tz: Option<&str>) -> Result<ZoneData, Diagnostic> {
    match tz {
        Some(tz) => named(root, tz).map_err(|problem| problem.note("`TZ` names it")),
        None => match read_bounded(&root.join(LOCAL), LARGEST) {
            Ok(bytes) => sound(ZoneData::File(bytes), &format!("/{LOCAL}")),
            Err(error) if is_missing(&error) => Ok(ZoneData::Utc),
            Err(error) => Err(unreadable(&error)),
        },
    }
}

/// The zone that a name means: one of tzdata (`Europe/Berlin`, `:Europe/Berlin`), an absolute
/// path, or a POSIX TZ string (`CET-1CEST,M3.5.0,M10.5.0/3`).
///
/// # Errors
/// There is no such zone, or its file is none.
pub fn named(root: &Path, name: &str) -> Result<ZoneData, Diagnostic> {
    if UTC.contains(&name) {
        return Ok(ZoneData::Utc);
    }
    let (path, only_file) = name.strip_prefix(':').map_or((name, false), |path| (path, true));
    if let Some(bytes) = file(root, path)? {
        return sound(ZoneData::File(bytes), name);
    }
    let rule = ZoneData::Rule(name.to_owned());
    if !only_file && Zone::of(&rule).is_ok() {
        return Ok(rule);
    }
    Err(unknown(root, path))
}

/// What the file of a zone holds. `None`: there is none.
fn file(root: &Path, path: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
    let relative = Path::new(path.trim_start_matches('/'));
    if path.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(None);
    }
    let directories = if path.starts_with('/') { [""].as_slice() } else { &DIRECTORIES };
    for directory in directories {
        match read_bounded(&root.join(directory).join(relative), LARGEST) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
    Ok(None)
}

fn is_missing(error: &FileError) -> bool {
    error.errno().is_some_and(|errno| [Errno::ENOENT, Errno::ENOTDIR].contains(&errno))
}

fn sound(data: ZoneData, name: &str) -> Result<ZoneData, Diagnostic> {
    match Zone::of(&data) {
        Ok(_) => Ok(data),
        Err(error) => {
            Err(Diagnostic::environment(format!("{name} is not a time zone")).note(error.to_string()))
        }
    }
}

fn unreadable(error: &FileError) -> Diagnostic {
    Diagnostic::environment("can't read a time zone").note(error.to_string())
}

fn unknown(root: &Path, name: &str) -> Diagnostic {
    let problem = Diagnostic::environment(format!("there is no time zone `{name}`"));
    let mut directories = DIRECTORIES.map(|directory| root.join(directory)).into_iter();
    let Some(tzdata) = directories.find(|directory| directory.is_dir()) else {
        return problem
            .note("this image has no time zones: /usr/share/zoneinfo is missing")
            .help("install `tzdata` in the image, or write the rule: \"CET-1CEST,M3.5.0,M10.5.0/3\"");
    };
    let (area, last) = name.rsplit_once('/').map_or(("", name), |(area, last)| (area, last));
    let known = names(&tzdata.join(area.trim_start_matches('/')));
    match nearest(last, known.iter().map(String::as_str)) {
        Some(near) if area.is_empty() => problem.help(format!("did you mean `{near}`?")),
        Some(near) => problem.help(format!("did you mean `{area}/{near}`?")),
        None => problem.help("a name such as \"Europe/Berlin\"; libc would take it for UTC without a word"),
    }
}

/// What stands in a directory; nothing where it can't be read.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
#[path = "zone_tests.rs"]
mod tests;

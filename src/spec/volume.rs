//! Parses `[[volume]]`.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::fields::{Fields, Reading};
use super::model::Spec;
use super::outputs::{absolute_path, read_mode};
use super::volume_model::{Conflicts, Existing, ModeRule, Policy, Volume, WithoutLocks};
use crate::diagnostic::{Diagnostic, Located};
use crate::wildcard::PathPattern;

/// How long a start waits for another one where nothing else is said: seeding a large volume
/// over a slow network takes minutes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(600);

const POLICIES: [(&str, Policy); 4] = [
    ("once", Policy::Once),
    ("missing", Policy::Missing),
    ("upgrade", Policy::Upgrade),
    ("mirror", Policy::Mirror),
];
const EXISTING: [(&str, Existing); 4] = [
    ("refuse", Existing::Refuse),
    ("fill", Existing::Fill),
    ("adopt", Existing::Adopt),
    ("replace", Existing::Replace),
];
const CONFLICTS: [(&str, Conflicts); 3] =
    [("keep", Conflicts::Keep), ("new-file", Conflicts::NewFile), ("replace", Conflicts::Replace)];
const WITHOUT_LOCKS: [(&str, WithoutLocks); 2] =
    [("fail", WithoutLocks::Fail), ("go-on", WithoutLocks::GoOn)];

pub(super) fn read_all(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Volume> {
    let mut volumes = Vec::new();
    for (table, span) in fields.tables(reading, "volume") {
        let mut volume = Fields::new(table, "[[volume]]", span);
        let read = read(reading, &mut volume);
        volume.finish(reading);
        volumes.extend(read);
    }
    volumes
}

fn read(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Volume> {
    let path = fields.required_string(reading, "path");
    let path = path.and_then(|path| absolute_path(reading, "path", path));
    let seed = fields.string(reading, "seed");
    let seed = seed.and_then(|seed| absolute_path(reading, "seed", seed));
    let policy = fields.word(reading, "policy", &POLICIES).unwrap_or(Policy::Once);
    let volume = Volume {
        seed,
        policy,
        keep: patterns(reading, fields, "keep"),
        exclude: patterns(reading, fields, "exclude"),
        owner: fields.string(reading, "owner"),
        modes: mode_rules(reading, fields),
        existing: fields.word(reading, "existing", &EXISTING).unwrap_or(Existing::Refuse),
        conflicts: fields.word(reading, "conflicts", &CONFLICTS).unwrap_or(Conflicts::Keep),
        allow_downgrade: fields.boolean(reading, "allow-downgrade").unwrap_or(false),
        lock_timeout: lock_timeout(reading, fields),
        without_locks: fields.word(reading, "without-locks", &WITHOUT_LOCKS).unwrap_or(WithoutLocks::Fail),
        path: path?,
    };
    check_root(reading, &volume);
    Some(volume)
}

/// A volume is a directory in the root, never the root: castoff would own the image.
fn check_root(reading: &mut Reading, volume: &Volume) {
    if volume.path.value.components().count() < 2 {
        reading.report(
            Diagnostic::spec("the root can't be a volume").at(&volume.path.place, "name a directory in it"),
        );
    }
}

fn lock_timeout(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Duration {
    fields.duration(reading, "lock-timeout").map_or(LOCK_TIMEOUT, |timeout| timeout.value)
}

fn patterns(reading: &mut Reading, fields: &mut Fields<'_, '_>, key: &'static str) -> Vec<PathPattern> {
    let texts = fields.strings(reading, key).map(|list| list.value).unwrap_or_default();
    texts.iter().filter_map(|text| pattern(reading, text)).collect()
}

/// Patterns are about paths in the volume.
fn pattern(reading: &mut Reading, text: &Located<String>) -> Option<PathPattern> {
    let path = Path::new(&text.value);
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if text.value.is_empty() || !is_inside {
        let problem = Diagnostic::spec(format!("`{}` is no path in the volume", text.value))
            .at(&text.place, "paths here are relative to the volume and without `.` and `..`");
        let trimmed = text.value.trim_start_matches('/');
        reading.report(match trimmed != text.value && !trimmed.is_empty() {
            true => problem.help(format!("write `{trimmed}`")),
            false => problem,
        });
        return None;
    }
    Some(PathPattern::new(&text.value))
}

fn mode_rules(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<ModeRule> {
    let mut rules = Vec::new();
    for (table, span) in fields.tables(reading, "modes") {
        let mut rule = Fields::new(table, "`modes`", span.clone());
        let paths = rule.required_string(reading, "paths").and_then(|text| pattern(reading, &text));
        let file = read_mode(reading, &mut rule, "file").map(|mode| mode.value);
        let directory = read_mode(reading, &mut rule, "directory").map(|mode| mode.value);
        rule.finish(reading);
        if file.is_none() && directory.is_none() {
            let place = reading.place(span);
            reading.report(
                Diagnostic::spec("this rule of `modes` sets no mode")
                    .at(&place, "add `file = \"0640\"`, `directory = \"0750\"` or both"),
            );
        }
        rules.extend(paths.map(|paths| ModeRule { paths, file, directory }));
    }
    rules
}

/// What only the whole spec, its included files merged in, can tell.
pub(super) fn check(spec: &Spec, problems: &mut Vec<Diagnostic>) {
    for (index, volume) in spec.volumes.iter().enumerate() {
        if volume.policy == Policy::Upgrade && spec.image.version.is_none() {
            problems.push(
                Diagnostic::spec("`policy = \"upgrade\"` needs the image's version")
                    .at(&volume.path.place, "this volume is to be upgraded")
                    .help("add `version` or `version-file` to [image]: castoff upgrades when it changes"),
            );
        }
        if volume.policy != Policy::Once && volume.seed.is_none() {
            problems.push(
                Diagnostic::spec("this volume has a `policy` and no `seed`")
                    .at(&volume.path.place, "nothing says what it is filled from"),
            );
        }
        let earlier = spec.volumes.iter().take(index).find(|earlier| earlier.path.value == volume.path.value);
        if let Some(earlier) = earlier {
            problems.push(
                Diagnostic::spec(format!("the volume {} is declared twice", volume.path.value.display()))
                    .at(&volume.path.place, "again here")
                    .and_at(&earlier.path.place, "first here"),
            );
        }
        problems.extend(overlap(volume, spec));
    }
}

/// A seed in a volume, or a volume in a seed, would be copied into itself.
fn overlap(volume: &Volume, spec: &Spec) -> Option<Diagnostic> {
    let seed = volume.seed.as_ref()?;
    let inside = |inner: &PathBuf, outer: &PathBuf| inner.starts_with(outer);
    let other = spec
        .volumes
        .iter()
        .map(|other| &other.path)
        .find(|path| inside(&seed.value, &path.value) || inside(&path.value, &seed.value))?;
    Some(
        Diagnostic::spec(format!("the seed {} overlaps a volume", seed.value.display()))
            .at(&seed.place, "what is mounted over the image hides or changes it")
            .and_at(&other.place, "this volume")
            .help("keep the seed in a directory of the image that nothing is mounted over, such as /usr/src"),
    )
}

#[cfg(test)]
#[path = "volume_tests.rs"]
mod tests;

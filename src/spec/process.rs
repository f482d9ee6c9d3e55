//! Parses what a service's process has of its own: priority, limits, rights, the paths that
//! it can't write beneath.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Reading};
use super::outputs::{absolute_path, read_mode};
use crate::capability::{self, Capability, CapabilitySet};
use crate::diagnostic::{Diagnostic, Located, nearest};
use crate::process_attributes::ProcessAttributes;
use crate::resource::{self, Limit, Resource, UNLIMITED, Unit};
use crate::size;

/// The permission bits that a umask can hold back (umask(2)).
const MASKABLE: u32 = 0o777;

pub(super) fn read_attributes(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> ProcessAttributes {
    let read_only_paths = read_paths(reading, fields);
    let forbids = fields.boolean(reading, "no-new-privs");
    let (bounding, ambient) = read_capabilities(reading, fields);
    if let (Some(false), Some(paths)) =
        (forbids, read_only_paths.as_ref().filter(|paths| !paths.value.is_empty()))
    {
        reading.report(
            Diagnostic::spec("`read-only-paths` can't do with `no-new-privs = false`")
                .at(&paths.place, "a process that could gain rights may not be confined (landlock(7))"),
        );
    }
    ProcessAttributes {
        groups: Vec::new(),
        umask: read_umask(reading, fields),
        nice: read_between(reading, fields, "nice", -20, 19),
        oom_score_adj: read_between(reading, fields, "oom-score-adj", -1000, 1000),
        limits: read_limits(reading, fields),
        bounding,
        ambient,
        no_new_privs: forbids.unwrap_or(false),
        read_only_paths: read_only_paths.map_or_else(Vec::new, |paths| paths.value),
    }
}

fn read_umask(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<u32> {
    let umask = read_mode(reading, fields, "umask")?;
    if umask.value & !MASKABLE != 0 {
        reading.report(
            Diagnostic::spec("`umask` is too large")
                .at(&umask.place, "at most \"0777\", which leaves nothing"),
        );
    }
    Some(umask.value & MASKABLE)
}

fn read_between(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    least: i32,
    most: i32,
) -> Option<i32> {
    let number = fields.integer(reading, key)?;
    let fits = i32::try_from(number.value).ok().filter(|number| (least..=most).contains(number));
    if fits.is_none() {
        reading.report(
            Diagnostic::spec(format!("`{key}` can't be {}", number.value))
                .at(&number.place, format!("from {least} to {most}")),
        );
    }
    fits
}

fn read_limits(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Vec<Limit> {
    let Some(value) = fields.take("limits") else { return Vec::new() };
    let Some(table) = reading.table("limits", value) else { return Vec::new() };
    in_order(table).into_iter().filter_map(|(name, value)| read_limit(reading, name, value)).collect()
}

/// The entries of a table as they stand in the file.
pub(super) fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

fn read_limit(
    reading: &mut Reading,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) -> Option<Limit> {
    let text = name.get_ref().as_ref();
    let Some(resource) = Resource::named(text) else {
        let problem = Diagnostic::spec(format!("there is no limit `{text}`"))
            .at(&reading.place(name.span()), "no resource of setrlimit(2)");
        reading.report(match nearest(&text.to_lowercase(), resource::names()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("known: {}", resource::names().collect::<Vec<_>>().join(", "))),
        });
        return None;
    };
    let pair = match value.get_ref() {
        DeValue::Integer(digits) => {
            let amount = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
            amount.and_then(|amount| u64::try_from(amount).ok()).map(|amount| (amount, amount))
        }
        DeValue::String(text) => pair_of(text, resource),
        _ => None,
    };
    let place = reading.place(value.span());
    match pair {
        Some((soft, hard)) if soft <= hard => Some(Limit { resource, soft, hard }),
        Some(_) => {
            reading.report(
                Diagnostic::spec(format!("the soft limit of `{text}` is above the hard one"))
                    .at(&place, "write \"SOFT:HARD\""),
            );
            None
        }
        None => {
            let amount = match resource.unit() {
                Unit::Bytes => "bytes: 65536, \"512M\"",
                Unit::Count => "a number: 1024",
            };
            reading.report(
                Diagnostic::spec(format!("this is no limit of `{text}`"))
                    .at(&place, format!("{amount}, \"unlimited\", or two of them as \"SOFT:HARD\"")),
            );
            None
        }
    }
}

/// `SOFT:HARD`, or one for both.
fn pair_of(text: &str, resource: Resource) -> Option<(u64, u64)> {
    let amount = |text: &str| match text {
        "unlimited" => Some(UNLIMITED),
        _ if resource.unit() == Unit::Bytes => u64::try_from(size::parse(text).ok()?).ok(),
        _ => text.parse().ok(),
    };
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    Some((amount(soft)?, amount(hard)?))
}

fn read_capabilities(
    reading: &mut Reading,
    fields: &mut Fields<'_, '_>,
) -> (Option<CapabilitySet>, Option<CapabilitySet>) {
    let Some(value) = fields.take("capabilities") else { return (None, None) };
    let Some(table) = reading.table("capabilities", value) else { return (None, None) };
    let mut capabilities = Fields::new(table, "`capabilities`", value.span());
    let bounding = read_set(reading, &mut capabilities, "bounding");
    let ambient = read_set(reading, &mut capabilities, "ambient");
    capabilities.finish(reading);
    if let Some(Located { value: Set::All, place }) = &ambient {
        reading.report(
            Diagnostic::spec("`ambient` can't be \"all\"")
                .at(place, "name what the service needs: it has that whoever it runs as"),
        );
    }
    let ambient = ambient.and_then(Set::only);
    let bounding = bounding.and_then(Set::only);
    if let (Some(bounding), Some(ambient)) = (&bounding, &ambient) {
        let beyond = ambient.value.without(bounding.value);
        if !beyond.is_empty() {
            reading.report(
                Diagnostic::spec(format!("`ambient` goes beyond `bounding`: {beyond}"))
                    .at(&ambient.place, "given here")
                    .and_at(&bounding.place, "and taken away here"),
            );
        }
    }
    (bounding.map(|set| set.value), ambient.map(|set| set.value))
}

/// What an array of names, or a word, stands for.
enum Set {
    All,
    Only(CapabilitySet),
}

impl Set {
    fn only(set: Located<Self>) -> Option<Located<CapabilitySet>> {
        match set.value {
            Self::All => None,
            Self::Only(value) => Some(Located { value, place: set.place }),
        }
    }
}

/// Names in an array; `all` and `none` stand alone, in an array or without one.
fn read_set(reading: &mut Reading, fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Located<Set>> {
    let value = fields.take(key)?;
    let names = match value.get_ref() {
        DeValue::String(_) => vec![reading.string(key, value)?],
        DeValue::Array(_) => fields.strings(reading, key)?.value,
        _ => {
            reading.wrong_type(key, value, "an array of names, \"all\" or \"none\"");
            return None;
        }
    };
    if let [word] = names.as_slice()
        && let Some(set) = word_of(&word.value)
    {
        return Some(reading.located(value.span(), set));
    }
    let mut set = CapabilitySet::EMPTY;
    for name in names {
        match Capability::parse(&name.value) {
            Some(capability) => set = set.with(capability),
            None => reading.report(unknown(&name)),
        }
    }
    Some(reading.located(value.span(), Set::Only(set)))
}

fn word_of(text: &str) -> Option<Set> {
    match text {
        "all" => Some(Set::All),
        "none" => Some(Set::Only(CapabilitySet::EMPTY)),
        _ => None,
    }
}

fn unknown(name: &Located<String>) -> Diagnostic {
    let text = &name.value;
    if word_of(text).is_some() {
        return Diagnostic::spec(format!("`{text}` stands alone"))
            .at(&name.place, "beside other names it says nothing");
    }
    let problem = Diagnostic::spec(format!("there is no capability `{text}`"))
        .at(&name.place, "a name of capabilities(7), with or without CAP_");
    let upper = text.to_ascii_uppercase();
    match nearest(upper.strip_prefix("CAP_").unwrap_or(&upper), capability::names()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

fn read_paths(reading: &mut Reading, fields: &mut Fields<'_, '_>) -> Option<Located<Vec<PathBuf>>> {
    let paths = fields.strings(reading, "read-only-paths")?;
    let mut read = Vec::new();
    for path in paths.value {
        let Some(path) = absolute_path(reading, "read-only-paths", path) else { continue };
        if path.value == Path::new("/") {
            reading.report(
                Diagnostic::spec("`read-only-paths` can't be all there is")
                    .at(&path.place, "not even /dev/null could be written")
                    .help("a read-only root is the engine's to make: `docker run --read-only`"),
            );
        }
        read.push(path.value);
    }
    Some(Located { value: read, place: paths.place })
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;

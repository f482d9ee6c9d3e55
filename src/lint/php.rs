//! Traps of php and php-fpm.

use super::settings::{Setting, of_ini, php_size};
use super::{File, Scene};
use crate::diagnostic::Diagnostic;
use crate::signal::Signal;
use crate::size;
use crate::spec::Service;

/// Settings that php reads as sizes.
const SIZES: [&str; 4] = ["memory_limit", "post_max_size", "upload_max_filesize", "realpath_cache_size"];

const DEFAULT_POST_MAX_SIZE: i64 = 8 << 20;
const DEFAULT_UPLOAD_MAX_FILESIZE: i64 = 2 << 20;
const DEFAULT_MEMORY_LIMIT: i64 = 128 << 20;

/// A setting and the file that it stands in.
struct Found<'f, 'a> {
    file: &'f File<'a>,
    setting: Setting<'a>,
}

impl Found<'_, '_> {
    fn warn(&self, title: impl Into<String>) -> Diagnostic {
        let label = format!("line {} of this file", self.setting.line);
        Diagnostic::warning(title).at(self.file.place, label)
    }
}

pub(super) fn lint(scene: &Scene<'_>) -> Vec<Diagnostic> {
    let files = scene.files.iter().filter(|file| matches!(file.format, "php-fpm" | "php-ini"));
    let settings: Vec<Found<'_, '_>> =
        files.flat_map(|file| of_ini(file).into_iter().map(move |setting| Found { file, setting })).collect();
    let mut found = Vec::new();
    found.extend(sizes(&settings));
    found.extend(post_below_upload(&settings));
    found.extend(spare_servers(&settings));
    found.extend(memory(&settings, scene.memory));
    if let Some(service) = scene.services.iter().find(|service| is_php_fpm(service)) {
        found.extend(control_timeout(&settings));
        found.extend(daemonize(&settings, service));
        found.extend(stop_signal(service));
    }
    found
}

/// The last one of a name counts; `php_admin_value[x]` and `php_value[x]` are x.
fn last<'s, 'f, 'a>(settings: &'s [Found<'f, 'a>], name: &str) -> Option<&'s Found<'f, 'a>> {
    settings.iter().rev().find(|found| base_name(found.setting.name) == name)
}

fn base_name(name: &str) -> &str {
    let inner = name.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

fn size_of(settings: &[Found<'_, '_>], name: &str, default: i64) -> i64 {
    last(settings, name).and_then(|found| php_size(found.setting.value)).map_or(default, |(bytes, _)| bytes)
}

/// php 8.2 reads `128MB` as 128 bytes, without a word (measured).
fn sizes(settings: &[Found<'_, '_>]) -> Vec<Diagnostic> {
    let sizes = settings.iter().filter(|found| SIZES.contains(&base_name(found.setting.name)));
    let wrong = sizes.filter(|found| php_size(found.setting.value).is_some_and(|(_, rest)| rest));
    wrong
        .map(|found| {
            found
                .warn(format!("php doesn't read `{}` as it looks", base_name(found.setting.name)))
                .note("a unit is one letter, K, M or G: php reads 128MB as 128 bytes")
                .help("declare the variable with type = \"size\" and print it with the filter `size`")
        })
        .collect()
}

fn post_below_upload(settings: &[Found<'_, '_>]) -> Option<Diagnostic> {
    let post = size_of(settings, "post_max_size", DEFAULT_POST_MAX_SIZE);
    let upload = size_of(settings, "upload_max_filesize", DEFAULT_UPLOAD_MAX_FILESIZE);
    let found = last(settings, "post_max_size").or_else(|| last(settings, "upload_max_filesize"))?;
    (post > 0 && post < upload).then(|| {
        found
            .warn(format!(
                "`post_max_size` ({}) is below `upload_max_filesize` ({})",
                size::format(post),
                size::format(upload)
            ))
            .note("an upload travels in a request: php drops the larger ones, with an empty $_POST")
            .help("add a [[rule]]: PHP_POST_MAX_SIZE >= PHP_UPLOAD_MAX_FILESIZE")
    })
}

/// php-fpm doesn't start with these out of order; better known before it tries.
fn spare_servers(settings: &[Found<'_, '_>]) -> Option<Diagnostic> {
    if last(settings, "pm")?.setting.value != "dynamic" {
        return None;
    }
    let number = |name: &str| last(settings, name).and_then(|found| found.setting.value.parse::<u64>().ok());
    let names = ["pm.min_spare_servers", "pm.start_servers", "pm.max_spare_servers", "pm.max_children"];
    let known: Vec<(&str, u64)> = names.iter().filter_map(|name| Some((*name, number(name)?))).collect();
    let (small, large) = known.iter().zip(known.iter().skip(1)).find(|(low, high)| low.1 > high.1)?;
    let found = last(settings, small.0)?;
    Some(
        found
            .warn(format!("`{}` ({}) is above `{}` ({})", small.0, small.1, large.0, large.1))
            .note("php-fpm wants min_spare_servers <= start_servers <= max_spare_servers <= max_children")
            .help("add [[rule]]s that say so"),
    )
}

fn memory(settings: &[Found<'_, '_>], available: u64) -> Option<Diagnostic> {
    let children = last(settings, "pm.max_children")?;
    let count: i64 = children.setting.value.parse().ok()?;
    let limit = size_of(settings, "memory_limit", DEFAULT_MEMORY_LIMIT);
    let needed = u64::try_from(count.checked_mul(limit)?).ok()?;
    (limit > 0 && needed > available).then(|| {
        let mebibytes = |bytes: u64| bytes >> 20;
        children
            .warn(format!(
                "{count} workers of {} each are {} MiB, and the container has {} MiB",
                size::format(limit),
                mebibytes(needed),
                mebibytes(available)
            ))
            .note("when they are all busy, the kernel kills one of them, or the container")
            .help("compute it: default = \"{{ [1, (container.memory * 0.8 / PHP_MEMORY_LIMIT) | int] | max }}\"")
    })
}

fn is_php_fpm(service: &Service) -> bool {
    let program = service.command.value.first().map(|word| word.value.as_str()).unwrap_or_default();
    program.rsplit('/').next().is_some_and(|name| name.starts_with("php-fpm"))
}

/// Its default is 0: QUIT then resets requests in flight, 49 of 709 in a measurement, none of
/// 1041 with 5 s.
fn control_timeout(settings: &[Found<'_, '_>]) -> Option<Diagnostic> {
    let global = settings.iter().find(|found| found.setting.section == "global")?;
    let found = last(settings, "process_control_timeout");
    let is_zero = |value: &str| value.trim_end_matches(['s', 'm', 'h', 'd']) == "0";
    let diagnostic = match found {
        Some(found) if is_zero(found.setting.value) => found.warn("`process_control_timeout` is 0"),
        Some(_) => return None,
        None => Diagnostic::warning("`process_control_timeout` is not set, and 0 by default")
            .at(global.file.place, "not in [global]"),
    };
    Some(
        diagnostic
            .note("php-fpm then doesn't wait for requests in flight when it is told to end")
            .help("process_control_timeout = 5s"),
    )
}

fn daemonize(settings: &[Found<'_, '_>], service: &Service) -> Option<Diagnostic> {
    let in_front = ["-F", "--nodaemonize"];
    if service.command.value.iter().any(|word| in_front.contains(&word.value.as_str())) {
        return None;
    }
    let found = last(settings, "daemonize");
    if found.is_some_and(|found| matches!(found.setting.value, "no" | "off" | "0" | "false")) {
        return None;
    }
    Some(
        Diagnostic::warning("php-fpm goes to the background, and the container ends with its first process")
            .at(&service.command.place, "without -F")
            .help("add \"-F\", or `daemonize = no` to [global]"),
    )
}

fn stop_signal(service: &Service) -> Option<Diagnostic> {
    let graceful = service.stop_signal.as_ref().is_some_and(|signal| signal.value == Signal::QUIT);
    (!graceful).then(|| {
        let place = service.stop_signal.as_ref().map_or(&service.name.place, |signal| &signal.place);
        Diagnostic::warning("php-fpm is told to end by a signal that is never graceful")
            .at(place, "SIGTERM resets every request in flight")
            .help("stop-signal = \"QUIT\"")
    })
}

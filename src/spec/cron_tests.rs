use std::path::Path;
use std::time::Duration;

use super::{Cron, When, check, merge};
use crate::diagnostic::Source;
use crate::schedule::{Missed, Overlap, Schedule};
use crate::spec::{Spec, parse};

fn spec(text: &str) -> (Spec, Vec<(String, String)>) {
    let document = parse(&Source::new("castoff.toml", format!("version = 1\n{text}")), Path::new(""));
    let mut problems = document.problems;
    check(&document.spec, &mut problems);
    let marked = |problem: &crate::diagnostic::Diagnostic| {
        let place = problem.place.as_ref().map(|(place, _)| place.source.text[place.span.clone()].to_owned());
        (problem.title.clone(), place.unwrap_or_default())
    };
    let told = problems.iter().map(marked).collect();
    (document.spec, told)
}

fn sound(text: &str) -> Vec<Cron> {
    let (spec, problems) = spec(text);
    assert_eq!(problems, []);
    spec.crons
}

#[test]
fn all_keys() {
    let crons = sound(
        r#"
        [cron.wp-cron]
        schedule = "*/5 * * * *"
        command = ["wp", "cron", "event", "run", "--url={{ DOMAIN }}"]
        user = "www-data"
        group = "www-data"
        working-directory = "/var/www/html"
        timeout = "10m"
        jitter = "30s"
        overlap = "allow"
        missed = "run-once"
        timezone = "Europe/Berlin"
        when = "DOMAIN is defined"
        [cron.backup]
        schedule = "{{ BACKUP_SCHEDULE }}"
        command = ["backup"]
        timezone = "{{ TZ }}"
        "#,
    );
    let [wp, backup] = crons.as_slice() else { panic!() };
    let When::Known(_, schedule) = &wp.schedule else { panic!() };
    assert_eq!(Ok(schedule.value), Schedule::parse("*/5 * * * *"));
    assert_eq!((wp.name.value.as_str(), wp.command.value.len()), ("wp-cron", 5));
    assert_eq!((wp.overlap, wp.missed), (Overlap::Allow, Missed::RunOnce));
    let timeout = wp.timeout.as_ref().map(|timeout| timeout.value);
    assert_eq!((timeout, wp.jitter), (Some(Duration::from_secs(600)), Duration::from_secs(30)));
    let texts =
        [&wp.user, &wp.group, &wp.timezone, &wp.when].map(|text| text.as_ref().unwrap().value.as_str());
    assert_eq!(texts, ["www-data", "www-data", "Europe/Berlin", "DOMAIN is defined"]);
    assert_eq!(wp.working_directory.as_ref().unwrap().value, Path::new("/var/www/html"));
    let When::Computed(text) = &backup.schedule else { panic!() };
    assert_eq!(text.value, "{{ BACKUP_SCHEDULE }}");
}

#[test]
fn what_is_not_said() {
    let [cron] = sound("[cron.a]\nschedule = \"@daily\"\ncommand = [\"x\"]").try_into().unwrap();
    assert_eq!((cron.overlap, cron.missed, cron.jitter), (Overlap::Skip, Missed::Skip, Duration::ZERO));
    assert!(cron.timeout.is_none() && cron.timezone.is_none() && cron.when.is_none() && cron.user.is_none());
}

#[test]
fn mistakes() {
    let cron = |text: &str| format!("[cron.a]\nschedule = \"@daily\"\ncommand = [\"x\"]\n{text}");
    let scheduled = |text: &str| format!("[cron.a]\nschedule = {text}\ncommand = [\"x\"]\n");
    for (text, title, place) in [
        ("[cron.a]\ncommand = [\"x\"]".to_owned(), "`schedule` is missing in [cron.a]", "a"),
        ("[cron.a]\nschedule = \"@daily\"".to_owned(), "`command` is missing in [cron.a]", "a"),
        ("[cron.a]\nschedule = \"@daily\"\ncommand = []".to_owned(), "`command` is empty", "[]"),
        (scheduled("\"0 25 * * *\""), "the hour can't be `25`", "25"),
        (scheduled("'0 25 * * *'"), "the hour can't be `25`", "25"),
        (scheduled("\"0 2\\u0035 * * *\""), "the hour can't be `25`", "\"0 2\\u0035 * * *\""),
        (scheduled("\"0 0 31 2 *\""), "the schedule never comes: no month `2` has a day `31`", "31 2"),
        (scheduled("\"\""), "the schedule is empty", ""),
        (scheduled("5"), "`schedule` must be a string", "5"),
        (cron("timeout = \"5\""), "`5` is not a duration", "\"5\""),
        (cron("timeout = \"0s\""), "`timeout` can't be nothing", "\"0s\""),
        (cron("jitter = 5"), "`jitter` must be a string", "5"),
        (cron("overlap = \"queue\""), "`overlap` can't be `queue`", "\"queue\""),
        (cron("missed = \"run\""), "`missed` can't be `run`", "\"run\""),
        (cron("working-directory = \"x\""), "`working-directory` must be an absolute path", "\"x\""),
        (cron("tz = \"UTC\""), "unknown key `tz` in [cron.a]", "tz"),
        ("cron = 1".to_owned(), "`cron` must be a table", "1"),
        (scheduled("\"@every 5m\"\ntimezone = \"UTC\""), "`timezone` has no effect here", "\"UTC\""),
    ] {
        let (_, problems) = spec(&text);
        assert_eq!(problems, [(title.to_owned(), place.to_owned())], "{text}");
    }
}

#[test]
fn all_mistakes_of_a_schedule_are_told() {
    let (_, problems) = spec("[cron.a]\nschedule = \"60 24 * * 8\"\ncommand = [\"x\"]");
    let places: Vec<_> = problems.iter().map(|(_, place)| place.as_str()).collect();
    assert_eq!(places, ["60", "24", "8"]);
}

#[test]
fn entries_of_an_included_spec_give_way() {
    let of = |names: &[&str]| {
        let tables =
            names.iter().map(|name| format!("[cron.{name}]\nschedule = \"@daily\"\ncommand = [\"x\"]\n"));
        spec(&tables.collect::<String>()).0
    };
    let mut own = of(&["a", "b"]);
    merge(&mut own, of(&["b", "c"]).crons);
    let names: Vec<_> = own.crons.iter().map(|cron| cron.name.value.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    merge(&mut own, of(&["c"]).crons);
    let mut problems = Vec::new();
    check(&own, &mut problems);
    assert_eq!(
        problems.iter().map(|problem| &problem.title).collect::<Vec<_>>(),
        ["[cron.c] is declared twice"]
    );
}

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{LARGEST, named, of_container};
use crate::schedule::{Schedule, Zone, ZoneData};
use crate::sys::fixture::{Scratch, skipped};

const RULE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// A file of version 2 with no change and this rule.
fn tzif(rule: &str) -> String {
    let part =
        |version| format!("TZif{version}{}\0\0\0\u{1}\0\0\0\u{1}{}", "\0".repeat(15 + 16), "\0".repeat(7));
    format!("{0}{0}\n{rule}\n", part(2))
}

fn image() -> Scratch {
    let image = Scratch::new();
    image.file("usr/share/zoneinfo/Europe/Berlin", &tzif(RULE));
    image.file("usr/share/zoneinfo/Zulu", &tzif("UTC0"));
    image.file("usr/share/zoneinfo/Broken", "TZif");
    image.file("zones/Own", &tzif("<+01>-1"));
    image
}

fn january(data: &ZoneData) -> i64 {
    Zone::of(data).unwrap().offset_at(1_768_435_200)
}

#[test]
fn names() {
    let image = image();
    for (name, offset) in [
        ("", 0),
        ("UTC", 0),
        ("Etc/UTC", 0),
        ("GMT", 0),
        ("Zulu", 0),
        ("Europe/Berlin", 3600),
        (":Europe/Berlin", 3600),
        ("/zones/Own", 3600),
        (":/zones/Own", 3600),
        ("<+0545>-5:45", 20_700),
        (RULE, 3600),
    ] {
        let data = named(&image.path(""), name).unwrap_or_else(|problem| panic!("{name}: {problem:?}"));
        assert_eq!(january(&data), offset, "{name}");
    }
    let empty = Scratch::new();
    assert_eq!(named(&empty.path(""), "UTC"), Ok(ZoneData::Utc), "needs no tzdata");
}

#[test]
fn unknown_names_are_errors_and_not_utc() {
    let image = image();
    for (name, said) in [
        ("Europe/Berlni", "did you mean `Europe/Berlin`?"),
        ("Eurpoe/Berlin", "a name such as"),
        ("Zulo", "did you mean `Zulu`?"),
        ("CET", "a name such as"),
        ("EST5EDT", "a name such as"),
        (":UTC0", "there is no time zone `UTC0`"),
        ("../zoneinfo/Zulu", "there is no time zone"),
        ("/zones/../zones/Own", "there is no time zone"),
        ("Broken", "Broken is not a time zone"),
        ("Europe", "can't read a time zone"),
    ] {
        let problem = named(&image.path(""), name).unwrap_err().render(false);
        assert!(problem.contains(said), "{name}: {problem}");
    }
    let problem = named(&Scratch::new().path(""), "Europe/Berlin").unwrap_err().render(false);
    assert!(problem.contains("this image has no time zones") && problem.contains("`tzdata`"), "{problem}");
}

#[test]
fn what_stands_there_is_not_waited_for_and_not_read_without_end() {
    let image = image();
    image.fifo("zones/Pipe");
    image.file("zones/Large", &"x".repeat(usize::try_from(LARGEST).unwrap() + 1));
    for name in ["/zones/Pipe", "/zones/Large", "/zones"] {
        assert!(named(&image.path(""), name).unwrap_err().title.contains("can't read"), "{name}");
    }
}

#[test]
fn the_container_s_own() {
    let image = image();
    let root = image.path("");
    assert_eq!(of_container(&root, None), Ok(ZoneData::Utc));
    image.file("etc/localtime", &tzif(RULE));
    assert_eq!(of_container(&root, None).as_ref().map(january), Ok(3600));
    assert_eq!(of_container(&root, Some("UTC")), Ok(ZoneData::Utc));
    assert_eq!(of_container(&root, Some("")), Ok(ZoneData::Utc), "as libc has it");
    let problem = of_container(&root, Some("Mars")).unwrap_err();
    assert_eq!(problem.notes, ["`TZ` names it"]);
    image.file("etc/localtime", "no");
    assert!(of_container(&root, None).unwrap_err().title.contains("/etc/localtime is not a time zone"));
}

/// All zones of this machine, by what zdump(8) says of each second before and at each change: of
/// those that the files list, and of those after 2037 that only their rules know.
#[test]
fn all_zones_are_as_zdump_says() {
    let all = zones(Path::new("/usr/share/zoneinfo"), "");
    let dump = Command::new("zdump").args(["-v", "-c", "2034,2041"]).args(&all).output();
    let (Ok(dump), false) = (dump, all.is_empty()) else { return skipped("there is no zdump or no tzdata") };
    let text = String::from_utf8(dump.stdout).unwrap();
    let mut zone = (String::new(), Zone::utc(), Zone::utc());
    let mut seen = 0;
    for line in text.lines().filter(|line| line.contains("gmtoff=")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if zone.0 != words[0] {
            let whole = Zone::of(&named(Path::new("/"), words[0]).unwrap()).unwrap();
            zone = (words[0].to_owned(), whole.clone(), whole.forgetting_before(2_082_758_400));
        }
        let time = unix(&words[2..6]);
        let offset: i64 = words.last().unwrap().trim_start_matches("gmtoff=").parse().unwrap();
        assert_eq!(zone.1.offset_at(time), offset, "{line}");
        if time > 2_082_758_400 {
            assert_eq!(zone.2.offset_at(time), offset, "forgetful: {line}");
        }
        seen += 1;
    }
    assert!(seen > 1000, "only {seen} lines of zdump were understood");
}

#[test]
fn a_daily_run_comes_once_a_day_in_all_zones() {
    const DAY: i64 = 86_400;
    const YEAR: std::ops::Range<i64> = 1_767_225_600..1_767_225_600 + 365 * DAY;
    let all = zones(Path::new("/usr/share/zoneinfo"), "");
    let read = |name: &String| format!("{:?}", named(Path::new("/"), name).unwrap());
    let data: BTreeMap<_, _> = all.iter().map(|name| (read(name), name)).collect();
    if data.len() < 2 {
        return skipped("there is no tzdata");
    }
    for name in data.values() {
        let zone = Zone::of(&named(Path::new("/"), name).unwrap()).unwrap().forgetting_before(YEAR.start);
        let hours = YEAR.step_by(3600);
        let changes = hours.filter(|hour| zone.offset_at(*hour) != zone.offset_at(hour - 3600));
        for (change, schedule) in changes.flat_map(|change| [(change, "30 2 * * *"), (change, "0 0 * * *")]) {
            let daily = Schedule::parse(schedule).unwrap();
            // from noon to noon on the wall
            let noon = |days: i64| {
                let local = change + zone.offset_at(change);
                let noon = local - local.rem_euclid(DAY) + DAY / 2 + days * DAY;
                noon - zone.offset_at(change + days * DAY)
            };
            let mut time = noon(-3);
            let runs = std::iter::from_fn(|| {
                time = daily.next(time, &zone)?;
                (time <= noon(3)).then_some(time)
            });
            assert_eq!(runs.count(), 6, "{name}: {schedule}");
        }
    }
}

/// `Mar 29 01:00:00 2026` in UTC.
fn unix(words: &[&str]) -> i64 {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let &[month, day, clock, year] = words else { panic!("{words:?}") };
    let month = u8::try_from(MONTHS.find(month).unwrap() / 3 + 1).unwrap();
    let date = crate::civil::Date { year: year.parse().unwrap(), month, day: day.parse().unwrap() };
    let of_day = clock.split(':').fold(0, |seconds, part| seconds * 60 + part.parse::<i64>().unwrap());
    date.number() * 86_400 + of_day
}

/// The names of all zones below a directory.
fn zones(directory: &Path, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = entry.path();
        if path.is_dir() && !["posix", "right"].contains(&name.as_str()) {
            names.extend(zones(&path, &format!("{prefix}{name}/")));
        } else if fs::read(&path).is_ok_and(|bytes| bytes.starts_with(b"TZif")) {
            names.push(format!("{prefix}{name}"));
        }
    }
    names
}

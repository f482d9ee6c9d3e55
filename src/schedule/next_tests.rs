//! Due times against a slow reference that walks through time minute by minute and reads each
//! field by itself, across all changes of the clock of several zones.

use proptest::prelude::*;

use crate::civil::{Date, weekday};
use crate::schedule::{Schedule, Zone};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
const KATHMANDU: &str = "<+0545>-5:45";
const DUBLIN: &str = "IST-1GMT0,M10.5.0,M3.5.0/1";
const GAZA: &str = "EET-2EEST,M3.4.4/50,M10.4.4/50";

fn posix(text: &str) -> Zone {
    Zone::from_posix(text).unwrap()
}

/// A zone with changes at these times, the first of them 0, to these offsets in hours.
fn changing(changes: &[(i64, i8)]) -> Zone {
    let count = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut file = Vec::new();
    for counts in [[0, 1], [changes.len(), 49]] {
        file.extend(b"TZif2");
        file.extend([0; 15]);
        file.extend([0, 0, 0, counts[0], counts[1], 1].iter().flat_map(|number| count(*number)));
        if counts[1] == 1 {
            file.extend([0; 6]);
        } else {
            file.extend(changes.iter().flat_map(|(at, _)| at.to_be_bytes()));
            file.extend(changes.iter().map(|(_, hours)| u8::try_from(hours + 24).unwrap()));
            let offsets = (-24..=24).map(|hours: i32| hours * 3600);
            file.extend(offsets.flat_map(|offset| [offset.to_be_bytes().to_vec(), vec![0, 0]].concat()));
        }
        file.push(0);
    }
    file.extend(b"\n\n");
    Zone::from_tzif(&file).unwrap()
}

/// 2025 to 2027: the clock goes back for Ramadan. Before it: UTC+1.
fn casablanca() -> Zone {
    let at = |year, month, day| Date { year, month, day }.number() * DAY + 2 * HOUR;
    changing(&[
        (0, 1),
        (at(2025, 2, 23), 0),
        (at(2025, 4, 6), 1),
        (at(2026, 2, 15), 0),
        (at(2026, 3, 22), 1),
        (at(2027, 2, 7), 0),
        (at(2027, 3, 14), 1),
    ])
}

/// Samoa has no 30 December 2011.
fn apia() -> Zone {
    changing(&[(0, -10), (unix(2011, 12, 30, 10, 0), 14)])
}

fn zones() -> Vec<(&'static str, Zone)> {
    let mut zones: Vec<_> =
        [BERLIN, NEW_YORK, LORD_HOWE, KATHMANDU, DUBLIN, GAZA].map(|text| (text, posix(text))).into();
    zones.extend([("Casablanca", casablanca()), ("UTC", Zone::utc())]);
    zones
}

fn unix(year: i64, month: u8, day: u8, hour: i64, minute: i64) -> i64 {
    Date { year, month, day }.number() * DAY + hour * HOUR + minute * MINUTE
}

/// What the clock on the wall shows: `2026-03-29 03:00 +0200`.
fn shown(time: i64, zone: &Zone) -> String {
    let offset = zone.offset_at(time);
    let local = time + offset;
    let Date { year, month, day } = Date::of(local.div_euclid(DAY));
    let (hour, minute) = (local.rem_euclid(DAY) / HOUR, local.rem_euclid(HOUR) / MINUTE);
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / HOUR, offset.abs() % HOUR / MINUTE);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} {sign}{hours:02}{minutes:02}")
}

fn due(expression: &str, zone: &Zone, after: i64, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(expression).unwrap();
    let mut time = after;
    let times = std::iter::from_fn(|| {
        time = schedule.next(time, zone)?;
        Some(shown(time, zone))
    });
    times.take(count).collect()
}

#[test]
fn plain_days() {
    for (expression, times) in [
        ("* * * * *", ["2026-11-21 15:05", "2026-11-21 15:06"]),
        ("*/5 * * * *", ["2026-11-21 15:05", "2026-11-21 15:10"]),
        ("4 15 * * *", ["2026-11-22 15:04", "2026-11-23 15:04"]),
        ("0 0 1 * *", ["2026-12-01 00:00", "2027-01-01 00:00"]),
        ("0 0 31 * *", ["2026-12-31 00:00", "2027-01-31 00:00"]),
        ("0 12 29 2 *", ["2028-02-29 12:00", "2032-02-29 12:00"]),
        ("0 9-17/4 * * mon-fri", ["2026-11-23 09:00", "2026-11-23 13:00"]),
        ("0 0 * * 7", ["2026-11-22 00:00", "2026-11-29 00:00"]),
        ("0 0 * * fri-sun", ["2026-11-22 00:00", "2026-11-27 00:00"]),
        ("0 0 13 * 5", ["2026-11-27 00:00", "2026-12-04 00:00"]),
        ("0 0 13 1,2 *", ["2027-01-13 00:00", "2027-02-13 00:00"]),
        ("@yearly", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("@weekly", ["2026-11-22 00:00", "2026-11-29 00:00"]),
        ("@every 90m", ["2026-11-21 16:34", "2026-11-21 18:04"]),
    ] {
        let expected = times.map(|time| format!("{time} +0000"));
        assert_eq!(due(expression, &Zone::utc(), unix(2026, 11, 21, 15, 4), 2), expected, "{expression}");
    }
}

#[test]
fn both_fields_for_days() {
    let from = unix(2026, 11, 30, 23, 59);
    for (expression, days) in [
        // both restricted: either
        ("0 0 13 * 5", ["2026-12-04", "2026-12-11", "2026-12-13"]),
        // one begins with `*`: both
        ("0 0 13 * *", ["2026-12-13", "2027-01-13", "2027-02-13"]),
        ("0 0 */10 * 5", ["2026-12-11", "2027-01-01", "2027-05-21"]),
        ("0 0 1-7 * */6", ["2026-12-05", "2026-12-06", "2027-01-02"]),
        ("0 0 * * 1", ["2026-12-07", "2026-12-14", "2026-12-21"]),
    ] {
        let expected = days.map(|day| format!("{day} 00:00 +0000"));
        assert_eq!(due(expression, &Zone::utc(), from, 3), expected, "{expression}");
    }
    let monday = due("0 0 29 2 */1", &Zone::utc(), unix(2096, 3, 1, 0, 0), 1);
    assert_eq!(monday, ["2104-02-29 00:00 +0000"], "2100 has none");
    let schedule = Schedule::parse("0 0 29 2 */6").unwrap();
    assert!(schedule.next(unix(2032, 3, 1, 0, 0), &Zone::utc()).is_some(), "Sundays and Saturdays are rare");
}

#[test]
fn spring() {
    let berlin = posix(BERLIN);
    let from = unix(2026, 3, 28, 22, 0);
    for (expression, times) in [
        ("30 2 * * *", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("*/15 2 * * *", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("0 2,3 * * *", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("15 2,3 * * *", ["03-29 03:00 +0200", "03-29 03:15 +0200"]),
        ("0 */2 * * *", ["03-29 00:00 +0100", "03-29 03:00 +0200"]),
        ("30 2 29 3 *", ["03-29 03:00 +0200", ""]),
        ("30 1 * * *", ["03-29 01:30 +0100", "03-30 01:30 +0200"]),
    ] {
        let expected: Vec<_> =
            times.iter().filter(|time| !time.is_empty()).map(|time| format!("2026-{time}")).collect();
        assert_eq!(due(expression, &berlin, from, expected.len()), expected, "{expression}");
    }
    let hourly = due("30 * * * *", &berlin, unix(2026, 3, 29, 0, 0), 3);
    assert_eq!(hourly, ["2026-03-29 01:30 +0100", "2026-03-29 03:30 +0200", "2026-03-29 04:30 +0200"]);
    let often = due("*/20 * * * *", &berlin, unix(2026, 3, 29, 0, 30), 3);
    assert_eq!(often, ["2026-03-29 01:40 +0100", "2026-03-29 03:00 +0200", "2026-03-29 03:20 +0200"]);
}

#[test]
fn autumn() {
    let berlin = posix(BERLIN);
    let from = unix(2026, 10, 24, 23, 59);
    for (expression, times) in [
        ("30 2 * * *", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("*/30 2 * * *", ["10-25 02:00 +0200", "10-25 02:30 +0200"]),
        ("0 3 * * *", ["10-25 03:00 +0100", "10-26 03:00 +0100"]),
        ("0 2-3 * * *", ["10-25 02:00 +0200", "10-25 03:00 +0100"]),
        ("30 * * * *", ["10-25 02:30 +0200", "10-25 02:30 +0100"]),
        ("*/30 * * * *", ["10-25 02:00 +0200", "10-25 02:30 +0200"]),
    ] {
        let expected = times.map(|time| format!("2026-{time}"));
        assert_eq!(due(expression, &berlin, from, 2), expected, "{expression}");
    }
    assert_eq!(
        due("*/30 2 * * *", &berlin, from + 31 * MINUTE, 1),
        ["2026-10-26 02:00 +0100"],
        "both of the first round were there"
    );
    assert_eq!(due("30 2 * * *", &berlin, unix(2026, 10, 25, 1, 10), 1), ["2026-10-26 02:30 +0100"]);
}

#[test]
fn half_an_hour_and_a_whole_day() {
    let lord_howe = posix(LORD_HOWE);
    let october = unix(2026, 10, 3, 14, 0);
    assert_eq!(due("15 2 * * *", &lord_howe, october, 1), ["2026-10-04 02:30 +1100"]);
    assert_eq!(due("45 2 * * *", &lord_howe, october, 1), ["2026-10-04 02:45 +1100"]);
    let april = unix(2026, 4, 4, 14, 0);
    assert_eq!(due("45 1 * * *", &lord_howe, april, 2), ["2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"]);
    let lost = due("0 12 * * *", &apia(), unix(2011, 12, 29, 10, 0), 3);
    assert_eq!(lost, ["2011-12-29 12:00 -1000", "2011-12-31 00:00 +1400", "2011-12-31 12:00 +1400"]);
}

#[test]
fn the_end_of_what_can_be_counted() {
    for expression in ["* * * * *", "0 0 29 2 *", "@every 1s"] {
        let schedule = Schedule::parse(expression).unwrap();
        for zone in [Zone::utc(), posix(BERLIN)] {
            assert_eq!(schedule.next(i64::MAX, &zone), None, "{expression}");
            let _ = schedule.next(i64::MAX - 1, &zone);
            let _ = schedule.next(i64::MIN, &zone);
        }
    }
}

/// An expression read by somebody else: a field is a list of numbers, or `*`.
struct Plain {
    fields: [Vec<i64>; 5],
    starred: [bool; 2],
    every_hour: bool,
}

impl Plain {
    /// Of fields made of numbers, commas, `*` and `*/n`.
    fn new(fields: [&str; 5]) -> Self {
        let all = [0..60, 0..24, 1..32, 1..13, 0..7];
        let numbers = |text: &str, all: std::ops::Range<i64>| match text.strip_prefix('*') {
            Some("") => all.collect(),
            Some(step) => all.step_by(step[1..].parse().unwrap()).collect(),
            None => text.split(',').map(|number| number.parse().unwrap()).collect::<Vec<i64>>(),
        };
        let mut all = all.into_iter();
        let read = fields.map(|text| numbers(text, all.next().unwrap()));
        let every_hour = read[1].len() == 24;
        Self { fields: read, starred: [fields[2], fields[4]].map(|text| text.starts_with('*')), every_hour }
    }

    /// Whether a minute of the wall is due.
    fn fits(&self, local: i64) -> bool {
        let day = local.div_euclid(DAY);
        let date = Date::of(day);
        let of_day = local.rem_euclid(DAY) / MINUTE;
        let has = |field: usize, number: i64| self.fields[field].contains(&number);
        let (by_date, by_week) = (has(2, date.day.into()), has(4, weekday(day).into()));
        let starred = self.starred[0] || self.starred[1];
        has(0, of_day % 60)
            && has(1, of_day / 60)
            && has(3, date.month.into())
            && if starred { by_date && by_week } else { by_date || by_week }
    }

    /// All due times from `from` on and before `until`, by walking.
    fn walk(&self, from: i64, until: i64, zone: &Zone) -> Vec<i64> {
        let mut due = Vec::new();
        let mut shown = from - 2 * DAY + zone.offset_at(from - 2 * DAY);
        for time in (from - 2 * DAY..until).step_by(60) {
            let local = time + zone.offset_at(time);
            let skipped = (shown..local).step_by(60).any(|minute| self.fits(minute));
            let counts = self.every_hour || local >= shown;
            let now = self.fits(local) && counts || skipped && !self.every_hour;
            shown = shown.max(local + MINUTE);
            if now && time >= from {
                due.push(time);
            }
        }
        due
    }
}

fn agree(fields: [&str; 5], zone: &Zone, from: i64, until: i64) {
    let expression = fields.join(" ");
    let schedule = Schedule::parse(&expression).unwrap();
    let expected = Plain::new(fields).walk(from, until, zone);
    let mut found = Vec::new();
    let mut time = from - 1;
    while let Some(next) = schedule.next(time, zone).filter(|next| *next < until) {
        assert!(next > time, "{expression}: not later");
        found.push(next);
        time = next;
    }
    let named = |times: &[i64]| times.iter().map(|time| shown(*time, zone)).collect::<Vec<_>>();
    assert_eq!(named(&found), named(&expected), "{expression}");
}

#[test]
fn every_change_of_two_years_agrees_with_walking() {
    for (name, zone) in zones().into_iter().chain([("Apia", apia())]) {
        let begin = if name == "Apia" { unix(2011, 6, 1, 0, 0) } else { unix(2025, 1, 1, 0, 0) };
        let hours = (begin..begin + 730 * DAY).step_by(3600);
        let changes: Vec<_> =
            hours.filter(|hour| zone.offset_at(*hour) != zone.offset_at(hour - HOUR)).collect();
        assert_eq!(changes.is_empty(), [KATHMANDU, "UTC"].contains(&name), "{name}");
        for change in changes {
            for fields in [
                ["*", "*", "*", "*", "*"],
                ["*/5", "*", "*", "*", "*"],
                ["7,37", "*", "*", "*", "*"],
                ["30", "2", "*", "*", "*"],
                ["15", "1", "*", "*", "*"],
                ["0", "0", "*", "*", "*"],
                ["0", "*/2", "*", "*", "*"],
                ["0", "1,2,3", "*", "*", "*"],
                ["*/10", "1,2", "*", "*", "*"],
                ["*", "0,1,2,3", "*", "*", "*"],
                ["0,30", "2,3", "*", "*", "0"],
            ] {
                agree(fields, &zone, change - 30 * HOUR, change + 30 * HOUR);
            }
        }
    }
}

fn numbers(least: u8, most: u8) -> impl Strategy<Value = String> {
    let list = proptest::collection::btree_set(least..=most, 1..4)
        .prop_map(|numbers| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    let step = (1..=(most - least).max(1)).prop_map(|step| format!("*/{step}"));
    prop_oneof![Just("*".to_owned()), list, step]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_expression_in_any_zone_agrees_with_walking(
        minute in numbers(0, 59),
        hour in numbers(0, 23),
        day in numbers(1, 28),
        month in prop_oneof![3 => Just("*".to_owned()), 1 => numbers(1, 12)],
        weekday in numbers(0, 6),
        zone in 0_usize..8,
        from in unix(2025, 1, 1, 0, 0) / 60..unix(2027, 1, 1, 0, 0) / 60,
    ) {
        let (_, zone) = zones().swap_remove(zone);
        agree([&minute, &hour, &day, &month, &weekday], &zone, from * 60, from * 60 + 20 * DAY);
    }

    /// What `next` says does not depend on how one got there.
    #[test]
    fn nothing_is_skipped_from_any_second_on(
        fields in (numbers(0, 59), numbers(0, 23)),
        zone in 0_usize..8,
        around in unix(2025, 1, 1, 0, 0)..unix(2027, 1, 1, 0, 0),
        later in 1..3 * DAY,
    ) {
        let (_, zone) = zones().swap_remove(zone);
        let schedule = Schedule::parse(&format!("{} {} * * *", fields.0, fields.1)).unwrap();
        let first = schedule.next(around, &zone).unwrap();
        let second = schedule.next(around + later, &zone).unwrap();
        prop_assert!(first > around && second > around + later && second >= first);
        prop_assert_eq!(first <= around + later, second != first);
    }
}

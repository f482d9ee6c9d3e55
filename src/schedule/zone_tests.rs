//! Offsets and changes of zones from both sources, and what is refused.

use proptest::prelude::*;

use super::{Zone, ZoneData};
use crate::civil::Date;

fn unix(year: i64, month: u8, day: u8, hour: i64) -> i64 {
    Date { year, month, day }.number() * 86_400 + hour * 3600
}

#[test]
fn posix_strings() {
    let (january, july) = (unix(2026, 1, 15, 0), unix(2026, 7, 15, 0));
    for (text, winter, summer) in [
        ("UTC0", 0, 0),
        ("<+03>-3", 3 * 3600, 3 * 3600),
        ("<+0545>-5:45", 20_700, 20_700),
        ("<-0330>3:30", -12_600, -12_600),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200),
        ("CET-1CEST,M3.5.0/2,M10.5.0/3:00:00", 3600, 7200),
        ("NZST-12NZDT,M9.5.0,M4.1.0/3", 13 * 3600, 12 * 3600),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", 7200, 10_800),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600),
        ("AAA3BBB,J60/0,J300", -10_800, -7200),
        ("AAA3BBB,59/0,299/167", -10_800, -7200),
        ("EST5EDT,0/0,J365/25", -14_400, -14_400),
    ] {
        let zone = Zone::from_posix(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((zone.offset_at(january), zone.offset_at(july)), (winter, summer), "{text}");
    }
}

#[test]
fn refused_posix_strings() {
    for text in [
        "",
        " ",
        "Europe/Berlin",
        "CET",
        "CET-1CEST",
        "EST5EDT",
        "CET-25",
        "CET-1CEST,M13.1.0,M10.5.0",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "UTC0\nUTC0",
        "<+03-3",
        ":UTC0",
        "UTC0x",
    ] {
        assert!(Zone::from_posix(text).is_err(), "{text:?}");
    }
}

#[test]
fn changes_are_found_to_the_second() {
    let zone = Zone::from_posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let change = unix(2026, 3, 29, 1);
    let around = [
        (change - 86_400, change + 1, Some(change)),
        (change - 1, change, Some(change)),
        (change - 1, change - 1, None),
        (change, change + 86_400, None),
        (change - 86_400, change - 1, None),
    ];
    for (from, until, found) in around {
        assert_eq!(zone.change_within(from, until), found, "{from} {until}");
    }
}

/// A file of version 1 with one change.
fn version_1() -> Vec<u8> {
    let mut file = b"TZif".to_vec();
    file.extend([0; 16]);
    file.extend([0_u32, 0, 0, 1, 2, 4].iter().flat_map(|count| count.to_be_bytes()));
    file.extend(1000_i32.to_be_bytes());
    file.push(1);
    file.extend([0, 0, 0, 0, 0, 0]);
    file.extend([0, 0, 0x0e, 0x10, 0, 0]);
    file.extend(b"XXX\0");
    file
}

#[test]
fn the_last_change_of_a_file_without_a_rule_holds_for_ever() {
    let file = version_1();
    let zone = Zone::from_tzif(&file).unwrap();
    assert_eq!([999, 1000, i64::MAX].map(|time| zone.offset_at(time)), [0, 3600, 3600]);
    for length in 0..file.len() {
        assert!(Zone::from_tzif(&file[..length]).is_err(), "cut at {length}");
    }
    let far = [&file[..49], &100_000_i32.to_be_bytes(), &file[53..]].concat();
    assert!(Zone::from_tzif(&far).unwrap_err().to_string().contains("beyond 26 hours"));
}

#[test]
fn a_zone_is_made_of_its_data() {
    assert_eq!(Zone::of(&ZoneData::Utc), Ok(Zone::utc()));
    let rule = "CET-1CEST,M3.5.0,M10.5.0/3";
    assert_eq!(Zone::of(&ZoneData::Rule(rule.to_owned())), Zone::from_posix(rule));
    assert!(Zone::of(&ZoneData::Rule("Mars".to_owned())).is_err());
    assert!(Zone::of(&ZoneData::File(b"TZif".to_vec())).is_err());
    let berlin = Zone::from_posix(rule).unwrap();
    assert_eq!(berlin.clone().forgetting_before(i64::MAX), berlin, "there is nothing to forget");
}

proptest! {
    #[test]
    fn no_damage_panics(
        damage in proptest::collection::vec((0_usize..65, any::<u8>()), 1..4),
        at: i64,
        span in 0_i64..100_000,
    ) {
        let mut file = version_1();
        for (position, byte) in damage {
            file[position] = byte;
        }
        if let Ok(zone) = Zone::from_tzif(&file) {
            let _ = (zone.offset_at(at), zone.change_within(at, at.saturating_add(span)));
            let _ = zone.forgetting_before(at).offset_at(at);
        }
    }

    #[test]
    fn no_bytes_and_no_text_panic(bytes: Vec<u8>, text in "[A-Z<>+,./0-9MJ-]{0,40}", at: i64) {
        for zone in [
            Zone::from_tzif(&bytes),
            Zone::from_tzif(&[b"TZif2".as_slice(), &bytes].concat()),
            Zone::from_posix(&text),
            Zone::from_posix(&format!("AAA1BBB,{text}")),
        ].into_iter().flatten() {
            let _ = zone.offset_at(at);
        }
    }
}

//! What is a schedule, and what is told of what is none.

use proptest::prelude::*;

use super::Schedule;

/// Two spellings of the same.
#[test]
fn accepted() {
    for (text, same) in [
        ("* * * * *", "*/1 0-23 */1 1-12 0-7"),
        ("  5\t4 * *   * ", "5 4 * * *"),
        ("05 04 * * *", "5 4 * * *"),
        ("1-4,2-6,9 * * * *", "1,2,3,4,5,6,9 * * * *"),
        ("*/15 * * * *", "0,15,30,45 * * * *"),
        ("10-30/10 * * * *", "10,20,30 * * * *"),
        ("0-59/59 * * * *", "0,59 * * * *"),
        ("0 0 * jan,Feb,DEC *", "0 0 * 1,2,12 *"),
        ("0 0 * mar-may *", "0 0 * 3-5 *"),
        ("0 0 5 * mon-fri", "0 0 5 * 1-5"),
        ("0 0 5 * 7", "0 0 5 * sun"),
        ("0 0 5 * 5-7", "0 0 5 * fri,sat,sun"),
        ("0 0 5 * fri-sun", "0 0 5 * 0,5,6"),
        ("0 0 5 * 0-7", "0 0 5 * 0-6"),
        ("0 0 5 * 1-7/2", "0 0 5 * 0,1,3,5"),
        ("0 0 31 2 1", "0 0 31 2 mon"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "@daily"),
        ("@weekly", "0 0 * * sun"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 jan *"),
        ("@annually", "@yearly"),
        ("@every 1m30s", "@every  90s"),
    ] {
        let read = Schedule::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        assert_eq!(Ok(read), Schedule::parse(same), "{text}");
    }
    assert_ne!(Schedule::parse("0 0 */1 * 5"), Schedule::parse("0 0 1-31 * 5"), "`*` begins the field");
}

#[test]
fn refused() {
    for (text, place, said) in [
        ("", "", "the schedule is empty"),
        ("  ", "  ", "the schedule is empty"),
        ("60 * * * *", "60", "the minute can't be `60` / the minute is a number from 0 to 59"),
        ("0 24 * * *", "24", "the hour can't be `24` / the hour is a number from 0 to 23"),
        ("0 0 0 * *", "0", "the day of the month can't be `0`"),
        ("0 0 32 * *", "32", "the day of the month can't be `32`"),
        ("0 0 1 13 *", "13", "the month can't be `13` / a month is a number from 1 to 12, or jan to dec"),
        ("0 0 * * 8", "8", "the day of the week can't be `8`"),
        ("-1 * * * *", "-1", "the minute can't be ``"),
        ("+1 * * * *", "+1", "the minute can't be `+1`"),
        ("1.5 * * * *", "1.5", "the minute can't be `1.5`"),
        ("9999999999 * * * *", "9999999999", "the minute can't be"),
        ("0 0 * january *", "january", "the month can't be `january` / did you mean `jan`?"),
        ("0 0 * * monday", "monday", "did you mean `mon`?"),
        ("0 0 * * mno", "mno", "did you mean `mon`?"),
        ("0 0 * * x", "x", "the day of the week can't be `x`"),
        ("mon * * * *", "mon", "the minute can't be `mon`"),
        ("1,,2 * * * *", "", "an item of the minute field is empty"),
        ("1, * * * *", "", "an item of the minute field is empty"),
        ("1,2,x * * * *", "x", "the minute can't be `x`"),
        ("0 22-2 * * *", "22-2", "runs backwards / the lower number comes first / write `22-23,0-2`"),
        ("0 0 * * sat-mon", "sat-mon", "write `sat-6,0-mon`"),
        ("1-2-3 * * * *", "1-2-3", "the minute can't be `2-3`"),
        ("5/15 * * * *", "5/15", "`5/15` is no range with a step / write `5-59/15`"),
        ("*/0 * * * *", "*/0", "`/0` is no step of the minute field / at least 1"),
        ("*/60 * * * *", "*/60", "`/60` is no step of the minute field / at most 59 here"),
        ("*/90 * * * *", "*/90", "`@every 90m` counts through"),
        ("*/x * * * *", "*/x", "a step is a number"),
        ("*/ * * * *", "*/", "`/` is no step"),
        ("*/2/2 * * * *", "*/2/2", "a step is a number"),
        ("1-5/9 * * * *", "1-5/9", "at most 4 here"),
        ("0 0 L * *", "L", "a last day (`L`) is not known in the day of the month field"),
        ("0 0 L-3 * *", "L-3", "a last day (`L`)"),
        ("0 0 * * 5L", "5L", "a last day (`L`) is not known in the day of the week field"),
        ("0 0 15W * *", "15W", "the nearest working day (`W`)"),
        ("0 0 * * 5#3", "5#3", "the nth weekday of a month (`#`)"),
        ("0 0 ? * 1", "?", "`?` is not known / write `*`"),
        ("H * * * *", "H", "`H` is not known / jitter"),
        ("H/15 * * * *", "H/15", "`H` is not known"),
        ("0~30 * * * *", "0~30", "a random number (`~`)"),
        ("0 0 30 2 *", "30 2", "the schedule never comes: no month `2` has a day `30`"),
        ("0 0 31 apr,jun,9,11 *", "31 apr,jun,9,11", "the schedule never comes"),
        ("0 0 */31 2 *", "*/31", "is no step"),
        ("0 0 30,31 2 */2", "30,31 2", "the schedule never comes"),
        ("* * * *", "* * * *", "five fields, this has 4 / the day of the week is missing"),
        ("5", "5", "this has one / the hour and the day of the month and"),
        ("0 0 0 * * *", "*", "five fields, this has 6 / no field for seconds / @every 10s"),
        ("0 0 1 1 * 2026 x", "2026 x", "five fields, this has 7"),
        ("0 0 * * * root", "root", "no user and no command here / `user` and `command`"),
        ("0 0 * * * root /bin/x -y", "root /bin/x -y", "no field for seconds"),
        ("@reboot", "@reboot", "`@reboot` is no time / [[step]]"),
        ("@dialy", "@dialy", "`@dialy` is no schedule / did you mean `@daily`?"),
        ("@noon", "@noon", "known are @hourly, "),
        ("@Daily", "@Daily", "did you mean `@daily`?"),
        ("@daily x", "x", "`@daily` stands alone"),
        ("@every", "@every", "`@every` needs a duration"),
        ("@every 5 m", "@every", "`@every` needs a duration"),
        ("@every 5", "5", "`5` is not a duration"),
        ("@every 500ms", "500ms", "whole seconds, at least one"),
        ("@every 0s", "0s", "whole seconds, at least one"),
        ("@every 1s1ms", "1s1ms", "whole seconds, at least one"),
    ] {
        let mistakes = Schedule::parse(text).unwrap_err();
        let [mistake] = mistakes.as_slice() else { panic!("{text}: {mistakes:?}") };
        assert_eq!(&text[mistake.range.clone()], place, "{text}");
        let whole = format!("{} {} {}", mistake.title, mistake.label, mistake.help.as_deref().unwrap_or(""));
        for part in said.split(" / ") {
            assert!(whole.contains(part), "{text}: {whole:?} has no {part:?}");
        }
    }
}

#[test]
fn all_fields_that_are_wrong_are_told() {
    let mistakes = Schedule::parse("61 * 32 x ?").unwrap_err();
    let places: Vec<_> = mistakes.iter().map(|mistake| &"61 * 32 x ?"[mistake.range.clone()]).collect();
    assert_eq!(places, ["61", "32", "x", "?"]);
}

proptest! {
    #[test]
    fn no_text_panics_and_places_are_in_it(text in "[@0-9a-zA-Z*/,?#~LWä -]{0,30}") {
        for mistake in Schedule::parse(&text).err().unwrap_or_default() {
            prop_assert!(text.get(mistake.range.clone()).is_some(), "{:?}", mistake);
        }
    }
}

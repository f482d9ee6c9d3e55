//! Cron entries before they run: what `--plan` shows of them, and what is refused.

use super::case::Case;

const ENTRY: &str = "[cron.a]\ncommand = [\"true\"]\n";

#[test]
fn a_plan_shows_each_entry_with_its_next_run() {
    let spec = "[env.AT]\ndefault = \"30 3 * * *\"\n\
                [cron.backup]\nschedule = \"{{ AT }}\"\ncommand = [\"backup\", \"all of it\"]\ntimeout = \"10m\"\n\
                jitter = \"1m\"\noverlap = \"allow\"\nmissed = \"run-once\"\ntimezone = \"<+05>-5\"\n\
                [cron.local]\nschedule = \"45 4 * * *\"\ncommand = [\"true\"]\n\
                [cron.other]\nschedule = \"@daily\"\ncommand = [\"true\"]\nwhen = \"AT == 'x'\"\n";
    let case = Case::new(spec).variable("TZ", "<-0330>3:30");
    let said = case.run(&["--plan"]);
    let lines: Vec<&str> = said.code(0).out.lines().collect();
    for (line, begin, end) in [
        (
            1,
            "cron    backup: backup 'all of it', due 30 3 * * *, next 20",
            "T03:30:00+05:00 and up to 1m later, more than one run at a time, made up for once when missed, \
             told to end after 10m",
        ),
        (2, "cron    local: true, due 45 4 * * *, next 20", "T04:45:00-03:30"),
        (3, "stop    within 5s, of which 5s for what is left at the end", ""),
    ] {
        assert!(lines[line].starts_with(begin) && lines[line].ends_with(end), "{}", said.out);
    }
    assert_eq!(lines.len(), 4, "{}", said.out);
}

#[test]
fn what_is_computed_is_refused_at_its_place_with_what_it_has_become() {
    let spec = "[env.AT]\n[env.ZONE]\ndefault = \"UTC\"\n\
                [cron.a]\nschedule = \"{{ AT }}\"\ntimezone = \"{{ ZONE }}\"\ncommand = [\"true\"]\n";
    for (name, value, place, said) in [
        ("AT", "61 * * * *", "6:12", "the minute can't be `61`"),
        ("AT", "0 0 30 2 *", "6:12", "the schedule never comes"),
        ("AT", "every day", "6:12", "a schedule has five fields, this has 2"),
        ("ZONE", "Nowhere/Land", "7:12", "there is no time zone `Nowhere/Land`"),
    ] {
        let mut case = Case::new(spec).variable("AT", "@daily");
        case.set(name, value);
        let place = format!("castoff.toml:{place}\n");
        let computed = format!("computed here: \"{value}\"");
        let texts: &[&str] = if name == "AT" { &[&place, said, &computed] } else { &[&place, said] };
        for mode in [&["--check"][..], &["--plan"], &[]] {
            case.run(mode).code(78).says(texts).says(&["castoff: 1 error\n"]);
        }
    }
}

#[test]
fn mistakes_of_the_spec() {
    for (lines, place, said) in [
        ("schedule = \"0 0 31 2 *\"", "4:17", "the schedule never comes"),
        ("schedule = \"{{ AT }}\"", "4:16", "there is no variable `AT`"),
        ("schedule = \"@daily\"\nwhen = \"AT\"", "5:9", "there is no variable `AT`"),
        ("schedule = \"@daily\"\ntimezone = \"{{ AT }}\"", "5:16", "there is no variable `AT`"),
        ("schedule = \"@daily\"\ntimezone = \"Nowhere/Land\"", "5:12", "there is no time zone"),
        ("schedule = \"@daily\"\nuser = \"wwwdata\"", "5:8", "wwwdata"),
    ] {
        let case = Case::new(&format!("{ENTRY}{lines}\n")).file("root/etc/passwd", "root:x:0:0::/:/bin/sh\n");
        let place = format!("castoff.toml:{place}\n");
        case.run(&["--check"]).says(&[&place, said, "castoff: 1 error\n"]).code(65);
    }
}

#[test]
fn a_secret_is_no_schedule_no_zone_and_no_argument() {
    for line in [
        "schedule = \"{{ S }}\"\ncommand = [\"a\"]",
        "schedule = \"@daily\"\ntimezone = \"{{ S }}\"\ncommand = [\"a\"]",
        "schedule = \"@daily\"\ncommand = [\"a\", \"{{ S }}\"]",
    ] {
        let case = Case::new(&format!("[env.S]\nsecret = true\n[cron.a]\n{line}\n")).variable("S", "canary");
        let said = case.run(&["--check"]);
        said.code(65).says(&["`S` is a secret and can't", "castoff: 1 error\n"]);
        assert!(!said.err.contains("canary"), "{}", said.err);
    }
}

#[test]
fn the_container_s_own_zone_is_looked_at_once_and_only_where_it_matters() {
    let two = "[cron.a]\nschedule = \"@daily\"\ncommand = [\"true\"]\n\
               [cron.b]\nschedule = \"@hourly\"\ncommand = [\"true\"]\n";
    let case = Case::new(two).variable("TZ", "Nowhere/Land");
    case.run(&["--check"]).code(78).says(&[
        "no time zone `Nowhere/Land`",
        "`TZ` names it",
        "castoff: 1 error\n",
    ]);
    let every = Case::new("[cron.a]\nschedule = \"@every 90s\"\ncommand = [\"true\"]\n");
    every.variable("TZ", "Nowhere/Land").run(&["--check"]).code(0);
    let broken = Case::new(two).file("root/etc/localtime", "no zone");
    broken.run(&["--check"]).code(78).says(&["/etc/localtime is not a time zone"]);
}

#[test]
fn a_variable_that_only_an_entry_uses_is_used() {
    let case = Case::new(
        "[env.A]\ndefault = \"@daily\"\n[env.B]\ndefault = \"UTC\"\n[env.C]\ndefault = \"x\"\n[env.D]\ndefault = \"x\"\n\
         [cron.a]\nschedule = \"{{ A }}\"\ntimezone = \"{{ B }}\"\ncommand = [\"{{ C }}\"]\nwhen = \"D == 'x'\"\n",
    );
    case.run(&["--check", "--strict"]).code(0);
}

//! The promises of a cron entry, as a table of scenarios.

#[path = "walk_tests.rs"]
mod walk;
#[path = "world_tests.rs"]
mod world;

use self::world::{BEGIN, Deed, Watched};
use super::*;
use crate::schedule::Zone;

const GRACE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const OK: Ending = Ending::Exited(0);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn policy(schedule: &str) -> CronPolicy {
    CronPolicy {
        schedule: Schedule::parse(schedule).unwrap(),
        zone: Zone::utc(),
        overlap: Overlap::Skip,
        missed: Missed::Skip,
        timeout: None,
        grace: GRACE,
        jitter: Duration::ZERO,
    }
}

/// Begins at 15:04:00.5 and does these; what is said, the number of runs, and the next start.
fn told(policy: CronPolicy, deeds: &[Deed]) -> (Vec<Line>, u64, String) {
    let watched = Watched::new(policy).all(deeds);
    (watched.log.clone(), watched.last, watched.next())
}

fn report(result: Result<Ending, ExitCode>, took: Duration, timed_out: bool) -> Report {
    Report { result, took, timed_out }
}

#[test]
fn a_due_time_starts_a_run_and_sets_the_next() {
    for (schedule, first, second) in [
        ("*/5 * * * *", "15:05:00", "15:10:00"),
        ("30 2 * * *", "02:30:00", "02:30:00"),
        ("@every 90s", "15:05:30", "15:07:00"),
    ] {
        let mut watched = Watched::new(policy(schedule));
        assert_eq!((watched.last, watched.next().as_str()), (0, first), "{schedule}");
        watched.feed(Deed::Alarm);
        assert_eq!((watched.last, watched.next().as_str()), (1, second), "{schedule}");
        let took = secs(3);
        watched.pass(took);
        watched.feed(Deed::First(OK));
        assert_eq!(watched.log, [Line::Ended(RunId(1), report(Ok(OK), took, false))]);
    }
}

#[test]
fn being_woken_early_does_nothing() {
    let (log, runs, next) = told(policy("*/5 * * * *"), &[Deed::Later(secs(30)), Deed::Begin, Deed::Timer]);
    assert_eq!((log, runs, next.as_str()), (vec![], 0, "15:05:00"));
}

#[test]
fn runs_do_not_overlap_unless_that_is_allowed() {
    let deeds = [Deed::Alarm, Deed::Alarm, Deed::Alarm, Deed::First(OK), Deed::Alarm];
    let (log, runs, _) = told(policy("*/5 * * * *"), &deeds);
    let ended = Line::Ended(RunId(1), report(Ok(OK), secs(600), false));
    assert_eq!(log, [Line::Overlapping(1), ended, Line::Overlapped(2)]);
    assert_eq!(runs, 2);
    let allowing = CronPolicy { overlap: Overlap::Allow, ..policy("*/5 * * * *") };
    let (log, runs, _) = told(allowing.clone(), &deeds[..3]);
    assert_eq!((log, runs), (vec![], 3));
    let too_many = told(allowing, &[Deed::Alarm; MOST_RUNS + 2]);
    assert_eq!((too_many.0, too_many.1), (vec![Line::Overlapping(MOST_RUNS)], 32));
}

#[test]
fn a_run_that_takes_too_long_is_told_to_end_and_then_killed() {
    let limit = secs(100);
    let timed = CronPolicy { timeout: Some(limit), ..policy("*/5 * * * *") };
    let mut watched = Watched::new(timed.clone()).all(&[Deed::Alarm, Deed::Timer]);
    assert_eq!(watched.log, [Line::TimedOut(RunId(1), limit)]);
    assert_eq!(watched.live[&RunId(1)], [Signal::TERM, Signal::CONT]);
    assert_eq!(watched.timer, Some(watched.now.steady + GRACE));
    watched.feed(Deed::Timer);
    assert_eq!(watched.log[1..], [Line::Killed(RunId(1))]);
    assert_eq!((watched.live[&RunId(1)].len(), watched.timer), (3, None));
    let killed = Ending::Killed(Signal::KILL);
    watched.feed(Deed::First(killed));
    let ended = report(Ok(killed), limit + GRACE, true);
    assert_eq!(watched.log[2..], [Line::Ended(RunId(1), ended)]);
    let in_time = Watched::new(timed).all(&[Deed::Alarm, Deed::First(OK)]);
    assert_eq!(in_time.timer, None, "no timer is left behind");
}

#[test]
fn what_was_missed_is_counted_said_and_made_up_for_by_one_run_at_most() {
    let once = |schedule| CronPolicy { missed: Missed::RunOnce, ..policy(schedule) };
    let (skip, run_once) = (Missed::Skip, Missed::RunOnce);
    for (policy, deed, lines, runs, next) in [
        // frozen from 15:04:00 to 15:14:00, four minutes after 15:10
        (policy("*/5 * * * *"), Deed::Later(secs(600)), vec![Line::Missed(2, skip)], 0, "15:15:00"),
        (once("*/5 * * * *"), Deed::Later(secs(600)), vec![Line::Missed(2, run_once)], 1, "15:15:00"),
        // woken at 15:15:30: 15:15 is on time
        (policy("*/5 * * * *"), Deed::Later(secs(690)), vec![Line::Missed(2, skip)], 1, "15:20:00"),
        (once("*/5 * * * *"), Deed::Later(secs(690)), vec![Line::Missed(2, skip)], 1, "15:20:00"),
        // half a minute late
        (policy("5 15 * * *"), Deed::Later(secs(90)), vec![], 1, "15:05:00"),
        (policy("5 15 * * *"), Deed::Later(secs(130)), vec![Line::Missed(1, skip)], 0, "15:05:00"),
        (policy("30 15 * * *"), Deed::Forward(HOUR), vec![Line::Missed(1, skip)], 0, "15:30:00"),
        (once("30 15 * * *"), Deed::Forward(HOUR), vec![Line::Missed(1, run_once)], 1, "15:30:00"),
        (once("30 15 * * *"), Deed::Forward(HOUR / 4), vec![], 0, "15:30:00"),
        (policy("* * * * *"), Deed::Forward(DAY * 9000), vec![Line::Missed(1000, skip)], 1, "15:05:00"),
        (policy("30 2 * * *"), Deed::Forward(DAY * 9000), vec![Line::Missed(1000, skip)], 0, "02:30:00"),
        (policy("@every 7s"), Deed::Forward(DAY * 9000), vec![Line::Missed(1000, skip)], 1, "15:04:05"),
    ] {
        let found = told(policy.clone(), &[deed]);
        assert_eq!(found, (lines, runs, next.to_owned()), "{:?} {deed:?}", policy.schedule);
    }
}

#[test]
fn what_a_container_before_missed() {
    let due = |hour: u64, minute: u64| {
        BEGIN.wall - secs(BEGIN.wall.as_secs() % 86_400) - Duration::from_millis(500)
            + HOUR * u32::try_from(hour).unwrap()
            + secs(minute * 60)
    };
    let once = CronPolicy { missed: Missed::RunOnce, ..policy("0 */3 * * *") };
    for (policy, last, lines, runs) in [
        (policy("0 */3 * * *"), None, vec![], 0),
        (once.clone(), None, vec![], 0),
        (once.clone(), Some(due(15, 0)), vec![], 0),
        (once.clone(), Some(due(23, 0)), vec![], 0),
        (once, Some(due(9, 0)), vec![Line::Missed(2, Missed::RunOnce)], 1),
        (policy("0 */3 * * *"), Some(due(9, 0)), vec![Line::Missed(2, Missed::Skip)], 0),
        (policy("4 15 * * *"), Some(due(0, 0)), vec![], 1),
    ] {
        let watched = Watched::since(policy.clone(), last);
        assert_eq!((watched.log.clone(), watched.last), (lines, runs), "{last:?} {:?}", policy.schedule);
    }
}

#[test]
fn a_clock_that_is_set_back() {
    // at 15:05 the first run was, or is to be
    for (schedule, deeds, lines, runs, next) in [
        ("5 15 * * *", vec![Deed::Alarm, Deed::Back(HOUR)], vec![], 1, "15:05:00"),
        ("5 15 * * *", vec![Deed::Alarm, Deed::Back(HOUR), Deed::Later(HOUR)], vec![], 1, "15:05:00"),
        ("5 15 * * *", vec![Deed::Back(HOUR), Deed::Later(HOUR + secs(65))], vec![], 1, "15:05:00"),
        (
            "5 15 * * *",
            vec![Deed::Alarm, Deed::Back(HOUR * 4), Deed::Later(HOUR * 4)],
            vec![Line::SetBack(HOUR * 4), Line::Overlapping(1)],
            1,
            "15:05:00",
        ),
        (
            "5,25 * * * *",
            vec![Deed::Alarm, Deed::Back(secs(1800))],
            vec![Line::SetBack(secs(1800))],
            1,
            "15:05:00",
        ),
        ("@every 1h", vec![Deed::Back(HOUR * 2)], vec![Line::SetBack(HOUR * 2)], 0, "14:04:00"),
        ("*/5 * * * *", vec![Deed::Alarm, Deed::Back(secs(30))], vec![], 1, "15:10:00"),
    ] {
        let found = told(policy(schedule), &deeds);
        assert_eq!(found, (lines, runs, next.to_owned()), "{schedule} {deeds:?}");
    }
}

#[test]
fn a_setting_that_is_noticed_only_when_it_is_due_does_not_cost_the_run() {
    let mut watched = Watched::new(policy("*/5 * * * *"));
    watched.now.wall -= HOUR;
    watched.feed(Deed::Later(HOUR + secs(65)));
    assert_eq!(
        (watched.log.as_slice(), watched.last, watched.next().as_str()),
        ([].as_slice(), 1, "15:10:00")
    );
}

#[test]
fn jitter_is_not_more_than_said_and_ends_before_the_next_due_time() {
    for (schedule, jitter, most) in
        [("0 * * * *", secs(300), 300), ("* * * * *", secs(300), 59), ("@every 1s", secs(300), 0)]
    {
        let mut watched = Watched::new(CronPolicy { jitter, ..policy(schedule) });
        let mut delays = Vec::new();
        for _ in 0..50 {
            let due = Duration::from_secs(u64::try_from(watched.cron.planned.unwrap().due).unwrap());
            delays.push(watched.alarm.unwrap() - due);
            let runs = watched.last;
            watched = watched.all(&[Deed::Alarm, Deed::First(OK)]);
            assert_eq!(watched.last, runs + 1, "{schedule}");
        }
        assert!(delays.iter().all(|delay| *delay <= secs(most)), "{schedule} {delays:?}");
        assert!(most == 0 || delays.iter().any(|delay| *delay > secs(most / 2)), "{schedule} {delays:?}");
    }
}

#[test]
fn after_the_stop_nothing_is_started_and_ends_are_still_told() {
    let timed = CronPolicy { timeout: Some(secs(100)), ..policy("* * * * *") };
    let watched =
        Watched::new(timed).all(&[Deed::Alarm, Deed::Stop, Deed::Later(DAY), Deed::Stop, Deed::Begin]);
    assert_eq!((watched.last, watched.live.len(), watched.log.len()), (1, 1, 0));
    let watched = watched.all(&[Deed::First(Ending::Killed(Signal::TERM))]);
    assert!(matches!(watched.log[..], [Line::Ended(RunId(1), _)]));
    let mut never_begun = Cron::new(policy("* * * * *"), 0);
    assert_eq!(never_begun.step(Event::Stop, BEGIN), []);
    assert_eq!(never_begun.step(Event::Begin { last: None }, BEGIN), []);
}

#[test]
fn the_status() {
    let deeds = [
        Deed::Alarm,
        Deed::First(OK),
        Deed::Alarm,
        Deed::Fails,
        Deed::Alarm,
        Deed::Alarm,
        Deed::Later(secs(1)),
        Deed::First(Ending::Exited(3)),
        Deed::Alarm,
    ];
    let status = Watched::new(policy("*/5 * * * *")).all(&deeds).cron.status();
    let quarter = BEGIN.wall - Duration::from_millis(500) + secs(11 * 60);
    let expected = Status {
        next: Some(quarter + secs(900)),
        last_due: Some(quarter + secs(600)),
        last: Some(LastRun {
            run: RunId(3),
            started: quarter,
            report: report(Ok(Ending::Exited(3)), secs(301), false),
        }),
        running: 1,
        runs: 4,
        failures: 2,
        overlapped: 1,
        missed: 0,
    };
    assert_eq!(status, expected);
}

#[test]
fn words() {
    let run = RunId(7);
    let ended = |result| Line::Ended(run, report(result, Duration::from_millis(1250), false));
    for (line, text) in [
        (ended(Ok(OK)), "cron a run 7: ended with code 0 after 1.2s"),
        (ended(Ok(Ending::Exited(3))), "cron a run 7: ended with code 3 after 1.2s"),
        (ended(Ok(Ending::Killed(Signal::TERM))), "cron a run 7: ended by SIGTERM after 1.2s"),
        (ended(Err(ExitCode::NOT_FOUND)), "cron a run 7: could not be started (code 127)"),
        (Line::TimedOut(run, secs(90)), "cron a run 7: takes longer than 1m30s and is told to end"),
        (Line::Killed(run), "cron a run 7: did not end when it was told to and is killed"),
        (Line::Overlapping(1), "cron a: due, and not started: the run before it is still under way"),
        (Line::Overlapping(32), "cron a: due, and not started: 32 runs are still under way"),
        (Line::Overlapped(2), "cron a: not started 2 times because of a run under way"),
        (Line::Missed(1, Missed::Skip), "cron a: missed once: not made up for"),
        (Line::Missed(3, Missed::RunOnce), "cron a: missed 3 times: run once now"),
        (Line::Missed(1000, Missed::Skip), "cron a: missed at least 1000 times: not made up for"),
        (Line::SetBack(secs(7200)), "cron a: the clock was set back by 2h: going on by the new time"),
    ] {
        assert_eq!((line.text("a").as_str(), line.is_warning()), (text, line != ended(Ok(OK))));
    }
}

#[test]
fn a_year_of_each_zone_has_as_many_days_as_it_has() {
    for zone in
        ["CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"]
    {
        for schedule in ["30 2 * * *", "45 1 * * *", "0 0 * * *"] {
            let zone = Zone::from_posix(zone).unwrap();
            let mut watched = Watched::new(CronPolicy { zone, ..policy(schedule) });
            let end = watched.now.wall + DAY * 365;
            while watched.alarm.unwrap() <= end {
                watched = watched.all(&[Deed::Alarm, Deed::First(OK)]);
            }
            assert_eq!((watched.last, watched.cron.status().missed), (365, 0), "{schedule}");
        }
    }
}

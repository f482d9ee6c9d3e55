//! Who starts when, and who stops before whom.

use super::{Services, polite, shell};
use crate::harness::{Exit, each_place};

#[test]
fn starts_in_order_and_stops_in_reverse() {
    let lines = [polite("web", "after = [\"php\"]"), polite("php", "after = [\"db\"]"), polite("db", "")];
    let services = Services::new("order", &lines.concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        for line in ["db up", "php up", "web up"] {
            castoff.expect(line);
        }
        castoff.signal(libc::SIGTERM);
        for line in ["web bye", "php bye", "db bye"] {
            castoff.expect(line);
        }
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn stops_in_parallel_where_no_order_is_given() {
    // each ends only when it has seen the other one being told
    let mutual = |own: &str, other: &str| {
        let script = format!(
            "trap 'touch $DIR/{own}; while [ ! -e $DIR/{other} ]; do sleep 0.01; done; exit 0' TERM; \
             echo up; while :; do sleep 0.02; done"
        );
        shell(own, &script, "")
    };
    each_place(|place| {
        let services = Services::new("parallel", &[mutual("a", "b"), mutual("b", "a")].concat());
        let mut castoff = services.start(place);
        castoff.expect("up");
        castoff.expect("up");
        castoff.signal(libc::SIGTERM);
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn asked_twice_it_stops_all_at_once() {
    let stubborn = shell(
        "web",
        "trap '' TERM; echo web up; echo >&9; while [ ! -e $DIR/db ]; do sleep 0.02; done",
        "after = [\"db\"]",
    );
    let db = shell(
        "db",
        "trap 'touch $DIR/db; exit 0' TERM; echo db up; echo >&9; while :; do sleep 0.02; done",
        "ready = { fd = 9 }",
    );
    each_place(|place| {
        let services = Services::new("twice", &[stubborn.clone(), db.clone()].concat());
        let mut castoff = services.start(place);
        castoff.expect("db up");
        castoff.expect("web up");
        castoff.signal(libc::SIGTERM);
        castoff.told_that("stopping all services");
        castoff.signal(libc::SIGTERM);
        castoff.told_that("in no order");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

#[test]
fn who_requires_a_service_goes_and_comes_with_it() {
    let db = shell(
        "db",
        "echo db up; echo >&9; exec sleep 1000",
        "ready = { fd = 9 }\nrestart = \"always\"\nbackoff = \"20ms\"\nstop-is-success = true",
    );
    let services = Services::new("requires", &[polite("app", "requires = [\"db\"]"), db].concat());
    each_place(|place| {
        let mut castoff = services.start(place);
        castoff.expect("db up");
        castoff.expect("app up");
        let mut db = None;
        castoff.until("the database to run", |castoff| {
            let own = castoff.pid;
            db = castoff.descendants().into_iter().find(|seen| seen.name == "sleep" && seen.parent == own);
            db.is_some()
        });
        crate::harness::send(db.unwrap().pid, libc::SIGKILL);
        castoff.told_that("app is stopped, as it requires db");
        let mut lines = [castoff.line(), castoff.line(), castoff.line()];
        // the database may be back before the other one has ended
        lines.sort();
        assert_eq!(lines[0], "app bye");
        assert_eq!(lines[1], "app up");
        assert_eq!(lines[2], "db up");
        castoff.signal(libc::SIGTERM);
        castoff.expect("app bye");
        assert_eq!(castoff.wait(), Exit::Code(0), "{place:?}");
    });
}

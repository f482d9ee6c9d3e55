//! Children that don't behave: castoff ends when and as it should, and nobody stays.

use crate::harness::{Exit, Launch, each_place, skipped};

#[test]
fn who_escapes_by_session_double_fork_and_deafness_is_still_ended() {
    each_place(|place| {
        // Each leaves the session and loses its parent; the second ignores what it can, the
        // third is stopped.
        let script = "escape() { setsid sh -c \"$1 & exit\"; }
            escape 'sleep 1001'
            escape '(trap \"\" TERM HUP INT; exec sleep 1002)'
            escape 'sh -c \"kill -STOP \\$\\$; sleep 1003\"'
            echo ready; exit 6";
        let options = ["--grace", "50ms", "--", "sh", "-c", script];
        let mut castoff = Launch::castoff(options).place(place).start();
        castoff.expect("ready");
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(6), "{place:?}: {err}");
        assert_eq!(castoff.descendants(), [], "{place:?}");
    });
}

#[test]
fn a_stopped_deaf_orphan_is_killed() {
    each_place(|place| {
        let script = "(trap '' TERM; echo deaf; exec sleep 1000) & read x; kill -STOP $!; exit 6";
        let mut castoff = Launch::castoff(["--grace", "50ms", "--", "sh", "-c", script]).place(place).start();
        castoff.expect("deaf");
        castoff.say("\n");
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(6), "{place:?}");
        assert!(err.contains("still there after the grace and killed: "), "{place:?}: {err}");
    });
}

#[test]
fn a_fork_storm_at_its_limit_is_ended() {
    if !nix::unistd::geteuid().is_root() {
        return skipped("only root can become a user with a process limit of its own");
    }
    each_place(|place| {
        // A user of its own, whose processes are all the storm's; castoff is that user too,
        // and can't make a process any more when the limit is reached.
        let storm = "import os, resource, signal, time
resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
main = os.getpid()
try:
    while True:
        if os.fork():
            continue
        os.setsid()
except OSError:
    pass
if os.getpid() == main:
    print('full', flush=True)
    os._exit(8)
while True:
    try:
        if os.fork() == 0: os.setsid()
    except OSError:
        time.sleep(0.001)
";
        let user = ["/usr/bin/setpriv", "--reuid", "54399", "--regid", "54399", "--clear-groups"];
        let [a, b, c, d, e, f] = user;
        let castoff = env!("CARGO_BIN_EXE_castoff");
        let python = "/usr/bin/python3";
        if !std::path::Path::new(python).exists() {
            return skipped("no python3 that every user can run");
        }
        let launch =
            Launch::program([a, b, c, d, e, f, castoff, "--grace", "50ms", "--", python, "-c", storm]);
        let mut castoff = launch.place(place).start();
        castoff.expect("full");
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(8), "{place:?}: {err}");
        castoff.until("the storm to be over", |castoff| castoff.descendants().is_empty());
    });
}

#[test]
fn ten_thousand_orphans_at_once_are_all_reaped() {
    each_place(|place| {
        // They wait for the pipe's end, and so end at once when the service lets go of it.
        let script = "import os, sys
r, w = os.pipe()
if os.fork() == 0:
    os.close(w)
    for _ in range(10000):
        if os.fork() == 0:
            os.read(r, 1)
            os._exit(3)
    os._exit(0)
os.wait()
os.close(r)
print('made', flush=True)
sys.stdin.readline()
os.close(w)
sys.stdin.readline()
os._exit(4)
";
        let mut castoff = Launch::castoff(["--", "python3", "-c", script]).place(place).start();
        castoff.expect("made");
        assert!(castoff.descendants().len() > 10_000, "they are there");
        castoff.say("\n");
        castoff
            .until("the service to be alone, without a zombie", |castoff| castoff.descendants().len() == 1);
        castoff.say("\n");
        assert_eq!(castoff.wait(), Exit::Code(4), "{place:?}");
    });
}

#[test]
fn a_grandchild_that_holds_stdout_does_not_hold_castoff() {
    each_place(|place| {
        // castoff ends with the service and its grace, and not when stdout is closed.
        let script = "(trap '' TERM; exec sleep 1000) & echo ready; exit 6";
        let mut castoff = Launch::castoff(["--grace", "50ms", "--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        assert_eq!(castoff.wait(), Exit::Code(6), "{place:?}");
        // Nobody holds it now: the stream is at its end.
        castoff.at_end();
    });
}

#[test]
fn without_memory_for_itself_castoff_sees_to_the_end() {
    // As root the service takes it away: nothing that castoff asks for is given to it then.
    if !std::path::Path::new("/usr/bin/prlimit").exists() {
        return skipped("no prlimit to take memory away with");
    }
    each_place(|place| {
        let script =
            "prlimit --pid $PPID --as=4096; (trap '' TERM; echo ready; exec sleep 1000) & read x; exit 7";
        let mut castoff = Launch::castoff(["--grace", "50ms", "--", "sh", "-c", script]).place(place).start();
        castoff.expect("ready");
        castoff.say("\n");
        let (exit, _, err) = castoff.end();
        assert_eq!(exit, Exit::Code(7), "{place:?}: {err}");
        assert!(err.contains("still there after the grace and killed: "), "{place:?}: {err}");
        // nobody is left who would hold it
        castoff.at_end();
    });
}

//! A service that the kernel killed for want of memory is said to be that.

use crate::harness::{Cgroup, Exit, HOG, Launch, each_place_to_mount_in};

#[test]
fn a_service_that_the_oom_killer_ended_is_reported_as_that() {
    let Some(cgroup) = Cgroup::new("oom") else { return };
    each_place_to_mount_in(|place| {
        // Itself, and below a shell, which passes its command's status on.
        for service in [HOG.to_owned(), format!("{HOG} || exit 137")] {
            let castoff = Launch::castoff(["--", "sh", "-c", &service]);
            let (exit, _, err) = cgroup.holds(castoff).place(place).start().end();
            assert_eq!(exit, Exit::Code(137), "{place:?} {service}: {err}");
            let said = "castoff: warning: the service was killed by the kernel's OOM killer: \
                        the memory limit is 48M; raise it, or let the service use less";
            assert!(err.contains(said), "{place:?} {service}: {err}");
        }
    });
}

#[test]
fn a_service_that_somebody_killed_is_not_said_to_have_used_too_much() {
    let Some(cgroup) = Cgroup::new("kill") else { return };
    each_place_to_mount_in(|place| {
        let end = |service: &str| {
            cgroup.holds(Launch::castoff(["--", "sh", "-c", service])).place(place).start().end()
        };
        // The counter has risen before, but not while this one ran.
        end(HOG);
        let (exit, _, err) = end("kill -KILL $$");
        assert_eq!((exit, err.as_str()), (Exit::Code(137), ""), "{place:?}");
    });
}

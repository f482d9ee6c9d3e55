//! What Docker shows of services: its HEALTHCHECK asks castoff.

use crate::docker::{Container, docker, missing, wait_for};
use crate::images::images;

fn until(container: &Container, health: &str) {
    wait_for(health, || (container.inspect(".State.Health.Status") == health).then_some(()));
}

#[test]
fn docker_shows_whether_the_services_are_well() {
    if missing() {
        return;
    }
    for options in
        [&[][..], &["--read-only"], &["--user=1000"], &["--read-only", "--user=1000", "--cap-drop=ALL"]]
    {
        let container = Container::start(options, &images().health);
        container.exec(&["touch", "/dev/shm/well"]);
        until(&container, "healthy");
        container.exec(&["rm", "/dev/shm/well"]);
        until(&container, "unhealthy");
        let log = container.inspect("json .State.Health.Log");
        assert!(log.contains("web is unhealthy: "), "{log}");
        container.exec(&["touch", "/dev/shm/well"]);
        until(&container, "healthy");
        container.exec(&["castoff", "--stop", "worker"]);
        until(&container, "unhealthy");
        container.exec(&["castoff", "--start", "worker"]);
        until(&container, "healthy");
        let other = docker(&["exec", "--user=33", &container.0, "castoff", "--status"]);
        assert_eq!(other.code, Some(77), "{options:?}: {}", other.stderr);
        assert!(container.is_running());
    }
}

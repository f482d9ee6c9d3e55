//! Poor places: castoff is not PID 1, has no name, no /proc, no /run, nothing to write to,
//! or a sandbox around it. None of that is fatal.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{
    Directory, Exit, Launch, Place, each_place, each_place_to_mount_in, namespaces_work, refusing, skipped,
};

const CASTOFF: &str = env!("CARGO_BIN_EXE_castoff");

/// A service that says what reaches it and leaves a process behind that TERM ends.
const SERVICE: &str = "trap 'echo told; exit 3' TERM; sleep 1000 & echo ready; while :; do sleep 0.01; done";

/// The same without anybody left behind.
const ALONE: &str = "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.01; done";

fn as_root() -> bool {
    let root = nix::unistd::geteuid().is_root() && namespaces_work();
    if !root {
        skipped("only root can take /proc, /run or a user away");
    }
    root
}

/// A shell that changes its surroundings, in a mount namespace of its own, and becomes
/// castoff; `$SERVICE` is there for the command.
fn among(surroundings: &str, castoff: &str, service: &str, place: Place) -> Launch {
    let script = format!("set -e; mount --make-rprivate /; {surroundings}; exec {CASTOFF} {castoff}");
    Launch::program(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", &script])
        .variable(&format!("SERVICE={service}"))
        .place(place)
}

/// It runs its service, forwards to it, and ends with its code.
fn works(launch: Launch, what: &str) {
    let mut running = launch.start();
    running.expect("ready");
    crate::harness::send(running.castoff(), libc::SIGTERM);
    running.expect("told");
    let (exit, _, err) = running.end();
    assert_eq!(exit, Exit::Code(3), "{what}: {err}");
    assert_eq!(running.descendants(), [], "{what}");
}

/// What is taken away, by a shell as root.
const POOR: [(&str, &str); 5] = [
    ("a read-only root", "mount -o remount,bind,ro /"),
    ("a /run that can't be written", "mount -t tmpfs -o ro none /run"),
    ("no /dev, and so no /dev/null and no /dev/tty", "mount -t tmpfs none /dev"),
    ("no /sys, and so no cgroups", "mount -t tmpfs none /sys"),
    ("no /tmp to write to", "mount -t tmpfs -o ro none /var/tmp"),
];

#[test]
fn poor_file_systems_are_not_fatal() {
    if !as_root() {
        return;
    }
    let directory = Directory::new("poor");
    let spec = directory.spec(
        "[env.A]\ndefault = \"b\"\nexport = true\n[service.a]\ncommand = [\"sh\", \"-c\", \"exit 7\"]\n",
    );
    each_place_to_mount_in(|place| {
        for (what, surroundings) in POOR {
            works(
                among(surroundings, "-- sh -c \"$SERVICE\"", SERVICE, place),
                &format!("{place:?}, {what}"),
            );
            let castoff = format!("--config {spec}");
            let (exit, _, err) = among(surroundings, &castoff, "", place).start().end();
            assert_eq!(exit, Exit::Code(7), "{place:?}, {what}, with a spec: {err}");
        }
    });
}

#[test]
fn without_proc_castoff_runs_its_service() {
    if !as_root() {
        return;
    }
    let directory = Directory::new("no-proc");
    let spec = directory.spec("[service.a]\ncommand = [\"sh\", \"-c\", \"exit 7\"]\n");
    each_place_to_mount_in(|place| {
        let gone = "mount -t tmpfs none /proc";
        // As PID 1 castoff needs no /proc to reach what is left; else it can't be found.
        let service = if place.is_init() { SERVICE } else { ALONE };
        works(among(gone, "-- sh -c \"$SERVICE\"", service, place), &format!("{place:?}"));
        let castoff = format!("--log-level debug --config {spec}");
        let (exit, _, err) = among(gone, &castoff, "", place).start().end();
        assert_eq!(exit, Exit::Code(7), "{err}");
        assert!(err.contains("not sealed, supervising as I am"), "{err}");
    });
}

#[test]
fn closed_descriptors_without_a_dev_null_are_not_fatal() {
    if !as_root() {
        return;
    }
    each_place_to_mount_in(|place| {
        for (closed, numbers) in
            [("<&-", "0"), (">&-", "1"), ("2>&-", "2"), ("<&- >&-", "0 1"), ("<&- >&- 2>&-", "0 1 2")]
        {
            // The service finds closed what was closed.
            let service = format!("for fd in {numbers}; do [ -e /proc/$$/fd/$fd ] && exit 9; done; exit 7");
            let castoff = format!("-- sh -c \"$SERVICE\" {closed}");
            let (exit, _, err) = among("mount -t tmpfs none /dev", &castoff, &service, place).start().end();
            assert_eq!(exit, Exit::Code(7), "{place:?} {closed}: {err}");
        }
    });
}

#[test]
fn an_unknown_user_needs_no_passwd_entry() {
    if !as_root() {
        return;
    }
    let directory = Directory::new("nobody");
    let spec = directory.spec("[service.a]\ncommand = [\"sh\", \"-c\", \"id -u; exit 7\"]\n");
    let user = "/usr/bin/setpriv";
    if !std::path::Path::new(user).exists() {
        return skipped("no setpriv here");
    }
    // the machine may have one already that is root's alone
    let state = format!("CASTOFF_STATE={}", directory.0.join("state").display());
    std::fs::set_permissions(&directory.0, Permissions::from_mode(0o777)).unwrap();
    each_place(|place| {
        let user = [user, "--reuid", "54321", "--regid", "54321", "--clear-groups"];
        let [a, b, c, d, e, f] = user;
        works(Launch::program([a, b, c, d, e, f, CASTOFF, "--", "sh", "-c", SERVICE]).place(place), "plain");
        let own = Launch::program([a, b, c, d, e, f, CASTOFF, "--config", &spec]).variable(&state);
        let (exit, out, err) = own.place(place).start().end();
        assert_eq!((exit, out.as_str()), (Exit::Code(7), "54321\n"), "{place:?}: {err}");
    });
}

#[test]
fn under_a_shell_and_under_su_castoff_is_as_good() {
    each_place(|place| {
        let inner = format!("{CASTOFF} -- sh -c \"$SERVICE\"; code=$?; exit $code");
        let shell = Launch::program(["/bin/sh", "-c", &inner]).variable(&format!("SERVICE={SERVICE}"));
        works(shell.place(place), &format!("{place:?}, a shell"));
        let nested = Launch::castoff(["--", CASTOFF, "--", CASTOFF, "--", "sh", "-c", SERVICE]);
        works(nested.place(place), &format!("{place:?}, castoff itself, twice"));
    });
    if !nix::unistd::geteuid().is_root() {
        return skipped("only root can su without a password");
    }
    each_place(|place| {
        let su = ["/bin/su", "-m", "-s", "/bin/sh", "nobody", "-c"];
        let [a, b, c, d, e, f] = su;
        let inner = format!("exec {CASTOFF} -- sh -c \"$SERVICE\"");
        let launch = Launch::program([a, b, c, d, e, f, &inner]).variable(&format!("SERVICE={SERVICE}"));
        works(launch.place(place), &format!("{place:?}, su"));
    });
}

/// What old or strict sandboxes refuse, and castoff can do without.
const DENIED: [libc::c_long; 8] = [
    libc::SYS_prctl,
    libc::SYS_memfd_create,
    libc::SYS_signalfd4,
    libc::SYS_close_range,
    libc::SYS_pidfd_open,
    libc::SYS_openat2,
    libc::SYS_ioctl,
    libc::SYS_setpgid,
];

#[test]
fn a_sandbox_that_denies_what_castoff_can_do_without_is_not_fatal() {
    let directory = Directory::new("sandbox");
    let spec = directory.spec("[service.a]\ncommand = [\"sh\", \"-c\", \"exit 7\"]\n");
    each_place(|place| {
        for denied in DENIED.iter().map(std::slice::from_ref).chain([&DENIED[..]]) {
            let what = format!("{place:?} {denied:?}");
            // Who may not be a subreaper can't find what is left behind.
            works(Launch::castoff(["--", "sh", "-c", ALONE]).place(place).denied(denied), &what);
            let (exit, _, err) =
                Launch::castoff(["--config", &spec]).place(place).denied(denied).start().end();
            assert_eq!(exit, Exit::Code(7), "{what}: {err}");
        }
    });
}

#[test]
fn without_statx_files_are_written_and_found_again() {
    let directory = Directory::new("statx");
    directory.file("a.j2", 0o644, b"text\n");
    let dest = directory.0.join("a").display().to_string();
    let spec = directory.spec(&format!("[[template]]\nsource = 'a.j2'\ndest = '{dest}'\nformat = 'plain'\n"));
    // what a sandbox may say; the kernel's own word before Linux 4.11 is the last
    for errno in ["EPERM", "EACCES", "ENOSYS"] {
        let _ = std::fs::remove_file(&dest);
        for told in ["wrote ", "nothing had to be written"] {
            let castoff = Launch::castoff(["--config", &spec, "--", "true"])
                .variable(&format!("CASTOFF_STATE={}", directory.0.join("state").display()));
            let Some(castoff) = refusing(&format!("statx:error={errno}"), castoff) else { return };
            let (exit, _, err) = castoff.start().end();
            assert_eq!(exit, Exit::Code(0), "{errno}: {err}");
            assert!(err.contains(told), "{errno}: {err}");
        }
        assert_eq!(std::fs::read_to_string(&dest).unwrap(), "text\n", "{errno}");
    }
}

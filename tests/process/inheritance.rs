//! What the service is given: signals, descriptors, user, directory, environment.

use std::os::fd::AsRawFd;

use crate::harness::{Exit, Launch, Place, each_place, skipped};

fn status_lines(launch: Launch) -> String {
    let (exit, out, err) = launch.start().end();
    assert_eq!(exit, Exit::Code(0), "{err}");
    out
}

#[test]
fn the_mask_and_the_ignored_signals_are_as_castoff_got_them() {
    each_place(|place| {
        for (blocked, ignored) in
            [(vec![], vec![]), (vec![10, 40], vec![1, 13, 17, 50]), (vec![15, 17], vec![2, 3])]
        {
            let grep = ["grep", "-E", "^(SigBlk|SigIgn):", "/proc/self/status"];
            let [a, b, c, d] = grep;
            let plain =
                Launch::program(["/bin/grep", b, c, d]).place(place).blocked(&blocked).ignored(&ignored);
            let expected = status_lines(plain);
            for launch in [
                Launch::castoff(["--", a, b, c, d]),
                Launch::library(["--seal", "--", a, b, c, d]),
                Launch::library(["--exec", "--", a, b, c, d]),
            ] {
                let seen = status_lines(launch.place(place).blocked(&blocked).ignored(&ignored));
                assert_eq!(seen, expected, "{place:?}");
            }
        }
    });
}

#[test]
fn sigpipe_has_its_default_in_the_service() {
    let (exit, out, _) =
        Launch::castoff(["--", "sh", "-c", "(yes; echo $? >&2) 2>/dev/null | head -n 1"]).start().end();
    assert_eq!((exit, out.as_str()), (Exit::Code(0), "y\n"));
    let seen = status_lines(Launch::castoff(["--", "grep", "SigIgn", "/proc/self/status"]));
    assert_eq!(seen.trim(), "SigIgn:\t0000000000000000");
}

#[test]
fn no_descriptor_of_castoff_s_leaks_into_the_service() {
    each_place(|place| {
        for launch in [
            Launch::castoff(["--", "ls", "/proc/self/fd"]),
            Launch::library(["--seal", "--", "ls", "/proc/self/fd"]),
        ] {
            // 3 is the directory that ls itself reads.
            assert_eq!(status_lines(launch.place(place)), "0\n1\n2\n3\n", "{place:?}");
        }
    });
}

#[test]
fn a_descriptor_from_above_reaches_the_service_and_castoff_lets_go_of_it() {
    let (reader, writer) = std::io::pipe().unwrap();
    // dash takes numbers of one digit only
    let script = "echo through >&9; exec 9>&-; echo ready; read x";
    let mut castoff = Launch::castoff(["--", "sh", "-c", script]).descriptor(writer.as_raw_fd(), 9).start();
    castoff.expect("ready");
    drop(writer);
    // Ends only when castoff, too, has closed the writing end.
    assert_eq!(std::io::read_to_string(reader).unwrap(), "through\n");
    castoff.close_input();
    castoff.wait();
}

#[test]
fn closed_standard_descriptors_are_filled_and_nothing_lands_on_them() {
    each_place(|place| {
        for closed in [&[0][..], &[1], &[2], &[0, 1], &[0, 1, 2]] {
            let script = "for fd in 0 1 2; do readlink /proc/self/fd/$fd >/dev/null || exit 9; done; exit 3";
            let mut castoff = Launch::castoff(["--", "sh", "-c", script]).place(place).closed(closed).start();
            assert_eq!(castoff.wait(), Exit::Code(3), "{place:?} {closed:?}");
        }
    });
}

#[test]
fn the_environment_passes_unchanged() {
    let seen =
        status_lines(Launch::castoff(["--", "env"]).variable("A=1").variable("B=x=y z").variable("C="));
    assert_eq!(seen, "PATH=/usr/local/bin:/usr/bin:/bin\nA=1\nB=x=y z\nC=\n");
    // what is no variable, or one twice, is the service's affair
    let odd = |launch: Launch| launch.variable("A=1").variable("no equals").variable("=x").variable("A=2");
    let seen = status_lines(odd(Launch::castoff(["--", "env"])));
    assert_eq!(seen, "PATH=/usr/local/bin:/usr/bin:/bin\nA=1\nno equals\n=x\nA=2\n");
}

#[test]
fn user_group_and_groups_are_switched() {
    if !nix::unistd::geteuid().is_root() {
        return skipped("only root can switch users");
    }
    each_place(|place: Place| {
        let script = "id -u; id -g; id -G; grep -E '^(Uid|Gid):' /proc/self/status";
        let options = ["--user", "1234,2345,3456,4567", "--", "sh", "-c", script];
        let seen = status_lines(Launch::library(options).place(place));
        let ids = "Uid:\t1234\t1234\t1234\t1234\nGid:\t2345\t2345\t2345\t2345\n";
        assert_eq!(seen, format!("1234\n2345\n2345 3456 4567\n{ids}"), "{place:?}");
        let none = status_lines(Launch::library(["--user", "1234,2345", "--", "id", "-G"]).place(place));
        assert_eq!(none, "2345\n", "no group of castoff's stays");
    });
}

#[test]
fn who_may_not_switch_says_so() {
    if !nix::unistd::geteuid().is_root() {
        return skipped("only root can become a user who may not");
    }
    let own = std::env::current_exe().unwrap();
    let inner = [own.to_str().unwrap(), "--probe", "run"];
    let [a, b, c] = inner;
    let same = ["--user", "1234,1234", "--exec", "--", a, b, c, "--user", "1234,1234", "--", "id", "-u"];
    assert_eq!(status_lines(Launch::library(same)), "1234\n", "already that user");
    let other = ["--user", "1234,1234", "--exec", "--", a, b, c, "--user", "0,0", "--", "id", "-u"];
    let (exit, _, err) = Launch::library(other).start().end();
    assert_eq!(exit, Exit::Code(77));
    assert!(err.contains("can't run `id`: its supplementary groups can't be set"), "{err}");
}

#[test]
fn the_service_starts_in_its_directory_and_castoff_stands_in_the_root() {
    let script = "pwd; readlink /proc/$PPID/cwd; read x";
    let mut castoff = Launch::library(["--directory", "/usr", "--", "sh", "-c", script]).start();
    castoff.expect("/usr");
    let pid = castoff.pid;
    castoff.line();
    castoff.until("castoff to stand in the root", |_| {
        std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap() == std::path::Path::new("/")
    });
    let (exit, _, err) = Launch::library(["--directory", "/nonexistent", "--", "pwd"]).start().end();
    assert_eq!(exit, Exit::Code(66));
    assert!(err.contains("its working directory `/nonexistent`"), "{err}");
}

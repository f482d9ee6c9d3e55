//! How many processes of castoff's own cgroup the kernel's OOM killer has killed:
//! `oom_kill` in memory.events of cgroup v2, which counts the cgroups below too, and in
//! memory.oom_control of v1. It counts victims here, wherever the limit stands that was
//! reached.
//!
//! Where the cgroup is follows from /proc/self/cgroup and the usual mount points: a
//! container sees its own cgroup there, a host all of them. Nothing here fails; who can't
//! find the counter doesn't know. mountinfo, which `cgroup` reads for the limits, is left
//! alone: this is asked at every start, and it can be long.

use std::path::{Component, Path};

use crate::sys::files::read_beginning;

/// Bytes of /proc/self/cgroup that are looked at: it has a line for each hierarchy.
const OWN: usize = 2048;
/// Bytes of a file with the counter: it has some 100.
const COUNTERS: usize = 512;

/// The counter. `root` is put before every absolute path; `/` but in tests.
#[must_use]
pub fn kills(root: &Path) -> Option<u64> {
    let mut room = [0; OWN];
    let own = String::from_utf8_lossy(read_beginning(&root.join("proc/self/cgroup"), &mut room));
    own.lines().filter_map(hierarchy).chain(["", ""].into_iter().zip([V1, V2])).find_map(|(path, place)| {
        let below = Path::new(path.trim_start_matches('/'));
        // one with `..` is outside of the cgroup namespace
        let below = below.components().all(|part| matches!(part, Component::Normal(_))).then_some(below);
        let mount = root.join(place.mount);
        let directories = below.map(|below| mount.join(below)).into_iter().chain([mount]);
        directories.into_iter().find_map(|directory| count(&directory.join(place.file)))
    })
}

/// Where a hierarchy is mounted, and which of its files has the counter.
#[derive(Clone, Copy)]
struct Place {
    mount: &'static str,
    file: &'static str,
}

const V1: Place = Place { mount: "sys/fs/cgroup/memory", file: "memory.oom_control" };
const V2: Place = Place { mount: "sys/fs/cgroup", file: "memory.events" };

/// `hierarchy-id:controller,controller:/path`; v2 has the id 0 and no controllers.
fn hierarchy(line: &str) -> Option<(&str, Place)> {
    let mut fields = line.splitn(3, ':');
    let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    if (id, controllers) == ("0", "") {
        return Some((path, V2));
    }
    controllers.split(',').any(|controller| controller == "memory").then_some((path, V1))
}

fn count(file: &Path) -> Option<u64> {
    let mut room = [0; COUNTERS];
    let text = std::str::from_utf8(read_beginning(file, &mut room)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::kills;
    use crate::sys::fixture::Scratch;

    const V2: &str = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 9\n";
    const V1: &str = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n";

    #[test]
    fn the_counter_is_found() {
        for (own, files, expected) in [
            ("0::/\n", vec![("sys/fs/cgroup/memory.events", V2)], Some(2)),
            ("0::/docker/abc\n", vec![("sys/fs/cgroup/memory.events", V2)], Some(2)),
            (
                "0::/docker/abc\n",
                vec![
                    ("sys/fs/cgroup/docker/abc/memory.events", V2),
                    ("sys/fs/cgroup/memory.events", "oom_kill 9"),
                ],
                Some(2),
            ),
            (
                "0::/../other\n",
                vec![("sys/fs/cgroup/memory.events", V2), ("sys/fs/other/memory.events", V1)],
                Some(2),
            ),
            ("4:memory:/\n0::/\n", vec![("sys/fs/cgroup/memory/memory.oom_control", V1)], Some(5)),
            (
                "5:cpu,memory:/docker/abc\n1:cpu:/\n0::/\n",
                vec![
                    ("sys/fs/cgroup/memory/docker/abc/memory.oom_control", V1),
                    ("sys/fs/cgroup/memory/memory.oom_control", "oom_kill 9\n"),
                ],
                Some(5),
            ),
            ("3:memoryless:/\n", vec![], None),
            // Linux before 4.13 counts nothing
            ("4:memory:/\n", vec![("sys/fs/cgroup/memory/memory.oom_control", "under_oom 0\n")], None),
            ("4:memory:/\n", vec![("sys/fs/cgroup/memory/memory.oom_control", "oom_kill x\n")], None),
            ("", vec![("sys/fs/cgroup/memory.events", V2)], Some(2)),
            ("garbled\n", vec![("sys/fs/cgroup/memory/memory.oom_control", V1)], Some(5)),
            ("0::/\n", vec![], None),
        ] {
            let scratch = Scratch::new();
            scratch.file("proc/self/cgroup", own);
            for (path, content) in &files {
                scratch.file(path, content);
            }
            assert_eq!(kills(&scratch.path("")), expected, "{own:?} {files:?}");
        }
        assert_eq!(kills(&Scratch::new().path("")), None, "nothing at all");
    }

    #[test]
    fn what_stands_in_the_counter_s_place_is_not_waited_for() {
        let scratch = Scratch::new();
        scratch.directory("sys/fs/cgroup", 0o755);
        let pipe = scratch.path("sys/fs/cgroup/memory.events");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(kills(&scratch.path("")), None);
    }
}

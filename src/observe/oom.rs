//! How many processes of castoff's own cgroup the kernel's OOM killer has killed:
//! `oom_kill` in memory.events of cgroup v2, which counts the cgroups below too, and in
//! memory.oom_control of v1. It counts victims here, wherever the limit stands that was
//! reached.
//!
//! Where the cgroup is follows from /proc/self/cgroup and the usual mount points: a
//! container sees its own cgroup there, a host all of them. Nothing here fails; who can't
//! find the counter doesn't know. mountinfo, which `cgroup` reads for the limits, is left
//! alone: this is asked at every start, and it can be long.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::sys::files::read_beginning;

/// Bytes of /proc/self/cgroup that are looked at: it has a line for each hierarchy.
const OWN: usize = 2048;
/// Bytes of a file with the counter: it has some 100.
const COUNTERS: usize = 512;

/// The counter.
#[must_use]
pub fn kills() -> Option<u64> {
    kills_beneath(b"")
}

/// The counter, with `root` before every path.
fn kills_beneath(root: &[u8]) -> Option<u64> {
    let mut room = [0; OWN];
    let own = read_beginning(&path(&[root, b"/proc/self/cgroup"]), &mut room);
    let listed = own.split(|byte| *byte == b'\n').filter_map(hierarchy);
    // where the hierarchies are not told, or are told wrongly
    let usual = [(&b""[..], V1), (b"", V2)];
    listed.chain(usual).find_map(|(cgroup, place)| {
        let of = |cgroup| count(&path(&[root, place.mount, cgroup, b"/", place.file]));
        // one with `..` is outside of the cgroup namespace
        let is_inside = !cgroup.split(|byte| *byte == b'/').any(|part| part == b"..");
        is_inside.then(|| of(cgroup)).flatten().or_else(|| of(b""))
    })
}

/// In bytes: this is asked beside a service's own start, and `Path` would touch kilobytes of code.
fn path(parts: &[&[u8]]) -> PathBuf {
    OsString::from_vec(parts.concat()).into()
}

/// Where a hierarchy is mounted, and which of its files has the counter.
#[derive(Clone, Copy)]
struct Place {
    mount: &'static [u8],
    file: &'static [u8],
}

const V1: Place = Place { mount: b"/sys/fs/cgroup/memory", file: b"memory.oom_control" };
const V2: Place = Place { mount: b"/sys/fs/cgroup", file: b"memory.events" };

/// `hierarchy-id:controller,controller:/path`; v2 has the id 0 and no controllers.
fn hierarchy(line: &[u8]) -> Option<(&[u8], Place)> {
    let mut fields = line.splitn(3, |byte| *byte == b':');
    let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    if (id, controllers) == (b"0", b"") {
        return Some((path, V2));
    }
    controllers.split(|byte| *byte == b',').any(|controller| controller == b"memory").then_some((path, V1))
}

fn count(file: &Path) -> Option<u64> {
    let mut room = [0; COUNTERS];
    let mut lines = read_beginning(file, &mut room).split(|byte| *byte == b'\n');
    let digits = lines.find_map(|line| line.strip_prefix(b"oom_kill "))?;
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::kills_beneath;
    use std::os::unix::ffi::OsStrExt;

    use crate::sys::fixture::Scratch;

    const V2: &str = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 9\n";
    const V1: &str = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n";

    fn found(scratch: &Scratch) -> Option<u64> {
        kills_beneath(scratch.path("").as_os_str().as_bytes())
    }

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
            assert_eq!(found(&scratch), expected, "{own:?} {files:?}");
        }
        assert_eq!(found(&Scratch::new()), None, "nothing at all");
    }

    #[test]
    fn what_stands_in_the_counter_s_place_is_not_waited_for() {
        let scratch = Scratch::new();
        scratch.directory("sys/fs/cgroup", 0o755);
        let pipe = scratch.path("sys/fs/cgroup/memory.events");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(found(&scratch), None);
    }
}

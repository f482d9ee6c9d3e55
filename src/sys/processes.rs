//! Which processes there are, as /proc shows them, and which groups. Reads only.

#![allow(unsafe_code, reason = "kill(2), getpgid(2)")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::pid_t;

use super::files::read_beginning;
use super::itself::own_pid;
use super::tree::listing::each_name;

/// Bytes of a stat that are looked at: the first 22 fields are less.
const STAT: usize = 640;

/// A process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its id.
    pub pid: pid_t,
    /// Its parent's.
    pub parent: pid_t,
    /// Its name, at most 15 bytes (`comm`, proc_pid_stat(5)).
    pub name: String,
    /// When it was started, in the kernel's ticks since the machine was: no two processes have
    /// both this and the id in common.
    pub began: u64,
}

impl Process {
    /// Whether its id is still its own.
    pub(super) fn is_there(&self) -> bool {
        look(self.pid).is_some_and(|now| now.began == self.began)
    }
}

/// Whether /proc is there, and is that of castoff's own process namespace.
#[must_use]
pub fn can_be_seen() -> bool {
    let itself = fs::read_link("/proc/self").ok();
    itself.as_ref().and_then(|id| id.to_str()).and_then(|id| id.parse().ok()) == Some(own_pid())
}

/// Whether anybody is in the process group, ended children that wait to be reaped included.
#[must_use]
pub fn group_exists(group: pid_t) -> bool {
    // SAFETY: takes two integers; signal 0 is not sent (kill(2)). 0 and 1 would be others.
    group > 1 && unsafe { libc::kill(-group, 0) == 0 || *libc::__errno_location() == libc::EPERM }
}

/// The process group of a process. `None`: it is gone.
#[must_use]
pub fn group_of(pid: pid_t) -> Option<pid_t> {
    // SAFETY: takes an integer; 0 would be castoff's own (getpgid(2)).
    let group = if pid > 0 { unsafe { libc::getpgid(pid) } } else { -1 };
    (group >= 0).then_some(group)
}

/// castoff's descendants that have not ended yet; a parent stands before its children.
/// `None` where /proc is missing or is that of another process namespace.
#[must_use]
pub fn descendants() -> Option<Vec<Process>> {
    if !can_be_seen() {
        return None;
    }
    // Of all that there are just this is kept, and in one piece: a machine may have many, and
    // castoff little memory.
    let mut pids: Vec<pid_t> = Vec::new();
    let mut keep = |name: &OsStr| pids.extend(name.to_str().and_then(|name| name.parse::<pid_t>().ok()));
    each_name(File::open("/proc").ok()?, &mut keep).ok()?;
    let mut others: Vec<(pid_t, pid_t)> = Vec::with_capacity(pids.len());
    others.extend(pids.iter().filter_map(|pid| parent_of(*pid).map(|parent| (*pid, parent))));
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![own_pid()];
    while !parents.is_empty() {
        let mut children = Vec::new();
        others.retain(|(pid, parent)| {
            let is_child = parents.contains(parent);
            children.extend(is_child.then_some(*pid));
            !is_child
        });
        found.extend(children.iter().filter_map(|pid| look(*pid)).filter(|process| !process.name.is_empty()));
        parents = children;
    }
    Some(found)
}

fn parent_of(pid: pid_t) -> Option<pid_t> {
    let mut room = [0; STAT];
    let stat = stat_of(pid, &mut room);
    let after = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat.get(after + 1..)?.split(|byte| *byte == b' ').skip(2);
    std::str::from_utf8(fields.next()?).ok()?.parse().ok()
}

/// The beginning of a process's stat, by a path that is no memory of the heap's.
fn stat_of(pid: pid_t, room: &mut [u8; STAT]) -> &[u8] {
    let mut path = [0; 32];
    let mut rest = path.as_mut_slice();
    if write!(rest, "/proc/{pid}/stat").is_err() {
        return &[];
    }
    let unused = rest.len();
    let path = path.get(..path.len() - unused).unwrap_or_default();
    read_beginning(Path::new(OsStr::from_bytes(path)), room)
}

fn look(pid: pid_t) -> Option<Process> {
    let mut room = [0; STAT];
    parse_stat(stat_of(pid, &mut room))
}

/// Reads `pid (name) state parent … began`, the 22nd field. The name may hold anything, parentheses too, so its
/// end is the last one (proc_pid_stat(5)). A zombie is given no name; it has a place in the
/// tree, since its main thread may have ended while another one still has children.
fn parse_stat(stat: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let began = fields.nth(17)?.parse().ok()?;
    let name = if matches!(state, "Z" | "X") { String::new() } else { name.to_owned() };
    Some(Process { pid: pid.parse().ok()?, parent, name, began })
}

#[cfg(test)]
mod tests {
    use super::{Process, parse_stat};

    #[test]
    fn stat_lines() {
        let process =
            |pid, parent, name: &str| Some(Process { pid, parent, name: name.to_owned(), began: 99 });
        for (line, expected) in [
            ("12 (sleep) S 1 3", process(12, 1, "sleep")),
            ("12 (a) b) (c) R 7 3", process(12, 7, "a) b) (c")),
            ("12 (a\nb) T 7 3", process(12, 7, "a\nb")),
            ("12 (dead) Z 7 3", process(12, 7, "")),
            ("12 (short) S 7 1", None),
            ("", None),
            ("12 (x) S", None),
            ("x (x) S 1 1", None),
        ] {
            let rest =
                if line.contains("short") { "" } else { " 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 99 5" };
            assert_eq!(parse_stat(format!("{line}{rest}").as_bytes()), expected, "{line:?}");
        }
    }
}

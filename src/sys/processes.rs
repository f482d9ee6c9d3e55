//! Which processes there are, as /proc shows them. Reads only.

use std::fs;

use libc::pid_t;

use super::itself::own_pid;

/// A process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its id.
    pub pid: pid_t,
    /// Its parent's.
    pub parent: pid_t,
    /// Its name, at most 15 bytes (`comm`, proc_pid_stat(5)).
    pub name: String,
}

/// Whether /proc is there, and is that of castoff's own process namespace.
#[must_use]
pub fn can_be_seen() -> bool {
    let itself = fs::read_link("/proc/self").ok();
    itself.as_ref().and_then(|id| id.to_str()).and_then(|id| id.parse().ok()) == Some(own_pid())
}

/// castoff's descendants that have not ended yet; a parent stands before its children.
/// `None` where /proc is missing or is that of another process namespace.
#[must_use]
pub fn descendants() -> Option<Vec<Process>> {
    if !can_be_seen() {
        return None;
    }
    let root = own_pid();
    let mut others: Vec<Process> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit))
        .filter_map(|entry| parse_stat(&fs::read(entry.path().join("stat")).ok()?))
        .collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while !parents.is_empty() {
        let (children, rest): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|process| parents.contains(&process.parent));
        others = rest;
        parents = children.iter().map(|process| process.pid).collect();
        found.extend(children);
    }
    found.retain(|process| !process.name.is_empty());
    Some(found)
}

/// Reads `pid (name) state parent …`. The name may hold anything, parentheses too, so its
/// end is the last one (proc_pid_stat(5)). A zombie is given no name; it has a place in the
/// tree, since its main thread may have ended while another one still has children.
fn parse_stat(stat: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let name = if matches!(state, "Z" | "X") { String::new() } else { name.to_owned() };
    Some(Process { pid: pid.parse().ok()?, parent, name })
}

#[cfg(test)]
mod tests {
    use super::{Process, parse_stat};

    #[test]
    fn stat_lines() {
        let process = |pid, parent, name: &str| Some(Process { pid, parent, name: name.to_owned() });
        for (line, expected) in [
            ("12 (sleep) S 1 12 12 0 -1", process(12, 1, "sleep")),
            ("12 (a) b) (c) R 7 1", process(12, 7, "a) b) (c")),
            ("12 (a\nb) T 7 1", process(12, 7, "a\nb")),
            ("12 (dead) Z 7 1", process(12, 7, "")),
            ("", None),
            ("12 (x) S", None),
            ("x (x) S 1 1", None),
        ] {
            assert_eq!(parse_stat(line.as_bytes()), expected, "{line:?}");
        }
    }
}

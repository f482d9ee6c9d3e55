//! Every call of a start that has to do with files fails in turn, with each of seven errors.
//! The start succeeds, or says what failed and why; then an undisturbed one converges.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::calls::{file_call, name};
use super::picture::differences;
use super::proven::Proven;
use super::report::{Failures, Table};
use super::site::{Said, Site, Story};
use super::tracer::{Call, Exit, Verdict};

pub(crate) const ERRORS: [Errno; 7] =
    [Errno::ENOSPC, Errno::EIO, Errno::EDQUOT, Errno::EACCES, Errno::EROFS, Errno::EMFILE, Errno::EINTR];

/// The exit codes that docs/spec.md has for a start that fails; a bug's is not among them.
const DOCUMENTED: [i32; 9] = [65, 66, 73, 74, 75, 77, 78, 126, 127];

pub(crate) const TABLE: Table = Table {
    title: "Each call that has to do with files fails",
    says: "Every such call of castoff's, by name and occurrence, with one thread. A start that succeeds gives \
           the right result; one that doesn't ends with a documented code, names path and cause, and leaves no \
           copies behind. Then one start, undisturbed.",
    columns: &[
        "story and error",
        "calls failed",
        "succeeded",
        "explained itself",
        "states left",
        "converged",
    ],
};

/// Fails each call, or every so many, with this error.
pub(crate) fn each_call(
    site: &Site,
    story: &Story,
    errno: Errno,
    stride: usize,
    failures: &mut Failures,
) -> Vec<u64> {
    let mut failing =
        Failing { site, story, proven: Proven::of(site, story), failed: 0, succeeded: 0, explained: 0 };
    for (call, occurrence) in failing.calls().iter().step_by(stride) {
        failing.fail(call, *occurrence, errno, failures);
    }
    let Failing { failed, succeeded, explained, proven, .. } = failing;
    vec![failed, succeeded, explained, proven.states(), proven.converged]
}

struct Failing<'a> {
    site: &'a Site,
    story: &'a Story,
    proven: Proven<'a>,
    failed: u64,
    succeeded: u64,
    explained: u64,
}

impl Failing<'_> {
    /// The calls of an undisturbed start that have to do with files: each with how many of
    /// its name there were, it included.
    fn calls(&self) -> Vec<(Call, u64)> {
        self.site.set_up(self.story);
        let (mut calls, mut counts) = (Vec::new(), BTreeMap::new());
        self.site.traced(self.story, self.story.disturbed, |call| {
            if call.own && file_call(call.number).is_some() {
                let count: &mut u64 = counts.entry(call.number).or_default();
                *count += 1;
                calls.push((*call, *count));
            }
            Verdict::Go
        });
        calls
    }

    fn fail(&mut self, call: &Call, occurrence: u64, errno: Errno, failures: &mut Failures) {
        self.site.set_up(self.story);
        let mut met = 0;
        let said = self.site.traced(self.story, self.story.disturbed, |now| {
            met += u64::from(now.own && now.number == call.number);
            if met == occurrence && now.number == call.number {
                Verdict::Fail(errno as i32)
            } else {
                Verdict::Go
            }
        });
        // who waits for a child may be told of its end earlier, by fewer calls
        if met < occurrence {
            return;
        }
        self.failed += 1;
        let what = format!("{errno:?} at {} {occurrence} (call {})", name(call.number), call.index);
        match self.outcome(&said, call, errno) {
            Ok(true) => self.succeeded += 1,
            Ok(false) => self.explained += 1,
            Err(wrong) => failures
                .add(&format!("{}, {what}: {wrong}\n{:?}\n{}", self.story.name, said.ended.exit, said.text)),
        }
        self.proven.converges(&what, failures);
    }

    /// Whether it succeeded; `Err`: what is wrong with how it ended.
    fn outcome(&self, said: &Said, call: &Call, errno: Errno) -> Result<bool, String> {
        if let Some(seen) = &said.seen
            && *seen != self.proven.expected
        {
            let lines = differences(&self.proven.expected, seen).join("\n");
            return Err(format!("the service saw less than all:\n{lines}"));
        }
        match said.ended.exit {
            Exit::Code(0) if said.seen.is_some() => Ok(true),
            Exit::Code(_) if errno == Errno::EINTR => {
                Err("an interrupted call has to be made again".to_owned())
            }
            Exit::Code(code) if DOCUMENTED.contains(&code) => {
                if self.site.volume().join(".castoff/staging").exists() {
                    return Err("the copies are still there".to_owned());
                }
                let silenced = call.number == libc::SYS_write && call.arguments[0] == 2;
                let names_cause = [errno.desc().to_owned(), format!("(os error {})", errno as i32)]
                    .iter()
                    .any(|cause| said.text.contains(cause));
                let names_path = said.text.contains('/');
                match (names_cause && names_path) || silenced {
                    true => Ok(false),
                    false => Err("path or cause is not named".to_owned()),
                }
            }
            _ => Err("that is no documented end".to_owned()),
        }
    }
}

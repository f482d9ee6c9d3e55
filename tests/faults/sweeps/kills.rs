//! A start is killed before each of its system calls in turn. No service may run on less
//! than the whole tree, and the next start has to end where an undisturbed one does.

use super::picture::{Picture, differences};
use super::proven::Proven;
use super::report::{Failures, Table};
use super::site::{Said, Site, Story};
use super::tracer::{Call, Exit, Verdict};

pub(crate) const ONE_BY_ONE: Table = Table {
    title: "Killed before each system call",
    says: "Every call of castoff's with one thread, the dynamic loader's included, from its first instruction \
           until its service has ended. Then one start, undisturbed.",
    columns: &["story", "kills", "states left", "converged"],
};

pub(crate) const THREADS: Table = Table {
    title: "Killed among several threads",
    says: "As above, with as many threads as there are cores; the calls are numbered over all threads. Every \
           third call: the calls are the same, and only their order differs.",
    columns: ONE_BY_ONE.columns,
};

pub(crate) const TWICE: Table = Table {
    title: "Killed twice",
    says: "Two starts one after the other, each at sixteen places of the second half of its calls. A kill is a \
           pair of them; where the second start has less to do and ends before its place, it is none.",
    columns: ONE_BY_ONE.columns,
};

struct Killing<'a> {
    site: &'a Site,
    story: &'a Story,
    /// What an undisturbed start of the version that is killed makes of the volume.
    whole: Picture,
    proven: Proven<'a>,
    kills: u64,
}

fn kill_at(index: u64) -> impl FnMut(&Call) -> Verdict {
    move |call| if call.index == index { Verdict::Kill } else { Verdict::Go }
}

/// At each call, or every so many.
pub(crate) fn one_by_one(site: &Site, story: &Story, stride: u64, failures: &mut Failures) -> Vec<u64> {
    let mut killing = Killing::of(site, story);
    for index in (1..).step_by(usize::try_from(stride).unwrap()) {
        site.set_up(story);
        let said = site.traced(story, story.disturbed, kill_at(index));
        if !killing.goes_on(&said, &format!("killed at call {index}"), failures) {
            break;
        }
    }
    killing.counts()
}

/// The same with several threads.
pub(crate) fn threads(site: &Site, story: &Story, stride: u64, failures: &mut Failures) -> Vec<u64> {
    let mut killing = Killing::of(site, story);
    for index in (1..).step_by(usize::try_from(stride).unwrap()) {
        site.set_up(story);
        let said = site.traced_with_threads(story, story.disturbed, kill_at(index));
        if !killing.goes_on(&said, &format!("killed at call {index} of all threads"), failures) {
            break;
        }
    }
    killing.counts()
}

/// One after the other.
pub(crate) fn twice(site: &Site, story: &Story, places: u64, failures: &mut Failures) -> Vec<u64> {
    let mut killing = Killing::of(site, story);
    site.set_up(story);
    let all = site.traced(story, story.disturbed, |_| Verdict::Go).ended.calls;
    // the second half is where it changes something
    let place = |number: u64| all / 2 + all / 2 * number / places;
    for first in 0..places {
        for second in 0..places {
            site.set_up(story);
            let what = format!("killed at call {}, then at call {}", place(first), place(second));
            let said = site.traced(story, story.disturbed, kill_at(place(first)));
            killing.sees_all(&said, &what, failures);
            let said = site.traced(story, story.disturbed, kill_at(place(second)));
            killing.goes_on(&said, &what, failures);
        }
    }
    killing.counts()
}

impl<'a> Killing<'a> {
    fn of(site: &'a Site, story: &'a Story) -> Self {
        let whole = site.expected(story, story.disturbed);
        Self { site, story, whole, proven: Proven::of(site, story), kills: 0 }
    }

    fn counts(&self) -> Vec<u64> {
        vec![self.kills, self.proven.states(), self.proven.converged]
    }

    /// No service ran on less than the whole tree. Returns whether castoff was killed.
    fn sees_all(&mut self, said: &Said, what: &str, failures: &mut Failures) -> bool {
        if let Some(seen) = said.seen.as_ref().filter(|seen| **seen != self.whole) {
            let lines = differences(&self.whole, seen).join("\n");
            failures.add(&format!("{}, {what}: the service saw less than all:\n{lines}", self.story.name));
        }
        let killed = said.ended.exit == Exit::Signal(libc::SIGKILL);
        if !killed && (said.ended.exit != Exit::Code(0) || said.seen.is_none()) {
            failures.add(&format!("{}, {what}: {:?} {}", self.story.name, said.ended, said.text));
        }
        killed
    }

    /// As `sees_all`, and the next start converges.
    fn goes_on(&mut self, said: &Said, what: &str, failures: &mut Failures) -> bool {
        let killed = self.sees_all(said, what, failures);
        if killed {
            self.kills += 1;
            self.proven.converges(what, failures);
        } else if self.site.picture() != self.whole {
            failures
                .add(&format!("{}, {what}: it was too late, and the volume is not whole", self.story.name));
        }
        killed
    }
}

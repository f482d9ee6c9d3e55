//! The states of a volume from which a start was seen to end where it must. A state that is
//! met again needs no second start.

use std::collections::BTreeSet;

use super::picture::{Picture, differences, to_text};
use super::report::Failures;
use super::site::{Site, Story};
use super::tracer::Exit;

/// What is proven of one story.
pub(crate) struct Proven<'a> {
    site: &'a Site,
    story: &'a Story,
    /// What an undisturbed start gives.
    pub(crate) expected: Picture,
    states: BTreeSet<String>,
    /// How many states were met.
    pub(crate) converged: u64,
}

impl<'a> Proven<'a> {
    pub(crate) fn of(site: &'a Site, story: &'a Story) -> Self {
        let expected = site.expected(story, story.after);
        Self { site, story, expected, states: BTreeSet::new(), converged: 0 }
    }

    /// How many different states were started from.
    pub(crate) fn states(&self) -> u64 {
        u64::try_from(self.states.len()).unwrap()
    }

    /// Starts once more, undisturbed, unless a start from the same state is known to
    /// converge.
    pub(crate) fn converges(&mut self, what: &str, failures: &mut Failures) {
        let left = self.site.picture();
        let state = to_text(&left);
        if self.states.contains(&state) {
            self.converged += 1;
            return;
        }
        let said = self.site.start(self.story, self.story.after);
        let found = self.site.picture();
        let saw_all = said.seen.as_ref() == Some(&found);
        if said.ended.exit == Exit::Code(0) && saw_all && found == self.expected {
            self.states.insert(state);
            self.converged += 1;
            return;
        }
        let of_users = |line: &String| !line.contains(".castoff/");
        let done: Vec<String> = differences(&left, &found).into_iter().filter(of_users).collect();
        failures.add(&format!(
            "{}, {what}: then {:?} {}\nagainst an undisturbed start:\n{}\nwhat that start did:\n{}",
            self.story.name,
            said.ended.exit,
            said.text,
            differences(&self.expected, &found).join("\n"),
            done.join("\n")
        ));
    }
}

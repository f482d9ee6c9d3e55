//! When to render again because files have changed: once they are another than when it was
//! done last, and stay so from one look to the next. Whoever writes them in more than one step
//! is waited for so.
//!
//! Knows versions that can be compared and nothing else, neither files nor times.

/// The versions of the files, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<V> {
    /// As they were rendered last.
    rendered: Vec<V>,
    /// As they were found at the last look.
    seen: Vec<V>,
}

/// What comes of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All is as it was rendered.
    Same,
    /// Something is changing: look again, after a pause.
    Unsettled,
    /// Something is another, and settled.
    Changed,
}

impl<V: PartialEq + Clone> Changes<V> {
    /// Of what was rendered so.
    #[must_use]
    pub fn new(rendered: Vec<V>) -> Self {
        Self { seen: rendered.clone(), rendered }
    }

    /// Takes in how they are now.
    pub fn look(&mut self, now: Vec<V>) -> Look {
        let is_settled = now == self.seen;
        self.seen = now;
        if self.seen == self.rendered {
            Look::Same
        } else if is_settled {
            Look::Changed
        } else {
            Look::Unsettled
        }
    }

    /// They are rendered as they are now, well or not: what is wrong now is wrong until it changes.
    pub fn render(&mut self, now: Vec<V>) {
        self.seen.clone_from(&now);
        self.rendered = now;
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, Look};

    #[test]
    fn a_change_counts_once_it_is_settled() {
        let mut changes = Changes::new(vec![1, 1]);
        let looks = [
            (vec![1, 1], Look::Same),
            (vec![1, 2], Look::Unsettled),
            (vec![1, 3], Look::Unsettled),
            (vec![1, 3], Look::Changed),
            // it counts until it is rendered
            (vec![1, 3], Look::Changed),
            // taken back
            (vec![1, 1], Look::Same),
            (vec![2, 1], Look::Unsettled),
        ];
        for (now, look) in looks {
            assert_eq!(changes.look(now.clone()), look, "{now:?}");
        }
        changes.render(vec![2, 1]);
        assert_eq!(changes.look(vec![2, 1]), Look::Same);
    }

    #[test]
    fn what_changed_before_the_first_look_counts_too() {
        let mut changes = Changes::new(vec![1]);
        assert_eq!(changes.look(vec![2]), Look::Unsettled);
        assert_eq!(changes.look(vec![2]), Look::Changed);
    }
}

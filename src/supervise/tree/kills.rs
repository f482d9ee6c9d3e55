//! Which services the kernel's OOM killer ended: it counts its victims and doesn't name them.
//! Reads nothing itself.

use crate::service::tree::Id;

/// By the place of the service: how many victims there were before its main process was started,
/// and of those since then the ones that others are known to be.
#[derive(Debug)]
pub(super) struct Kills(Vec<Option<u64>>);

impl Kills {
    pub(super) fn new(services: usize) -> Self {
        Self(vec![None; services])
    }

    /// Its main process is about to be started, and there have been `now` victims.
    pub(super) fn starts(&mut self, id: Id, now: Option<u64>) {
        if let Some(before) = self.0.get_mut(id.0) {
            *before = now;
        }
    }

    /// Whether its main process, which SIGKILL ended, is one of the `now` victims, as far as the
    /// count tells. It is nobody else's reason then.
    pub(super) fn explain(&mut self, id: Id, now: Option<u64>) -> bool {
        let (Some(Some(before)), Some(now)) = (self.0.get(id.0), now) else { return false };
        let is_one = *before < now;
        if is_one {
            for before in self.0.iter_mut().flatten() {
                *before = (*before + 1).min(now);
            }
        }
        is_one
    }
}

#[cfg(test)]
mod tests {
    use super::Kills;
    use crate::service::tree::Id;

    const A: Id = Id(0);
    const B: Id = Id(1);

    /// Both were started when there had been three victims.
    fn both() -> Kills {
        let mut kills = Kills::new(2);
        kills.starts(A, Some(3));
        kills.starts(B, Some(3));
        kills
    }

    #[test]
    fn each_victim_is_one_service() {
        let mut kills = both();
        assert!(kills.explain(A, Some(4)));
        assert!(!kills.explain(B, Some(4)), "somebody else did that");
        assert!(kills.explain(B, Some(5)));
    }

    #[test]
    fn two_at_once_are_two() {
        let mut kills = both();
        assert!(kills.explain(A, Some(5)));
        assert!(kills.explain(B, Some(5)));
        assert!(!kills.explain(A, Some(5)));
    }

    #[test]
    fn a_victim_from_before_the_start_is_another() {
        let mut kills = both();
        kills.starts(B, Some(4));
        assert!(!kills.explain(B, Some(4)));
        // the other one's end is learnt of only now
        assert!(kills.explain(A, Some(4)));
        assert!(kills.explain(B, Some(5)));
    }

    #[test]
    fn without_a_count_nobody_is_named() {
        let mut kills = both();
        assert!(!kills.explain(A, None));
        kills.starts(A, None);
        assert!(!kills.explain(A, Some(9)));
        assert!(!kills.explain(Id(2), Some(9)));
    }
}

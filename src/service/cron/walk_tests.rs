//! Every sequence of deeds up to a length, and random longer ones.

use proptest::prelude::*;

use super::super::*;
use super::world::{BEGIN, Deed, Watched};
use super::{HOUR, OK, policy, secs};

fn alphabet() -> Vec<Deed> {
    vec![
        Deed::Alarm,
        Deed::Timer,
        Deed::Later(secs(1)),
        Deed::Later(secs(700)),
        Deed::Forward(HOUR * 13),
        Deed::Back(HOUR),
        Deed::Back(HOUR * 4),
        Deed::First(OK),
        Deed::Last(Ending::Exited(1)),
        Deed::Fails,
        Deed::Unknown,
        Deed::Stop,
        Deed::Begin,
    ]
}

fn policies() -> Vec<CronPolicy> {
    let timeout = Some(secs(200));
    vec![
        CronPolicy { timeout, ..policy("*/5 * * * *") },
        CronPolicy { timeout, overlap: Overlap::Allow, missed: Missed::RunOnce, ..policy("*/5 * * * *") },
        CronPolicy { missed: Missed::RunOnce, jitter: HOUR, ..policy("10 4,15 * * *") },
        CronPolicy { timeout, overlap: Overlap::Allow, jitter: HOUR, ..policy("@every 90s") },
    ]
}

#[test]
fn all_sequences_of_four_deeds_keep_the_invariants() {
    let deeds = alphabet();
    for policy in policies() {
        let mut open = vec![(Watched::new(policy), 0)];
        while let Some((state, length)) = open.pop() {
            for deed in deeds.iter().filter(|_| length < 4) {
                let mut next = state.clone();
                next.feed(*deed);
                open.push((next, length + 1));
            }
        }
    }
}

proptest! {
    #[test]
    fn longer_sequences_keep_the_invariants(
        picks in proptest::collection::vec(0..alphabet().len(), 0..80),
        policy in 0..policies().len(),
    ) {
        let mut watched = Watched::new(policies().swap_remove(policy));
        for pick in picks {
            watched.feed(alphabet()[pick]);
        }
    }

    /// As long as the clock is not set back, each due time is a start, was passed over because of
    /// another run, or was missed; and nothing else is started but what makes up for those.
    #[test]
    fn no_due_time_is_lost_and_none_is_taken_twice(
        picks in proptest::collection::vec(0_usize..9, 0..80),
        policy in 0..policies().len(),
    ) {
        let forward: Vec<_> = alphabet()
            .into_iter()
            .filter(|deed| !matches!(deed, Deed::Back(_) | Deed::Stop))
            .collect();
        let mut watched = Watched::new(policies().swap_remove(policy));
        for pick in picks {
            watched.feed(forward[pick]);
        }
        let status = watched.cron.status();
        let (mut due, mut time) = (0, seconds(BEGIN.wall));
        while let Some(next) = watched.cron.next(time).filter(|next| Some(span(*next)) <= status.last_due) {
            (due, time) = (due + 1, next);
        }
        let made_up =
            watched.log.iter().filter(|line| matches!(line, Line::Missed(_, Missed::RunOnce))).count();
        let capped = watched.log.iter().any(|line| matches!(line, Line::Missed(1000.., _)));
        let accounted = status.runs + status.overlapped + status.missed;
        prop_assert!(capped || accounted == due + u64::try_from(made_up).unwrap(), "{status:?} {due}");
    }
}

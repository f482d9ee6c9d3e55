//! The order in which things that need each other are computed, and the circles in which
//! none can be first. Knows numbers only.

use std::collections::VecDeque;

/// An order, and what has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// All that can be computed, each after what it needs.
    pub(super) sorted: Vec<usize>,
    /// Circles: each needs the one behind it, the last the first.
    pub(super) cycles: Vec<Vec<usize>>,
}

/// `needs[i]` are those that `i` needs, each below `needs.len()`. What only hangs on a
/// circle is neither sorted nor part of one. Never recurses: a spec may chain as many
/// variables as it likes.
pub(super) fn sort(needs: &[Vec<usize>]) -> Order {
    let mut open: Vec<bool> = vec![true; needs.len()];
    let mut order = Order { sorted: Vec::new(), cycles: Vec::new() };
    loop {
        let (sorted, left) = sort_open(needs, &open);
        if order.cycles.is_empty() {
            order.sorted = sorted;
        }
        let Some(start) = left.iter().position(|is_left| *is_left) else { return order };
        let cycle = find_cycle(needs, &left, start);
        // without these, what hangs on them can be sorted, and other circles come to light
        open = left;
        for member in &cycle {
            if let Some(flag) = open.get_mut(*member) {
                *flag = false;
            }
        }
        order.cycles.push(cycle);
    }
}

/// Kahn's algorithm over the open ones; the second result marks those that are left.
fn sort_open(needs: &[Vec<usize>], open: &[bool]) -> (Vec<usize>, Vec<bool>) {
    let is_open = |i: usize| open.get(i).copied().unwrap_or(false);
    let mut waiting: Vec<usize> = needs.iter().map(|of| of.iter().filter(|n| is_open(**n)).count()).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (i, of) in needs.iter().enumerate().filter(|(i, _)| is_open(*i)) {
        for need in of {
            if let Some(list) = needed_by.get_mut(*need) {
                list.push(i);
            }
        }
    }
    let mut left = open.to_vec();
    let mut ready: VecDeque<usize> =
        waiting.iter().enumerate().filter(|(i, count)| **count == 0 && is_open(*i)).map(|(i, _)| i).collect();
    let mut sorted = Vec::new();
    while let Some(next) = ready.pop_front() {
        sorted.push(next);
        if let Some(flag) = left.get_mut(next) {
            *flag = false;
        }
        for user in needed_by.get(next).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*user) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(*user);
                }
            }
        }
    }
    (sorted, left)
}

/// Walks from one that is left to one that it needs and that is left too, until it comes
/// to one a second time: all that are left have such a need.
fn find_cycle(needs: &[Vec<usize>], left: &[bool], start: usize) -> Vec<usize> {
    let is_left = |i: &usize| left.get(*i).copied().unwrap_or(false);
    let mut walk = vec![start];
    let mut at = start;
    while let Some(next) = needs.get(at).and_then(|of| of.iter().copied().find(is_left)) {
        if let Some(seen) = walk.iter().position(|i| *i == next) {
            return walk.split_off(seen);
        }
        walk.push(next);
        at = next;
    }
    walk
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sort;

    #[test]
    fn table() {
        for (needs, sorted, cycles) in [
            (vec![], vec![], vec![]),
            (vec![vec![], vec![]], vec![0, 1], vec![]),
            (vec![vec![1], vec![2], vec![]], vec![2, 1, 0], vec![]),
            (vec![vec![0]], vec![], vec![vec![0]]),
            (vec![vec![1], vec![0], vec![]], vec![2], vec![vec![0, 1]]),
            // 2 hangs on the circle and is not part of it
            (vec![vec![1], vec![0], vec![0]], vec![], vec![vec![0, 1]]),
            (vec![vec![1], vec![2], vec![1]], vec![], vec![vec![1, 2]]),
            (vec![vec![1], vec![0], vec![3], vec![2]], vec![], vec![vec![0, 1], vec![2, 3]]),
        ] {
            let order = sort(&needs);
            assert_eq!((order.sorted, order.cycles), (sorted, cycles), "{needs:?}");
        }
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let needs: Vec<Vec<usize>> = (0..50_000).map(|i| if i == 0 { vec![] } else { vec![i - 1] }).collect();
        assert_eq!(sort(&needs).sorted.len(), 50_000);
    }

    proptest! {
        #[test]
        fn needs_come_first_and_circles_are_circles(
            needs in (1usize..12).prop_flat_map(|n| {
                prop::collection::vec(prop::collection::btree_set(0..n, 0..3), n)
            })
        ) {
            let needs: Vec<Vec<usize>> = needs.into_iter().map(|set| set.into_iter().collect()).collect();
            let order = sort(&needs);
            for (at, i) in order.sorted.iter().enumerate() {
                prop_assert!(needs[*i].iter().all(|need| order.sorted[..at].contains(need)));
            }
            for cycle in &order.cycles {
                for (at, i) in cycle.iter().enumerate() {
                    prop_assert!(needs[*i].contains(&cycle[(at + 1) % cycle.len()]));
                    prop_assert!(!order.sorted.contains(i));
                }
            }
            prop_assert_eq!(order.cycles.is_empty(), order.sorted.len() == needs.len());
        }
    }
}

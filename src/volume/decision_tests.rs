use std::convert::Infallible;

use proptest::prelude::*;

use super::{Action, Circumstances, Found, Path, Reason, decide};
use crate::spec::{Conflicts, Existing};
use crate::state::Shipped;
use crate::sys::status::Kind;

const UPGRADING: Circumstances = Circumstances::Upgrading(Conflicts::Keep);

fn file(content: u128) -> Shipped {
    Shipped { kind: Kind::Regular, mode: 0o644, size: 1, modified: (0, 0), content }
}

fn directory(mode: u32) -> Shipped {
    Shipped { kind: Kind::Directory, mode, size: 0, modified: (0, 0), content: 0 }
}

/// Decides for a path with what was shipped then, found, and shipped now.
fn decided(
    circumstances: Circumstances,
    then: &[Shipped],
    found: Option<Shipped>,
    now: Option<Shipped>,
) -> Action {
    let recorded = then.first();
    let path = Path { then, recorded, now: now.as_ref(), kept: false, may_be_cut_short: false };
    of(circumstances, &path, found)
}

fn of(circumstances: Circumstances, path: &Path<'_>, found: Option<Shipped>) -> Action {
    let standing = found.map_or(Found::Missing, |found| Found::Entry(found.kind, found.mode));
    let is = |version: &Shipped| Ok::<_, Infallible>(found.is_some_and(|found| found.same_content(version)));
    match decide(circumstances, path, standing, is) {
        Ok(action) => action,
        Err(never) => match never {},
    }
}

#[test]
fn an_upgrade_is_three_way() {
    let (one, two, edited) = (Some(file(1)), Some(file(2)), Some(file(9)));
    let then = [file(1)];
    for (then, found, now, action) in [
        // never shipped by us
        (&[][..], one, None, Action::Leave(Reason::NotOurs)),
        (&[], None, two, Action::Add),
        (&[], two, two, Action::Leave(Reason::AsShipped)),
        (&[], one, two, Action::Leave(Reason::InTheWay)),
        // untouched
        (&then, one, one, Action::Leave(Reason::AsShipped)),
        (&then, one, two, Action::Replace),
        (&then, one, None, Action::Remove),
        // brought to the new version already
        (&then, two, two, Action::Leave(Reason::AsShipped)),
        // edited
        (&then, edited, one, Action::Leave(Reason::Edited)),
        (&then, edited, two, Action::Leave(Reason::Conflict)),
        (&then, edited, None, Action::Leave(Reason::Conflict)),
        // removed
        (&then, None, one, Action::Leave(Reason::Deleted)),
        (&then, None, two, Action::Leave(Reason::Deleted)),
        (&then, None, None, Action::Leave(Reason::AsShipped)),
        // another kind
        (&then, Some(directory(0o755)), two, Action::Leave(Reason::Conflict)),
        (&[directory(0o755)], Some(directory(0o755)), two, Action::Replace),
        (&then, one, Some(directory(0o755)), Action::Replace),
    ] {
        assert_eq!(decided(UPGRADING, then, found, now), action, "{then:?} {found:?} {now:?}");
    }
}

#[test]
fn what_an_edited_file_becomes_is_the_specs_choice() {
    for (conflicts, ours, strangers) in [
        (Conflicts::Keep, Action::Leave(Reason::Conflict), Action::Leave(Reason::InTheWay)),
        (Conflicts::NewFile, Action::AddBeside, Action::AddBeside),
        (Conflicts::Replace, Action::Replace, Action::Leave(Reason::InTheWay)),
    ] {
        let upgrading = Circumstances::Upgrading(conflicts);
        assert_eq!(decided(upgrading, &[file(1)], Some(file(9)), Some(file(2))), ours, "{conflicts:?}");
        assert_eq!(decided(upgrading, &[], Some(file(9)), Some(file(2))), strangers, "{conflicts:?}");
    }
}

#[test]
fn what_a_first_start_finds_is_the_specs_choice() {
    for (existing, action) in [
        (Existing::Refuse, Action::Refuse),
        (Existing::Fill, Action::Leave(Reason::InTheWay)),
        (Existing::Adopt, Action::Leave(Reason::InTheWay)),
        (Existing::Replace, Action::Replace),
    ] {
        let filling = Circumstances::Filling(existing);
        assert_eq!(decided(filling, &[], Some(file(9)), Some(file(2))), action, "{existing:?}");
        assert_eq!(decided(filling, &[], None, Some(file(2))), Action::Add);
        assert_eq!(decided(filling, &[], Some(file(2)), Some(file(2))), Action::Leave(Reason::AsShipped));
        assert_eq!(decided(filling, &[], Some(file(2)), None), Action::Leave(Reason::NotOurs));
        // cut short with an older image
        assert_eq!(decided(filling, &[file(1)], Some(file(1)), Some(file(2))), Action::Replace);
        assert_eq!(decided(filling, &[file(1)], Some(file(1)), None), Action::Remove);
    }
}

#[test]
fn adding_only_adds() {
    for (found, action) in [(None, Action::Add), (Some(file(9)), Action::Leave(Reason::AsShipped))] {
        assert_eq!(decided(Circumstances::Adding, &[file(1)], found, Some(file(2))), action);
    }
    assert_eq!(
        decided(Circumstances::Adding, &[file(1)], Some(file(1)), None),
        Action::Leave(Reason::NotOurs)
    );
}

#[test]
fn a_mirror_puts_aside_what_it_does_not_know() {
    let mirroring = Circumstances::Mirroring;
    for (then, found, now, action) in [
        (&[][..], Some(file(9)), None, Action::PutAside),
        (&[file(1)], Some(file(9)), None, Action::PutAside),
        (&[file(1)], Some(file(1)), None, Action::Remove),
        (&[file(1)], Some(file(9)), Some(file(1)), Action::Replace),
        (&[file(1)], None, Some(file(1)), Action::Add),
        (&[], Some(file(1)), Some(file(1)), Action::Leave(Reason::AsShipped)),
        (&[], Some(directory(0o777)), Some(directory(0o755)), Action::SetMode(0o755)),
    ] {
        assert_eq!(decided(mirroring, then, found, now), action, "{then:?} {found:?} {now:?}");
    }
    let opened = Shipped { mode: 0o666, ..file(1) };
    assert_eq!(decided(mirroring, &[file(1)], Some(opened), Some(file(1))), Action::Replace);
}

#[test]
fn rights_follow_the_image_unless_somebody_set_them() {
    let with = |mode| Shipped { mode, ..file(1) };
    for (then, found, now, action) in [
        (0o644, 0o644, 0o600, Action::Replace),
        (0o644, 0o660, 0o600, Action::Leave(Reason::AsShipped)),
        (0o644, 0o660, 0o644, Action::Leave(Reason::AsShipped)),
    ] {
        assert_eq!(decided(UPGRADING, &[with(then)], Some(with(found)), Some(with(now))), action);
        let of_directory = match action {
            Action::Replace => Action::SetMode(now),
            other => other,
        };
        let decided = decided(UPGRADING, &[directory(then)], Some(directory(found)), Some(directory(now)));
        assert_eq!(decided, of_directory);
    }
}

#[test]
fn a_change_that_was_cut_short_is_gone_on_with() {
    let now = file(2);
    let then = [file(1), file(2)];
    let recorded = then.first();
    let path = Path { then: &then, recorded, now: Some(&now), kept: false, may_be_cut_short: true };
    for (found, action) in [
        (None, Action::Add),
        (Some(file(1)), Action::Replace),
        (Some(file(2)), Action::Leave(Reason::AsShipped)),
        (Some(file(9)), Action::Leave(Reason::Conflict)),
    ] {
        assert_eq!(of(UPGRADING, &path, found), action, "{found:?}");
    }
    let beside = Circumstances::Upgrading(Conflicts::NewFile);
    assert_eq!(of(beside, &path, Some(file(9))), Action::AddBeside, "as if nothing had been cut short");
    let first = Path { recorded: None, then: &then[1..], ..path };
    assert_eq!(of(UPGRADING, &first, Some(file(9))), Action::Leave(Reason::Edited), "edited since");
    let dropped = Path { now: None, ..path };
    assert_eq!(of(UPGRADING, &dropped, Some(file(2))), Action::Remove, "the next image has it no more");
}

fn circumstances() -> impl Strategy<Value = Circumstances> {
    let conflicts = proptest::sample::select(vec![Conflicts::Keep, Conflicts::NewFile, Conflicts::Replace]);
    let existing =
        proptest::sample::select(vec![Existing::Refuse, Existing::Fill, Existing::Adopt, Existing::Replace]);
    prop_oneof![
        conflicts.prop_map(Circumstances::Upgrading),
        existing.prop_map(Circumstances::Filling),
        Just(Circumstances::Adding),
        Just(Circumstances::Mirroring),
    ]
}

fn version() -> impl Strategy<Value = Shipped> {
    prop_oneof![
        (0..4_u128).prop_map(file),
        proptest::sample::select(vec![directory(0o755), directory(0o700)])
    ]
}

proptest! {
    #[test]
    fn promises(
        circumstances in circumstances(),
        then in proptest::collection::vec(version(), 0..3),
        found in proptest::option::of(version()),
        now in proptest::option::of(version()),
        kept: bool,
        may_be_cut_short: bool,
    ) {
        let recorded = then.first();
        let path = Path { then: &then, recorded, now: now.as_ref(), kept, may_be_cut_short };
        let action = of(circumstances, &path, found);
        let ours = found.is_some_and(|found| then.iter().any(|then| then.same_content(&found)));
        let replaces_strangers = matches!(
            circumstances,
            Circumstances::Mirroring | Circumstances::Filling(Existing::Replace)
        );
        let replaces_edits = circumstances == Circumstances::Upgrading(Conflicts::Replace) && !then.is_empty();
        match action {
            // nothing is lost that castoff did not ship itself, unless the spec asks for it
            Action::Remove => prop_assert!(ours && now.is_none()),
            Action::Replace => {
                let as_now = found.zip(now).is_some_and(|(found, now)| found.same_content(&now));
                prop_assert!(now.is_some() && (ours || as_now || replaces_strangers || replaces_edits));
            }
            Action::Add => prop_assert!(found.is_none() && now.is_some()),
            Action::AddBeside => prop_assert!(found.is_some() && now.is_some()),
            Action::PutAside => prop_assert_eq!(circumstances, Circumstances::Mirroring),
            Action::Refuse => prop_assert_eq!(circumstances, Circumstances::Filling(Existing::Refuse)),
            Action::SetMode(_) => prop_assert!(found.is_some_and(|found| found.kind == Kind::Directory)),
            Action::Leave(_) => {}
        }
        if kept && !matches!(circumstances, Circumstances::Filling(_)) {
            prop_assert_eq!(action, Action::Leave(Reason::Kept));
        }
        // doing it twice does no more
        let after = match action {
            Action::Add | Action::Replace => now,
            Action::Remove | Action::PutAside => None,
            Action::SetMode(mode) => found.map(|found| Shipped { mode, ..found }),
            Action::Leave(_) | Action::AddBeside | Action::Refuse => return Ok(()),
        };
        let shipped: Vec<Shipped> = then.iter().copied().chain(now).collect();
        let again = of(circumstances, &Path { then: &shipped, ..path }, after);
        prop_assert!(matches!(again, Action::Leave(_)), "{action:?} then {again:?}");
    }
}

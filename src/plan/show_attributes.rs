//! What a service's process has of its own, as people read it.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use crate::diagnostic::Located;
use crate::process_attributes::{ProcessAttributes, above};
use crate::spec::EnvironmentChange;

/// A line for what it is given, if anything, and one for the paths that it can't write
/// beneath.
pub(super) fn show_attributes(text: &mut String, attributes: &ProcessAttributes) {
    let ProcessAttributes { groups, umask, nice, oom_score_adj, limits, .. } = attributes;
    let with = [
        (!groups.is_empty()).then(|| format!("groups {}", list(groups))),
        umask.map(|umask| format!("umask {umask:04o}")),
        nice.map(|nice| format!("nice {nice}")),
        oom_score_adj.map(|score| format!("oom-score-adj {score}")),
        (!limits.is_empty()).then(|| format!("limits {}", list(limits))),
        attributes.bounding.map(|set| format!("bounding {set}")),
        attributes.ambient.map(|set| format!("ambient {set}")),
        (attributes.no_new_privs || !attributes.read_only_paths.is_empty())
            .then(|| "no-new-privs".to_owned()),
    ];
    let with: Vec<String> = with.into_iter().flatten().collect();
    if !with.is_empty() {
        let _ = writeln!(text, "with    {}", with.join("; "));
    }
    let paths: BTreeSet<_> = attributes.read_only_paths.iter().cloned().collect();
    if !paths.is_empty() {
        let new = above(&paths).into_iter().map(|path| path.display());
        let paths = paths.iter().map(|path| path.display());
        let _ = writeln!(text, "guard   {}  (read-only; nothing new in {})", list(paths), list(new));
    }
}

/// A line for what its environment has otherwise than other services', by name only: a value
/// may be a secret.
pub(super) fn show_environment(text: &mut String, change: &EnvironmentChange) {
    let names = |names: &[Located<String>]| match names {
        [] => "none".to_owned(),
        names => list(names.iter().map(|name| &name.value)),
    };
    let changes = [
        change.only.as_ref().map(|only| format!("only {}", names(only))),
        (!change.remove.is_empty()).then(|| format!("without {}", names(&change.remove))),
        (!change.add.is_empty()).then(|| format!("with {}", list(change.add.iter().map(|(name, _)| name)))),
    ];
    let changes: Vec<String> = changes.into_iter().flatten().collect();
    if !changes.is_empty() {
        let _ = writeln!(text, "environ {}", changes.join("; "));
    }
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::show_attributes;
    use crate::capability::{Capability, CapabilitySet};
    use crate::process_attributes::ProcessAttributes;
    use crate::resource::{Limit, Resource};

    fn shown(attributes: &ProcessAttributes) -> String {
        let mut text = String::new();
        show_attributes(&mut text, attributes);
        text
    }

    #[test]
    fn what_is_as_castoff_s_is_not_shown() {
        assert_eq!(shown(&ProcessAttributes::default()), "");
    }

    #[test]
    fn what_is_of_its_own_is_shown() {
        let limit = |name, soft, hard| Limit { resource: Resource::named(name).unwrap(), soft, hard };
        let attributes = ProcessAttributes {
            groups: vec![44, 1234],
            umask: Some(0o27),
            nice: Some(-5),
            oom_score_adj: Some(100),
            limits: vec![limit("nofile", 1024, 4096), limit("core", 0, 0)],
            bounding: Some(CapabilitySet::EMPTY.with(Capability::parse("KILL").unwrap())),
            ambient: Some(CapabilitySet::EMPTY),
            no_new_privs: false,
            read_only_paths: vec!["/var/www/html".into(), "/etc/app".into()],
        };
        assert_eq!(
            shown(&attributes),
            "with    groups 44, 1234; umask 0027; nice -5; oom-score-adj 100; \
             limits nofile 1024:4096, core 0; bounding KILL; ambient none; no-new-privs\n\
             guard   /etc/app, /var/www/html  (read-only; nothing new in /, /etc, /var, /var/www)\n"
        );
    }
}

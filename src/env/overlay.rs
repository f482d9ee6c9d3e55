//! Puts an env file in the place of the environment: for the variables of the spec. What the
//! spec has nothing to do with stays, PATH above all.

use super::dotenv::Entry;
use super::snapshot::Snapshot;
use super::source::declared_names;
use super::undeclared::is_known;
use crate::spec::Spec;

/// The variables of `entries`, and those of `process` that the spec neither declares nor
/// claims by a prefix.
#[must_use]
pub fn overlay(process: &Snapshot, spec: &Spec, entries: Vec<Entry>) -> Snapshot {
    let declared = declared_names(spec);
    let prefixes = spec.undeclared.iter().flat_map(|undeclared| &undeclared.prefixes);
    let prefixes: Vec<&str> = prefixes.map(|prefix| prefix.value.as_str()).collect();
    let claims =
        |name: &str| is_known(name, &declared) || prefixes.iter().any(|prefix| name.starts_with(prefix));
    let others = process.variables().filter(|(name, _)| !name.to_str().is_some_and(claims));
    Snapshot::from_entries(entries).over(others)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::overlay;
    use crate::diagnostic::Source;
    use crate::env::{Snapshot, dotenv};

    #[test]
    fn the_file_rules_over_what_the_spec_claims() {
        let source = Source::new("s", "version = 1\n[undeclared]\nprefixes = [\"P_\"]\n[env.A]\n[env.B]\n");
        let spec = crate::spec::parse(&source, Path::new("")).spec;
        let process = Snapshot::from_pairs([
            ("A", "process"),
            ("B_FILE", "/process"),
            ("P_X", "process"),
            ("PATH", "/bin"),
            ("HOME", "/"),
        ]);
        let entries = dotenv::parse("site.env", b"A=file\nHOME=/file\n").unwrap();
        let variables = overlay(&process, &spec, entries);
        let found: Vec<_> =
            variables.variables().map(|(n, v)| (n.to_str().unwrap(), v.to_str().unwrap())).collect();
        assert_eq!(found, [("A", "file"), ("HOME", "/file"), ("PATH", "/bin")]);
    }
}

//! What was read back, in numbers: said on stderr, and appended to the file that
//! `CASTOFF_COUNTS` names, of which `make formats` makes docs/formats.md. Compares nothing.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;

use castoff::format::Refusal;
use serde_json::{Value, json};

/// Refused values by the reason given.
#[derive(Clone, Default)]
pub(crate) struct Refusals(BTreeMap<String, usize>);

impl Refusals {
    pub(crate) fn add(&mut self, refusal: &Refusal) {
        assert!(!refusal.reason.is_empty() && !refusal.context.is_empty(), "a refusal says why");
        *self.0.entry(refusal.reason.clone()).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (reason, count) in other.0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.values().sum()
    }
}

/// `read` values came back from `reader` byte for byte, the others were refused.
pub(crate) fn values(format: &str, context: &str, reader: &str, read: usize, refusals: &Refusals) {
    eprintln!("{format} {context}, {reader}: {read} read back, {} refused", refusals.count());
    append(&json!({
        "format": format, "context": context, "reader": reader, "read": read, "refusals": refusals.0,
    }));
}

/// Of `filled` random templates `valid` were files that `reader` takes, and none was read as
/// something else.
pub(crate) fn templates(format: &str, reader: &str, filled: usize, valid: usize) {
    eprintln!("{format}, {reader}: {filled} templates, {valid} of them valid");
    append(&json!({ "format": format, "reader": reader, "templates": filled, "valid": valid }));
}

/// One write, because many tests run at the same time.
fn append(row: &Value) {
    let Some(path) = std::env::var_os("CASTOFF_COUNTS") else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{row}\n").as_bytes()).unwrap();
}

//! Texts that were read by a person once and must stay as they are.
//!
//! `CASTOFF_BLESS=1 cargo test` writes them anew; what changed is then read in the diff.

use std::fs;
use std::path::Path;

/// Compares `text` with the golden file `name`.
pub(super) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden").join(name);
    if std::env::var_os("CASTOFF_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "{name} differs; if that is right, CASTOFF_BLESS=1 writes it anew\n--- golden\n{golden}\n--- now\n{text}"
    );
}

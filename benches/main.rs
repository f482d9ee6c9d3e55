//! Measures castoff beside its peers and writes docs/benchmarks.md. `make bench` runs it.
//!
//! Each round runs every candidate once, in turn, so that what else the machine does falls
//! on all of them; medians are compared, and only ratios are written. Words choose among the
//! measurements: those are shown, and written as well with the word `write`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark stops at the first thing that is not as it must be, and says what it measures"
)]

mod child;
mod ground;
mod init;
mod race;
mod rendering;
mod scheduler;
mod volumes;

use std::path::Path;

use ground::Ground;
use race::Table;

fn main() {
    child::serve_if_asked();
    let binary = std::env::var("CASTOFF").unwrap_or_else(|_| "target/static/castoff".to_owned());
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join(binary);
    assert!(binary.exists(), "{} is not there: make static builds it", binary.display());
    let words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let (write, only): (Vec<String>, Vec<String>) = words.partition(|word| word == "write");
    let ground = Ground::new(binary);
    let mut tables: Vec<Table> = Vec::new();
    for (name, measure) in [
        ("seeding", volumes::seeding as fn(&Ground) -> Vec<Table>),
        ("restart", volumes::restart),
        ("upgrade", volumes::upgrade),
        ("ownership", volumes::ownership),
        ("rendering", rendering::rendering),
        ("startup", init::startup),
        ("prepared", init::prepared),
        ("latency", init::latency),
        ("orphans", init::orphans),
        ("idle", init::idle),
    ] {
        if only.is_empty() || only.iter().any(|only| only == name) {
            let measured = measure(&ground);
            println!("{}", race::text_of(&measured));
            tables.extend(measured);
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    if only.is_empty() {
        std::fs::write(page, race::document(&tables)).unwrap();
    } else if !write.is_empty() {
        let before = std::fs::read_to_string(&page).unwrap();
        std::fs::write(page, race::replaced(&before, &tables)).unwrap();
    }
}

//! The tables of counts, as they are printed and kept in docs/faults.md.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One kind of disturbance, and what is counted of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) says: &'static str,
    /// The first one is what a row is about.
    pub(crate) columns: &'static [&'static str],
}

/// What came of one row. `counts` is empty: it could not be tried here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) counts: Vec<u64>,
    pub(crate) failures: Failures,
}

impl Table {
    /// In Markdown, with these rows. One that was not counted is as it was in the old text.
    pub(crate) fn to_text(self, rows: &[Row], old: &str) -> String {
        let mut text =
            format!("## {}\n\n{}\n\n| {} |\n|---|", self.title, self.says, self.columns.join(" | "));
        text.push_str(&"--:|".repeat(self.columns.len() - 1));
        let old = old.split("\n## ").find(|section| section.starts_with(self.title)).unwrap_or_default();
        for row in rows {
            let begins = [format!("| {} |", row.name), format!("| {}: **", row.name)];
            let mut same = old.lines().filter(|line| begins.iter().any(|begin| line.starts_with(begin)));
            let kept = same.next().filter(|_| row.counts.is_empty() && row.failures.0 == 0);
            let _ = write!(text, "\n{}", kept.map_or_else(|| row.to_text(), str::to_owned));
        }
        text.push('\n');
        text
    }
}

impl Row {
    fn to_text(&self) -> String {
        let failures = match self.failures.0 {
            0 => String::new(),
            failures => format!(": **{failures} failures**"),
        };
        let counts: Vec<String> = self.counts.iter().map(u64::to_string).collect();
        let counts = if counts.is_empty() { "not counted".to_owned() } else { counts.join(" | ") };
        format!("| {}{failures} | {counts} |", self.name)
    }
}

/// What went wrong: told at once, and counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures(pub(crate) u64);

impl Failures {
    /// How many of a row are told in full.
    const MOST_TOLD: u64 = 8;

    pub(crate) fn add(&mut self, what: &str) {
        self.0 += 1;
        if self.0 <= Self::MOST_TOLD {
            println!("FAILED {what}");
        }
    }
}

/// Where the tables are kept.
fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")
}

/// The tables as they were kept last.
pub(crate) fn kept() -> String {
    std::fs::read_to_string(place()).unwrap_or_default()
}

/// Writes the tables to docs/faults.md.
pub(crate) fn keep(tables: &[String]) {
    // what a vendor adds to the version says nothing of the kernel
    let kernel = "uname -m; uname -r | cut -d. -f1,2";
    let kernel = Command::new("sh").args(["-c", kernel]).output();
    let kernel =
        kernel.map(|output| String::from_utf8_lossy(&output.stdout).trim().replace('\n', ", Linux "));
    let head = format!(
        "# Faults\n\nWritten by `make faults` (`cargo test --test faults -- --full`), which runs starts of castoff call \
         by call (ptrace(2)), and kills, refuses or interrupts them at every place, or cuts the power; see \
         `tests/faults`. Measured on {}.\n\n\
         A start after a fault is needed once for each state that a fault can leave: two that left the same names, \
         kinds, rights, contents and records (inodes and the times of directories apart) count as one state.\n\n\
         `make faults` counts every row; `cargo test --test faults -- --full WORD` only those whose name has the \
         word in it (`EINTR`, `KillTwice`), and leaves the others as they were.\n",
        kernel.unwrap_or_default()
    );
    let text = format!("{head}\n{}", tables.join("\n"));
    std::fs::write(place(), text).unwrap();
}

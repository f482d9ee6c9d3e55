//! Runs candidates in turn, takes medians, and writes tables of ratios.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What is measured: made ready before each round, then timed.
pub(crate) struct Candidate<'a> {
    pub(crate) name: String,
    pub(crate) prepare: Box<dyn Fn() + 'a>,
    pub(crate) run: Box<dyn Fn() + 'a>,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(name: &str, prepare: impl Fn() + 'a, run: impl Fn() + 'a) -> Self {
        Self { name: name.to_owned(), prepare: Box::new(prepare), run: Box::new(run) }
    }
}

/// Medians beside each other.
pub(crate) struct Table {
    title: String,
    note: String,
    lines: Vec<(String, String)>,
}

impl Table {
    /// A table of facts that are not times.
    pub(crate) fn of(title: &str, note: &str, lines: Vec<(String, String)>) -> Self {
        Self { title: title.to_owned(), note: note.to_owned(), lines }
    }
}

/// Times each candidate `rounds` times; the first is what the others are compared to.
pub(crate) fn race(title: &str, note: &str, rounds: usize, candidates: &[Candidate<'_>]) -> Table {
    let medians = medians(rounds, candidates);
    let base = medians[0];
    let lines = candidates.iter().zip(&medians).map(|(candidate, median)| {
        (candidate.name.clone(), format!("{:.2}", median.as_secs_f64() / base.as_secs_f64()))
    });
    Table::of(title, &format!("{note} Medians of {rounds} rounds."), lines.collect())
}

/// The medians themselves.
pub(crate) fn medians(rounds: usize, candidates: &[Candidate<'_>]) -> Vec<Duration> {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); candidates.len()];
    for _ in 0..rounds {
        for (candidate, times) in candidates.iter().zip(&mut times) {
            (candidate.prepare)();
            let begun = Instant::now();
            (candidate.run)();
            times.push(begun.elapsed());
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort();
            times[times.len() / 2]
        })
        .collect()
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
}

/// Runs a shell script that must succeed.
pub(crate) fn sh(script: &str) {
    run(Command::new("sh").args(["-ec", script]));
}

/// The page of all tables.
pub(crate) fn document(tables: &[Table]) -> String {
    let head = "# Benchmarks\n\nWritten by `make bench`: what stands in one table is measured side by side in one run, on one\n\
                machine; the first line is what the others are compared to, where nothing else is said.\n";
    head.to_owned() + &text_of(tables)
}

/// The page with these tables in the place of those of the same title.
pub(crate) fn replaced(page: &str, tables: &[Table]) -> String {
    tables.iter().fold(page.to_owned(), |page, table| {
        let title = format!("\n## {}\n", table.title);
        let (before, after) = page.split_once(&title).expect("the page has a table of this title");
        let next = after.find("\n## ").map_or("", |at| &after[at..]);
        before.to_owned() + &text_of(std::slice::from_ref(table)) + next
    })
}

/// Tables as they stand on a page.
pub(crate) fn text_of(tables: &[Table]) -> String {
    let mut text = String::new();
    for Table { title, note, lines } in tables {
        let _ = write!(text, "\n## {title}\n\n{note}\n\n| | |\n|---|---|\n");
        for (name, value) in lines {
            let _ = writeln!(text, "| {name} | {value} |");
        }
    }
    text
}

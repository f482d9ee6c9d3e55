//! `[[wait]]`: what a start waits for, how it ends when that doesn't come, and that nothing
//! it waits for can hold it up when it is asked to stop.

mod fake;
mod interrupted;
mod late;
mod modes;
mod names;
mod servers;
mod vain;

use crate::harness::{Exit, Place, Running};
use crate::modes::case::Case;

const SERVICE: &str = "[service.app]\ncommand = [\"echo\", \"service\"]\n";

/// A case that waits as these lines say, and has a service then.
fn case(lines: &str) -> Case {
    Case::new(&format!("{lines}\n{SERVICE}"))
}

fn start(case: &Case, place: Place) -> Running {
    case.launch(&[]).place(place).start()
}

/// castoff says so of what these lines wait for, and goes on waiting.
fn not_yet(lines: &str, expected: &str) -> String {
    let case = case(&format!("[[wait]]\n{lines}\ntimeout = \"1h\"\n"));
    let mut castoff = start(&case, Place::Child);
    let line = castoff.told_that(expected);
    castoff.signal(libc::SIGTERM);
    assert_eq!(castoff.wait(), Exit::Signal(libc::SIGTERM));
    line
}

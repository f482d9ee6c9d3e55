//! The value of `environment`: `KEY="value",KEY2="value"`, which supervisor takes apart with
//! Python's `shlex` (without its POSIX rules: there are quotes, and no escapes).

use super::super::skeleton::{Refusal, Unit};
use super::lex::{Answer, blank};
use super::{Context, Place};

/// The answers for the holes of one line of it, and whether it was understood to its end:
/// quotes that don't close on their line leave the next ones unsure.
pub(super) fn lex(value: &[Unit], base: Context) -> (Vec<Answer>, bool) {
    let mut holes = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let Some(next) = pair(rest, base, &mut holes) else {
            let count = rest.iter().filter(|unit| **unit == Unit::Hole).count();
            holes.extend(std::iter::repeat_n(Err(not_a_pair()), count));
            return (holes, false);
        };
        rest = next;
    }
    (holes, true)
}

/// One `KEY=value,`; `None` where it isn't one.
fn pair<'a>(text: &'a [Unit], base: Context, holes: &mut Vec<Answer>) -> Option<&'a [Unit]> {
    let text = trim_start(text);
    if text.is_empty() {
        return Some(text);
    }
    let name = text.iter().position(|unit| !is_name(unit))?;
    let text = trim_start(text.get(name..)?);
    let (Unit::Char('='), text) = text.split_first().filter(|_| name > 0)? else { return None };
    let text = trim_start(text);
    let end = match text.first() {
        Some(Unit::Char(quote @ ('"' | '\''))) => {
            let length = text.iter().skip(1).position(|unit| *unit == Unit::Char(*quote))? + 2;
            let end = closes(text.get(length..)?)?;
            quoted(text.get(..length)?, *quote, base, holes);
            length + end
        }
        Some(Unit::Hole) => {
            let end = closes(text.get(1..)?)?;
            holes.push(Ok(Context { place: Place::Variable, ..base }));
            1 + end
        }
        _ => {
            let length = text.iter().position(|unit| !is_bare(unit)).unwrap_or(text.len());
            length + closes(text.get(length..)?)?
        }
    };
    text.get(end..)
}

/// How much of the text goes with the comma behind a value, or with the end.
fn closes(text: &[Unit]) -> Option<usize> {
    let rest = trim_start(text);
    match rest.first() {
        None => Some(text.len()),
        Some(Unit::Char(',')) => Some(text.len() - rest.len() + 1),
        _ => None,
    }
}

/// `text` with its quotes.
fn quoted(text: &[Unit], by: char, base: Context, holes: &mut Vec<Answer>) {
    let edge = |unit: Option<&Unit>| matches!(unit, None | Some(Unit::Hole | Unit::Char('"' | '\'')));
    for (at, _) in text.iter().enumerate().filter(|(_, unit)| **unit == Unit::Hole) {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let edges = (edge(before), edge(text.get(at + 1)));
        holes.push(Ok(Context { place: Place::Quoted { by, edges, alone: text.len() == 3 }, ..base }));
    }
}

fn trim_start(mut units: &[Unit]) -> &[Unit] {
    while let [first, rest @ ..] = units
        && blank(first)
    {
        units = rest;
    }
    units
}

fn is_name(unit: &Unit) -> bool {
    matches!(unit, Unit::Char(c) if c.is_ascii_alphanumeric() || *c == '_')
}

/// What may stand in a value without quotes; `%` is for `%(…)s`.
fn is_bare(unit: &Unit) -> bool {
    is_name(unit) || matches!(unit, Unit::Char(c) if "/.+-():%".contains(*c))
}

pub(super) fn not_a_pair() -> Refusal {
    Refusal::template(
        "the environment in supervisord.conf",
        "it isn't in the value of a `KEY=\"value\"` whose quotes close on its line",
        "environment=KEY={{ x }},OTHER=\"a {{ y }}\"",
    )
}

//! Reads cron expressions: five fields, `@daily` and its like, `@every 90s`. All that is wrong
//! with one is found at once. No time is computed here.

use std::ops::Range;
use std::time::Duration;

use super::calendar::Calendar;
use super::field::{FIELDS, Field};
use super::mistake::Mistake;
use crate::diagnostic::nearest;
use crate::duration;

/// Short forms, as crontab(5) has them.
const SHORT: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// When something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At these times of the clock on the wall.
    Calendar(Calendar),
    /// Again and again after so many seconds, at least 1; clocks and zones don't matter.
    Every(u32),
}

impl Schedule {
    /// Reads an expression.
    ///
    /// # Errors
    /// All that is wrong with it; never an empty list.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let words = words(text);
        match words.as_slice() {
            [] => {
                let mistake =
                    Mistake::new(0..text.len(), "the schedule is empty", "five fields, or `@daily`");
                Err(vec![mistake.help(FIVE)])
            }
            [(name, place), rest @ ..] if name.starts_with('@') => {
                named(name, place.clone(), rest).map_err(|mistake| vec![mistake])
            }
            _ => five(&words),
        }
    }
}

const FIVE: &str = "minute, hour, day of the month, month, day of the week: \"30 3 * * *\" is 03:30 each day";

/// The words of a text with their places.
fn words(text: &str) -> Vec<(&str, Range<usize>)> {
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace().map(|word| (word, start(word)..start(word) + word.len())).collect()
}

fn named(name: &str, place: Range<usize>, rest: &[(&str, Range<usize>)]) -> Result<Schedule, Mistake> {
    if name == "@every" {
        return every(place, rest);
    }
    if name == "@reboot" {
        return Err(Mistake::new(place, "`@reboot` is no time", "a container has no reboot").help(
            "what is to be done at each start is a [[step]] with `run = \"always\"`; what keeps running, a service",
        ));
    }
    let Some((_, fields)) = SHORT.iter().find(|(short, _)| *short == name) else {
        let all = || SHORT.iter().map(|(short, _)| *short).chain(["@every"]);
        let mistake = Mistake::new(place, format!("`{name}` is no schedule"), "not known");
        return Err(match nearest(name, all()) {
            Some(near) => mistake.help(format!("did you mean `{near}`?")),
            None => mistake.help(format!("known are {}", all().collect::<Vec<_>>().join(", "))),
        });
    };
    match rest.first() {
        Some((_, place)) => {
            Err(Mistake::new(place.clone(), format!("`{name}` stands alone"), "nothing may follow it"))
        }
        None => five(&words(fields)).map_err(|mut mistakes| mistakes.remove(0)),
    }
}

/// `@every 90s`.
fn every(place: Range<usize>, rest: &[(&str, Range<usize>)]) -> Result<Schedule, Mistake> {
    let [(text, place)] = rest else {
        return Err(Mistake::new(place, "`@every` needs a duration", "one word: \"@every 90s\""));
    };
    let whole =
        |span: Duration| if span.subsec_nanos() == 0 { u32::try_from(span.as_secs()).ok() } else { None };
    match duration::parse(text).map(whole) {
        Some(Some(seconds @ 1..)) => Ok(Schedule::Every(seconds)),
        Some(_) => Err(Mistake::new(
            place.clone(),
            format!("`@every {text}` is not possible"),
            "whole seconds, at least one",
        )),
        None => Err(Mistake::new(
            place.clone(),
            format!("`{text}` is not a duration"),
            "a number with a unit: \"90s\", \"5m\", \"1h30m\"",
        )),
    }
}

fn five(words: &[(&str, Range<usize>)]) -> Result<Schedule, Vec<Mistake>> {
    let count = words.len();
    if let [.., (last, _)] = words
        && count != FIELDS.len()
    {
        return Err(vec![wrong_count(words, last)]);
    }
    let mut mistakes = Vec::new();
    let mut numbers = Vec::new();
    for (field, (text, place)) in FIELDS.iter().zip(words) {
        match field.read(text, place.start) {
            Ok(read) => numbers.push(read),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    match <[_; 5]>::try_from(numbers) {
        Ok(numbers) => Calendar::new(numbers).map(Schedule::Calendar).ok_or_else(|| vec![never(words)]),
        Err(_) => Err(mistakes),
    }
}

/// There are not five fields.
fn wrong_count(words: &[(&str, Range<usize>)], last: &str) -> Mistake {
    let place = |words: &[(&str, Range<usize>)]| match words {
        [(_, first), .., (_, last)] => first.start..last.end,
        [(_, only)] => only.clone(),
        [] => 0..0,
    };
    let title = match words.len() {
        1 => "a schedule has five fields, this has one".to_owned(),
        count => format!("a schedule has five fields, this has {count}"),
    };
    if let Some(missing) = FIELDS.get(words.len()..) {
        let names: Vec<&str> = missing.iter().map(|field| field.name()).collect();
        let label = format!("the {} is missing", names.join(" and the "));
        return Mistake::new(place(words), title, label).help(FIVE);
    }
    let beyond = place(words.get(FIELDS.len()..).unwrap_or_default());
    let is_name = last.len() > 3 && last.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_name {
        return Mistake::new(beyond, title, "no user and no command here")
            .help("they have keys of their own: `user` and `command`");
    }
    let label = "there is no field for seconds and none for years";
    Mistake::new(beyond, title, label).help(format!("{FIVE}; \"@every 10s\" is more often than each minute"))
}

fn never(words: &[(&str, Range<usize>)]) -> Mistake {
    let at = |field: Field| {
        let index = FIELDS.iter().position(|known| *known == field);
        index.and_then(|index| words.get(index)).map_or(("", 0..0), Clone::clone)
    };
    let ((day, from), (month, to)) = (at(Field::Day), at(Field::Month));
    let title = format!("the schedule never comes: no month `{month}` has a day `{day}`");
    Mistake::new(from.start..to.end, title, "no such date in any year")
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;

//! One of the five fields of a cron expression: a list of values, ranges and steps, read into
//! a set of numbers. It knows nothing of the other fields and of time.
//!
//! What crontab(5) takes is taken. What other schedulers add (`L`, `W`, `#`, `?`, `H`, `~`) and
//! what would mean something else than it looks like (a step beyond the range) is refused by
//! name.

use std::ops::Range;

use super::mistake::Mistake;
use crate::diagnostic::nearest;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
}

/// All of them, in their order.
pub(super) const FIELDS: [Field; 5] = [Field::Minute, Field::Hour, Field::Day, Field::Month, Field::Weekday];

/// What a field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Bit n: n is one of them. Sunday is 0.
    pub(super) bits: u64,
    /// Whether the field begins with `*`: crontab(5) has it match any day then, and the other
    /// of the two fields for days decides.
    pub(super) starred: bool,
}

impl Field {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "day of the week",
        }
    }

    /// The least and the greatest number.
    fn bounds(self) -> (u8, u8) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 7),
        }
    }

    /// Names, the first of which stands for the least number.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::Weekday => &WEEKDAYS,
            Self::Minute | Self::Hour | Self::Day => &[],
        }
    }

    fn allowed(self) -> String {
        let (least, most) = self.bounds();
        match self {
            Self::Month => format!("a month is a number from {least} to {most}, or jan to dec"),
            Self::Weekday => {
                "a day of the week is a number from 0 (Sunday) to 7 (Sunday too), or sun to sat".to_owned()
            }
            _ => format!("the {} is a number from {least} to {most}", self.name()),
        }
    }

    /// Reads the text of a field, which stands at `at` in the expression.
    pub(super) fn read(self, text: &str, at: usize) -> Result<Numbers, Mistake> {
        let mut bits = 0;
        let mut start = at;
        for item in text.split(',') {
            bits |= self.item(item, start..start + item.len())?;
            start += item.len() + 1;
        }
        Ok(Numbers { bits, starred: text.starts_with('*') })
    }

    /// `*`, `5`, `1-5`, each but the second with a step.
    fn item(self, text: &str, place: Range<usize>) -> Result<u64, Mistake> {
        if text.is_empty() {
            let title = format!("an item of the {} field is empty", self.name());
            return Err(Mistake::new(place, title, "a number must stand between two commas"));
        }
        if let Some(foreign) = self.foreign(text, &place) {
            return Err(foreign);
        }
        let (values, step) = match text.split_once('/') {
            Some((values, step)) => (values, Some(step)),
            None => (text, None),
        };
        let (from, to) = match values.split_once('-') {
            _ if values == "*" => self.whole(),
            Some((from, to)) => self.range(from, to, &place)?,
            None => {
                let number = self.number(values, &place)?;
                if let Some(step) = step {
                    let most = self.whole().1;
                    return Err(Mistake::new(
                        place,
                        format!("`{text}` is no range with a step"),
                        "a step needs a range",
                    )
                    .help(format!("write `{values}-{most}/{step}`")));
                }
                (number, number)
            }
        };
        let step = step.map_or(Ok(1), |step| self.step(step, to - from, &place))?;
        let numbers = (from..=to).step_by(usize::from(step));
        // 7 is Sunday
        let day = |number: u8| if self == Self::Weekday { number % 7 } else { number };
        Ok(numbers.fold(0, |bits, number| bits | 1 << day(number)))
    }

    /// What `*` stands for.
    fn whole(self) -> (u8, u8) {
        if self == Self::Weekday { (0, 6) } else { self.bounds() }
    }

    fn range(self, from: &str, to: &str, place: &Range<usize>) -> Result<(u8, u8), Mistake> {
        let first = self.number(from, place)?;
        // the Sunday at the end of a week: fri-sun
        let last = match self.number(to, place)? {
            0 if self == Self::Weekday && first > 0 => 7,
            last => last,
        };
        if first <= last {
            return Ok((first, last));
        }
        let (least, most) = self.whole();
        let title = format!("the range `{from}-{to}` of the {} field runs backwards", self.name());
        let both = format!("{from}-{most},{least}-{to}");
        Err(Mistake::new(place.clone(), title, "the lower number comes first")
            .help(format!("write `{both}`")))
    }

    fn step(self, text: &str, span: u8, place: &Range<usize>) -> Result<u8, Mistake> {
        let title = || format!("`/{text}` is no step of the {} field", self.name());
        match parse(text) {
            Some(0) => Err(Mistake::new(place.clone(), title(), "a step is at least 1")),
            Some(step) if step <= u32::from(span).max(1) => Ok(u8::try_from(step).unwrap_or(u8::MAX)),
            Some(_) => Err(Mistake::new(
                place.clone(),
                title(),
                format!("at most {span} here: it would never be taken"),
            )
            .help("steps begin anew in each hour, day, month or week; `@every 90m` counts through")),
            None => Err(Mistake::new(place.clone(), title(), "a step is a number")),
        }
    }

    fn number(self, text: &str, place: &Range<usize>) -> Result<u8, Mistake> {
        let (least, most) = self.bounds();
        let named = self.names().iter().zip(least..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        if let Some((_, number)) = named {
            return Ok(number);
        }
        let number = parse(text).and_then(|number| u8::try_from(number).ok());
        if let Some(number) = number.filter(|number| (least..=most).contains(number)) {
            return Ok(number);
        }
        let title = format!("the {} can't be `{text}`", self.name());
        let mistake = Mistake::new(place.clone(), title, self.allowed());
        let lower = text.to_ascii_lowercase();
        let cut = self.names().iter().copied().find(|name| lower.starts_with(name));
        Err(match cut.or_else(|| nearest(&lower, self.names().iter().copied())) {
            Some(name) => mistake.help(format!("did you mean `{name}`?")),
            None => mistake,
        })
    }

    /// What other schedulers know and crontab(5) doesn't.
    fn foreign(self, text: &str, place: &Range<usize>) -> Option<Mistake> {
        let days = matches!(self, Self::Day | Self::Weekday);
        let rest =
            |mark: char| text.split(mark).all(|part| part.chars().all(|c| c.is_ascii_digit() || c == '-'));
        let (what, help) = match text {
            _ if text.contains('#') => ("the nth weekday of a month (`#`)", LATE_IN_MONTH),
            "?" => ("`?`", "write `*`"),
            _ if text.contains('~') => {
                ("a random number (`~`)", "choose a number, and add `jitter = \"5m\"`")
            }
            _ if text.starts_with('H') && !days => ("`H`", "choose a number, and add `jitter = \"5m\"`"),
            _ if days && text.contains('L') && rest('L') => ("a last day (`L`)", LATE_IN_MONTH),
            _ if days && text.contains('W') && rest('W') => ("the nearest working day (`W`)", LATE_IN_MONTH),
            _ => return None,
        };
        let title = format!("{what} is not known in the {} field", self.name());
        Some(
            Mistake::new(place.clone(), title, "numbers, ranges, steps and lists, as in crontab(5)")
                .help(help),
        )
    }
}

const LATE_IN_MONTH: &str = "run it on each day that may be the one, and let the command look at the date";

/// A whole number without a sign; more than nine digits are none.
fn parse(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

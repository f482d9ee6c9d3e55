//! `choices`, `min`, `max` and `pattern`: what of a type's values a variable takes. The
//! type itself is checked elsewhere, and no refusal holds the value.

use std::cmp::Ordering;
use std::time::Duration;

use regex_lite::Regex;

use super::types::{self, Reason};
use super::value::Value;
use crate::diagnostic::{Diagnostic, Located};
use crate::spec::{Kind, Variable};
use crate::{duration, size};

/// Whether the variable takes `value`, which was read from `text`.
///
/// For a list, `choices` and `pattern` are about each item, `min` and `max` about their
/// number. For text they are about its length in characters.
pub(super) fn check(variable: &Variable, value: &Value, text: &str) -> Result<(), Reason> {
    check_unlimited(variable, value)?;
    check_choices(variable, value)?;
    check_pattern(variable, value, text)?;
    check_bounds(variable, value)
}

/// What the variable takes, in one line. `secret`: without its choices, of which one is
/// the value.
pub(super) fn allowed(variable: &Variable, secret: bool) -> String {
    let mut parts = vec![match (variable.choices.as_slice(), &variable.kind) {
        ([], kind) => types::noun(kind),
        (_, _) if secret => "one of its `choices`".to_owned(),
        (choices, Kind::List { .. }) => {
            format!("{}, each {}", types::noun(&variable.kind), one_of(choices))
        }
        (choices, _) => one_of(choices),
    }];
    parts.extend(bounds_in_words(variable));
    if let Some(pattern) = &variable.pattern {
        parts.push(format!("matching `{}` as a whole", pattern.value));
    }
    parts.join(", ")
}

/// Mistakes of the declaration itself: a choice that is no value of the type, a pattern
/// that can't be anchored.
pub(super) fn check_declaration(variable: &Variable) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for choice in &variable.choices {
        let unlimited = |value: &Value| check_unlimited(variable, value);
        let refusal = match &variable.kind {
            Kind::List { .. } => continue,
            kind => types::parse(kind, &choice.value).and_then(|value| unlimited(&value)).err(),
        };
        if let Some(reason) = refusal {
            let title = format!("a choice of `{}` is no value of its type", variable.name.value);
            let label = format!("must be {}", types::noun(&variable.kind));
            problems.push(Diagnostic::spec(title).at(&choice.place, label).note(reason));
        }
    }
    // one that doesn't even compile by itself is reported where the spec is read
    if let Some(pattern) = &variable.pattern
        && Regex::new(&pattern.value).is_ok()
        && anchored(pattern).is_none()
    {
        let title = format!("the `pattern` of `{}` can't be held against a whole value", variable.name.value);
        problems
            .push(Diagnostic::spec(title).at(&pattern.place, "put into `^(?:` and `)$` it doesn't compile"));
    }
    problems
}

/// -1 is a size only where `min` is below 0: most programs don't know it.
fn check_unlimited(variable: &Variable, value: &Value) -> Result<(), Reason> {
    let below_zero = variable.min.as_ref().is_some_and(|min| min.value < 0.0);
    match value {
        Value::Size(-1) if !below_zero => Err("no limit (-1) is not allowed here".into()),
        _ => Ok(()),
    }
}

fn check_choices(variable: &Variable, value: &Value) -> Result<(), Reason> {
    let choices = &variable.choices;
    if choices.is_empty() {
        return Ok(());
    }
    match value {
        Value::List(items) => {
            let known = |item: &String| choices.iter().any(|choice| choice.value == *item);
            match items.iter().position(|item| !known(item)) {
                Some(at) => Err(format!("item {} of {} is none of them", at + 1, items.len()).into()),
                None => Ok(()),
            }
        }
        // by value: `on` is `true` where that is the choice
        _ => {
            let same =
                |choice: &Located<String>| types::parse(&variable.kind, &choice.value).as_ref() == Ok(value);
            if choices.iter().any(same) { Ok(()) } else { Err("it is none of the `choices`".into()) }
        }
    }
}

/// `\A` and `\z` would do as well; `$` without the `m` flag is the very end too.
fn anchored(pattern: &Located<String>) -> Option<Regex> {
    Regex::new(&format!("^(?:{})$", pattern.value)).ok()
}

fn check_pattern(variable: &Variable, value: &Value, text: &str) -> Result<(), Reason> {
    // a pattern that doesn't compile was reported as the declaration's mistake
    let Some(pattern) = variable.pattern.as_ref().and_then(anchored) else { return Ok(()) };
    match value {
        Value::List(items) => match items.iter().position(|item| !pattern.is_match(item)) {
            Some(at) => Err(format!("item {} of {} doesn't match the pattern", at + 1, items.len()).into()),
            None => Ok(()),
        },
        _ if pattern.is_match(text) => Ok(()),
        _ => Err("it doesn't match the pattern".into()),
    }
}

fn check_bounds(variable: &Variable, value: &Value) -> Result<(), Reason> {
    let side = |bound: &Option<Located<f64>>| bound.as_ref().and_then(|bound| compare(value, bound.value));
    let (too_low, too_high) = match value {
        Value::Text(_) => ("it is too short", "it is too long"),
        Value::List(_) => ("there are too few items", "there are too many items"),
        Value::Duration(_) => ("it is too short", "it is too long"),
        _ => ("it is too low", "it is too high"),
    };
    if side(&variable.min) == Some(Ordering::Less) {
        return Err(too_low.into());
    }
    if side(&variable.max) == Some(Ordering::Greater) {
        return Err(too_high.into());
    }
    Ok(())
}

/// How a value, or its length, stands to a bound; exact for all 64 bits.
fn compare(value: &Value, bound: f64) -> Option<Ordering> {
    let whole = |number: i64| {
        // saturates, and the bound is finite
        let (floor, ceiling) = (bound.floor() as i128, bound.ceil() as i128);
        let number = i128::from(number);
        if number < ceiling {
            Ordering::Less
        } else if number > floor {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    };
    let count = |count: usize| whole(i64::try_from(count).unwrap_or(i64::MAX));
    match value {
        Value::Int(number) | Value::Size(number) => Some(whole(*number)),
        Value::Float(number) => number.partial_cmp(&bound),
        Value::Duration(span) => span.as_secs_f64().partial_cmp(&bound),
        Value::Text(text) => Some(count(text.chars().count())),
        Value::List(items) => Some(count(items.len())),
        Value::Bool(_) | Value::Json(_) => None,
    }
}

fn one_of(choices: &[Located<String>]) -> String {
    let words: Vec<String> = choices.iter().map(|choice| format!("`{}`", choice.value)).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

fn bounds_in_words(variable: &Variable) -> Option<String> {
    let unit = match variable.kind {
        Kind::List { .. } => " items",
        Kind::Text | Kind::Host | Kind::HostPort | Kind::Url | Kind::Email | Kind::Path => " characters",
        _ => "",
    };
    let written = |bound: &Located<f64>| match variable.kind {
        Kind::Size => size::format(bound.value as i64),
        Kind::Duration => Duration::try_from_secs_f64(bound.value)
            .map_or_else(|_| bound.value.to_string(), duration::format),
        _ => bound.value.to_string(),
    };
    match (&variable.min, &variable.max) {
        (Some(min), Some(max)) => Some(format!("{} to {}{unit}", written(min), written(max))),
        (Some(min), None) => Some(format!("at least {}{unit}", written(min))),
        (None, Some(max)) => Some(format!("at most {}{unit}", written(max))),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{allowed, check, check_declaration};
    use crate::diagnostic::Source;
    use crate::env::types;
    use crate::spec::{Variable, parse};

    fn variable(keys: &str) -> Variable {
        let source = Source::new("t.toml", format!("version = 1\n[env.V]\n{keys}\n"));
        let document = parse(&source, Path::new(""));
        assert!(document.problems.is_empty(), "{keys}: {:?}", document.problems);
        document.spec.variables.into_iter().next().unwrap()
    }

    fn verdict(keys: &str, text: &str) -> Result<(), String> {
        let variable = variable(keys);
        let value = types::parse(&variable.kind, text).unwrap();
        check(&variable, &value, text).map_err(std::borrow::Cow::into_owned)
    }

    #[test]
    fn accepted() {
        for (keys, texts) in [
            ("min = 2\nmax = 3", &["ab", "äöü"][..]),
            ("type = 'int'\nmin = 1", &["1", "9223372036854775807"]),
            ("type = 'int'\nmin = -1.5\nmax = 1.5", &["-1", "1"]),
            ("type = 'int'\nmax = 9223372036854775807", &["9223372036854775807"]),
            ("type = 'float'\nmin = 0.5\nmax = 0.5", &["0.5"]),
            ("type = 'port'\nmin = 1024", &["1024"]),
            ("type = 'size'\nmin = '64M'\nmax = '1G'", &["64M", "1024M"]),
            ("type = 'size'\nmin = -1", &["-1", "0"]),
            ("type = 'duration'\nmin = '1s'\nmax = '1m'", &["1s", "60s"]),
            ("type = 'list'\nmin = 1\nmax = 2", &["a", "a,b"]),
            ("choices = ['a', 'b']", &["a", "b"]),
            ("type = 'int'\nchoices = [1, 2]", &["1", "02"]),
            ("type = 'bool'\nchoices = [true]", &["yes", "1"]),
            ("type = 'list'\nchoices = ['a', 'b']", &["a", "b, a"]),
            ("pattern = 'a|bc'", &["a", "bc"]),
            ("type = 'list'\npattern = '[a-z]'", &["a,b"]),
            ("type = 'int'\npattern = '[0-9]{2}'", &["07"]),
        ] {
            for text in texts {
                assert_eq!(verdict(keys, text), Ok(()), "{keys} {text}");
            }
        }
    }

    #[test]
    fn refused_with_the_reason() {
        for (keys, text, reason) in [
            ("min = 2", "ä", "too short"),
            ("max = 1", "ab", "too long"),
            ("type = 'int'\nmin = 1", "0", "too low"),
            ("type = 'int'\nmin = 1.5", "1", "too low"),
            ("type = 'int'\nmax = 1.5", "2", "too high"),
            ("type = 'float'\nmax = 0.5", "0.6", "too high"),
            ("type = 'size'\nmin = '64M'", "63M", "too low"),
            ("type = 'size'", "-1", "no limit"),
            ("type = 'size'\nmin = 0", "-1", "no limit"),
            ("type = 'duration'\nmax = '1m'", "61s", "too long"),
            ("type = 'list'\nmin = 2", "a", "too few"),
            ("type = 'list'\nmax = 1", "a,b", "too many"),
            ("choices = ['a']", "A", "none of the"),
            ("type = 'list'\nchoices = ['a']", "a,x", "item 2 of 2"),
            ("pattern = 'a|bc'", "abc", "doesn't match"),
            ("pattern = 'a'", "a\n", "doesn't match"),
            ("pattern = 'a'", "ab", "doesn't match"),
            ("type = 'list'\npattern = 'a'", "a,ab", "item 2 of 2"),
        ] {
            let refusal = verdict(keys, text).unwrap_err();
            assert!(refusal.contains(reason), "{keys} {text:?}: {refusal}");
        }
    }

    #[test]
    fn what_is_allowed_in_words() {
        for (keys, secret, words) in [
            ("", false, "text"),
            ("min = 2\nmax = 3", false, "text, 2 to 3 characters"),
            ("type = 'int'\nmin = 1", false, "a whole number, at least 1"),
            ("type = 'size'\nmin = '64M'\nmax = '1G'", false, "a size such as `128M`, 64M to 1G"),
            ("type = 'duration'\nmax = '90s'", false, "a duration such as `30s`, at most 1m30s"),
            (
                "type = 'list'\nmax = 3\nchoices = ['a']",
                false,
                "items separated by `,`, each `a`, at most 3 items",
            ),
            ("choices = ['a', 'b', 'c']", false, "`a`, `b` or `c`"),
            ("choices = ['a', 'b', 'c']", true, "one of its `choices`"),
            ("pattern = '[a-z]+'", false, "text, matching `[a-z]+` as a whole"),
        ] {
            assert_eq!(allowed(&variable(keys), secret), words, "{keys}");
        }
    }

    #[test]
    fn mistakes_of_the_declaration() {
        for (keys, expected) in [
            ("type = 'int'\nchoices = [1, 'x', '2x']", 2),
            ("type = 'size'\nchoices = ['-1']", 1),
            ("type = 'int'\nchoices = [1, 2]", 0),
            ("pattern = '(?x)a # b'", 1),
        ] {
            assert_eq!(check_declaration(&variable(keys)).len(), expected, "{keys}");
        }
    }
}

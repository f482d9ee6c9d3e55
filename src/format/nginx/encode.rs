//! Writes a value for its place in nginx's configuration.

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::{Context, Rules, Shape};

const WORD: &str = "an nginx word";

pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    match context {
        Context::Comment => comment(value),
        Context::Word { shape: Shape::Whole, rules, .. } => match value {
            Literal::Bool(value) => Ok(if *value { "on" } else { "off" }.to_owned()),
            Literal::List(values) if rules.list => list(values, *rules),
            value => whole(&content(value)?, *rules),
        },
        Context::Word { shape: Shape::Part, start, rules } => part(&content(value)?, *start, *rules),
        Context::Word { shape: Shape::Quoted(quote), start, rules } => {
            let text = content(value)?;
            check(&text, *start, *rules)?;
            Ok(escaped(&text, *quote))
        }
    }
}

fn refuse<T>(reason: &str, instead: &str) -> Result<T, Refusal> {
    Err(Refusal::value(WORD, reason, instead))
}

fn content(value: &Literal) -> Filling {
    match value.as_text() {
        Some(text) => Ok(text.into_owned()),
        None => refuse(&format!("{} is not one word", value.kind()), "write one hole per value"),
    }
}

fn comment(value: &Literal) -> Filling {
    let text = content(value)?;
    if text.contains(['\n', '\r', '\0']) {
        return Err(Refusal::value(
            "an nginx comment",
            "a line break would end the comment",
            "leave the value out of the comment",
        ));
    }
    Ok(text)
}

/// What no quotes help against.
fn check(text: &str, start: bool, rules: Rules) -> Result<(), Refusal> {
    if text.contains('\0') {
        return refuse("nginx ends a text at NUL", "");
    }
    if text.contains('$') && !rules.dollar {
        return refuse(
            "nginx has no escape for `$`",
            "let a variable hold the value: `geo $name { default {{ VALUE }}; }` in `http`, and `$name` here",
        );
    }
    if start && text.starts_with('~') {
        return refuse("a `~` at the start of a word makes a regex of it", "");
    }
    if start && rules.path && !text.starts_with('/') {
        return refuse("a location that is no path may be a modifier or a name", "begin the value with `/`");
    }
    Ok(())
}

fn list(values: &[Literal], rules: Rules) -> Filling {
    if values.is_empty() {
        return refuse("an empty list leaves the directive without a word", "leave the directive out");
    }
    let words: Vec<String> =
        values.iter().map(|value| whole(&content(value)?, rules)).collect::<Result<_, Refusal>>()?;
    Ok(words.join(" "))
}

/// A word of its own: bare where it is plain, else in double quotes.
fn whole(text: &str, rules: Rules) -> Filling {
    check(text, true, rules)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,=*?-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("\"{}\"", escaped(text, '"')))
}

/// A part of a bare word.
fn part(text: &str, start: bool, rules: Rules) -> Filling {
    check(text, start, rules)?;
    if text.contains([' ', ';', '{']) || (start && text.starts_with(['#', '}'])) {
        return refuse("the character would end the word", "put the whole word inside double quotes");
    }
    Ok(escaped(text, '"').replace('\'', "\\'"))
}

/// nginx knows these escapes; before any other character a backslash stands for itself.
fn escaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

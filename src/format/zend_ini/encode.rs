//! Writes a value for its place, and refuses what the reader would not take as it is.

use super::super::literal::Literal;
use super::super::skeleton::{Filling, Refusal};
use super::{Context, Dialect, Place};

pub(in super::super) fn encode(place: &Place, value: &Literal, dialect: Dialect) -> Filling {
    let text = content(place, value)?;
    check(place, &text, dialect)?;
    match &place.context {
        Context::Whole => Ok(match value {
            Literal::Bool(true) => "On".to_owned(),
            Literal::Bool(false) => "Off".to_owned(),
            Literal::Int(_) | Literal::Float(_) => text,
            _ => format!("\"{}\"", double_quoted(&text, false)),
        }),
        Context::Joined { space_before, space_after, anchored } => {
            joined(&text, *space_before, *space_after, *anchored)
        }
        Context::DoubleQuoted { exposed } => Ok(double_quoted(&text, *exposed)),
        Context::SingleQuoted { may_be_empty } => single_quoted(text, *may_be_empty),
        Context::Comment => Ok(text),
        Context::Section => section(&text, dialect),
    }
}

fn name(context: &Context) -> &'static str {
    match context {
        Context::Whole => "a setting's value",
        Context::Joined { .. } => "a part of a setting's value",
        Context::DoubleQuoted { .. } => "a double-quoted setting",
        Context::SingleQuoted { .. } => "a single-quoted setting",
        Context::Comment => "a comment",
        Context::Section => "the name of a section",
    }
}

fn content(place: &Place, value: &Literal) -> Filling {
    match value {
        // A whole number keeps its fraction: `1.0` is what the template was given.
        Literal::Float(value) if value.is_finite() => Ok(format!("{value:?}")),
        value => value.as_text().map(std::borrow::Cow::into_owned).ok_or_else(|| {
            Refusal::value(
                name(&place.context),
                format!("{} can't be written in an ini file", value.kind()),
                "write one setting per value, or join them with a filter",
            )
        }),
    }
}

/// What doesn't depend on the quotes.
fn check(place: &Place, text: &str, dialect: Dialect) -> Result<(), Refusal> {
    let refuse = |reason: &str, instead: &str| Err(Refusal::value(name(&place.context), reason, instead));
    if place.context == Context::Comment {
        return match text.contains(['\n', '\r', '\0']) {
            true => refuse("a line break or NUL would end the comment", "leave the value out of the comment"),
            false => Ok(()),
        };
    }
    if sets(&place.key, "error_reporting") && text.parse::<i64>().is_err() {
        return refuse(
            "php takes a quoted level that is not a number for 0, which hides every error",
            "use the number (E_ALL is 32767), or `{{ VALUE | raw }}`",
        );
    }
    if dialect == Dialect::Fpm { check_fpm(place, text) } else { Ok(()) }
}

/// Whether `key` sets `name`, be it as `php_admin_value[name]`.
fn sets(key: &str, name: &str) -> bool {
    let inner = key.rsplit('[').next().unwrap_or(key).trim_matches([']', '"', '\'', ' ', '\t']);
    inner == name && !key.starts_with("env")
}

fn check_fpm(place: &Place, text: &str) -> Result<(), Refusal> {
    let refuse = |reason: &str, instead: &str| Err(Refusal::value(name(&place.context), reason, instead));
    if text.contains(['\n', '\0']) {
        return refuse(
            "php-fpm reads each line by itself, up to a NUL",
            "pass the value to php in another way",
        );
    }
    const POOL: &str = "$pool";
    let cut = (1..POOL.len()).any(|length| POOL.get(..length).is_some_and(|start| text.ends_with(start)));
    if text.contains(POOL) || (place.continued && cut) {
        return refuse("php-fpm replaces `$pool` by the name of the pool", "");
    }
    if !place.key.contains('[') {
        return Ok(());
    }
    if place.only_values && text.is_empty() {
        return refuse("php-fpm refuses an empty value there", "leave the setting out where it is empty");
    }
    if place.key.starts_with("env") && place.first && text.starts_with('$') {
        return refuse("php-fpm takes a value that begins with `$` from its own environment", "");
    }
    Ok(())
}

/// The content of `"…"`: a `\` before `\`, `"` and `$`. A `"` at the end of a line would
/// end the string even so, and is put into single quotes of its own.
fn double_quoted(text: &str, exposed: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('"', Some('\n' | '\r')) => out.push_str("\"'\"'\""),
            ('"', None) if exposed => out.push_str("\"'\"'\""),
            ('\\' | '"' | '$', _) => out.extend(['\\', c]),
            (c, _) => out.push(c),
        }
    }
    out
}

fn single_quoted(text: String, may_be_empty: bool) -> Filling {
    const CONTEXT: &str = "a single-quoted setting";
    if text.contains('\'') {
        return Err(Refusal::value(CONTEXT, "it has no escape for `'`", "use double quotes"));
    }
    if text.is_empty() && !may_be_empty {
        return Err(Refusal::value(CONTEXT, "php ends a value at `''`", "use double quotes"));
    }
    Ok(text)
}

/// Beside other text: bare where it can't change what it touches, else in single quotes,
/// which leave white space around them alone; a `'` in double quotes, which swallow it.
fn joined(text: &str, space_before: bool, space_after: bool, anchored: bool) -> Filling {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':');
    if anchored && !text.is_empty() && text.chars().all(plain) && !space_before && !space_after {
        return Ok(text.to_owned());
    }
    let swallows =
        (space_before && text.starts_with('\'')) || (space_after && text.ends_with('\'')) || text.is_empty();
    if (space_before || space_after) && swallows {
        return Err(Refusal::value(
            "a part of a setting's value",
            "php would drop the white space beside it",
            "put the whole value inside double quotes",
        ));
    }
    if text.is_empty() {
        return Ok("\"\"".to_owned());
    }
    let mut out = String::with_capacity(text.len() + 2);
    for part in text.split_inclusive('\'') {
        let plain = part.trim_end_matches('\'');
        if !plain.is_empty() {
            out.extend(["'", plain, "'"]);
        }
        if plain.len() < part.len() {
            out.push_str("\"'\"");
        }
    }
    Ok(out)
}

fn section(text: &str, dialect: Dialect) -> Filling {
    let sure = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if text.is_empty() || !text.chars().all(sure) {
        return Err(Refusal::value(
            "the name of a section",
            "a name is made of letters, digits, `.`, `-` and `_`",
            "choose another name",
        ));
    }
    if dialect == Dialect::Fpm && text.eq_ignore_ascii_case("global") {
        return Err(Refusal::value("the name of a section", "`global` is no pool", "choose another name"));
    }
    // Bare, a name such as E_ALL would be read as a constant.
    Ok(format!("'{text}'"))
}

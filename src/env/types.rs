//! Reads a text as a value of a declared type. Constraints are not looked at, and no
//! refusal holds the text: it may be a secret.

use crate::size::SizeError;
use crate::spec::Kind;
use crate::{duration, size};

use super::address;
use super::value::Value;

/// Why a text is no value of the type, in words that don't repeat it.
pub(super) type Reason = std::borrow::Cow<'static, str>;

/// Reads `text` as a `kind`.
///
/// - bool: `true`, `yes`, `on`, `1`, `false`, `no`, `off`, `0`, in any case;
/// - int: decimal digits, `-` before them where below 0; no `+`, no other base, 64 bits;
/// - float: as JSON writes it, leading zeros allowed; finite;
/// - path: absolute, without control characters;
/// - list: items between separators, blanks around them dropped. A separator that is blank
///   itself may come several times in a row; any other one has an item on both sides;
/// - json: one value, integers beyond 64 bits as floats.
pub(super) fn parse(kind: &Kind, text: &str) -> Result<Value, Reason> {
    let checked = |check: Result<(), &'static str>| match check {
        Ok(()) => Ok(Value::Text(text.to_owned())),
        Err(reason) => Err(Reason::from(reason)),
    };
    match kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Bool => parse_bool(text).map(Value::Bool),
        Kind::Int => parse_int(text).map(Value::Int),
        Kind::Float => parse_float(text).map(Value::Float),
        Kind::Port => Ok(Value::Int(address::parse_port(text)?.into())),
        Kind::Host => checked(address::check_host(text)),
        Kind::HostPort => checked(address::check_host_port(text)),
        Kind::Url => checked(address::check_url(text)),
        Kind::Email => checked(address::check_email(text)),
        Kind::Path => checked(check_path(text)),
        Kind::Size => parse_size(text).map(Value::Size),
        Kind::Duration => parse_duration(text),
        Kind::List { separator } => parse_list(separator, text).map(Value::List),
        Kind::Json => parse_json(text),
    }
}

/// What messages call a value of the type.
pub(super) fn noun(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text",
        Kind::Bool => "true or false",
        Kind::Int => "a whole number",
        Kind::Float => "a number",
        Kind::Port => "a port, 1 to 65535",
        Kind::Host => "a host name or an IP address",
        Kind::HostPort => "`host` or `host:port`",
        Kind::Url => "a URL such as `https://host/path`",
        Kind::Email => "a mail address",
        Kind::Path => "an absolute path",
        Kind::Size => "a size such as `128M`",
        Kind::Duration => "a duration such as `30s`",
        Kind::List { separator } => {
            return match separator.trim() {
                "" => "items between spaces or lines".to_owned(),
                visible => format!("items separated by `{visible}`"),
            };
        }
        Kind::Json => "JSON",
    }
    .to_owned()
}

/// What to write in the place of a text that isn't a `kind`. Holds parts of the text: for
/// what is no secret only.
pub(super) fn advice(kind: &Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Size if size::parse(text) == Err(SizeError::LongUnit) => {
            let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
            let unit = text.get(digits.len()..)?.chars().next()?.to_ascii_uppercase();
            Some(format!("php reads {text} as {digits} bytes; write {digits}{unit}"))
        }
        Kind::Duration if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && text.len() < 10 => {
            Some(format!("write {text}s for seconds, {text}m for minutes"))
        }
        _ => None,
    }
}

fn parse_bool(text: &str) -> Result<bool, Reason> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("also taken: yes, no, on, off, 1, 0".into()),
    }
}

fn parse_int(text: &str) -> Result<i64, Reason> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a whole number is digits only, with a `-` before them where it is below 0".into());
    }
    text.parse().map_err(|_| "it needs more than 64 bits".into())
}

fn parse_float(text: &str) -> Result<f64, Reason> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let sound = digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if !sound {
        return Err("a number is written as `2`, `0.5`, `-1` or `1e6`".into());
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(|| "it is too large".into())
}

fn check_path(text: &str) -> Result<(), &'static str> {
    if !text.starts_with('/') {
        return Err("it must begin with `/`");
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a control character");
    }
    Ok(())
}

fn parse_size(text: &str) -> Result<i64, Reason> {
    size::parse(text).map_err(|error| match error {
        SizeError::LongUnit => {
            "a unit is one letter: php reads `MB` and `MiB` as nothing, and the number as bytes".into()
        }
        SizeError::Malformed => "a size is digits and then K, M, G or nothing".into(),
        SizeError::TooLarge => "it is too large".into(),
    })
}

fn parse_duration(text: &str) -> Result<Value, Reason> {
    let reason = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        "it has no unit"
    } else {
        "a duration is whole numbers with ms, s, m, h or d, the largest unit first, 100 years at most"
    };
    duration::parse(text).map(Value::Duration).ok_or_else(|| reason.into())
}

fn parse_list(separator: &str, text: &str) -> Result<Vec<String>, Reason> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let blank = separator.trim().is_empty();
    let items = text.split(separator).map(str::trim).filter(|item| !(blank && item.is_empty()));
    let items: Vec<String> = items.map(str::to_owned).collect();
    match items.iter().position(String::is_empty) {
        Some(at) => Err(format!("item {} of {} is empty", at + 1, items.len()).into()),
        None => Ok(items),
    }
}

/// The engine's own text is not shown: where it stopped says enough.
fn parse_json(text: &str) -> Result<Value, Reason> {
    serde_json::from_str(text).map(Value::Json).map_err(|error| {
        let what = if error.is_eof() { "it ends too early" } else { "it is no JSON" };
        format!("{what}: line {}, column {}", error.line(), error.column()).into()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{advice, parse};
    use crate::env::value::Value;
    use crate::spec::Kind;

    fn list(separator: &str) -> Kind {
        Kind::List { separator: separator.to_owned() }
    }

    fn items(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn accepted() {
        for (kind, text, value) in [
            (Kind::Text, " a\n", Value::Text(" a\n".to_owned())),
            (Kind::Text, "", Value::Text(String::new())),
            (Kind::Bool, "True", Value::Bool(true)),
            (Kind::Bool, "YES", Value::Bool(true)),
            (Kind::Bool, "on", Value::Bool(true)),
            (Kind::Bool, "1", Value::Bool(true)),
            (Kind::Bool, "FALSE", Value::Bool(false)),
            (Kind::Bool, "No", Value::Bool(false)),
            (Kind::Bool, "oFF", Value::Bool(false)),
            (Kind::Bool, "0", Value::Bool(false)),
            (Kind::Int, "-9223372036854775808", Value::Int(i64::MIN)),
            (Kind::Int, "010", Value::Int(10)),
            (Kind::Float, "0.5", Value::Float(0.5)),
            (Kind::Float, "-1e-2", Value::Float(-0.01)),
            (Kind::Float, "2", Value::Float(2.0)),
            (Kind::Port, "3306", Value::Int(3306)),
            (Kind::Host, "db", Value::Text("db".to_owned())),
            (Kind::HostPort, "db:1", Value::Text("db:1".to_owned())),
            (Kind::Url, "https://h/", Value::Text("https://h/".to_owned())),
            (Kind::Email, "a@b", Value::Text("a@b".to_owned())),
            (Kind::Path, "/a b/ä", Value::Text("/a b/ä".to_owned())),
            (Kind::Size, "128M", Value::Size(134_217_728)),
            (Kind::Size, "-1", Value::Size(-1)),
            (Kind::Duration, "1m30s", Value::Duration(Duration::from_secs(90))),
            (list(","), "a, b ,c", items(&["a", "b", "c"])),
            (list(","), "a", items(&["a"])),
            (list(","), "", items(&[])),
            (list(" "), " a  b ", items(&["a", "b"])),
            (list("\n"), "a b\n\nc\n", items(&["a b", "c"])),
            (list("::"), "a:b::c", items(&["a:b", "c"])),
            (Kind::Json, r#"{"a": [1]}"#, Value::Json(serde_json::json!({"a": [1]}))),
            (Kind::Json, "18446744073709551615", Value::Json(u64::MAX.into())),
        ] {
            assert_eq!(parse(&kind, text), Ok(value), "{kind:?} {text:?}");
        }
    }

    #[test]
    fn refused_with_the_reason() {
        for (kind, text, reason) in [
            (Kind::Bool, "ja", "also taken: yes"),
            (Kind::Bool, "", "also taken: yes"),
            (Kind::Bool, "true ", "also taken: yes"),
            (Kind::Int, "", "digits only"),
            (Kind::Int, "-", "digits only"),
            (Kind::Int, "+5", "digits only"),
            (Kind::Int, "1.0", "digits only"),
            (Kind::Int, "0x10", "digits only"),
            (Kind::Int, "1_000", "digits only"),
            (Kind::Int, " 1", "digits only"),
            (Kind::Int, "9223372036854775808", "64 bits"),
            (Kind::Float, "inf", "is written as"),
            (Kind::Float, "NaN", "is written as"),
            (Kind::Float, "1.", "is written as"),
            (Kind::Float, ".5", "is written as"),
            (Kind::Float, "1,5", "is written as"),
            (Kind::Float, "1e", "is written as"),
            (Kind::Float, "1e999", "too large"),
            (Kind::Port, "80abc", "digits only"),
            (Kind::Port, "80;id", "digits only"),
            (Kind::Port, "65536", "out of range"),
            (Kind::Host, "a b", "letters, digits"),
            (Kind::HostPort, "db:x", "digits only"),
            (Kind::Url, "example.com", "no `://`"),
            (Kind::Email, "a", "no `@`"),
            (Kind::Path, "a", "begin with `/`"),
            (Kind::Path, "/a\nb", "control character"),
            (Kind::Path, "/a\0b", "control character"),
            (Kind::Size, "128MB", "one letter"),
            (Kind::Size, "128X", "K, M, G"),
            (Kind::Size, "99999999999G", "too large"),
            (Kind::Duration, "30", "no unit"),
            (Kind::Duration, "1.5s", "whole numbers"),
            (list(","), "a,,b", "item 2 of 3 is empty"),
            (list(","), "a,", "item 2 of 2 is empty"),
            (Kind::Json, "{", "ends too early"),
            (Kind::Json, "{hunter2}", "line 1, column 2"),
            (Kind::Json, "1 2", "line 1, column 3"),
        ] {
            let refusal = parse(&kind, text).unwrap_err();
            assert!(refusal.contains(reason), "{kind:?} {text:?}: {refusal}");
        }
    }

    #[test]
    fn advice_is_what_to_write() {
        for (kind, text, expected) in [
            (Kind::Size, "128MB", Some("php reads 128MB as 128 bytes; write 128M")),
            (Kind::Size, "1gib", Some("php reads 1gib as 1 bytes; write 1G")),
            (Kind::Size, "128X", None),
            (Kind::Duration, "30", Some("write 30s for seconds, 30m for minutes")),
            (Kind::Duration, "abc", None),
        ] {
            assert_eq!(advice(&kind, text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(int in any::<i64>(), float in any::<f64>()) {
            prop_assert_eq!(parse(&Kind::Int, &int.to_string()), Ok(Value::Int(int)));
            if float.is_finite() {
                prop_assert_eq!(parse(&Kind::Float, &float.to_string()), Ok(Value::Float(float)));
            }
        }

        #[test]
        fn a_list_is_what_was_joined(items in prop::collection::vec("[a-z:/.]{1,5}", 0..5)) {
            prop_assert_eq!(parse(&list(", "), &items.join(", ")), Ok(Value::List(items)));
        }
    }
}

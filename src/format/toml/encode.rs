//! Writes a value for a context of TOML. Decides nothing about where it stands.

use std::fmt::Write as _;

use super::super::literal::{Literal, separate};
use super::super::skeleton::{Filling, Refusal};
use super::{Before, Beside, Context};

/// The text that stands in the hole.
pub(super) fn encode(context: &Context, value: &Literal) -> Filling {
    let mut out = String::new();
    match context {
        Context::Value => whole(value, &mut out)?,
        Context::Key => key(name(value)?, &mut out),
        Context::KeyPart => out.push_str(key_part(name(value)?)?),
        Context::Basic(beside) => basic(*beside, &text(value)?, &mut out)?,
        Context::Literal { multi_line, beside } => literal(*multi_line, *beside, &text(value)?, &mut out)?,
        Context::Comment => out.push_str(comment(&text(value)?)?),
    }
    Ok(out)
}

fn text(value: &Literal) -> Result<std::borrow::Cow<'_, str>, Refusal> {
    value.as_text().ok_or_else(|| {
        Refusal::value(
            "text of a toml file",
            format!("{} has no text", value.kind()),
            "leave the quotes out, for a whole literal",
        )
    })
}

fn whole(value: &Literal, out: &mut String) -> Result<(), Refusal> {
    match value {
        Literal::None => {
            return Err(Refusal::value(
                "a toml value",
                "TOML has no word for no value",
                "leave the key out with {% if %}",
            ));
        }
        Literal::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Literal::Int(value) => out.push_str(&integer(*value)?),
        Literal::Float(value) => out.push_str(&float(*value)),
        Literal::Text(text) => quote(text, out),
        Literal::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, ", ", out);
                whole(item, out)?;
            }
            out.push(']');
        }
        Literal::Map(entries) => {
            out.push('{');
            for (index, (name, item)) in entries.iter().enumerate() {
                separate(index, ", ", out);
                key(name, out);
                out.push_str(" = ");
                whole(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn integer(value: i128) -> Filling {
    i64::try_from(value).map(|value| value.to_string()).map_err(|_| {
        Refusal::value(
            "a toml integer",
            "TOML promises 64 bits, and readers refuse or round larger numbers",
            r#"write it in quotes, as text: "{{ x }}""#,
        )
    })
}

/// The shortest digits that read back as the same float, always with a `.` or an exponent.
fn float(value: f64) -> String {
    match value {
        value if value.is_nan() => "nan".to_owned(),
        value => format!("{value:?}"),
    }
}

fn name(value: &Literal) -> Result<&str, Refusal> {
    match value {
        Literal::Text(text) => Ok(text),
        value => Err(Refusal::value("a toml key", format!("a key is text, not {}", value.kind()), "")),
    }
}

fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(super::lex::is_bare)
}

fn key(name: &str, out: &mut String) {
    if is_bare(name) {
        out.push_str(name);
    } else {
        quote(name, out);
    }
}

fn key_part(name: &str) -> Result<&str, Refusal> {
    let reason = "a bare key is of letters, digits, `_` and `-`, and not empty";
    let instead = r#"put quotes around the whole key: "…{{ x }}…""#;
    if is_bare(name) { Ok(name) } else { Err(Refusal::value("a bare toml key", reason, instead)) }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                // Writing to a String can't fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

fn basic(beside: Beside, text: &str, out: &mut String) -> Result<(), Refusal> {
    if let Some(reason) = vanishes(beside, text) {
        return Err(Refusal::value("a toml string", reason, "move it away from there"));
    }
    let mut rest = text;
    match beside.before {
        Before::Opening if text.is_empty() => out.push('\n'),
        Before::Trimmed => {
            if let Some(after) = text.strip_prefix(' ') {
                out.push_str("\\u0020");
                rest = after;
            }
        }
        _ => {}
    }
    escape(rest, out);
    Ok(())
}

/// Why nothing at all can't stand there.
fn vanishes(beside: Beside, text: &str) -> Option<&'static str> {
    if !text.is_empty() {
        return None;
    }
    match beside.before {
        Before::Quote if beside.quote_after => Some("without a value the quotes beside it meet"),
        Before::Trimmed => {
            Some("after an escaped line end readers drop blanks, and with no value those behind it too")
        }
        _ => None,
    }
}

fn literal(multi_line: bool, beside: Beside, text: &str, out: &mut String) -> Result<(), Refusal> {
    let closes = if multi_line {
        text.contains("'''")
            || (text.starts_with('\'') && beside.before == Before::Quote)
            || (text.ends_with('\'') && beside.quote_after)
    } else {
        text.contains('\'')
    };
    let reason = if closes {
        "a `'` would close it, and it has no escapes"
    } else if let Some(reason) = vanishes(beside, text) {
        reason
    } else if text.chars().any(|c| c.is_ascii_control() && c != '\t' && !(multi_line && c == '\n')) {
        "it has no escapes, and holds no control characters but tab (and, of several lines, line feed)"
    } else {
        if beside.before == Before::Opening && (text.is_empty() || text.starts_with('\n')) {
            out.push('\n');
        }
        out.push_str(text);
        return Ok(());
    };
    Err(Refusal::value("a literal toml string", reason, "leave the quotes out, or use `\"`"))
}

fn comment(text: &str) -> Result<&str, Refusal> {
    if text.chars().any(|c| c.is_ascii_control() && c != '\t') {
        let reason = "a comment ends with its line, and holds no control characters but tab";
        return Err(Refusal::value("a toml comment", reason, ""));
    }
    Ok(text)
}
